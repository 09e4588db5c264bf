/* Only for src/cli/demo*.c. */
/*
 * The demo: a small shop whose orders have different stories. A story is data: the steps that its
 * workflow takes, one after the other, and where the order stands in the end. demo.c is the shop's
 * customer (starts, signals, cancels, looks), demo_worker.c its worker.
 */
#ifndef SK_CLI_DEMO_INTERNAL_H
#define SK_CLI_DEMO_INTERNAL_H

#include "cli/client.h"

#define SK_DEMO_STEPS_MAX 4
#define SK_DEMO_QUEUE "skald-demo-orders"
#define SK_DEMO_WORKFLOW "Order"
#define SK_DEMO_CHILD "GiftWrap"

enum sk_demo_kind {
    SK_DEMO_END,
    SK_DEMO_ACTIVITY,
    SK_DEMO_TIMER,
    SK_DEMO_SIGNAL,
    SK_DEMO_CHILD_RUN
};

#define SK_DEMO_ALWAYS 1000000 /* fail_first: no attempt ever succeeds */

struct sk_demo_step {
    enum sk_demo_kind kind;
    const char *name; /* activity type, timer id, signal name, story of the child */
    int fail_first;   /* activity: attempts that fail before one succeeds */
    bool fatal;       /* activity: fails for good */
    int64_t ms;       /* timer */
};

enum sk_demo_goal { /* where an order stands when its story has been told */
                    SK_DEMO_COMPLETED,
                    SK_DEMO_FAILED,
                    SK_DEMO_CANCELED,
                    SK_DEMO_RETRYING, /* running, an activity in its second attempt or a later one
                                       */
                    SK_DEMO_WAITING,  /* running, waiting for a timer or a signal */
};

struct sk_demo_story {
    const char *key, *title;
    struct sk_demo_step steps[SK_DEMO_STEPS_MAX + 1]; /* ends with SK_DEMO_END */
    enum sk_demo_goal goal;
    bool signal, cancel; /* what the customer does a moment later */
};

extern const struct sk_demo_story sk_demo_stories[]; /* ends with a NULL key */
#define SK_DEMO_ORDER_STORIES 10 /* the first ones are orders; the rest are their children */
const struct sk_demo_story *sk_demo_story_find(struct sk_str key); /* NULL: none */

struct sk_demo {
    struct sk_rpc_client *client;
    const char *ns, *identity;
    bool stopping;
    int busy; /* tasks in the worker's hands; woken as below when one is done */
    int fibers;
    struct sk_waitq *ended; /* woken when a fiber ends */
};

/* {"story":"gift",...} */
API_COMMON(Payloads) * sk_demo_input(struct sk_arena *arena, const char *order, const char *story);
void sk_demo_workers_start(struct sk_demo *demo);
/* What a worker does with a workflow task: the commands for this history; *ret_count may be 0.
 * NULL story (an input nobody here wrote): the run fails. */
API_COMMAND(Command) * *sk_demo_decide(struct sk_arena *arena, const API_HISTORY(History) * history,
                                       const char *workflow_id, size_t *ret_count);

#endif
