/* For src/engine/deliver*.c only. */
#ifndef SK_ENGINE_DELIVER_INTERNAL_H
#define SK_ENGINE_DELIVER_INTERNAL_H

#include "engine/engine_internal.h"

struct delivery {
    struct sk_list node;    /* in shard->deliveries */
    struct sk_shard *shard; /* of the source */
    sk_ns_id ns_id;
    char *source_id; /* the source's workflow id */
    struct sk_uuid source_run;
    int64_t id;
    struct sk_str body;    /* owned */
    bool again;            /* it may have been carried before */
    int64_t pause_ms;      /* before the next attempt */
    struct sk_timer timer; /* runs while it pauses */
};

/* One attempt: the delivery with what it needs decoded. */
struct attempt {
    struct delivery *d;
    struct sk_ctx *ctx;
    const struct sk_namespace *ns;
    const EN(Outbox) *out;
    const HIST(HistoryEvent) *initiated; /* of child start, signal, cancel */
    EN(Reply) reply;
    bool inbox; /* the target holds an inbox row for this message */
};

struct sk_engine *deliver_engine(const struct attempt *a);
char *deliver_source_run(const struct attempt *a);
const COMMON(WorkflowExecution) *deliver_source(const struct attempt *a);
sk_err deliver_decode(struct sk_ctx *ctx, ProtobufCBinaryData bytes,
                      const HIST(HistoryEvent) **ret);
sk_err deliver_inbox_find(struct attempt *a, const char *target, bool *ret_found);
void deliver_inbox_put(struct attempt *a, struct txn *t, const char *target);
void deliver_inbox_clear(struct attempt *a, const char *target);
sk_err deliver_forget(struct attempt *a);
/* Was it carried before, and has the source the answer already? Then the message is forgotten. */
sk_err deliver_settled(struct attempt *a, enum sk_part_kind kind, const char *target,
                       bool *ret_settled);
sk_err deliver_record(struct attempt *a, void (*record)(struct attempt *, struct txn *),
                      bool *ret_open);

/* Change a run, unless it is gone. */
sk_err deliver_change(struct attempt *a, const struct change *change);

/* deliver_external.c */
sk_err deliver_signal(struct attempt *a);
sk_err deliver_cancel(struct attempt *a);

/* deliver_child.c */
sk_err deliver_start_child(struct attempt *a);
sk_err deliver_first_task(struct attempt *a);
sk_err deliver_child_closed(struct attempt *a);
sk_err deliver_parent_closed(struct attempt *a);

#endif
