/*
 * The window of one list: its page and spare rows behind it, in the list's order, kept right by the
 * rows that commits write.
 *
 * INV-1 slots are in order, and rows holds exactly their rows by run id.
 * INV-2 if `more` is false the window holds every row that matches; if it is true, every row that
 *       matches and is not in the window stands behind all that are. So a row that belongs behind
 *       the last one is not taken in while `more`: what is between is not known.
 * INV-3 `in_page` is true for exactly the first `page` slots, and `changed` is not older than the
 *       moment a slot came into the page. Hence what a client that saw version v is missing is the
 *       slots of the page with changed > v, and the order if order_version > v. Nothing has to be
 *       remembered for a client, and a slow one costs nothing.
 *
 * Spare rows are as many as the page has (at least SPARE_MIN): when rows leave the page, spares
 * move up without a query. When they run out, live_list_short says so and topic.c asks the store.
 *
 * A row costs a look-up, and a filter's evaluation; changes in the window move at most capacity
 * slots of 24 bytes.
 *
 * Thread: loop 0; no clock, no store: a plain data structure, tested as such. Failure: none.
 */
#include <string.h>
#include "base/assert.h"
#include "live/live_internal.h"

#define SPARE_MIN 200

void live_list_init(struct live_list *list, const struct sk_namespace *ns,
                    const struct sk_vis_query *query, size_t page)
{
    *list = (struct live_list){.query = *query, .ns = ns, .page = page};
    list->capacity = page + (page > SPARE_MIN ? page : SPARE_MIN);
    list->slots = sk_mem_zalloc((list->capacity + 1) * sizeof *list->slots);
    list->rows = sk_map_new();
    list->more = true; // nothing is known yet
}

void live_list_fini(struct live_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        live_row_unref(list->slots[i].row);
    sk_mem_free(list->slots);
    sk_map_free(list->rows);
    *list = (struct live_list){0};
}

/* ---- places ---- */

static struct sk_str key_of(const struct sk_uuid *run_id)
{
    return (struct sk_str){(const char *)run_id->b, SK_UUID_SIZE};
}

static bool same_place(const struct live_list *list, const struct sk_vis_row *a,
                       const struct sk_vis_row *b)
{
    const struct sk_vis_order *order = &list->query.order;
    struct sk_vis_place x = sk_vis_place_of(order, a), y = sk_vis_place_of(order, b);
    return sk_vis_place_compare(order, &x, &y) == 0;
}

/* The first slot that does not stand before the place. */
static size_t find(const struct live_list *list, const struct sk_vis_row *row)
{
    const struct sk_vis_order *order = &list->query.order;
    struct sk_vis_place place = sk_vis_place_of(order, row);
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        struct sk_vis_place at = sk_vis_place_of(order, &list->slots[middle].row->vis);
        if (sk_vis_place_compare(order, &at, &place) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* After slots moved: INV-3 at the page's edge, where at most one slot crossed each way. */
static void mend_edge(struct live_list *list, int64_t version)
{
    if (list->count >= list->page && !list->slots[list->page - 1].in_page) {
        list->slots[list->page - 1].in_page = true;
        list->slots[list->page - 1].changed = version;
    }
    if (list->count > list->page)
        list->slots[list->page].in_page = false;
}

static void take_out(struct live_list *list, size_t at, int64_t version)
{
    struct live_row *row = list->slots[at].row;
    list->bytes -= row->bytes;
    sk_map_remove(list->rows, key_of(&row->vis.run.run_id));
    live_row_unref(row);
    list->count--;
    memmove(&list->slots[at], &list->slots[at + 1], (list->count - at) * sizeof *list->slots);
    mend_edge(list, version);
}

static void put_in(struct live_list *list, size_t at, struct live_row *row, int64_t version)
{
    memmove(&list->slots[at + 1], &list->slots[at], (list->count - at) * sizeof *list->slots);
    list->slots[at] = (struct live_slot){row, version, at < list->page};
    row->refs++;
    list->count++;
    list->bytes += row->bytes;
    sk_map_put(list->rows, key_of(&row->vis.run.run_id), row);
    mend_edge(list, version);
    if (list->count > list->capacity) {
        list->more = true;
        take_out(list, list->count - 1, version);
    }
}

/* Whether more rows match than the page shows. */
static bool further(const struct live_list *list)
{
    return list->more || list->count > list->page;
}

bool live_list_short(const struct live_list *list)
{
    return list->more && list->count < list->page;
}

/* ---- changes ---- */

static bool moved(struct live_list *list, bool further_before, size_t from, size_t to,
                  int64_t version)
{
    if (from >= list->page && to >= list->page && further(list) == further_before)
        return false;
    list->order_version = version;
    return true;
}

bool live_list_remove(struct live_list *list, struct sk_uuid run_id, int64_t version)
{
    struct live_row *row = sk_map_get(list->rows, key_of(&run_id));
    if (!row)
        return false;
    bool before = further(list);
    size_t at = find(list, &row->vis);
    SK_ASSERT(at < list->count && list->slots[at].row == row);
    take_out(list, at, version);
    return moved(list, before, at, SIZE_MAX, version);
}

/* The same place: nothing moves. */
static bool replace(struct live_list *list, size_t at, struct live_row *row, int64_t version)
{
    struct live_slot *slot = &list->slots[at];
    list->bytes += row->bytes - slot->row->bytes;
    sk_map_put(list->rows, key_of(&row->vis.run.run_id), row);
    live_row_unref(slot->row);
    row->refs++;
    slot->row = row;
    slot->changed = version;
    return slot->in_page;
}

bool live_list_put(struct live_list *list, struct live_row *row, struct sk_arena *scratch,
                   int64_t version)
{
    bool matches = sk_vis_row_matches(&list->query, &row->vis, scratch);
    struct live_row *old = sk_map_get(list->rows, key_of(&row->vis.run.run_id));
    bool before = further(list);
    size_t from = SIZE_MAX, to = SIZE_MAX;
    if (!matches && !old)
        return false;
    if (old) {
        from = find(list, &old->vis);
        SK_ASSERT(from < list->count && list->slots[from].row == old);
        if (matches && same_place(list, &old->vis, &row->vis))
            return replace(list, from, row, version);
        take_out(list, from, version);
    }
    if (matches) {
        to = find(list, &row->vis);
        if (to == list->count && list->more)
            to = SIZE_MAX; // INV-2
        else
            put_in(list, to, row, version);
    }
    return moved(list, before, from, to, version);
}

/* ---- a query's answer ---- */

void live_list_load(struct live_list *list, struct live_row **rows, size_t count, bool more,
                    int64_t version)
{
    struct live_slot *slots = sk_mem_zalloc((list->capacity + 1) * sizeof *slots);
    struct sk_map *by_run = sk_map_new();
    SK_ASSERT(count <= list->capacity);
    list->bytes = 0;
    for (size_t i = 0; i < count; i++) {
        struct live_row *known = sk_map_get(list->rows, key_of(&rows[i]->vis.run.run_id));
        slots[i] = (struct live_slot){rows[i], version, i < list->page};
        if (known && live_row_same(known, rows[i])) { // its JSON is made, clients have it
            live_row_unref(rows[i]);
            slots[i].row = known;
            known->refs++;
            size_t at = find(list, &known->vis);
            if (list->slots[at].in_page && slots[i].in_page)
                slots[i].changed = list->slots[at].changed;
        }
        list->bytes += slots[i].row->bytes;
        sk_map_put(by_run, key_of(&slots[i].row->vis.run.run_id), slots[i].row);
    }
    for (size_t i = 0; i < list->count; i++)
        live_row_unref(list->slots[i].row);
    sk_mem_free(list->slots);
    sk_map_free(list->rows);
    list->slots = slots;
    list->rows = by_run;
    list->count = count;
    list->more = more;
    list->order_version = version;
}

void live_list_trim(struct live_list *list)
{
    while (list->count > list->page) {
        list->more = true;
        take_out(list, list->count - 1, 0); // behind the page: no version changes
    }
}

/* ---- shown ---- */

static void print_order(const struct live_list *list, size_t shown, struct sk_buf *out)
{
    char id[SK_UUID_TEXT];
    sk_buf_str(out, "\"runIds\":[");
    for (size_t i = 0; i < shown; i++) {
        sk_uuid_format(list->slots[i].row->vis.run.run_id, id);
        sk_buf_printf(out, "%s\"%s\"", i ? "," : "", id);
    }
    sk_buf_str(out, "]");
}

void live_list_print(struct live_list *list, int64_t since, struct sk_buf *out)
{
    size_t shown = list->count < list->page ? list->count : list->page;
    sk_buf_str(out, since < 0 ? "\"list\":{\"snapshot\":true," : "\"list\":{");
    sk_buf_str(out, "\"executions\":[");
    bool first = true;
    for (size_t i = 0; i < shown; i++) {
        if (list->slots[i].changed <= since)
            continue;
        struct sk_str json = live_row_json(list->slots[i].row, list->ns);
        if (!first)
            sk_buf_str(out, ",");
        sk_buf_append(out, json.p, json.n);
        first = false;
    }
    sk_buf_str(out, "],");
    print_order(list, shown, out);
    if (further(list))
        sk_buf_str(out, ",\"more\":true");
    if (live_list_short(list))
        sk_buf_str(out, ",\"shortPage\":true");
    sk_buf_str(out, "}");
}
