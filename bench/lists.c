/*
 * What a list costs by the order it is in: a SQLite store of many runs (one in ten open, ids that
 * are uuids, twenty types, half of them with a keyword, memos of 200 bytes), then for each order
 * the time of the first page, of one in the middle, and of the first of the open ones; then what a
 * quick list takes while others look at all runs, again and again.
 *
 *   lists-bench PATH [runs] [page]          PATH must not exist
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/random.h"
#include "rt/rt.h"
#include "store/vis_query.h"

#define BATCH 500
#define SEC 1000000000LL

struct bench {
    struct sk_rt *rt;
    const char *path;
    int runs, page;
    struct sk_store *store;
    struct sk_ctx ctx;
    struct sk_random *random;
};

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int64_t below(struct bench *b, int64_t n)
{
    return (int64_t)sk_random_below(b->random, (uint64_t)n);
}

static void make_row(struct bench *b, struct sk_arena *arena, int i, struct sk_vis_row *row)
{
    static char memo[200];
    struct sk_uuid id;
    char text[SK_UUID_TEXT];
    struct sk_sa_value *value = SK_NEW(arena, struct sk_sa_value);
    sk_random_bytes(b->random, &id, sizeof id);
    sk_uuid_format(id, text);
    *row = (struct sk_vis_row){.run.ns = 1, .task_queue = SK_STR("orders")};
    row->run.workflow_id = sk_str_of(sk_arena_printf(arena, "order-%s", text));
    row->run.run_id = id;
    for (int k = 0; k < 6; k++) // version 7: the time first
        row->run.run_id.b[k] = (uint8_t)((uint64_t)i >> 8 * (5 - k));
    row->type = sk_str_of(sk_arena_printf(arena, "OrderWorkflow%d", (int)below(b, 20)));
    row->start_ns = row->execution_ns = 1700000000 * SEC + i * SEC;
    row->close_ns = below(b, 10) ? row->start_ns + below(b, 3600) * SEC : 0;
    row->status = row->close_ns ? 2 + (int)below(b, 3) : 1;
    row->history_length = 3 + below(b, 200);
    row->root_workflow_id = row->run.workflow_id;
    row->memo = (struct sk_str){memo, sizeof memo};
    *value = (struct sk_sa_value){.type = SK_SA_KEYWORD, .slot = 1};
    value->s = sk_str_of(sk_arena_printf(arena, "customer-%d", (int)below(b, 5000)));
    row->values = value;
    row->value_count = below(b, 2);
}

static void fill(struct bench *b)
{
    struct sk_op *ops = sk_mem_zalloc(BATCH * sizeof *ops);
    struct sk_txn txn = {.slot = 1, .ops = ops};
    SK_ASSERT(sk_store_lease(b->store, &b->ctx, 1, &txn.epoch) == SK_OK);
    for (int i = 0; i < b->runs; i += BATCH) {
        struct sk_arena *arena = sk_arena_new(0);
        txn.op_count = (size_t)(b->runs - i < BATCH ? b->runs - i : BATCH);
        for (size_t k = 0; k < txn.op_count; k++) {
            ops[k] = (struct sk_op){.kind = SK_OP_VIS_PUT};
            make_row(b, arena, i + (int)k, &ops[k].vis);
        }
        SK_ASSERT(sk_store_commit(b->store, &b->ctx, &txn) == SK_OK);
        sk_arena_free(arena);
    }
    sk_mem_free(ops);
}

/* The best of three; the page's last place into *ret. */
static double measure(struct bench *b, struct sk_vis_query *q, struct sk_vis_place *ret)
{
    double best = 1e9;
    for (int turn = 0; turn < 3; turn++) {
        struct sk_ctx ctx = {.arena = sk_arena_new(0)};
        struct sk_vis_page page;
        double begin = now_ms();
        if (sk_store_vis_list(b->store, &ctx, q, &page) != SK_OK)
            SK_PANIC("%s", ctx.err.message);
        double took = now_ms() - begin;
        best = took < best ? took : best;
        if (page.count) {
            *ret = sk_vis_place_of(&q->order, &page.rows[page.count - 1]);
            ret->value.s = (struct sk_str){"", 0}; // its text goes with the arena
        }
        sk_arena_free(ctx.arena);
    }
    return best;
}

static void show(struct bench *b, const char *name, struct sk_vis_order order)
{
    struct sk_vis_literal running = {.type = SK_LIT_INT, .i = 1};
    struct sk_vis_node open = {SK_VIS_EQ, {.column = SK_VIS_STATUS}, &running, 1, NULL, NULL};
    struct sk_vis_query q = {.ns = 1, .order = order, .page_size = (size_t)b->page};
    struct sk_vis_place place = {0};
    double first = measure(b, &q, &place);
    q.has_cursor = true;
    q.after = place;
    if (place.value.type == SK_LIT_STRING)
        q.after.value.s = SK_STR("order-8");
    q.after.start_ns = 1700000000 * SEC + b->runs / 2 * SEC;
    if (order.field.column == SK_VIS_START_TIME)
        q.after.value.i = q.after.start_ns;
    double middle = measure(b, &q, &place);
    q.has_cursor = false;
    q.filter = &open;
    printf("%-24s %-4s  first %7.1f ms   middle %7.1f ms   open ones %7.1f ms\n", name,
           order.descending ? "desc" : "asc", first, middle, measure(b, &q, &place));
}

/* ---- beside slow lists ---- */

#define QUICK 200
#define QUICK_EVERY_MS 5
#define SLOW_MAX 4

struct slow {
    struct bench *b;
    bool stop, over;
    int lists;
};

static void slow_fiber(void *arg)
{
    struct slow *slow = arg;
    struct sk_vis_query q = {.ns = 1, .page_size = (size_t)slow->b->page};
    q.order = (struct sk_vis_order){true, false, {.column = SK_VIS_HISTORY_LENGTH}};
    while (!slow->stop) {
        struct sk_ctx ctx = {.arena = sk_arena_new(0)};
        struct sk_vis_page page;
        if (sk_store_vis_list(slow->b->store, &ctx, &q, &page) != SK_OK)
            SK_PANIC("%s", ctx.err.message);
        slow->lists++;
        sk_arena_free(ctx.arena);
    }
    slow->over = true;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void show_beside(struct bench *b, int count)
{
    struct slow slow[SLOW_MAX];
    double took[QUICK];
    int lists = 0;
    double begin = now_ms();
    for (int i = 0; i < count; i++) {
        slow[i] = (struct slow){.b = b};
        sk_fiber_spawn(slow_fiber, &slow[i]);
    }
    for (int i = 0; i < QUICK; i++) {
        struct sk_ctx ctx = {.arena = sk_arena_new(0)};
        struct sk_vis_query q = {.ns = 1, .page_size = (size_t)b->page};
        struct sk_vis_page page;
        sk_fiber_sleep(QUICK_EVERY_MS);
        double at = now_ms();
        if (sk_store_vis_list(b->store, &ctx, &q, &page) != SK_OK)
            SK_PANIC("%s", ctx.err.message);
        took[i] = now_ms() - at;
        sk_arena_free(ctx.arena);
    }
    double s = (now_ms() - begin) / 1e3;
    for (int i = 0; i < count; i++) {
        slow[i].stop = true;
        while (!slow[i].over)
            sk_fiber_sleep(1);
        lists += slow[i].lists;
    }
    qsort(took, QUICK, sizeof *took, by_size);
    printf("a quick list beside %d slow ones (%.0f/s): p50 %.1f ms, p99 %.1f ms, longest %.1f ms\n",
           count, lists / s, took[QUICK / 2], took[QUICK * 99 / 100], took[QUICK - 1]);
}

static void main_fiber(void *arg)
{
    static const struct {
        const char *name;
        struct sk_vis_field field;
    } orders[] = {
        {"WorkflowId", {.column = SK_VIS_WORKFLOW_ID}},
        {"WorkflowType", {.column = SK_VIS_WORKFLOW_TYPE}},
        {"ExecutionStatus", {.column = SK_VIS_STATUS}},
        {"CloseTime", {.column = SK_VIS_CLOSE_TIME}},
        {"Keyword attribute", {SK_VIS_SEARCH_ATTRIBUTE, SK_SA_KEYWORD, 1, NULL}},
        {"StartTime", {.column = SK_VIS_START_TIME}},
        {"ExecutionDuration", {.column = SK_VIS_DURATION}},
        {"HistoryLength", {.column = SK_VIS_HISTORY_LENGTH}},
        {"TaskQueue", {.column = SK_VIS_TASK_QUEUE}},
    };
    struct bench *b = arg;
    struct sk_sqlite_options o = {.path = b->path, .binary_version = "bench"};
    b->ctx.arena = sk_arena_new(0);
    b->random = sk_random_new_seeded(1);
    if (sk_sqlite_open(&b->ctx, &o, &b->store) != SK_OK)
        SK_PANIC("%s", b->ctx.err.message);
    double begin = now_ms();
    fill(b);
    printf("%d runs written in %.1f s\n", b->runs, (now_ms() - begin) / 1e3);
    show(b, "the list's own", (struct sk_vis_order){.by_field = false});
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        for (int down = 0; down < 2; down++)
            show(b, orders[i].name, (struct sk_vis_order){true, down, orders[i].field});
    for (int count = 0; count <= SLOW_MAX; count++)
        show_beside(b, count);
    sk_store_close(b->store);
    sk_random_free(b->random);
    sk_arena_free(b->ctx.arena);
    sk_rt_stop(b->rt);
}

int main(int argc, char **argv)
{
    struct bench b = {.runs = 100000, .page = 100};
    if (argc < 2) {
        fprintf(stderr, "usage: %s PATH [runs] [page]\n", argv[0]);
        return 2;
    }
    b.path = argv[1];
    if (argc > 2)
        b.runs = (int)strtol(argv[2], NULL, 10);
    if (argc > 3)
        b.page = (int)strtol(argv[3], NULL, 10);
    struct sk_rt_options o = {.loop_count = 1};
    b.rt = sk_rt_new(&o);
    sk_rt_run(b.rt, main_fiber, &b);
    sk_rt_free(b.rt);
    return 0;
}
