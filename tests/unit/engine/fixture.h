/*
 * A world for the engine's tests: engine, matching and the store in memory on the simulated
 * runtime, one loop, one namespace. A test is a function that runs as a fiber in it and plays
 * client and worker with the calls below; each fails the test when the engine answers with an
 * error, but for those that return one.
 */
#ifndef SK_TESTS_ENGINE_FIXTURE_H
#define SK_TESTS_ENGINE_FIXTURE_H

#include "engine/api.h"
#include "engine/engine.h"

#define WORKFLOW "order-1"
#define QUEUE "orders"

struct world {
    struct sk_store *store;
    struct sk_matching *matching;
    struct sk_namespaces *namespaces;
    struct sk_engine *engine;
    struct sk_limits limits;
    const struct sk_namespace *ns;
    struct sk_ctx ctx; /* its arena lives as long as the test */
};

/* A gate before the store's commits: from gate_hold on they wait, those of one workflow id or all
 * (NULL); once released the first `pass` of them are made and the others refused, until the gate is
 * lifted. One at a time. */
void gate_hold(struct world *w, const char *workflow_id, int pass);
void gate_release(void);
void gate_lift(struct world *w);
int gate_commits(void); /* that came since gate_hold */

/* Run test(world) in a fresh world. */
void in_world(void (*test)(struct world *w));
/* The same store under a new engine, as after a kill -9. */
void restart(struct world *w);

char *start_workflow(struct world *w); /* WORKFLOW of type "Order" on QUEUE; returns the run id */
void terminate_workflow(struct world *w, const char *workflow_id);
void signal_workflow(struct world *w, const char *name);
/* A poll that must find a task within five minutes of virtual time. */
WS(PollWorkflowTaskQueueResponse) *poll_workflow_task(struct world *w, const char *queue);
WS(PollWorkflowTaskQueueResponse) *try_poll_workflow_task(struct world *w,
                                                          const char *queue); // or NULL
WS(PollActivityTaskQueueResponse) *poll_activity_task(struct world *w, const char *queue);

/* Commands for complete_task. */
CMDMSG(Command) *schedule_activity(struct world *w, const char *id);
CMDMSG(Command) *start_timer(struct world *w, const char *id, int64_t ms);
CMDMSG(Command) *start_child(struct world *w, const char *workflow_id);
CMDMSG(Command) *complete_workflow(struct world *w);
CMDMSG(Command) *fail_workflow(struct world *w);
CMDMSG(Command) *continue_as_new(struct world *w);
CMDMSG(Command) *cancel_activity(struct world *w, int64_t scheduled_id);
sk_err try_complete_task(struct world *w, const WS(PollWorkflowTaskQueueResponse) *task,
                         const char *sticky_queue, size_t n, CMDMSG(Command) **commands,
                         WS(RespondWorkflowTaskCompletedResponse) **ret);
/* complete_task(w, task, command...): all of them, NULL-ended */
void complete_task(struct world *w, const WS(PollWorkflowTaskQueueResponse) *task, ...);
void complete_activity(struct world *w, const WS(PollActivityTaskQueueResponse) *task);
void fail_activity(struct world *w, const WS(PollActivityTaskQueueResponse) *task);

/* The first page of the current run's history. */
const HIST(History) *events_of(struct world *w, const char *workflow_id);
/* The names of its events, as "A B C", prefixes as Temporal's enum. */
const char *history_of(struct world *w, const char *workflow_id);
int status_of(struct world *w, const char *workflow_id);
/* The current run's id; NULL: there is none. */
const char *run_of(struct world *w, const char *workflow_id);

#endif
