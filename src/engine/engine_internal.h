/* For src/engine only: the types that its files share. See README.md for how they fit. */
#ifndef SK_ENGINE_INTERNAL_H
#define SK_ENGINE_INTERNAL_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "engine/api.h"
#include "engine/engine.h"
#include "rt/rt.h"

#define SYSTEM_IDENTITY "history-service"
#define MS_NS 1000000LL
#define ITEMS_INLINE 4   /* pending items of a kind kept in the run's own row; the rest are parts */
#define REASONS_MAX 3    /* why a worker should continue as new */
#define TAIL_BYTES 16384 /* newest history kept in memory a run */

/* ---- pending items: activities, timers, children, external cancels and signals ---- */
struct item {
    ProtobufCMessage *record; /* EN(Activity), EN(Timer), ...; in the run's arena */
    int64_t id;               /* its scheduled, started or initiated event id */
    bool apart;               /* stored as a part, not in the run's row */
    bool dirty;               /* apart and changed since the last commit */
};
struct items {
    struct item *v;
    size_t n, capacity;
    size_t inline_count;
};

/* A start of a workflow task that no commit has written yet. The first commit on the run, of any
 * kind, writes it. */
struct started {
    bool set;
    int64_t started_id, started_ns, history_size;
    int64_t stamp; /* of the task that was started */
    char request_id[SK_UUID_TEXT];
    char *identity; /* owned */
    bool suggest;
    int32_t reasons[REASONS_MAX];
    size_t reason_count;
};

#define ITEM_KINDS (SK_PART_REQUEST_ID + 1)

struct tail_batch {
    int64_t first, last;
    struct sk_str events; /* owned */
};

/* A run in memory. Guarded by its flow's lock. */
struct exec {
    struct exec *next;
    struct flow *flow;
    struct sk_uuid run_id;
    char run_text[SK_UUID_TEXT];
    struct sk_arena *arena; /* holds s and everything below it */
    EN(ExecutionState) *s;
    struct items items[ITEM_KINDS]; /* by enum sk_part_kind */
    struct {
        enum sk_part_kind kind;
        int64_t id;
    } * dead; /* parts to delete at the next commit */
    size_t dead_count, dead_capacity;
    int64_t version;     /* of the stored row; 0 = not stored yet */
    int64_t wake_ms;     /* as stored */
    size_t compact_size; /* of the arena when it was last rebuilt or read */
    struct started start;
    struct tail_batch *tail;
    size_t tail_count, tail_capacity, tail_bytes;
    struct tail_batch at_hand; /* read for one of its events; kept until the lock is let go */
    struct sk_list queries;    /* buffered ones: struct query */
    size_t buffered_capacity;  /* of s->buffered */
};

/* A workflow id in memory: the unit of locking, caching and ownership. */
struct flow {
    struct sk_list lru; /* in shard->idle when refs == 0 */
    int refs;           /* fibers that hold or wait for it */
    struct sk_mutex lock;
    struct sk_shard *shard;
    sk_ns_id ns;
    struct sk_str workflow_id; /* owned */
    uint32_t slot;
    bool current_known;
    struct sk_uuid current; /* all zero: no run */
    struct exec *runs;
    struct sk_list watches;
    struct sk_list members; /* joint.c: requests that wait to be decided together */
    size_t bytes;           /* as counted into the shard */
};

/* The next moment a run wants attention, in memory. */
struct wake {
    struct sk_timer timer;
    struct sk_shard *shard;
    sk_ns_id ns;
    struct sk_str workflow_id; /* owned, behind the struct */
    struct sk_uuid run_id;
    int64_t due_ms; /* wall */
    bool firing;
};

/* The engine's part on one loop. */
struct sk_shard {
    struct sk_engine *engine;
    int index;
    struct sk_map *flows; /* ns + workflow id -> struct flow */
    struct sk_list idle;  /* least recently used first */
    size_t bytes, bytes_max;
    struct sk_map *wakes; /* run id -> struct wake */
    struct sk_map *aside; /* run id -> why (owned): runs that are broken, until a restart */
    struct sk_timer scan_timer;
    bool scanning;
    int64_t scanned_to_ms; /* stored wakes up to here are in memory */
    struct sk_imap *queries;
    int64_t query_next;
    struct sk_list deliveries; /* under way: struct delivery */
    struct sk_list background; /* work that waits for a fiber: flow.c */
    int background_fibers;
    int busy;              /* background work, waiting or not */
    struct sk_waitq quiet; /* woken when busy drops to 0 */
    struct sk_engine_stats stats;
};

struct sk_engine {
    struct sk_store *store;
    struct sk_matching *matching;
    struct sk_namespaces *namespaces;
    struct sk_figures *figures; /* may be NULL */
    const struct sk_limits *limits;
    int shard_count;
    struct sk_shard **shards; /* by loop */
    uint8_t token_key[16];
    int64_t epochs[SK_SLOT_COUNT]; /* of our leases; written by the slot's owner alone */
    bool closing;
    bool draining;
};

/* ---- one transition of one run: decide emits, commit writes ---- */
struct outgoing {
    int64_t id;
    EN(Outbox) *body;
};
/* Something that no event says, or not by itself, for the figures: an attempt of an activity that
 * ended, a workflow task or run that failed (count.c). In the transition's arena. */
struct deed {
    struct deed *next;
    enum { DEED_COMPLETED, DEED_RETRIED, DEED_FAILED } end;
    int source;                /* enum sk_failure_source */
    const char *type, *queue;  /* activities: their type; the task queue */
    const char *error;         /* NULL: the failure's own kind */
    const FAILURE *failure;    /* may be NULL */
    const char *lost_identity; /* the worker whose task timed out, or NULL */
    int32_t attempt;
    int64_t us; /* how long the attempt took; < 0: it never started */
};
#define COUNTED_EVENTS 10 /* kinds of events that count.c counts */

struct txn {
    struct sk_engine *e;
    struct sk_shard *shard;
    struct sk_ctx *ctx;
    const struct sk_namespace *ns;
    struct exec *x;
    int64_t now_ns;
    struct sk_buf batch; /* serialized History of this transition */
    int64_t batch_first; /* 0 = empty */
    struct sk_op *ops;
    size_t op_count, op_capacity;
    struct sk_task_row *adds; /* announced to matching after the commit */
    size_t add_count, add_capacity;
    struct outgoing *out;
    size_t out_count, out_capacity;
    bool wrote_start;      /* x->start was materialized by this transition */
    struct txn *successor; /* continue-as-new, retry, cron: committed together */
    bool visible;          /* the visibility row changes */
    bool point_current;    /* the run becomes the current one */
    struct sk_uuid expected_current;
    bool any_current;
    bool closed;          /* this transition closed the run */
    bool holding;         /* commands run: events from outside wait, as while a task is started */
    bool failed;          /* a decision could not be made: ctx->err says why; do not commit */
    int64_t completed_id; /* WorkflowTaskCompleted of this transition */
    uint16_t counts[COUNTED_EVENTS]; /* events by kind (count.c) */
    struct deed *deeds;              /* latest first */
    /* Its answers to queries reach the askers once the commit returned. May be NULL. */
    const WS(RespondWorkflowTaskCompletedRequest) *answers;
};

/* exec.c: runs in memory */
static inline struct sk_engine *exec_engine(const struct exec *x)
{
    return x->flow->shard->engine;
}
struct exec *exec_new(struct flow *flow, struct sk_uuid run_id);
void exec_free(struct exec *x);
sk_err exec_from_row(struct sk_ctx *ctx, struct flow *flow, const struct sk_exec_row *row,
                     struct exec **ret);
struct sk_str exec_pack(struct exec *x, struct sk_arena *arena);
void exec_compact(struct exec *x);
struct sk_run_key exec_key(const struct exec *x);
bool exec_running(const struct exec *x);
sk_err exec_over(struct sk_ctx *ctx); /* the error of who wants a running one */
#define exec_over(ctx) SK_FAILS_WITH(SK_NOT_FOUND, (exec_over)(ctx))
void exec_tail_add(struct exec *x, int64_t first, int64_t last, struct sk_str events);
void exec_keep_at_hand(struct exec *x, const struct sk_history_batch *batch); /* NULL: none */
size_t exec_bytes(const struct exec *x);
/* Copy into the run's arena. */
char *exec_str(struct exec *x, const char *text);
#define EXEC_DUP(x, message) sk_msg_dup((x)->arena, (message))
struct item *items_add(struct exec *x, enum sk_part_kind kind, int64_t id, void *record);
struct item *items_find(struct exec *x, enum sk_part_kind kind, int64_t id);
void items_remove(struct exec *x, enum sk_part_kind kind, int64_t id);
void item_touch(struct item *item);
EN(Activity) *exec_activity(struct exec *x, int64_t scheduled_id, struct item **ret_item);
EN(Activity) *exec_activity_by_name(struct exec *x, const char *activity_id,
                                    struct item **ret_item);
EN(Timer) *exec_timer_by_name(struct exec *x, const char *timer_id);
EN(Child) *exec_child(struct exec *x, int64_t initiated_id, struct item **ret_item);

/* count.c: metrics. Note each event; count them once the commit returned. */
void count_note(struct txn *t, int event_type);
void count_commit(const struct txn *t);
/* An attempt of an activity ended; failure NULL: it completed. Before its state changes. */
void count_attempt(struct txn *t, const EN(Activity) *a, bool retried, const FAILURE *failure);
/* The run's workflow task failed; error: why. While it is still there. */
void count_task_failed(struct txn *t, const char *error, const FAILURE *failure, bool timed_out);
/* The run failed; failure NULL: it timed out. */
void count_run_failed(struct txn *t, const FAILURE *failure);

/* apply.c: the only code that changes an execution for an event */
void exec_apply(struct exec *x, const HIST(HistoryEvent) *event);

/* flow.c: the cache and the lock */
struct flow *flow_enter(struct sk_shard *shard, sk_ns_id ns, const char *workflow_id);
void flow_leave(struct flow *flow);
/* The halves of these: hold the flow in memory, wait for its lock; give them up again. */
struct flow *flow_hold(struct sk_shard *shard, sk_ns_id ns, const char *workflow_id);
void flow_lock(struct flow *flow);
void flow_unlock(struct flow *flow);
void flow_release(struct flow *flow);
/* The run (run_id text), or the current one when run_id is NULL or empty. NOT_FOUND with detail. */
sk_err flow_run(struct flow *flow, struct sk_ctx *ctx, const char *run_id,
                struct exec **ret) SK_MUST_USE;
sk_err flow_run_uuid(struct flow *flow, struct sk_ctx *ctx, struct sk_uuid id,
                     struct exec **ret) SK_MUST_USE;
sk_err flow_current(struct flow *flow, struct sk_ctx *ctx, struct exec **ret) SK_MUST_USE;
/* Forget a run's memory (a refused commit, a rolled-back decision): the next use reloads it. The
 * start of a workflow task that was not durable survives. */
void flow_forget(struct flow *flow, struct exec *x);
/* A run whose record or history is broken: counted and logged once, refused from now on, so that it
 * costs nothing and harms nobody else. Returns DATA_LOSS with ctx->err as it stands. */
sk_err flow_set_aside(struct flow *flow, struct sk_ctx *ctx, struct sk_uuid run_id);
void flow_attach(struct flow *flow, struct exec *x);
void flow_recount(struct flow *flow);
void flow_notify(struct flow *flow); /* watch.c: after a commit */
struct sk_shard *shard_of(struct sk_engine *e, sk_ns_id ns, const char *workflow_id);
const char *task_workflow_id(struct sk_ctx *ctx, const struct sk_task *task);
bool uuid_is_zero(struct sk_uuid id);
void uuid_fresh(int64_t now_ms, char ret[SK_UUID_TEXT]);

/* Run fn on the loop that owns the workflow id. */
typedef sk_err (*shard_fn)(struct sk_shard *shard, struct sk_ctx *ctx,
                           const struct sk_namespace *ns, const void *request, void *response);
sk_err shard_call(struct sk_engine *e, struct sk_ctx *ctx, const struct sk_namespace *ns,
                  const char *workflow_id, shard_fn fn, const void *request,
                  void *response) SK_MUST_USE;
/* The same, under the id's lock. */
typedef sk_err (*flow_fn)(struct flow *flow, struct sk_ctx *ctx, const struct sk_namespace *ns,
                          const void *request, void *response);
sk_err flow_call(struct sk_engine *e, struct sk_ctx *ctx, const struct sk_namespace *ns,
                 const char *workflow_id, flow_fn fn, const void *request,
                 void *response) SK_MUST_USE;
/* Run fn in a fiber, soon and in order of these calls; sk_engine_close waits for it. */
void shard_spawn(struct sk_shard *shard, void (*fn)(void *), void *arg);

/* txn.c */
void txn_init(struct txn *t, struct sk_ctx *ctx, const struct sk_namespace *ns, struct exec *x);
HIST(HistoryEvent) *txn_event(struct txn *t, int type);
void txn_add(struct txn *t, HIST(HistoryEvent) *event);
void txn_flush_buffered(struct txn *t);
/* Does the end of the activity scheduled as this event wait among the buffered ones? */
bool txn_buffers_end(struct txn *t, int64_t scheduled_id);
struct sk_op *txn_op(struct txn *t, enum sk_op_kind kind);
void txn_announce(struct txn *t, const struct sk_task_row *row);
void txn_send(struct txn *t, int64_t id, EN(Outbox) *body);
/* Write all of it. On an error the run's memory is forgotten and t must not be used on. */
sk_err txn_commit(struct txn *t) SK_MUST_USE;
/* Drop what was decided: the run's memory is forgotten. */
void txn_abandon(struct txn *t);
int64_t txn_now_ms(const struct txn *t);
char *txn_uuid(struct txn *t); /* a fresh one, in the transition's arena */

/* joint.c: short requests on a run; those that come while a commit of it is under way are decided
 * in order and committed as one */
struct joint;
struct change;
/* Look at the run and change it by joint_txn's transition, after which nothing may fail; or do not
 * ask for that, and change nothing. What is returned (errors with ctx) is the answer, once the
 * commit returned. On the loop that owns the run, perhaps in another request's fiber. */
typedef sk_err (*decide_fn)(struct joint *j, struct exec *x, struct sk_ctx *ctx,
                            const struct change *change);
struct change {
    const char *workflow_id;
    const char *run_id;             /* NULL or empty: the current run */
    const struct sk_uuid *run_uuid; /* set: this run, whatever run_id says */
    decide_fn decide;
    const void *request; /* decide's */
    void *response;
};
sk_err run_change(struct sk_engine *e, struct sk_ctx *ctx, const struct sk_namespace *ns,
                  const struct change *change) SK_MUST_USE;
struct txn *joint_txn(struct joint *j);
/* run_change of the run that a client names. */
sk_err run_change_of(struct sk_engine *e, struct sk_ctx *ctx, const struct sk_namespace *ns,
                     const COMMON(WorkflowExecution) *execution, decide_fn decide,
                     const void *request) SK_MUST_USE;

/* wft.c: the workflow task */
bool wft_pending(const struct exec *x);
bool wft_started(const struct exec *x); /* in memory or durably */
void wft_materialize(struct txn *t);    /* write the start that is only in memory */
/* Flushes buffered events first. attempt > 1 without new events: transient (no events yet).
 * original_ns: first of a chain of heartbeats, 0 = now. announce false: the caller starts it. */
void wft_schedule(struct txn *t, int32_t attempt, int64_t original_ns, bool announce);
void wft_drop_row(struct txn *t);
void wft_write_transient(struct txn *t);  /* its Scheduled and Started events, before Completed */
void wft_schedule_if_idle(struct txn *t); /* after an event that a worker should see */
void wft_fail(struct txn *t, int cause, const FAILURE *failure, const char *identity);
void wft_fail_for_good(struct txn *t, int cause, const FAILURE *failure,
                       const char *identity); /* no next attempt: the run ends */
void wft_time_out(struct txn *t, int timeout_type);
void wft_note_success(struct txn *t); /* ends a row of failures */
sk_err wft_respond(struct exec *x, struct sk_ctx *ctx, bool sticky,
                   WS(PollWorkflowTaskQueueResponse) *response) SK_MUST_USE;
/* The poll that was to get the task inline failed: undo its start, offer the task to others. */
void wft_offer_again(struct exec *x);
void wft_start_in_memory(struct exec *x, int64_t now_ns, const char *identity);
/* The history, and behind it those events of a started task that are not in the store yet. */
struct sk_str wft_with_tail(struct exec *x, struct sk_ctx *ctx, struct sk_str history);
void stickiness_clear(struct exec *x);

/* priority.c */
/* A command's own settings before the workflow's, field by field; NULL when neither has any. */
COMMON(Priority) *priority_inherit(struct sk_arena *arena, const COMMON(Priority) *own,
                                   const COMMON(Priority) *workflow);
void priority_to_row(const COMMON(Priority) *priority, struct sk_task_row *row);

/* command.c */
/* Why a workflow task's answer was not accepted. cause 0: it was. */
struct verdict {
    int cause;      /* enums.v1.WorkflowTaskFailedCause */
    bool terminate; /* too large: the run ends as well */
    const char *text;
};
struct command_results {
    struct verdict verdict;
    int64_t *eager; /* scheduled ids of activities to hand out with the reply */
    size_t eager_count;
    bool new_task; /* something happened that the worker must see */
};
/* An error is the RPC's (an unknown command, a close that is not last); a verdict fails the task.
 */
sk_err commands_run(struct txn *t, const WS(RespondWorkflowTaskCompletedRequest) *request,
                    struct command_results *ret) SK_MUST_USE;
size_t payloads_size(const COMMON(Payloads) *payloads);
/* "BadScheduleActivityAttributes: text" */
const char *verdict_text(struct sk_arena *arena, const struct verdict *verdict);

/* activity.c: the life of one activity inside a run */
void activity_dispatch(struct txn *t, EN(Activity) *a, bool announce); /* make its task row */
/* The row goes without having been started. */
void activity_drop_task(struct txn *t, EN(Activity) *a);
/* Deadlines that passed, or the end of a backoff. True when something happened; the activity may be
 * gone then. */
bool activity_check(struct txn *t, EN(Activity) *a, struct item *item);
int64_t activity_due_ms(const EN(Activity) *a);
void activity_start_event(struct txn *t,
                          EN(Activity) *a); /* Started, written with the final event */
void activity_mark_started(struct txn *t, EN(Activity) *a, struct item *item, const char *identity);
void activity_complete(struct txn *t, EN(Activity) *a, const COMMON(Payloads) *result,
                       const char *identity);
void activity_fail(struct txn *t, EN(Activity) *a, struct item *item, const FAILURE *failure,
                   const char *identity, int cause);
void activity_cancel(struct txn *t, EN(Activity) *a, const COMMON(Payloads) *details,
                     const char *identity);
void activity_time_out(struct txn *t, EN(Activity) *a, struct item *item, int timeout_type);
/* The answer to a poll for a started activity; scheduled is its Scheduled event. */
void activity_respond(struct exec *x, struct sk_ctx *ctx, const struct sk_namespace *ns,
                      const EN(Activity) *a,
                      const HIST(ActivityTaskScheduledEventAttributes) *scheduled,
                      WS(PollActivityTaskQueueResponse) *ret);

/* start.c */
struct start_args {
    HIST(WorkflowExecutionStartedEventAttributes) *attributes; /* ids of the run are filled in */
    Temporal__Api__Sdk__V1__UserMetadata *user_metadata;
    size_t n_links;
    COMMON(Link) **links;
    const char *request_id;
    bool hold_first_task; /* a child whose parent has not recorded it yet */
    bool inline_task;     /* the first task is not announced: the caller starts it */
    int64_t now_ns;       /* 0 = now */
};
/* A new run: its memory and a transition that writes Started and the first task (or its backoff).
 * The transition is the caller's to commit, alone or as another's successor. */
void start_run(struct txn *t, struct sk_ctx *ctx, const struct sk_namespace *ns, struct flow *flow,
               const struct start_args *args);
/* After a backoff, or when the parent has recorded the child. */
void start_first_task(struct txn *t, bool announce);
int64_t start_run_timeout_ms(int64_t run_ms, int64_t execution_ms);
/* asked 0: the default; bounded by the server's maximum and the run's timeout, if it has one. */
int64_t start_task_timeout_ms(const struct sk_limits *limits, int64_t asked, int64_t run_ms);
/* Resolve a start against what runs or ran under the id. SK_OK: go on (with *ret_current filled
 * and, when the current run has to end first, *ret_terminate); SK_STALE: *ret_current is the
 * answer. */
struct start_policies {
    const char *request_id;
    int reuse, conflict;
    bool child; /* starts by a parent have no minimal interval */
};
sk_err start_resolve(struct sk_ctx *ctx, struct flow *flow, const struct start_policies *policies,
                     struct exec **ret_current, bool *ret_terminate) SK_MUST_USE;
/* Commit a new run over `current` (NULL: none), ending it first when terminate. */
sk_err start_commit(struct txn *t, struct exec *current, bool terminate) SK_MUST_USE;

/* link.c: to the run's first event; to the one that this request brought */
COMMON(Link) *link_to_start(struct sk_arena *arena, const struct sk_namespace *ns,
                            const struct exec *x);
COMMON(Link) *link_to_request(struct sk_arena *arena, const struct sk_namespace *ns,
                              const struct exec *x, const char *request_id, int event_type);

/* close.c */
/* Add a close event and all that follows from it: rows, parent, children, retention. */
void close_run(struct txn *t, HIST(HistoryEvent) *event);
void close_completed(struct txn *t, const COMMON(Payloads) *result,
                     Temporal__Api__Sdk__V1__UserMetadata *metadata);
void close_failed(struct txn *t, const FAILURE *failure,
                  Temporal__Api__Sdk__V1__UserMetadata *metadata);
void close_canceled(struct txn *t, const COMMON(Payloads) *details,
                    Temporal__Api__Sdk__V1__UserMetadata *metadata);
void close_continued(struct txn *t,
                     const CMDMSG(ContinueAsNewWorkflowExecutionCommandAttributes) *c,
                     Temporal__Api__Sdk__V1__UserMetadata *metadata);
void close_terminated(struct txn *t, ProtobufCBinaryData reason, const COMMON(Payloads) *details,
                      const char *identity);
void close_timed_out(struct txn *t, bool execution);
FAILURE *close_timeout_failure(struct sk_arena *arena); /* of a run that another one follows */
/* Remove every row of a run. If it was the current one then heir is; NULL: none. */
sk_err close_delete(struct sk_ctx *ctx, struct exec *x, const struct exec *heir) SK_MUST_USE;

/* retry.c */
/* What the policy leaves open has the server's defaults; all of it when there is none. */
COMMON(RetryPolicy) *retry_full_policy(struct sk_arena *arena, const COMMON(RetryPolicy) *given);
/* Milliseconds until the next attempt, or -1 with the reason. expires_ms 0 = never. */
int64_t retry_backoff_ms(const COMMON(RetryPolicy) *policy, int32_t attempt, int64_t now_ms,
                         int64_t expires_ms, const FAILURE *failure, int *ret_state);

/* signal.c */
/* Did this run take this request already? */
bool request_seen(const struct exec *x, const char *request_id, int event_type);
void request_remember(struct txn *t, const char *request_id, int event_type, int64_t event_id);
/* May the run take one more signal? */
sk_err signal_check(struct sk_ctx *ctx, const struct exec *x) SK_MUST_USE;
bool signals_full(const struct exec *x);
bool signals_closing(const struct exec *x);
void signal_add(struct txn *t, const char *name, const COMMON(Payloads) *input,
                const COMMON(Header) *header, const char *identity, const char *request_id,
                const COMMON(WorkflowExecution) *external, size_t n_links, COMMON(Link) **links);
void cancel_add(struct txn *t, ProtobufCBinaryData cause, const char *identity,
                const char *request_id, int64_t external_initiated_id,
                const COMMON(WorkflowExecution) *external);

/* deliver.c */
void deliver_start(struct sk_shard *shard, const struct sk_run_key *source, int64_t id,
                   struct sk_str body);
/* Whether the outbox rows of a commit were written is not known: look, and carry those that were.
 */
void deliver_recheck(struct sk_shard *shard, const struct sk_run_key *source,
                     const struct outgoing *out, size_t out_count);
sk_err deliver_boot(struct sk_shard *shard, struct sk_ctx *ctx) SK_MUST_USE;
void deliver_close(struct sk_shard *shard); /* those that pause; nothing is under way */

/* wake.c */
int64_t wake_due_ms(const struct exec *x, int64_t now_ms); /* earliest durable deadline, 0 = none */
void wake_arm(struct exec *x);
void wake_forget(struct exec *x);
sk_err wake_boot(struct sk_shard *shard, struct sk_ctx *ctx) SK_MUST_USE;
void wake_close(struct sk_shard *shard);

/* visible.c */
void visible_op(struct txn *t);
/* What lists and descriptions show: the run's own and what the server adds. May be NULL. */
const COMMON(SearchAttributes) *visible_attributes(const struct exec *x, struct sk_arena *arena);

/* history.c */
sk_err history_bytes(struct exec *x, struct sk_ctx *ctx, int64_t from, int64_t to, size_t max_bytes,
                     struct sk_str *ret, int64_t *ret_last) SK_MUST_USE;
sk_err history_event(struct exec *x, struct sk_ctx *ctx, int64_t event_id,
                     HIST(HistoryEvent) **ret) SK_MUST_USE;

/* token.c */
ProtobufCBinaryData token_seal(struct sk_engine *e, struct sk_arena *arena,
                               const ProtobufCMessage *message);
sk_err token_open(struct sk_engine *e, struct sk_ctx *ctx, ProtobufCBinaryData token,
                  const ProtobufCMessageDescriptor *type, ProtobufCMessage **ret) SK_MUST_USE;
/* A token of one of the run's tasks, to be filled in; and one that a worker sent back. */
EN(TaskToken) task_token_new(const struct exec *x, struct sk_arena *arena, enum sk_task_kind kind);
sk_err task_token_open(struct sk_engine *e, struct sk_ctx *ctx, const struct sk_namespace *ns,
                       ProtobufCBinaryData bytes, enum sk_task_kind kind,
                       const EN(TaskToken) **ret) SK_MUST_USE;
sk_err token_key_load(struct sk_engine *e, struct sk_ctx *ctx) SK_MUST_USE;

/* query.c */
void queries_attach(struct exec *x, struct sk_ctx *ctx,
                    WS(PollWorkflowTaskQueueResponse) *response);
void queries_answer(struct exec *x, const WS(RespondWorkflowTaskCompletedRequest) *request);
void queries_unblock(struct exec *x); /* no task is coming: dispatch directly or fail */
sk_err query_respond(struct sk_engine *e, struct sk_ctx *ctx, const struct sk_namespace *ns,
                     const struct sk_task *task,
                     WS(PollWorkflowTaskQueueResponse) *response) SK_MUST_USE;

#endif
