/*
 * The simulator: engine, matching and the memory store in one process, on a virtual clock, from a
 * seed. Model workers and clients do random things, the store under the engine fails at random, the
 * process "crashes", and a checker that knows nothing of the engine's code watches every commit.
 * See README.md.
 */
#ifndef SK_TEST_SIM_H
#define SK_TEST_SIM_H

#include "base/assert.h"
#include "base/buf.h"
#include "base/ctx.h"
#include "base/map.h"
#include "engine/api.h"
#include "engine/engine.h"
#include "matching/matching.h"
#include "rt/rt.h"
#include "store/namespaces.h"
#include "store/store.h"

#define SIM_NAMESPACE "sim"
#define SIM_QUEUE "queue"
#define SIM_WORKFLOW_WORKERS 3
#define SIM_ACTIVITY_WORKERS 3
#define SIM_CLIENTS 4
#define SIM_WATCHERS 2
#define SIM_CROWD                                                                  \
    20 /* so many times the activity workers and clients, where workflows are wide \
        */
#define SIM_DOWN_PAUSE_MS (sim->quiet ? 1000 : 50) /* until a worker looks again */
#define SIM_IDS 6 /* workflow ids that clients use; children have ids of their own */

/* A broken invariant: the run ends here, main.c prints the seed. */
#define SIM_CHECK(cond, ...) ((cond) ? (void)0 : sim_fail(#cond, __FILE__, __LINE__, __VA_ARGS__))
_Noreturn void sim_fail(const char *cond, const char *file, int line, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Printed with --verbose. */
void sim_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

enum { SIM_ITEM_KINDS = 6 }; /* indexed by enum sk_part_kind, ACTIVITY .. SIGNAL */

/* A deadline: when, on the wall clock, and of what. ms 0: none. */
struct sim_due {
    int64_t ms;
    const char *what;
};

/* An activity's present attempt, as stored. */
struct sim_attempt {
    int32_t number;
    bool paused;
    int64_t scheduled_ms, started_ms, beat_ms, retry_ms; /* 0: not (yet) */
};

/* A pending activity, timer, child, external cancel or signal, as the history tells. */
struct sim_item {
    int64_t id;
    bool started;
    int64_t due_ms; /* timers: may fire from then on */
    /* Activities: when it was scheduled first, its timeouts, how far it is. */
    int64_t scheduled_ms, to_close_ms, to_start_ms, start_to_close_ms, heartbeat_ms;
    struct sim_attempt attempt;
};

/* A run's workflow task, as stored. */
struct sim_task {
    int32_t attempt; /* 0: none */
    int64_t timeout_ms, started_ms, sticky_ms;
};

/* What the committed transactions say about a run. */
struct sim_run {
    char *workflow_id;
    char run_id[SK_UUID_TEXT];
    struct sk_uuid uuid;
    int64_t last_event_id;
    int64_t version;
    int status;     /* from its events; WorkflowExecutionStatus */
    int vis_status; /* from its visibility row */
    bool cron;
    bool deleted;                          /* its rows are gone */
    int64_t wft_scheduled, wft_started;    /* 0: none */
    struct sk_imap *items[SIM_ITEM_KINDS]; /* id -> struct sim_item */
    struct sk_imap *parts[SIM_ITEM_KINDS]; /* id -> struct sk_buf: rows of their own */
    struct sk_buf history;                 /* all events, serialized */
    /* due.c's */
    int64_t begin_ms, last_ms, task_timeout_ms; /* after its backoff; its newest event */
    bool had_task;
    struct sim_task task;
    struct sim_due end;  /* by a timeout of its own */
    struct sim_due due;  /* the earliest of all that is stored */
    struct sim_due rest; /* the same without the workflow task */
    struct sim_due held; /* of a workflow task whose start only memory knows */
    int64_t held_mono_ms;
    int held_life;
    struct sim_run *next;
};

/* Something that was asked for with a name of its own: a signal, an activity's result, a workflow
 * task's completion. */
struct sim_deed {
    bool acknowledged;
    bool repeats; /* by a client that asked again: once a run */
    int seen;     /* times in histories */
};

struct sim_world {
    uint64_t seed;
    struct sk_random *random; /* the model's own */
    bool faults, finishing, over;
    bool quiet;         /* little happens for hours, workers are dead or slow */
    int64_t calm_ms;    /* since then (monotonic) nothing disturbs the engine; see faults */
    uint64_t harshness; /* how often commits fail: in so many of a thousand */
    int64_t haste_ms;   /* clients pause up to this long */
    uint64_t width;     /* activities that a wide workflow schedules at once; 0: none is wide */

    struct sk_store *base;        /* survives crashes */
    struct sk_store *store;       /* of this life */
    bool up;                      /* calls are let in */
    struct sk_matching *matching; /* NULL while down */
    struct sk_engine *engine;
    struct sk_namespaces *namespaces;
    const struct sk_namespace *ns;
    struct sk_limits limits;
    int calls;   /* under way into engine or matching */
    int fibers;  /* model fibers alive */
    int clients; /* of them */
    int lives;

    struct sk_map *runs;   /* run id text -> struct sim_run */
    struct sim_run *first; /* all, newest first */
    struct sk_map *deeds;  /* name -> struct sim_deed */
    struct sk_map *rows;   /* task rows on disk: key -> count */
    int64_t names;
    uint64_t commits, refused, unknown, requests, acknowledged;
};

extern struct sim_world *sim;

/* ---- world.c ---- */
void sim_world_run(uint64_t seed);
/* Enter a call into engine or matching; false: they are down, try later. */
bool sim_enter(void);
void sim_leave(void);
uint64_t sim_below(uint64_t n);
bool sim_chance(int percent);
int64_t sim_between(int64_t low, int64_t high);
/* Milliseconds of a workflow's plans: between these; in quiet weather up to 400 times as many. */
int64_t sim_span(int64_t low, int64_t high);
/* In quiet weather: minutes to hours pass. */
void sim_lull(void);
/* Workers and workflows misbehave: not while the weather is quiet, when they are only slow. */
bool sim_wild(void);
/* A name that was never used: "<what>-<number>". In the arena. */
char *sim_name(struct sk_arena *arena, const char *what);
Temporal__Api__Common__V1__Priority *sim_priority(struct sk_arena *arena); /* may be NULL */
/* Start fn(arg) as a model fiber on a random loop. */
void sim_spawn(void (*fn)(void *), void *arg);
/* A message as its receiver sees it: packed (with what was spliced in) and decoded. */
void *sim_receive(struct sk_arena *arena, const void *message);
COMMON(Payloads) *sim_payloads(struct sk_arena *arena, const char *text);
const char *sim_text(struct sk_arena *arena, const COMMON(Payloads) *payloads);

/* ---- faults.c ---- */
struct sk_store *sim_store_new(struct sk_store *base);
void sim_store_kill(struct sk_store *store); /* from now on it does nothing and says so */
void sim_store_free(struct sk_store *store);

/* ---- check.c ---- */
void sim_check_commit(const struct sk_txn *txn);
struct sim_run *sim_run_find(const char *run_id); /* NULL: unknown */
struct sim_deed *sim_deed_of(const char *name);   /* made when new */
bool sim_run_open(const struct sim_run *run);
int sim_open_runs(void);
void sim_check_free(void);

/* ---- due.c ---- */
void sim_due_begin(struct sim_item *item, const HIST(HistoryEvent) *e); /* its first event */
void sim_due_event(struct sim_run *run, const HIST(HistoryEvent) *e);   /* before what it ends */
void sim_due_attempt(struct sim_run *run, const EN(Activity) *record);
void sim_due_state(struct sim_run *run, const EN(ExecutionState) *state, int64_t stored_ms);
/* A worker got this task in that life. */
void sim_due_held(const WS(PollWorkflowTaskQueueResponse) *task, int life);
void sim_due_look(void *arg); /* a fiber: finds what is late */

/* ---- fold.c ---- */
/* The state just stored against the fold of the run's history. */
void sim_check_fold(const struct sim_run *run, struct sk_str state);

/* ---- final.c ---- */
void sim_check_end(void);

/* ---- worker.c, activity.c, client.c ---- */
void sim_workflow_worker(void *arg); /* arg: its number */
void sim_activity_worker(void *arg);
void sim_client(void *arg);
void sim_watcher(void *arg); /* watcher.c: waits for the end of runs by long polls */
/* Poll once; NULL: nothing came. Inside sim_enter. */
struct sk_task *sim_poll(enum sk_task_kind kind, const char *queue, bool sticky,
                         const char *identity);
/* Do a workflow task and those that its answers bring. Outside sim_enter. */
void sim_task_do(struct sk_arena *arena, const WS(PollWorkflowTaskQueueResponse) *task,
                 const char *sticky);
/* Do a started activity; frees nothing. Outside sim_enter. */
void sim_activity_do(struct sk_arena *arena, const WS(PollActivityTaskQueueResponse) *task);
/* Terminate by workflow id, for the end of a run. */
void sim_terminate(const char *workflow_id, const char *run_id);

/* ---- program.c ---- */
/* The workflow's decision: commands for the history so far. */
enum { SIM_COMMANDS_MAX = 400 };
struct sim_decision {
    CMDMSG(Command) *commands[SIM_COMMANDS_MAX];
    size_t count;
    bool closes;
};
void sim_decide(struct sk_arena *arena, const HIST(History) *history, const char *workflow_id,
                struct sim_decision *ret);

#endif
