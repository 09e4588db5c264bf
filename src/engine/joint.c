/*
 * Joint transitions: short requests on one run (signals, cancel requests, terminations, all that is
 * said about its activities, what other workflows send) that are decided in order and committed as
 * one. So a run that is sent a thousand at once takes some twenty commits, not a thousand.
 *
 * Requests queue in the flow. The first of the queue leads: it waits for the lock, and with the
 * lock takes up all that queue for its run by then (TOGETHER_MAX at most), decides them one after
 * the other, each seeing what those before it changed, commits, and answers all. Those that come
 * meanwhile find a queue of their own, whose first waits for the lock in its turn. So a run that is
 * not busy pays nothing, and whoever gets the lock otherwise (a reader, a workflow task's answer)
 * finds what is durable: undecided requests are in the queue, decided ones are committed before the
 * lock is let go.
 *
 * INV-J1 the first of flow->members leads; who leads waits for the lock, the others are suspended.
 * INV-J2 a member stays on its own stack, with its request and its context, until it is answered:
 *        what a decision borrows from them lasts until the commit.
 * INV-J3 a decision that fails has changed nothing: it fails before it asks for the transition.
 *        Its error is its own answer; but one that was reached on the changes of others is only
 *        given if these were committed. Otherwise it hears of the commit's failure like them.
 *
 * Thread: the flow's loop. Tried before, for signals alone: waiting for the lock one by one and
 * finding oneself answered, which made the answered wait behind whoever stood between them.
 */
#include "engine/engine_internal.h"

#include <string.h>
#include "base/assert.h"

#define TOGETHER_MAX 64              /* requests of one transition */
#define TOGETHER_BYTES (1024 * 1024) /* that it adds; what is larger by itself goes alone */

struct member {
    struct sk_list node; /* in flow->members until it is taken up */
    const struct change *change;
    struct sk_ctx *ctx;
    const struct sk_namespace *ns;
    struct sk_fiber *fiber;
    bool leads;
    bool done;  /* err is its answer */
    bool bound; /* ... if the transition is committed */
    sk_err err;
};

struct joint {
    struct exec *x;
    const struct sk_namespace *ns;
    struct sk_ctx ctx; /* of the transition: no member's, since its error is told to all */
    struct txn t;
    bool open;
};

struct txn *joint_txn(struct joint *j)
{
    if (!j->open)
        txn_init(&j->t, &j->ctx, j->ns, j->x);
    j->open = true;
    return &j->t;
}

/* ---- the queue ---- */

static struct member *member_of(struct sk_list *node)
{
    return SK_CONTAINER(node, struct member, node);
}

/* Keep INV-J1 after the queue's front has changed. */
static void appoint(struct flow *flow)
{
    if (sk_list_empty(&flow->members))
        return;
    struct member *first = member_of(flow->members.next);
    if (first->leads)
        return;
    first->leads = true;
    sk_fiber_wake(first->fiber);
}

static bool is_for(const struct change *change, const struct exec *x)
{
    if (change->run_uuid)
        return memcmp(change->run_uuid, &x->run_id, sizeof x->run_id) == 0;
    if (sk_text_set(change->run_id))
        return strcmp(change->run_id, x->run_text) == 0;
    return x->flow->current_known && memcmp(&x->flow->current, &x->run_id, sizeof x->run_id) == 0;
}

/* All that wait for the same run as the leader, the oldest first. */
static size_t take_up(struct member *leader, const struct exec *x, struct member **ret)
{
    size_t n = 0;
    SK_LIST_EACH (node, &x->flow->members) {
        struct member *m = member_of(node);
        if (n == TOGETHER_MAX || (m != leader && !is_for(m->change, x)))
            continue;
        sk_list_remove(&m->node);
        ret[n++] = m;
    }
    appoint(x->flow);
    return n;
}

static void put_back(struct flow *flow, struct member **members, size_t n)
{
    while (n-- > 0)
        sk_list_push_front(&flow->members, &members[n]->node);
    appoint(flow);
}

/* ---- leading ---- */

/* What grows with a decision: the history, and the record with all that is pending. */
static size_t weight(const struct exec *x)
{
    return (size_t)x->s->history_size + sk_arena_used(x->arena);
}

/* INV-J3, as far as it shows. A decision that broke it is not committed, nor are the others. */
static void check_undecided(struct joint *j, bool open, size_t op_count, int64_t next_event_id)
{
    bool kept =
        open == j->open && op_count == j->t.op_count && next_event_id == j->x->s->next_event_id;
    SK_DASSERT(kept);
    j->t.failed |= !kept;
}

/* How many were decided: fewer than n when they weigh too much for one commit. */
static size_t decide_all(struct joint *j, struct member **members, size_t n)
{
    size_t before = weight(j->x);
    size_t i = 0;
    while (i < n && weight(j->x) - before < TOGETHER_BYTES) {
        struct member *m = members[i++];
        bool open = j->open;
        size_t op_count = j->t.op_count;
        int64_t next_event_id = j->x->s->next_event_id;
        m->err = m->change->decide(j, j->x, m->ctx, m->change);
        m->bound = j->open;
        if (m->err != SK_OK)
            check_undecided(j, open, op_count, next_event_id);
    }
    return i;
}

static void answer(struct member *m, const struct sk_ctx *failed)
{
    if (m->bound && failed->err.code != SK_OK) {
        sk_ctx_clear(m->ctx);
        m->err = sk_fail(m->ctx, failed->err.code, "%s", failed->err.message);
    }
    m->done = true;
    if (!m->leads) // who leads waits for the lock, and will see it
        sk_fiber_wake(m->fiber);
}

/* With the lock: decide for all that wait for the leader's run, commit, answer. */
static void lead(struct flow *flow, struct member *leader)
{
    struct exec *x;
    const struct change *c = leader->change;
    leader->err = c->run_uuid ? flow_run_uuid(flow, leader->ctx, *c->run_uuid, &x)
                              : flow_run(flow, leader->ctx, c->run_id, &x);
    if (leader->err != SK_OK) { // the others will hear the same when they come to it
        leader->done = true;
        sk_list_remove(&leader->node);
        appoint(flow);
        return;
    }
    struct member *members[TOGETHER_MAX];
    size_t n = take_up(leader, x, members);
    struct sk_arena *arena = n > 1 ? sk_arena_new(0) : NULL; // one request's has room for itself
    struct joint j = {
        .x = x, .ns = leader->ns, .ctx = {.arena = arena ? arena : leader->ctx->arena}};
    size_t decided = decide_all(&j, members, n);
    put_back(flow, members + decided, n - decided);
    if (j.open) {
        sk_err err = txn_commit(&j.t);
        if (err != SK_OK)
            sk_fail(&j.ctx, err, "%s", sk_err_meaning(err)); // unless it says more already
    }
    for (size_t i = 0; i < decided; i++)
        answer(members[i], &j.ctx);
    sk_arena_free(arena);
}

/* ---- joining ---- */

static sk_err do_change(struct sk_shard *shard, struct sk_ctx *ctx, const struct sk_namespace *ns,
                        const void *request, void *response)
{
    (void)response;
    struct member m = {.change = request, .ctx = ctx, .ns = ns, .fiber = sk_fiber_current()};
    struct flow *flow = flow_hold(shard, ns->id, m.change->workflow_id);
    m.leads = sk_list_empty(&flow->members);
    sk_list_push_back(&flow->members, &m.node);
    while (!m.done) {
        if (!m.leads) {
            sk_fiber_suspend();
            continue;
        }
        flow_lock(flow);
        if (!m.done)
            lead(flow, &m); // which may put it back, if others left no room
        flow_unlock(flow);
    }
    flow_release(flow);
    return m.err;
}

sk_err run_change(struct sk_engine *e, struct sk_ctx *ctx, const struct sk_namespace *ns,
                  const struct change *change)
{
    return shard_call(e, ctx, ns, change->workflow_id, do_change, change, NULL);
}

sk_err run_change_of(struct sk_engine *e, struct sk_ctx *ctx, const struct sk_namespace *ns,
                     const COMMON(WorkflowExecution) *execution, decide_fn decide,
                     const void *request)
{
    const struct change change = {.workflow_id = execution->workflow_id,
                                  .run_id = execution->run_id,
                                  .decide = decide,
                                  .request = request};
    return run_change(e, ctx, ns, &change);
}
