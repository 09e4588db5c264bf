/* The store's contract but visibility: transitions, conditions, fences, order, pages. */
#include "fixture.h"

#define A(f) ((f)->ctx.arena)

static void starts_and_reads(struct fixture *f)
{
    struct sk_run_key run = run_key(1, "order-1", 1);
    CHECK_OK(COMMIT(f, &run, exec_put(run, 1, 0, "state"), current_put(run, NULL),
                    history(run, 1, 2, "ab"), part_put(run, SK_PART_TIMER, 5, "t5"),
                    part_put(run, SK_PART_ACTIVITY, 9, "a9"),
                    part_put(run, SK_PART_ACTIVITY, 3, "")));
    struct sk_exec_row row;
    CHECK_OK(sk_store_exec_get(f->store, &f->ctx, &run, &row));
    CHECK_INT(row.version, 1);
    CHECK_STR(row.state, "state");
    CHECK_STR(row.run.workflow_id, "order-1");
    CHECK_INT(row.part_count, 3);
    CHECK_INT(row.parts[0].kind, SK_PART_ACTIVITY);
    CHECK_INT(row.parts[0].id, 3);
    CHECK_STR(row.parts[0].body, "");
    CHECK_STR(row.parts[1].body, "a9");
    CHECK_STR(row.parts[2].body, "t5");
    struct sk_uuid current;
    CHECK_OK(sk_store_current_get(f->store, &f->ctx, 1, SK_STR("order-1"), &current));
    CHECK(memcmp(&current, &run.run_id, sizeof(current)) == 0);
}

static void absent_things_are_not_found(struct fixture *f)
{
    struct sk_run_key run = run_key(1, "w", 1), other = run;
    struct sk_exec_row row;
    struct sk_uuid id;
    struct sk_meta_row meta;
    struct sk_inbox_row in = {1, SK_STR("w"), run.run_id, 4, {0}};
    struct sk_uuid *ids;
    struct sk_history_batch *batches;
    size_t n = 99;
    CHECK_ERR(sk_store_exec_get(f->store, &f->ctx, &run, &row), SK_NOT_FOUND);
    CHECK_ERR(sk_store_current_get(f->store, &f->ctx, 1, run.workflow_id, &id), SK_NOT_FOUND);
    CHECK_ERR(sk_store_inbox_get(f->store, &f->ctx, &in), SK_NOT_FOUND);
    CHECK_ERR(sk_store_meta_get(f->store, &f->ctx, SK_STR("k"), SK_STR("x"), &meta), SK_NOT_FOUND);
    CHECK_OK(sk_store_runs_read(f->store, &f->ctx, 1, run.workflow_id, &ids, &n));
    CHECK_INT(n, 0);
    CHECK_OK(sk_store_history_read(f->store, &f->ctx, &run, 1, 9, 100, false, &batches, &n));
    CHECK_INT(n, 0);
    CHECK_OK(COMMIT(f, &run, exec_put(run, 1, 0, "")));
    other.workflow_id = SK_STR("another");
    CHECK_ERR(sk_store_exec_get(f->store, &f->ctx, &other, &row), SK_NOT_FOUND);
    other = run;
    other.ns = 2;
    CHECK_ERR(sk_store_exec_get(f->store, &f->ctx, &other, &row), SK_NOT_FOUND);
}

/* Whatever stands before or after the condition that fails, nothing is written. */
static void refused_leaves_no_trace(struct fixture *f)
{
    struct sk_run_key run = run_key(1, "w", 1), next = run_key(1, "w", 2);
    CHECK_OK(COMMIT(f, &run, exec_put(run, 1, 0, "one"), current_put(run, NULL),
                    inbox(SK_OP_INBOX_PUT, run, next, 7, "first")));
    struct sk_op bad[] = {exec_put(run, 3, 0, "x"), current_put(next, &next),
                          inbox(SK_OP_INBOX_PUT, run, next, 7, "again"), exec_put(run, 1, 0, "x")};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        for (int first = 0; first < 2; first++) {
            struct sk_op good[] = {exec_put(next, 1, 5, "two"), history(next, 1, 1, "h"),
                                   task(SK_OP_TASK_PUT, next, "q", 3, 1),
                                   outbox(SK_OP_OUTBOX_PUT, next, 1, "o")};
            if (first)
                CHECK_ERR(COMMIT(f, &run, bad[i], good[0], good[1], good[2], good[3]),
                          SK_CONDITION);
            else
                CHECK_ERR(COMMIT(f, &run, good[0], good[1], good[2], good[3], bad[i]),
                          SK_CONDITION);
        }
    struct sk_exec_row row;
    struct sk_history_batch *batches;
    struct sk_queue_key *queues;
    struct sk_outbox_row *out;
    size_t n;
    CHECK_ERR(sk_store_exec_get(f->store, &f->ctx, &next, &row), SK_NOT_FOUND);
    CHECK_OK(sk_store_history_read(f->store, &f->ctx, &next, 1, 9, 100, false, &batches, &n));
    CHECK_INT(n, 0);
    CHECK_OK(sk_store_queues_read(f->store, &f->ctx, &queues, &n));
    CHECK_INT(n, 0);
    CHECK_OK(sk_store_outbox_read(f->store, &f->ctx, 1, 0, 10, &out, &n));
    CHECK_INT(n, 0);
    CHECK_OK(sk_store_exec_get(f->store, &f->ctx, &run, &row));
    CHECK_STR(row.state, "one");
}

static void versions_fence(struct fixture *f)
{
    struct sk_run_key run = run_key(1, "w", 1);
    CHECK_OK(COMMIT(f, &run, exec_put(run, 1, 0, "1")));
    CHECK_ERR(COMMIT(f, &run, exec_put(run, 1, 0, "1")), SK_CONDITION);
    CHECK_ERR(COMMIT(f, &run, exec_put(run, 3, 0, "3")), SK_CONDITION);
    CHECK_OK(COMMIT(f, &run, exec_put(run, 2, 0, "2")));
    CHECK_ERR(COMMIT(f, &run, exec_put(run, 2, 0, "2")), SK_CONDITION);
    // twice in one transition, in order
    CHECK_OK(COMMIT(f, &run, exec_put(run, 3, 0, "3"), exec_put(run, 4, 0, "4")));
    CHECK_ERR(COMMIT(f, &run, exec_put(run, 5, 0, "5"), exec_put(run, 5, 0, "5")), SK_CONDITION);
    struct sk_exec_row row;
    CHECK_OK(sk_store_exec_get(f->store, &f->ctx, &run, &row));
    CHECK_INT(row.version, 4);
    CHECK_STR(row.state, "4");
    // deleted and made anew in one transition
    CHECK_OK(COMMIT(f, &run, part_put(run, SK_PART_CHILD, 1, "p")));
    CHECK_OK(COMMIT(f, &run, run_op(SK_OP_EXEC_DELETE, run), exec_put(run, 1, 0, "new")));
    CHECK_OK(sk_store_exec_get(f->store, &f->ctx, &run, &row));
    CHECK_STR(row.state, "new");
    CHECK_INT(row.part_count, 0);
}

static void history_is_never_overwritten(struct fixture *f)
{
    struct sk_run_key run = run_key(1, "w", 1);
    CHECK_OK(COMMIT(f, &run, exec_put(run, 1, 0, ""), history(run, 1, 3, "abc")));
    CHECK_ERR(COMMIT(f, &run, exec_put(run, 2, 0, ""), history(run, 1, 3, "xyz")), SK_CONDITION);
    struct sk_exec_row row;
    CHECK_OK(sk_store_exec_get(f->store, &f->ctx, &run, &row));
    CHECK_INT(row.version, 1);
}

static void current_pointer(struct fixture *f)
{
    struct sk_run_key one = run_key(1, "w", 1), two = run_key(1, "w", 2);
    struct sk_uuid id;
    CHECK_ERR(COMMIT(f, &one, current_put(one, &two)), SK_CONDITION);
    CHECK_OK(COMMIT(f, &one, current_put(one, NULL)));
    CHECK_ERR(COMMIT(f, &one, current_put(two, NULL)), SK_CONDITION);
    CHECK_OK(COMMIT(f, &one, current_put(two, &one)));
    CHECK_OK(COMMIT(f, &one, run_op(SK_OP_CURRENT_DELETE, one))); // points elsewhere: stays
    CHECK_OK(sk_store_current_get(f->store, &f->ctx, 1, one.workflow_id, &id));
    CHECK(memcmp(&id, &two.run_id, sizeof(id)) == 0);
    CHECK_OK(COMMIT(f, &one, run_op(SK_OP_CURRENT_PUT, one))); // any
    CHECK_OK(COMMIT(f, &one, run_op(SK_OP_CURRENT_DELETE, one)));
    CHECK_ERR(sk_store_current_get(f->store, &f->ctx, 1, one.workflow_id, &id), SK_NOT_FOUND);
    // moved within one transition: expectation against what the transition did before
    CHECK_OK(COMMIT(f, &one, current_put(one, NULL), current_put(two, &one)));
    CHECK_OK(COMMIT(f, &one, run_op(SK_OP_CURRENT_DELETE, two), current_put(one, NULL)));
    // the same id in another namespace is another workflow
    struct sk_run_key other = run_key(2, "w", 3);
    CHECK_OK(COMMIT(f, &other, current_put(other, NULL)));
}

static void leases_fence(struct fixture *f)
{
    struct sk_run_key run = run_key(1, "w", 1);
    uint32_t slot = sk_slot_of(1, run.workflow_id);
    int64_t first, second;
    struct sk_op op = exec_put(run, 1, 0, "");
    struct sk_txn txn = {.slot = slot, .epoch = 0, .ops = &op, .op_count = 1};
    CHECK_ERR(sk_store_commit(f->store, &f->ctx, &txn), SK_CONDITION); // nobody holds it
    CHECK_OK(sk_store_lease(f->store, &f->ctx, slot, &first));
    CHECK_OK(sk_store_lease(f->store, &f->ctx, slot, &second));
    CHECK(second > first);
    txn.epoch = first;
    CHECK_ERR(sk_store_commit(f->store, &f->ctx, &txn), SK_CONDITION);
    txn.epoch = second;
    CHECK_OK(sk_store_commit(f->store, &f->ctx, &txn));
    if (!f->path)
        return;
    reopen(f);
    op = exec_put(run, 2, 0, "");
    CHECK_ERR(sk_store_commit(f->store, &f->ctx, &txn), SK_CONDITION);
    CHECK_OK(sk_store_lease(f->store, &f->ctx, slot, &first));
    CHECK(first > second);
}

static void history_pages(struct fixture *f)
{
    struct sk_run_key run = run_key(1, "w", 1), other = run_key(1, "w", 2);
    struct sk_history_batch *b;
    size_t n;
    CHECK_OK(COMMIT(f, &run, history(run, 1, 2, "aa"), history(run, 3, 3, "b"),
                    history(run, 4, 9, "cccccc"), history(run, 10, 10, "d"),
                    history(other, 1, 50, "other")));
#define READ(from, to, bytes, reverse) \
    CHECK_OK(sk_store_history_read(f->store, &f->ctx, &run, from, to, bytes, reverse, &b, &n))
    READ(1, 100, 1000, false);
    CHECK_INT(n, 4);
    CHECK_INT(b[2].first_event_id, 4);
    CHECK_INT(b[2].last_event_id, 9);
    CHECK_STR(b[2].events, "cccccc");
    READ(2, 5, 1000, false);
    CHECK_INT(n, 3);
    CHECK_STR(b[0].events, "aa");
    READ(5, 5, 1000, false);
    CHECK_INT(n, 1);
    CHECK_INT(b[0].first_event_id, 4);
    READ(11, 20, 1000, false);
    CHECK_INT(n, 0);
    READ(1, 100, 3, false);
    CHECK_INT(n, 2);
    READ(4, 100, 3, false);
    CHECK_INT(n, 1); // at least one, however large
    READ(1, 100, 1000, true);
    CHECK_INT(n, 4);
    CHECK_STR(b[0].events, "d");
    CHECK_STR(b[3].events, "aa");
    READ(1, 9, 7, true);
    CHECK_INT(n, 2);
    CHECK_STR(b[1].events, "b");
#undef READ
    CHECK_OK(COMMIT(f, &run, run_op(SK_OP_HISTORY_DELETE, run)));
    CHECK_OK(sk_store_history_read(f->store, &f->ctx, &run, 1, 100, 1000, false, &b, &n));
    CHECK_INT(n, 0);
    CHECK_OK(sk_store_history_read(f->store, &f->ctx, &other, 1, 100, 1000, false, &b, &n));
    CHECK_INT(n, 1);
}

static void parts_change(struct fixture *f)
{
    struct sk_run_key run = run_key(1, "w", 1);
    struct sk_exec_row row;
    CHECK_OK(COMMIT(f, &run, exec_put(run, 1, 0, ""), part_put(run, SK_PART_ACTIVITY, 1, "a"),
                    part_put(run, SK_PART_ACTIVITY, -2, "b")));
    CHECK_OK(COMMIT(f, &run, exec_put(run, 2, 0, ""), part_put(run, SK_PART_ACTIVITY, 1, "A"),
                    part_delete(run, SK_PART_ACTIVITY, -2), part_delete(run, SK_PART_TIMER, 77)));
    CHECK_OK(sk_store_exec_get(f->store, &f->ctx, &run, &row));
    CHECK_INT(row.part_count, 1);
    CHECK_STR(row.parts[0].body, "A");
    CHECK_OK(COMMIT(f, &run, run_op(SK_OP_EXEC_DELETE, run)));
    CHECK_OK(COMMIT(f, &run, exec_put(run, 1, 0, "")));
    CHECK_OK(sk_store_exec_get(f->store, &f->ctx, &run, &row));
    CHECK_INT(row.part_count, 0);
}

static void tasks_in_order(struct fixture *f)
{
    struct sk_run_key run = run_key(1, "w", 1), other = run_key(2, "w", 2);
    struct sk_task_row *t;
    size_t n;
    struct sk_queue_key q = {1, SK_TASK_WORKFLOW, SK_STR("q")};
#define READ(backwards, max, ...)                                                     \
    CHECK_OK(sk_store_tasks_read(                                                     \
        f->store, &f->ctx,                                                            \
        &(struct sk_task_range){                                                      \
            .queue = &q, .after = {__VA_ARGS__}, .reverse = backwards, .limit = max}, \
        &t, &n))
    struct sk_op full = task(SK_OP_TASK_PUT, run, "q", 2, 50);
    full.task.expires_ms = 9;
    full.task.fairness_key = SK_STR("tenant");
    full.task.fairness_weight = 2.5f;
    full.task.fallback_queue = SK_STR("normal");
    full.task.version = SK_STR("v1");
    full.task.run.ns = 7;
    CHECK_OK(COMMIT(f, &run, task(SK_OP_TASK_PUT, run, "q", 3, 10),
                    task(SK_OP_TASK_PUT, run, "q", 3, 12), task(SK_OP_TASK_PUT, run, "q", 1, 40),
                    full, task(SK_OP_TASK_PUT, run, "other", 3, 11)));
    CHECK_OK(COMMIT(f, &other, task(SK_OP_TASK_PUT, other, "q", 3, 13)));
    READ(false, 10, 0, 0, 0);
    CHECK_INT(n, 4);
    CHECK_INT(t[0].seq, 40);
    CHECK_INT(t[1].seq, 50);
    CHECK_INT(t[2].seq, 10);
    CHECK_INT(t[3].seq, 12);
    CHECK_INT(t[1].expires_ms, 9);
    CHECK_STR(t[1].fairness_key, "tenant");
    CHECK(t[1].fairness_weight > 2.4f && t[1].fairness_weight < 2.6f);
    CHECK_STR(t[1].fallback_queue, "normal");
    CHECK_STR(t[1].version, "v1");
    CHECK_INT(t[1].run.ns, 7);
    CHECK_STR(t[0].queue.name, "q");
    CHECK_STR(t[0].run.workflow_id, "w");
    CHECK_INT(t[0].scheduled_id, 400);
    CHECK_INT(t[0].stamp, 3);
    CHECK(memcmp(&t[0].run.run_id, &run.run_id, sizeof(run.run_id)) == 0);
    READ(false, 1, 2, 0, 50);
    CHECK_INT(n, 1);
    CHECK_INT(t[0].seq, 10);
    READ(false, 1, 3, 0, 12);
    CHECK_INT(n, 0);
#undef READ
    struct sk_queue_key *queues;
    CHECK_OK(sk_store_queues_read(f->store, &f->ctx, &queues, &n));
    CHECK_INT(n, 3);
    CHECK_STR(queues[0].name, "other");
    CHECK_STR(queues[1].name, "q");
    CHECK_INT(queues[2].ns, 2);
    int64_t count, oldest;
    CHECK_OK(sk_store_task_count(f->store, &f->ctx, &q, &count, &oldest));
    CHECK_INT(count, 4);
    CHECK_INT(oldest, 1010);
    CHECK_OK(COMMIT(f, &run, task(SK_OP_TASK_DELETE, run, "q", 3, 10),
                    task(SK_OP_TASK_DELETE, run, "q", 3, 999)));
    CHECK_OK(sk_store_task_count(f->store, &f->ctx, &q, &count, &oldest));
    CHECK_INT(count, 3);
    CHECK_INT(oldest, 1012);
}

static struct sk_op task_at(enum sk_op_kind kind, struct sk_run_key run, int32_t priority,
                            int64_t pass, int64_t seq)
{
    struct sk_op op = task(kind, run, "q", priority, seq);
    op.task.pass = pass;
    return op;
}

/* The pass goes before the sequence, after the priority, in both directions. */
static void tasks_in_order_of_pass(struct fixture *f)
{
    struct sk_run_key run = run_key(1, "w", 1);
    struct sk_queue_key q = {1, SK_TASK_WORKFLOW, SK_STR("q")};
    static const struct sk_task_place order[] = {
        {1, 1000, 9},          {3, 0, 8}, {3, 5, 7}, {3, 5, 12}, {3, 300, 1}, {3, 70000, 2},
        {3, INT64_MAX - 1, 3}, {5, 1, 4},
    };
    enum { COUNT = sizeof order / sizeof order[0] };
    struct sk_op ops[COUNT];
    for (size_t i = 0; i < COUNT; i++) { // in another order than theirs
        const struct sk_task_place *p = &order[(i * 3 + 2) % COUNT];
        ops[i] = task_at(SK_OP_TASK_PUT, run, p->priority, p->pass, p->seq);
    }
    CHECK_OK(commit(f, &run, ops, COUNT));
    struct sk_task_row *t;
    size_t n;
    for (size_t from = 0; from < COUNT; from++)
        for (int reverse = 0; reverse < 2; reverse++) {
            size_t left = reverse ? from : COUNT - 1 - from, want = left < 3 ? left : 3;
            struct sk_task_range range = {
                .queue = &q, .after = order[from], .reverse = reverse, .limit = 3};
            CHECK_OK(sk_store_tasks_read(f->store, &f->ctx, &range, &t, &n));
            CHECK_INT(n, want);
            for (size_t i = 0; i < n; i++) {
                const struct sk_task_place *p = &order[reverse ? from - 1 - i : from + 1 + i];
                CHECK_INT(t[i].priority, p->priority);
                CHECK_INT(t[i].pass, p->pass);
                CHECK_INT(t[i].seq, p->seq);
            }
        }
    // Each in its place: a row of another pass is another row.
    CHECK_OK(COMMIT(f, &run, task_at(SK_OP_TASK_DELETE, run, 3, 5, 1),
                    task_at(SK_OP_TASK_DELETE, run, 3, 300, 1)));
    struct sk_task_range all = {.queue = &q, .limit = 99};
    CHECK_OK(sk_store_tasks_read(f->store, &f->ctx, &all, &t, &n));
    CHECK_INT(n, COUNT - 1);
    CHECK_INT(t[4].pass, 70000);
}

static void wakes(struct fixture *f)
{
    struct sk_wake_row *w;
    size_t n, total = 0;
    char names[20][8];
    for (int i = 0; i < 20; i++) {
        names[i][0] = 'w';
        names[i][1] = (char)('a' + i);
        names[i][2] = '\0';
        struct sk_run_key run = run_key(1, names[i], (uint8_t)(i + 1));
        CHECK_OK(COMMIT(f, &run, exec_put(run, 1, i == 5 ? 0 : 1000 - i, "")));
    }
    CHECK_OK(sk_store_wakes_read(f->store, &f->ctx, 1, 0, 990, 100, &w, &n));
    CHECK_INT(n, 10);
    for (size_t i = 0; i + 1 < n; i++)
        CHECK(w[i].wake_ms <= w[i + 1].wake_ms);
    CHECK_INT(w[0].wake_ms, 981);
    CHECK_STR(w[0].run.workflow_id, names[19]);
    CHECK_OK(sk_store_wakes_read(f->store, &f->ctx, 1, 0, 5000, 3, &w, &n));
    CHECK_INT(n, 3);
    for (uint32_t rest = 0; rest < 3; rest++) {
        CHECK_OK(sk_store_wakes_read(f->store, &f->ctx, 3, rest, 5000, 100, &w, &n));
        for (size_t i = 0; i < n; i++)
            CHECK_INT(sk_slot_of(1, w[i].run.workflow_id) % 3, rest);
        total += n;
    }
    CHECK_INT(total, 19);
    struct sk_run_key run = run_key(1, names[19], 20);
    CHECK_OK(COMMIT(f, &run, exec_put(run, 2, 0, ""))); // wants nothing any more
    CHECK_OK(sk_store_wakes_read(f->store, &f->ctx, 1, 0, 990, 100, &w, &n));
    CHECK_INT(n, 9);
}

static void outbox_and_inbox(struct fixture *f)
{
    struct sk_run_key one = run_key(1, "one", 9), two = run_key(1, "two", 2);
    struct sk_outbox_row *o;
    size_t n;
    CHECK_OK(COMMIT(f, &one, outbox(SK_OP_OUTBOX_PUT, one, 5, "first"),
                    outbox(SK_OP_OUTBOX_PUT, one, 4, "second")));
    CHECK_OK(COMMIT(f, &two, outbox(SK_OP_OUTBOX_PUT, two, 5, "third")));
    CHECK_OK(
        COMMIT(f, &one, outbox(SK_OP_OUTBOX_PUT, one, 5, "first, moved on"))); // keeps its place
    CHECK_OK(sk_store_outbox_read(f->store, &f->ctx, 1, 0, 10, &o, &n));
    CHECK_INT(n, 3);
    CHECK_STR(o[0].body, "first, moved on");
    CHECK_STR(o[1].body, "second");
    CHECK_STR(o[2].body, "third");
    CHECK_INT(o[1].id, 4);
    CHECK_STR(o[2].source.workflow_id, "two");
    CHECK_OK(sk_store_outbox_read(f->store, &f->ctx, 1, 0, 2, &o, &n));
    CHECK_INT(n, 2);
    uint32_t slot = sk_slot_of(1, two.workflow_id);
    CHECK_OK(sk_store_outbox_read(f->store, &f->ctx, SK_SLOT_COUNT, slot, 10, &o, &n));
    CHECK_INT(n, 1);
    CHECK_STR(o[0].body, "third");
    CHECK_OK(COMMIT(f, &one, outbox(SK_OP_OUTBOX_DELETE, one, 5, ""),
                    outbox(SK_OP_OUTBOX_DELETE, one, 77, "")));
    CHECK_OK(sk_store_outbox_read(f->store, &f->ctx, 1, 0, 10, &o, &n));
    CHECK_INT(n, 2);

    CHECK_OK(COMMIT(f, &two, inbox(SK_OP_INBOX_PUT, two, one, 5, "done")));
    CHECK_ERR(COMMIT(f, &two, inbox(SK_OP_INBOX_PUT, two, one, 5, "again")), SK_CONDITION);
    struct sk_inbox_row row = {1, two.workflow_id, one.run_id, 5, {0}};
    CHECK_OK(sk_store_inbox_get(f->store, &f->ctx, &row));
    CHECK_STR(row.reply, "done");
    CHECK_OK(COMMIT(f, &two, inbox(SK_OP_INBOX_DELETE, two, one, 5, "")));
    CHECK_ERR(sk_store_inbox_get(f->store, &f->ctx, &row), SK_NOT_FOUND);
}

static void runs_newest_first(struct fixture *f)
{
    struct sk_uuid *ids;
    size_t n;
    for (uint8_t i = 1; i <= 5; i++) {
        struct sk_run_key run = run_key(1, "w", i), other = run_key(1, "w2", (uint8_t)(i + 100));
        CHECK_OK(COMMIT(f, &run, exec_put(run, 1, 0, "")));
        CHECK_OK(COMMIT(f, &other, exec_put(other, 1, 0, "")));
    }
    CHECK_OK(sk_store_runs_read(f->store, &f->ctx, 1, SK_STR("w"), &ids, &n));
    CHECK_INT(n, 5);
    CHECK_INT(ids[0].b[0], 5);
    CHECK_INT(ids[4].b[0], 1);
    struct sk_run_key run = run_key(1, "w", 3);
    CHECK_OK(COMMIT(f, &run, run_op(SK_OP_EXEC_DELETE, run)));
    CHECK_OK(sk_store_runs_read(f->store, &f->ctx, 1, SK_STR("w"), &ids, &n));
    CHECK_INT(n, 4);
}

static void records(struct fixture *f)
{
    struct sk_meta_row row = {SK_STR("namespace"), SK_STR("b"), SK_STR("one"), 1}, got, *rows;
    size_t n;
    CHECK_OK(sk_store_meta_put(f->store, &f->ctx, &row));
    CHECK_ERR(sk_store_meta_put(f->store, &f->ctx, &row), SK_CONDITION);
    row.version = 3;
    CHECK_ERR(sk_store_meta_put(f->store, &f->ctx, &row), SK_CONDITION);
    row.version = 2;
    row.value = SK_STR("two");
    CHECK_OK(sk_store_meta_put(f->store, &f->ctx, &row));
    CHECK_OK(sk_store_meta_get(f->store, &f->ctx, row.kind, row.key, &got));
    CHECK_INT(got.version, 2);
    CHECK_STR(got.value, "two");
    CHECK_STR(got.key, "b");
    struct sk_meta_row a = {SK_STR("namespace"), SK_STR("a"), SK_STR(""), 1};
    struct sk_meta_row k = {SK_STR("key"), SK_STR("c"), SK_STR("x"), 1};
    CHECK_OK(sk_store_meta_put(f->store, &f->ctx, &a));
    CHECK_OK(sk_store_meta_put(f->store, &f->ctx, &k));
    CHECK_OK(sk_store_meta_list(f->store, &f->ctx, SK_STR("namespace"), &rows, &n));
    CHECK_INT(n, 2);
    CHECK_STR(rows[0].key, "a");
    CHECK_STR(rows[1].value, "two");
    row.version = 1;
    CHECK_ERR(sk_store_meta_delete(f->store, &f->ctx, &row), SK_CONDITION);
    row.version = 2;
    CHECK_OK(sk_store_meta_delete(f->store, &f->ctx, &row));
    row.version = 0;
    CHECK_ERR(sk_store_meta_delete(f->store, &f->ctx, &row), SK_NOT_FOUND);
}

static void odd_bytes(struct fixture *f)
{
    static const char bytes[] = {'a', '\0', (char)0xff, '\'', '"', '%', '\0'};
    struct sk_run_key run = run_key(1, "w", 1);
    run.workflow_id = (struct sk_str){bytes, sizeof(bytes)};
    struct sk_op exec = exec_put(run, 1, 0, "");
    exec.exec.state = (struct sk_str){bytes, sizeof(bytes)};
    CHECK_OK(COMMIT(f, &run, exec, current_put(run, NULL), task(SK_OP_TASK_PUT, run, "", 3, 1)));
    struct sk_exec_row row;
    CHECK_OK(sk_store_exec_get(f->store, &f->ctx, &run, &row));
    CHECK(sk_str_eq(row.state, exec.exec.state));
    struct sk_queue_key *queues;
    size_t n;
    CHECK_OK(sk_store_queues_read(f->store, &f->ctx, &queues, &n));
    CHECK_INT(n, 1);
    CHECK_INT(queues[0].name.n, 0);
    run.workflow_id.n = 1; // a prefix is another id
    struct sk_uuid id;
    CHECK_ERR(sk_store_current_get(f->store, &f->ctx, 1, run.workflow_id, &id), SK_NOT_FOUND);
    // a large record
    struct sk_str large = {sk_arena_zalloc(A(f), 3 << 20), 3 << 20};
    exec = exec_put(run, 1, 0, "");
    memset(exec.run.run_id.b, 2, SK_UUID_SIZE);
    exec.exec.state = large;
    CHECK_OK(COMMIT(f, &run, exec));
    CHECK_OK(sk_store_exec_get(f->store, &f->ctx, &exec.run, &row));
    CHECK_INT(row.state.n, large.n);
}

/* ---- many fibers at once ---- */

struct crowd {
    struct fixture *f;
    struct sk_waitq ended;
    int next, left;
    int refused;
};

static void crowd_fiber(void *arg)
{
    struct crowd *c = arg;
    int number = c->next++;
    struct fixture local = {.store = c->f->store, .ctx = {.arena = sk_arena_new(0)}}, *f = &local;
    char name[16] = "crowd-";
    name[6] = (char)('a' + number / 26);
    name[7] = (char)('a' + number % 26);
    struct sk_run_key run = run_key(1, name, (uint8_t)number);
    uint32_t slot = sk_slot_of(1, run.workflow_id);
    for (int64_t version = 1; version <= 5; version++) {
        // one of three is refused, in the midst of those that are not
        struct sk_op ops[] = {exec_put(run, number % 3 == 0 ? version + 1 : version, 0, name),
                              history(run, version, version, "e"),
                              task(SK_OP_TASK_PUT, run, "crowd", 3, number * 10 + version)};
        struct sk_txn txn = {.slot = slot, .epoch = c->f->epochs[slot], .ops = ops, .op_count = 3};
        sk_err err = sk_store_commit(f->store, &f->ctx, &txn);
        if (number % 3 == 0) {
            CHECK_ERR(err, SK_CONDITION);
            c->refused++;
        } else {
            CHECK_OK(err);
        }
    }
    sk_arena_free(local.ctx.arena);
    if (--c->left == 0)
        sk_waitq_wake_all(&c->ended);
}

static void groups_of_many(struct fixture *f)
{
    enum { FIBERS = 120 };
    struct crowd c = {.f = f, .left = FIBERS};
    sk_waitq_init(&c.ended);
    for (uint32_t slot = 0; slot < SK_SLOT_COUNT; slot++)
        CHECK_OK(sk_store_lease(f->store, &f->ctx, slot, &f->epochs[slot]));
    for (int i = 0; i < FIBERS; i++)
        sk_fiber_spawn(crowd_fiber, &c);
    sk_waitq_wait(&c.ended, 0);
    CHECK_INT(c.refused, 200);
    struct sk_queue_key q = {1, SK_TASK_WORKFLOW, SK_STR("crowd")};
    int64_t count, oldest;
    CHECK_OK(sk_store_task_count(f->store, &f->ctx, &q, &count, &oldest));
    CHECK_INT(count, 400);
    struct sk_store_stats stats;
    sk_store_stats(f->store, &stats);
    CHECK_INT(stats.commits, 400);
    CHECK_INT(stats.row_ops, 1200);
    CHECK(stats.groups < 600); // they were grouped
}

static void survives_reopening(struct fixture *f)
{
    if (!f->path)
        return;
    starts_and_reads(f);
    reopen(f);
    struct sk_run_key run = run_key(1, "order-1", 1);
    struct sk_exec_row row;
    CHECK_OK(sk_store_exec_get(f->store, &f->ctx, &run, &row));
    CHECK_STR(row.state, "state");
    CHECK_INT(row.part_count, 3);
}

static void slots_never_change(struct fixture *f)
{
    (void)f;
    // In files: other numbers here would lose executions.
    CHECK_INT(sk_slot_of(1, SK_STR("order-1")), 2728);
    CHECK_INT(sk_slot_of(2, SK_STR("order-1")), 1053);
    CHECK_INT(sk_slot_of(1, SK_STR("")), 205);
}

int main(void)
{
    static const struct contract_test tests[] = {
        {"starts and reads", starts_and_reads},
        {"absent things are not found", absent_things_are_not_found},
        {"a refused transition leaves no trace", refused_leaves_no_trace},
        {"versions fence", versions_fence},
        {"history is never overwritten", history_is_never_overwritten},
        {"the current pointer", current_pointer},
        {"leases fence", leases_fence},
        {"history pages", history_pages},
        {"parts change", parts_change},
        {"tasks in order", tasks_in_order},
        {"tasks in order of pass", tasks_in_order_of_pass},
        {"wakes", wakes},
        {"outbox and inbox", outbox_and_inbox},
        {"runs, newest first", runs_newest_first},
        {"records", records},
        {"odd bytes and large records", odd_bytes},
        {"groups of many", groups_of_many},
        {"survives reopening", survives_reopening},
        {"slots never change", slots_never_change},
    };
    return contract_main(tests, sizeof(tests) / sizeof(tests[0]));
}
