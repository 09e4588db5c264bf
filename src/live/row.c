/*
 * A visibility row as the push stream keeps it: copied once from the commit that wrote it, never
 * changed, shared by all lists that it is in. One allocation with its strings and values; its JSON
 * is made when a page first shows it.
 *
 * Very large rows would fill the memory that all lists share: a memo beyond LIVE_MEMO_BYTES_MAX
 * and, if that is not enough, the search attributes are left out of what is shown. Filters still
 * see all values: they are tested before anything is kept.
 *
 * Thread: made on the loop that commits, then loop 0's. Failure: none.
 */
#include <string.h>
#include "live/live_internal.h"
#include "visibility/visibility.h"
#include "wire/json.h"

#define JSON_NAMES 512 /* bytes of the members' names of a row's JSON; its values are base64 */

/* ---- one allocation ---- */

struct packer {
    char *at;
    bool write;
    size_t size;
};

static void *take(struct packer *p, size_t n, size_t alignment)
{
    p->size = (p->size + alignment - 1) / alignment * alignment;
    void *at = p->at + p->size;
    p->size += n;
    return at;
}

static void pack_str(struct packer *p, struct sk_str *s)
{
    char *to = take(p, s->n, 1);
    if (!p->write)
        return;
    if (s->n)
        memcpy(to, s->p, s->n);
    s->p = to;
}

static void pack_value(struct packer *p, struct sk_sa_value *value)
{
    pack_str(p, &value->s);
    if (!value->list_count)
        return;
    struct sk_str *list = take(p, value->list_count * sizeof *list, sizeof(void *));
    for (size_t i = 0; i < value->list_count; i++) {
        struct sk_str item = value->list[i];
        pack_str(p, &item);
        if (p->write)
            list[i] = item;
    }
    if (p->write)
        value->list = list;
}

/* Twice: once to measure, once to write. The same steps, so that they cannot differ. */
static void pack(struct packer *p, struct sk_vis_row *row)
{
    struct sk_sa_value *values = take(p, row->value_count * sizeof *values, sizeof(void *));
    for (size_t i = 0; i < row->value_count; i++) {
        struct sk_sa_value value = row->values[i];
        pack_value(p, &value);
        if (p->write)
            values[i] = value;
    }
    if (p->write)
        row->values = values;
    struct sk_str *const strings[] = {
        &row->run.workflow_id,    &row->type,          &row->task_queue,
        &row->division,           &row->memo,          &row->search_attributes,
        &row->parent_workflow_id, &row->parent_run_id, &row->root_workflow_id,
        &row->root_run_id};
    for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++)
        pack_str(p, strings[i]);
}

struct live_row *live_row_new(const struct sk_vis_row *row)
{
    struct sk_vis_row vis = *row;
    if (vis.memo.n > LIVE_MEMO_BYTES_MAX)
        vis.memo = (struct sk_str){0};
    if (vis.search_attributes.n > LIVE_ROW_BYTES_MAX)
        vis.search_attributes = (struct sk_str){0};
    struct packer p = {.at = NULL, .size = sizeof(struct live_row)};
    struct sk_vis_row measured = vis;
    pack(&p, &measured);
    struct live_row *made = sk_mem_alloc(p.size);
    *made = (struct live_row){.refs = 1, .bytes = 2 * p.size + p.size / 3 + JSON_NAMES};
    p = (struct packer){.at = (char *)made, .write = true, .size = sizeof *made};
    pack(&p, &vis);
    made->vis = vis;
    return made;
}

void live_row_unref(struct live_row *row)
{
    if (--row->refs)
        return;
    sk_mem_free(row->json);
    sk_mem_free(row);
}

/* ---- shown ---- */

struct sk_str live_row_json(struct live_row *row, const struct sk_namespace *ns)
{
    if (!row->json) {
        struct sk_ctx ctx = {.arena = sk_arena_new(0)};
        struct sk_buf text = SK_BUF_INIT;
        sk_wire_json_print(&text, &sk_vis_info(ctx.arena, ns, &row->vis)->base, 0);
        row->json = text.p;
        row->json_size = text.n;
        sk_arena_free(ctx.arena);
    }
    return (struct sk_str){row->json, row->json_size};
}

bool live_row_same(const struct live_row *a, const struct live_row *b)
{
    const struct sk_vis_row *x = &a->vis, *y = &b->vis;
    return x->status == y->status && x->start_ns == y->start_ns && x->close_ns == y->close_ns &&
           x->execution_ns == y->execution_ns && x->history_length == y->history_length &&
           x->state_transitions == y->state_transitions &&
           sk_str_eq(x->search_attributes, y->search_attributes) && sk_str_eq(x->memo, y->memo);
}
