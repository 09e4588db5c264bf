/* The window of a pushed list, against a plain model: whatever is written, deleted and loaded, the
 * page is the list's first rows, and a client that patches what it has with what is printed for it
 * has the page too, however late it asks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "live/live_internal.h"

#define RUNS 800
#define CLIENTS 3
#define PAGE 20

static const struct sk_namespace ns = {.id = 1, .name = "default"};

/* ---- the model ---- */

struct model {
    bool there[RUNS];
    struct sk_vis_row rows[RUNS];
};

static struct sk_uuid run_id(int i)
{
    struct sk_uuid id = {{0}};
    id.b[0] = 0x10;
    id.b[14] = (unsigned char)(i >> 8);
    id.b[15] = (unsigned char)i;
    return id;
}

static struct sk_vis_row row_of(int i, int status, int64_t start, int64_t close)
{
    struct sk_vis_row row = {.status = status, .start_ns = start, .close_ns = close};
    row.run = (struct sk_run_key){1, SK_STR("w"), run_id(i)};
    row.type = SK_STR("T");
    row.execution_ns = start;
    row.history_length = close % 7;
    return row;
}

/* What a row is sorted by in some worlds: few values, and some rows without. */
static void give_value(struct sk_vis_row *row, int64_t i)
{
    static const struct sk_sa_value values[] = {
        {.type = SK_SA_KEYWORD, .slot = 3, .s = {"red", 3}},
        {.type = SK_SA_KEYWORD, .slot = 3, .s = {"green", 5}},
        {.type = SK_SA_KEYWORD, .slot = 3, .s = {"blue", 4}},
    };
    row->value_count = i % 4 != 3;
    row->values = row->value_count ? &values[i % 4] : NULL;
}

static const struct sk_vis_order *sorted_by; // of the world at hand: qsort hands nothing on

static int by_place(const void *a, const void *b)
{
    struct sk_vis_place x = sk_vis_place_of(sorted_by, a), y = sk_vis_place_of(sorted_by, b);
    return sk_vis_place_compare(sorted_by, &x, &y);
}

/* All that match, in order. */
static size_t expected(const struct model *m, const struct sk_vis_query *query,
                       struct sk_vis_row *ret)
{
    struct sk_arena *scratch = sk_arena_new(0);
    size_t n = 0;
    for (int i = 0; i < RUNS; i++)
        if (m->there[i] && sk_vis_row_matches(query, &m->rows[i], scratch))
            ret[n++] = m->rows[i];
    sorted_by = &query->order;
    qsort(ret, n, sizeof *ret, by_place);
    sk_arena_free(scratch);
    return n;
}

/* ---- a client ---- */

struct client {
    int64_t version;
    json_t *rows; /* run id -> execution */
    json_t *order;
};

static void client_read(struct client *c, struct live_list *list, int64_t version)
{
    struct sk_buf text = SK_BUF_INIT;
    sk_buf_str(&text, "{");
    live_list_print(list, c->version, &text);
    sk_buf_str(&text, "}");
    json_error_t error;
    json_t *event = json_loadb(text.p, text.n, 0, &error);
    assert_non_null(event);
    json_t *body = json_object_get(event, "list");
    if (json_is_true(json_object_get(body, "snapshot")))
        json_object_clear(c->rows);
    size_t i;
    json_t *at;
    json_array_foreach(json_object_get(body, "executions"), i, at)
    {
        const char *id =
            json_string_value(json_object_get(json_object_get(at, "execution"), "runId"));
        json_object_set(c->rows, id, at);
    }
    json_decref(c->order);
    c->order = json_incref(json_object_get(body, "runIds"));
    json_t *kept = json_object(); // what is not named has left the page, and is forgotten
    json_array_foreach(c->order, i, at)
    {
        json_t *row = json_object_get(c->rows, json_string_value(at));
        assert_non_null(row); // it was told of every row that it has to show
        json_object_set(kept, json_string_value(at), row);
    }
    json_decref(c->rows);
    c->rows = kept;
    json_decref(event);
    sk_buf_fini(&text);
    c->version = version;
}

static void check_client(const struct client *c, const struct sk_vis_row *rows, size_t count)
{
    size_t shown = count < PAGE ? count : PAGE;
    assert_int_equal(json_array_size(c->order), shown);
    for (size_t i = 0; i < shown; i++) {
        char id[SK_UUID_TEXT];
        sk_uuid_format(rows[i].run.run_id, id);
        assert_string_equal(json_string_value(json_array_get(c->order, i)), id);
        json_t *row = json_object_get(c->rows, id);
        bool closed = json_object_get(row, "closeTime") != NULL;
        assert_int_equal(closed, rows[i].close_ns != 0);
    }
}

/* ---- the test ---- */

struct world {
    struct model m;
    struct live_list list;
    struct sk_vis_query query;
    struct client clients[CLIENTS];
    struct sk_arena *scratch;
    struct sk_random *random;
    int64_t version, clock;
    bool loaded;
};

static int pick(struct world *w, int below)
{
    return (int)sk_random_below(w->random, (uint64_t)below);
}

/* What topic.c does when rows ran out. */
static void load(struct world *w)
{
    struct sk_vis_row rows[RUNS];
    size_t n = expected(&w->m, &w->query, rows);
    size_t kept = n < w->list.capacity ? n : w->list.capacity;
    struct live_row *copies[RUNS];
    for (size_t i = 0; i < kept; i++)
        copies[i] = live_row_new(&rows[i]);
    live_list_load(&w->list, copies, kept, n > kept, ++w->version);
    w->version++;
}

static void step(struct world *w)
{
    int i = pick(w, RUNS), what = pick(w, 10);
    w->clock += pick(w, 3);
    if (what == 0) {
        w->m.there[i] = false;
        (void)live_list_remove(&w->list, run_id(i), ++w->version);
    } else {
        if (!w->m.there[i])
            w->m.rows[i] = row_of(i, 1, w->clock, 0);
        else if (what < 6 && w->m.rows[i].status == 1)
            w->m.rows[i] = row_of(i, 2, w->m.rows[i].start_ns, ++w->clock);
        if (what == 9)
            give_value(&w->m.rows[i], pick(w, 4));
        w->m.there[i] = true;
        struct live_row *row = live_row_new(&w->m.rows[i]);
        (void)live_list_put(&w->list, row, w->scratch, ++w->version);
        live_row_unref(row);
    }
    w->version++;
    if (live_list_short(&w->list))
        load(w);
}

static void check(struct world *w)
{
    struct sk_vis_row rows[RUNS];
    size_t n = expected(&w->m, &w->query, rows);
    assert_true(w->list.count <= w->list.capacity);
    assert_true(w->list.more || w->list.count == n);
    for (size_t i = 0; i < w->list.count; i++) {
        assert_memory_equal(&rows[i].run.run_id, &w->list.slots[i].row->vis.run.run_id,
                            SK_UUID_SIZE);
        assert_int_equal(w->list.slots[i].in_page, i < PAGE);
    }
    for (int i = 0; i < CLIENTS; i++)
        if (pick(w, 3 * i + 1) == 0) {
            client_read(&w->clients[i], &w->list, w->version);
            check_client(&w->clients[i], rows, n);
        }
}

static void run_world(uint64_t seed, const struct sk_vis_node *filter, struct sk_vis_order order)
{
    struct world *w = sk_mem_zalloc(sizeof *w);
    w->random = sk_random_new_seeded(seed);
    w->scratch = sk_arena_new(0);
    w->query = (struct sk_vis_query){.ns = 1, .filter = filter, .order = order};
    w->clock = 1000000;
    w->version = 1;
    live_list_init(&w->list, &ns, &w->query, PAGE);
    for (int i = 0; i < CLIENTS; i++)
        w->clients[i] = (struct client){-1, json_object(), json_array()};
    for (int i = 0; i < RUNS / 2; i++) {
        w->m.there[i] = true;
        w->m.rows[i] = row_of(i, 1, 1000 + i, 0);
        give_value(&w->m.rows[i], i);
    }
    load(w);
    for (int i = 0; i < 3000; i++) {
        step(w);
        if (i % 4 == 0)
            check(w);
        if (i == 1500)
            live_list_trim(&w->list);
    }
    for (int i = 0; i < CLIENTS; i++) {
        json_decref(w->clients[i].rows);
        json_decref(w->clients[i].order);
    }
    live_list_fini(&w->list);
    sk_arena_free(w->scratch);
    sk_random_free(w->random);
    sk_mem_free(w);
}

static void test_all_runs(void **state)
{
    for (uint64_t seed = 1; seed <= 4; seed++)
        run_world(seed, NULL, (struct sk_vis_order){.by_field = false});
}

/* By a value that changes, that is missing, that most rows share. */
static void test_by_fields(void **state)
{
    static const struct sk_vis_field fields[] = {
        {SK_VIS_START_TIME, SK_SA_DATETIME, 0, NULL},
        {SK_VIS_CLOSE_TIME, SK_SA_DATETIME, 0, NULL},
        {SK_VIS_STATUS, SK_SA_KEYWORD, 0, NULL},
        {SK_VIS_HISTORY_LENGTH, SK_SA_INT, 0, NULL},
        {SK_VIS_WORKFLOW_ID, SK_SA_KEYWORD, 0, NULL},
        {SK_VIS_SEARCH_ATTRIBUTE, SK_SA_KEYWORD, 3, NULL},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        for (int descending = 0; descending < 2; descending++)
            run_world(i + 1, NULL, (struct sk_vis_order){true, descending, fields[i]});
}

static void test_running_only(void **state)
{
    struct sk_vis_literal running = {.type = SK_LIT_INT, .i = 1};
    struct sk_vis_node node = {.op = SK_VIS_EQ,
                               .field = {SK_VIS_STATUS, SK_SA_INT, 0, NULL},
                               .values = &running,
                               .value_count = 1};
    for (uint64_t seed = 1; seed <= 4; seed++)
        run_world(seed, &node, (struct sk_vis_order){.by_field = false});
}

/* Rows that leave a page are replaced by spares, and no query is wanted before those are used up.
 */
static void test_spares(void **state)
{
    struct sk_arena *scratch = sk_arena_new(0);
    struct sk_vis_query query = {.ns = 1};
    struct live_list list;
    struct live_row *rows[RUNS];
    live_list_init(&list, &ns, &query, PAGE);
    assert_true(live_list_short(&list));
    for (int i = 0; i < 220; i++) {
        struct sk_vis_row row = row_of(i, 1, 10000 - i, 0);
        rows[i] = live_row_new(&row);
    }
    live_list_load(&list, rows, 220, true, 1);
    for (int i = 0; i < 200; i++) {
        assert_true(live_list_remove(&list, run_id(i), 2 + i));
        assert_false(live_list_short(&list));
    }
    assert_true(live_list_remove(&list, run_id(200), 300));
    assert_true(live_list_short(&list));
    // behind the last one: what lies between is not known
    struct sk_vis_row row = row_of(300, 1, 1, 0);
    struct live_row *late = live_row_new(&row);
    assert_false(live_list_put(&list, late, scratch, 301));
    assert_int_equal(list.count, 19);
    live_row_unref(late);
    live_list_fini(&list);
    sk_arena_free(scratch);
}

/* The last row of an incomplete window changes in place: it stays. */
static void test_the_last_row_changes(void **state)
{
    struct sk_arena *scratch = sk_arena_new(0);
    struct sk_vis_query query = {.ns = 1};
    struct live_list list;
    struct live_row *rows[2];
    live_list_init(&list, &ns, &query, PAGE);
    for (int i = 0; i < 2; i++) {
        struct sk_vis_row row = row_of(i, 1, 10 - i, 0);
        rows[i] = live_row_new(&row);
    }
    live_list_load(&list, rows, 2, true, 1);
    struct sk_vis_row row = row_of(1, 1, 9, 0);
    row.state_transitions = 7;
    struct live_row *again = live_row_new(&row);
    assert_true(live_list_put(&list, again, scratch, 2));
    live_row_unref(again);
    assert_int_equal(list.count, 2);
    assert_int_equal(list.slots[1].changed, 2);
    live_list_fini(&list);
    sk_arena_free(scratch);
}

/* A copy owns all it points at; very large parts stay out. */
static void test_rows(void **state)
{
    char memo[LIVE_MEMO_BYTES_MAX + 1] = {0}, text[] = "value";
    struct sk_str items[] = {SK_STR("a"), SK_STR("bc")};
    struct sk_sa_value values[] = {
        {.type = SK_SA_KEYWORD, .slot = 9, .s = sk_str_of(text)},
        {.type = SK_SA_KEYWORD_LIST, .slot = 1, .list = items, .list_count = 2}};
    struct sk_vis_row row = row_of(1, 1, 5, 0);
    row.values = values;
    row.value_count = 2;
    row.memo = (struct sk_str){memo, sizeof memo};
    struct live_row *copy = live_row_new(&row);
    memset(text, 'x', sizeof text);
    items[1] = SK_STR("zz");
    assert_true(sk_str_eq(copy->vis.values[0].s, SK_STR("value")));
    assert_true(sk_str_eq(copy->vis.values[1].list[1], SK_STR("bc")));
    assert_int_equal(copy->vis.memo.n, 0);
    struct sk_str json = live_row_json(copy, &ns);
    assert_non_null(memmem(json.p, json.n, "\"status\":\"WORKFLOW_EXECUTION_STATUS_RUNNING\"", 44));
    live_row_unref(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_runs),
        cmocka_unit_test(test_by_fields),
        cmocka_unit_test(test_running_only),
        cmocka_unit_test(test_spares),
        cmocka_unit_test(test_the_last_row_changes),
        cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
