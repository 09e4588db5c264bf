/* Only for src/store/memory. */
#ifndef SK_STORE_MEMORY_INTERNAL_H
#define SK_STORE_MEMORY_INTERNAL_H

#include "base/buf.h"
#include "store/vis_query.h"

/* ---- an ordered table of bytes to bytes (table.c) ---- */
struct sm_entry {
    struct sk_str key, value; /* both inside this block */
};
struct sm_table {
    struct sm_entry **entries; /* ascending by key */
    size_t count, capacity;
};
const struct sm_entry *sm_table_get(const struct sm_table *table, struct sk_str key);
/* The index of the first entry whose key is >= key. */
size_t sm_table_seek(const struct sm_table *table, struct sk_str key);
/* Put (value non-NULL) or remove; the old entry is handed to the caller, who frees it, or NULL. */
struct sm_entry *sm_table_swap(struct sm_table *table, struct sk_str key,
                               const struct sk_str *value);
/* Put back what swap handed out: entry NULL removes the key. */
void sm_table_restore(struct sm_table *table, struct sk_str key, struct sm_entry *entry);
void sm_table_fini(struct sm_table *table);

/* ---- records as bytes (record.c) ---- */
/* Keys sort as their parts do: integers big-endian with the sign flipped, strings ended so that a
 * prefix comes first. */
void sm_key_int(struct sk_buf *key, int64_t i);
void sm_key_str(struct sk_buf *key, struct sk_str s);
void sm_key_uuid(struct sk_buf *key, const struct sk_uuid *id);
int64_t sm_key_take_int(struct sk_str *key);
struct sk_str sm_key_take_str(struct sk_str *key, struct sk_arena *arena);
struct sk_uuid sm_key_take_uuid(struct sk_str *key);
/* Values. */
void sm_put_int(struct sk_buf *buf, int64_t i);
void sm_put_double(struct sk_buf *buf, double d);
void sm_put_str(struct sk_buf *buf, struct sk_str s);
void sm_put_uuid(struct sk_buf *buf, const struct sk_uuid *id);
int64_t sm_take_int(struct sk_str *in);
double sm_take_double(struct sk_str *in);
struct sk_str sm_take_str(struct sk_str *in); /* borrowed from the table */
struct sk_uuid sm_take_uuid(struct sk_str *in);

void sm_put_task(struct sk_buf *buf, const struct sk_task_row *task);
void sm_take_task(struct sk_str in, struct sk_task_row *ret); /* all but queue, priority, seq */
void sm_put_vis(struct sk_buf *buf, const struct sk_vis_row *row);
/* With values, in the arena; strings borrowed from the table. */
void sm_take_vis(struct sk_str in, struct sk_arena *arena, struct sk_vis_row *row);

/* ---- visibility (vis.c) ---- */
void sm_vis_list(const struct sm_table *vis, const struct sk_vis_query *query,
                 struct sk_arena *arena, struct sk_vis_page *ret);
void sm_vis_count(const struct sm_table *vis, const struct sk_vis_query *query,
                  struct sk_arena *arena, struct sk_vis_counts *ret);

/* ---- the content ---- */
enum sm_table_kind {
    SM_EXEC,    /* run -> ns, workflow id, slot, version, wake, state */
    SM_RUNS,    /* ns, workflow id, run -> */
    SM_PART,    /* run, kind, id -> body */
    SM_CURRENT, /* ns, workflow id -> run */
    SM_HISTORY, /* run, first -> last, events */
    SM_TASK,    /* ns, kind, queue, priority, pass, seq -> the rest */
    SM_OUTBOX,  /* run, id -> sequence, slot, ns, workflow id, body */
    SM_INBOX,   /* ns, workflow id, source run, id -> reply */
    SM_VIS,     /* run -> row */
    SM_META,    /* kind, key -> version, value */
    SM_TABLES,
};
struct sk_memory_data {
    struct sm_table tables[SM_TABLES];
    int64_t outbox_sequence;
    int64_t generation; /* of opens */
    _Atomic int64_t leases[SK_SLOT_COUNT];
};
/* One transition; on CONDITION everything is as before. (commit.c) */
sk_err sm_commit(struct sk_memory_data *data, struct sk_ctx *ctx, const struct sk_txn *txn);
sk_err sm_meta_put(struct sk_memory_data *data, struct sk_ctx *ctx, const struct sk_meta_row *row);
sk_err sm_meta_delete(struct sk_memory_data *data, struct sk_ctx *ctx,
                      const struct sk_meta_row *row);

/* Reads (read.c): the arguments of the contract in one struct, so that one job carries them. */
struct sm_read {
    struct sk_memory_data *data;
    struct sk_ctx *ctx;
    const struct sk_run_key *run;
    const struct sk_queue_key *queue;
    const struct sk_task_range *tasks;
    const struct sk_vis_query *query;
    sk_ns_id ns;
    struct sk_str a, b; /* workflow id; kind and key */
    int64_t from, to;   /* events; until */
    size_t limit;
    uint32_t modulo, rest;
    bool reverse;
    void *ret; /* the first result, whatever its type */
    size_t *ret_count;
    int64_t *ret_int, *ret_int2;
};
sk_err sm_exec_get(struct sm_read *r);    /* ret: struct sk_exec_row */
sk_err sm_current_get(struct sm_read *r); /* ret: struct sk_uuid */
sk_err sm_runs_read(struct sm_read *r);   /* ret: struct sk_uuid * */
sk_err sm_history_read(struct sm_read *r);
sk_err sm_tasks_read(struct sm_read *r);
sk_err sm_queues_read(struct sm_read *r);
sk_err sm_task_count(struct sm_read *r);
sk_err sm_wakes_read(struct sm_read *r);
sk_err sm_outbox_read(struct sm_read *r);
sk_err sm_inbox_get(struct sm_read *r); /* ret: struct sk_inbox_row */
sk_err sm_meta_get(struct sm_read *r);  /* ret: struct sk_meta_row */
sk_err sm_meta_list(struct sm_read *r);
sk_err sm_list(struct sm_read *r);
sk_err sm_count(struct sm_read *r);

#endif
