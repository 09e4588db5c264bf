#include "fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- checks ---- */

void check_int(int64_t a, int64_t b, const char *what, const char *file, int line)
{
    if (a != b)
        sk_panic(file, line, "%s is %lld, not %lld", what, (long long)a, (long long)b);
}

void check_str(struct sk_str a, const char *b, const char *what, const char *file, int line)
{
    if (!sk_str_eq(a, sk_str_of(b)))
        sk_panic(file, line, "%s is \"" SK_STR_FMT "\", not \"%s\"", what, SK_STR_ARG(a), b);
}

void check_err(sk_err a, sk_err b, struct fixture *f, const char *what, const char *file, int line)
{
    if (a != b)
        sk_panic(file, line, "%s: %s (%s), not %s", what, sk_err_name(a),
                 f->ctx.err.message ? f->ctx.err.message : "", sk_err_name(b));
    sk_ctx_clear(&f->ctx);
}

/* ---- variants ---- */

struct variant {
    const char *name;
    bool simulated, file;
};
static const struct variant variants[] = {
    {"memory", false, false},
    {"memory, simulated", true, false},
    {"sqlite", false, true},
};

struct test_run {
    const struct contract_test *test;
    const struct variant *variant;
    struct sk_rt *rt;
};

static void open_store(struct fixture *f)
{
    struct sk_sqlite_options o = {.path = f->path, .binary_version = "test"};
    CHECK_OK(f->path ? sk_sqlite_open(&f->ctx, &o, &f->store)
                     : sk_memory_store_open(&f->ctx, &f->store));
}

void reopen(struct fixture *f)
{
    SK_ASSERT(f->path);
    sk_store_close(f->store);
    memset(f->epochs, 0, sizeof(f->epochs));
    open_store(f);
}

static void remove_file(const char *path, const char *suffix)
{
    char name[256];
    snprintf(name, sizeof(name), "%s%s", path, suffix);
    unlink(name);
}

static void main_fiber(void *arg)
{
    struct test_run *run = arg;
    char dir[] = "/tmp/skald-contract-XXXXXX", path[64];
    struct fixture *f = sk_mem_zalloc(sizeof(*f));
    f->ctx.arena = sk_arena_new(0);
    SK_ASSERT(mkdtemp(dir));
    snprintf(path, sizeof(path), "%s/store", dir);
    f->path = run->variant->file ? path : NULL;
    open_store(f);
    run->test->run(f);
    sk_store_close(f->store);
    sk_arena_free(f->ctx.arena);
    sk_mem_free(f);
    remove_file(path, "");
    remove_file(path, "-wal");
    remove_file(path, "-shm");
    remove_file(path, ".lock");
    rmdir(dir);
    sk_rt_stop(run->rt);
}

static void on_variant(void **state)
{
    struct test_run *run = *state;
    struct sk_rt_options o = {.loop_count = 2,
                              .simulated = run->variant->simulated,
                              .seed = 7,
                              .start_wall_ms = 1700000000000};
    run->rt = sk_rt_new(&o);
    sk_rt_run(run->rt, main_fiber, run);
    sk_rt_free(run->rt);
}

int contract_main(const struct contract_test *tests, size_t count)
{
    size_t variant_count = sizeof(variants) / sizeof(variants[0]), n = 0;
    struct CMUnitTest *units = sk_mem_zalloc(count * variant_count * sizeof(*units));
    struct test_run *runs = sk_mem_zalloc(count * variant_count * sizeof(*runs));
    char(*names)[96] = sk_mem_zalloc(count * variant_count * sizeof(*names));
    for (size_t v = 0; v < variant_count; v++)
        for (size_t t = 0; t < count; t++, n++) {
            runs[n] = (struct test_run){.test = &tests[t], .variant = &variants[v]};
            snprintf(names[n], sizeof(names[n]), "%s: %s", variants[v].name, tests[t].name);
            units[n] = (struct CMUnitTest){
                .name = names[n], .test_func = on_variant, .initial_state = &runs[n]};
        }
    int failed = _cmocka_run_group_tests("contract", units, n, NULL, NULL);
    sk_mem_free(units);
    sk_mem_free(runs);
    sk_mem_free(names);
    return failed;
}

/* ---- transitions ---- */

struct sk_run_key run_key(sk_ns_id ns, const char *workflow_id, uint8_t number)
{
    struct sk_run_key run = {.ns = ns, .workflow_id = sk_str_of(workflow_id)};
    memset(run.run_id.b, number, SK_UUID_SIZE);
    run.run_id.b[6] = 0x70;
    run.run_id.b[8] = 0x80;
    return run;
}

sk_err commit(struct fixture *f, const struct sk_run_key *run, const struct sk_op *ops,
              size_t count)
{
    uint32_t slot = sk_slot_of(run->ns, run->workflow_id);
    if (!f->epochs[slot])
        CHECK_OK(sk_store_lease(f->store, &f->ctx, slot, &f->epochs[slot]));
    struct sk_txn txn = {.slot = slot, .epoch = f->epochs[slot], .ops = ops, .op_count = count};
    return sk_store_commit(f->store, &f->ctx, &txn);
}

struct sk_op exec_put(struct sk_run_key run, int64_t version, int64_t wake_ms, const char *state)
{
    struct sk_op op = {.kind = SK_OP_EXEC_PUT};
    op.run = run;
    op.exec.version = version;
    op.exec.wake_ms = wake_ms;
    op.exec.state = sk_str_of(state);
    return op;
}

struct sk_op run_op(enum sk_op_kind kind, struct sk_run_key run)
{
    struct sk_op op = {.kind = kind};
    op.run = run;
    op.current.any = kind == SK_OP_CURRENT_PUT;
    return op;
}

struct sk_op current_put(struct sk_run_key run, const struct sk_run_key *expected)
{
    struct sk_op op = run_op(SK_OP_CURRENT_PUT, run);
    op.current.any = false;
    if (expected)
        op.current.expected = expected->run_id;
    return op;
}

struct sk_op part_put(struct sk_run_key run, enum sk_part_kind kind, int64_t id, const char *body)
{
    struct sk_op op = run_op(SK_OP_PART_PUT, run);
    op.part.kind = kind;
    op.part.id = id;
    op.part.body = sk_str_of(body);
    return op;
}

struct sk_op part_delete(struct sk_run_key run, enum sk_part_kind kind, int64_t id)
{
    struct sk_op op = part_put(run, kind, id, "");
    op.kind = SK_OP_PART_DELETE;
    return op;
}

struct sk_op history(struct sk_run_key run, int64_t first, int64_t last, const char *events)
{
    struct sk_op op = run_op(SK_OP_HISTORY_APPEND, run);
    op.history.first_event_id = first;
    op.history.last_event_id = last;
    op.history.events = sk_str_of(events);
    return op;
}

struct sk_op task(enum sk_op_kind kind, struct sk_run_key run, const char *queue, int32_t priority,
                  int64_t seq)
{
    struct sk_op op = {.kind = kind};
    op.task = (struct sk_task_row){.queue = {run.ns, SK_TASK_WORKFLOW, sk_str_of(queue)},
                                   .priority = priority,
                                   .seq = seq,
                                   .run = run,
                                   .scheduled_id = seq * 10,
                                   .attempt = 1,
                                   .stamp = 3,
                                   .created_ms = 1000 + seq};
    return op;
}

struct sk_op outbox(enum sk_op_kind kind, struct sk_run_key source, int64_t id, const char *body)
{
    struct sk_op op = {.kind = kind};
    op.outbox = (struct sk_outbox_row){source, id, sk_str_of(body)};
    return op;
}

struct sk_op inbox(enum sk_op_kind kind, struct sk_run_key target, struct sk_run_key source,
                   int64_t id, const char *reply)
{
    struct sk_op op = {.kind = kind};
    op.inbox =
        (struct sk_inbox_row){target.ns, target.workflow_id, source.run_id, id, sk_str_of(reply)};
    return op;
}

struct sk_op vis(const struct sk_vis_row *row)
{
    struct sk_op op = {.kind = SK_OP_VIS_PUT};
    op.vis = *row;
    return op;
}
