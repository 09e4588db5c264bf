/*
 * The checks at the end, when every run is closed and nothing fails any more:
 *
 *   4  what was acknowledged is there: each acknowledged signal and activity result stands in the
 *      histories exactly once, each unacknowledged one at most once; the store holds the history
 *      that was committed
 *   5  nothing is left to do: no task rows, no outbox rows
 *   6  lists and counts show each run's true status
 */
#include "sim.h"

#include "store/vis_query.h"
#include "wire/wire.h"

static void check_deeds(void)
{
    size_t cursor = 0;
    struct sk_str name;
    void *value;
    while (sk_map_next(sim->deeds, &cursor, &name, &value)) {
        const struct sim_deed *deed = value;
        SIM_CHECK(deed->seen <= 1 || deed->repeats, SK_STR_FMT " happened %d times",
                  SK_STR_ARG(name), deed->seen);
        SIM_CHECK(deed->seen || !deed->acknowledged, SK_STR_FMT " was acknowledged and is lost",
                  SK_STR_ARG(name));
    }
}

static void check_run_history(struct sk_arena *arena, const struct sim_run *run)
{
    struct sk_ctx ctx = {.arena = arena};
    struct sk_run_key key = {sim->ns->id, sk_str_of(run->workflow_id), run->uuid};
    struct sk_history_batch *batches;
    size_t count;
    int64_t last = 0;
    sk_err err = sk_store_history_read(sim->base, &ctx, &key, 1, INT64_MAX, SIZE_MAX, false,
                                       &batches, &count);
    SIM_CHECK(!err, "history of %s: %s", run->run_id, sk_err_name(err));
    for (size_t i = 0; i < count; i++) {
        int64_t first = 0, to = 0;
        err = sk_wire_history_range(&ctx, batches[i].events, &first, &to);
        SIM_CHECK(!err && first == last + 1 && first == batches[i].first_event_id &&
                      to == batches[i].last_event_id,
                  "batch %zu of %s does not fit", i, run->run_id);
        last = to;
    }
    SIM_CHECK(last == run->last_event_id, "the store holds %lld events of %s, %lld were committed",
              (long long)last, run->run_id, (long long)run->last_event_id);
}

static void check_gone(struct sk_arena *arena, const struct sim_run *run)
{
    struct sk_ctx ctx = {.arena = arena};
    struct sk_run_key key = {sim->ns->id, sk_str_of(run->workflow_id), run->uuid};
    struct sk_history_batch *batches;
    struct sk_exec_row row;
    size_t count;
    sk_err err = sk_store_history_read(sim->base, &ctx, &key, 1, INT64_MAX, SIZE_MAX, false,
                                       &batches, &count);
    SIM_CHECK(!err && !count, "deleted %s still has a history", run->run_id);
    err = sk_store_exec_get(sim->base, &ctx, &key, &row);
    SIM_CHECK(err == SK_NOT_FOUND, "deleted %s is still there", run->run_id);
}

static void check_rows(struct sk_arena *arena)
{
    struct sk_ctx ctx = {.arena = arena};
    struct sk_queue_key *queues;
    struct sk_outbox_row *outbox;
    size_t count, cursor = 0;
    struct sk_str key;
    void *run;
    if (sk_map_next(sim->rows, &cursor, &key, &run))
        SIM_CHECK(false, "task row " SK_STR_FMT " of %s is left behind", SK_STR_ARG(key),
                  (char *)run);
    sk_err err = sk_store_queues_read(sim->base, &ctx, &queues, &count);
    SIM_CHECK(!err && !count, "%zu queues still have tasks", count);
    err = sk_store_outbox_read(sim->base, &ctx, 1, 0, 10, &outbox, &count);
    SIM_CHECK(!err && !count, "%zu outbox rows are left behind, %lld of " SK_STR_FMT " first",
              count, count ? (long long)outbox[0].id : 0,
              SK_STR_ARG(count ? outbox[0].source.workflow_id : SK_STR("")));
}

static void check_visibility(struct sk_arena *arena)
{
    struct sk_ctx ctx = {.arena = arena};
    struct sk_vis_query query = {.ns = sim->ns->id, .page_size = 100000};
    struct sk_vis_page page;
    struct sk_vis_counts counts;
    size_t runs = 0;
    sk_err err = sk_store_vis_list(sim->base, &ctx, &query, &page);
    SIM_CHECK(!err, "list: %s", sk_err_name(err));
    for (size_t i = 0; i < page.count; i++) {
        char text[SK_UUID_TEXT];
        sk_uuid_format(page.rows[i].run.run_id, text);
        const struct sim_run *run = sim_run_find(text);
        SIM_CHECK(run && run->status == page.rows[i].status, "the list shows %s with status %d",
                  text, page.rows[i].status);
        SIM_CHECK(page.rows[i].close_ns > 0, "the list shows %s without a close time", text);
        SIM_CHECK(page.rows[i].history_length == run->last_event_id,
                  "the list shows %lld events of %s, it has %lld",
                  (long long)page.rows[i].history_length, text, (long long)run->last_event_id);
    }
    for (const struct sim_run *run = sim->first; run; run = run->next)
        runs += !run->deleted;
    SIM_CHECK(runs == page.count, "the list shows %zu runs of %zu", page.count, runs);
    err = sk_store_vis_count(sim->base, &ctx, &query, &counts);
    SIM_CHECK(!err && (size_t)counts.total == runs, "the count is %lld of %zu",
              (long long)counts.total, runs);
}

void sim_check_end(void)
{
    struct sk_arena *arena = sk_arena_new(0);
    check_deeds();
    for (const struct sim_run *run = sim->first; run; run = run->next) {
        SIM_CHECK(!sim_run_open(run), "%s of %s never ended", run->run_id, run->workflow_id);
        if (run->deleted)
            check_gone(arena, run);
        else
            check_run_history(arena, run);
    }
    check_rows(arena);
    check_visibility(arena);
    sk_arena_free(arena);
}
