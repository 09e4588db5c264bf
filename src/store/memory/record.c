/*
 * Rows as bytes. Keys compare as their parts do; values are just their parts in a row. Nothing
 * here is ever read by another program or version, so bytes are the machine's own.
 */
#include "store/memory/memory_internal.h"

#include "base/assert.h"

/* ---- keys ---- */

void sm_key_int(struct sk_buf *key, int64_t i)
{
    uint64_t u = (uint64_t)i ^ (uint64_t)1 << 63;
    unsigned char b[8];
    for (int k = 0; k < 8; k++)
        b[k] = (unsigned char)(u >> (56 - 8 * k));
    sk_buf_append(key, b, sizeof(b));
}

/* NUL bytes are written as 0 1, the end as 0 0: so a string sorts before its extensions. */
void sm_key_str(struct sk_buf *key, struct sk_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        sk_buf_append(key, &s.p[i], 1);
        if (s.p[i] == '\0')
            sk_buf_append(key, "\1", 1);
    }
    sk_buf_append(key, "\0\0", 2);
}

void sm_key_uuid(struct sk_buf *key, const struct sk_uuid *id)
{
    sk_buf_append(key, id->b, SK_UUID_SIZE);
}

static const unsigned char *take(struct sk_str *in, size_t n)
{
    SK_ASSERT(in->n >= n);
    const unsigned char *p = (const unsigned char *)in->p;
    in->p += n;
    in->n -= n;
    return p;
}

int64_t sm_key_take_int(struct sk_str *key)
{
    const unsigned char *b = take(key, 8);
    uint64_t u = 0;
    for (int k = 0; k < 8; k++)
        u = u << 8 | b[k];
    return (int64_t)(u ^ (uint64_t)1 << 63);
}

struct sk_str sm_key_take_str(struct sk_str *key, struct sk_arena *arena)
{
    char *copy = sk_arena_alloc(arena, key->n + 1);
    size_t n = 0;
    for (;;) {
        char c = (char)*take(key, 1);
        if (c == '\0' && *take(key, 1) == 0)
            return (struct sk_str){copy, n};
        copy[n++] = c;
    }
}

struct sk_uuid sm_key_take_uuid(struct sk_str *key)
{
    struct sk_uuid id;
    memcpy(id.b, take(key, SK_UUID_SIZE), SK_UUID_SIZE);
    return id;
}

/* ---- values ---- */

void sm_put_int(struct sk_buf *buf, int64_t i)
{
    sk_buf_append(buf, &i, sizeof(i));
}

void sm_put_double(struct sk_buf *buf, double d)
{
    sk_buf_append(buf, &d, sizeof(d));
}

void sm_put_str(struct sk_buf *buf, struct sk_str s)
{
    sm_put_int(buf, (int64_t)s.n);
    if (s.n)
        sk_buf_append(buf, s.p, s.n);
}

void sm_put_uuid(struct sk_buf *buf, const struct sk_uuid *id)
{
    sk_buf_append(buf, id->b, SK_UUID_SIZE);
}

int64_t sm_take_int(struct sk_str *in)
{
    int64_t i;
    memcpy(&i, take(in, sizeof(i)), sizeof(i));
    return i;
}

double sm_take_double(struct sk_str *in)
{
    double d;
    memcpy(&d, take(in, sizeof(d)), sizeof(d));
    return d;
}

struct sk_str sm_take_str(struct sk_str *in)
{
    size_t n = (size_t)sm_take_int(in);
    return (struct sk_str){(const char *)take(in, n), n};
}

struct sk_uuid sm_take_uuid(struct sk_str *in)
{
    return sm_key_take_uuid(in);
}

/* ---- tasks ---- */

void sm_put_task(struct sk_buf *buf, const struct sk_task_row *t)
{
    sm_put_int(buf, t->run.ns);
    sm_put_str(buf, t->run.workflow_id);
    sm_put_uuid(buf, &t->run.run_id);
    sm_put_int(buf, t->scheduled_id);
    sm_put_int(buf, t->attempt);
    sm_put_int(buf, t->stamp);
    sm_put_int(buf, t->created_ms);
    sm_put_int(buf, t->expires_ms);
    sm_put_str(buf, t->fairness_key);
    sm_put_double(buf, (double)t->fairness_weight);
    sm_put_str(buf, t->fallback_queue);
    sm_put_str(buf, t->version);
}

void sm_take_task(struct sk_str in, struct sk_task_row *t)
{
    t->run.ns = (sk_ns_id)sm_take_int(&in);
    t->run.workflow_id = sm_take_str(&in);
    t->run.run_id = sm_take_uuid(&in);
    t->scheduled_id = sm_take_int(&in);
    t->attempt = (int32_t)sm_take_int(&in);
    t->stamp = sm_take_int(&in);
    t->created_ms = sm_take_int(&in);
    t->expires_ms = sm_take_int(&in);
    t->fairness_key = sm_take_str(&in);
    t->fairness_weight = (float)sm_take_double(&in);
    t->fallback_queue = sm_take_str(&in);
    t->version = sm_take_str(&in);
}

/* ---- visibility rows ---- */

static void put_value(struct sk_buf *buf, const struct sk_sa_value *v)
{
    sm_put_int(buf, v->type);
    sm_put_int(buf, v->slot);
    sm_put_int(buf, v->i);
    sm_put_double(buf, v->d);
    sm_put_str(buf, v->s);
    sm_put_int(buf, (int64_t)v->list_count);
    for (size_t i = 0; i < v->list_count; i++)
        sm_put_str(buf, v->list[i]);
}

static struct sk_sa_value take_value(struct sk_str *in, struct sk_arena *arena)
{
    struct sk_sa_value v = {.type = (enum sk_sa_type)sm_take_int(in)};
    v.slot = (int)sm_take_int(in);
    v.i = sm_take_int(in);
    v.d = sm_take_double(in);
    v.s = sm_take_str(in);
    v.list_count = (size_t)sm_take_int(in);
    struct sk_str *list = SK_NEW_N(arena, struct sk_str, v.list_count + 1);
    for (size_t i = 0; i < v.list_count; i++)
        list[i] = sm_take_str(in);
    v.list = list;
    return v;
}

void sm_put_vis(struct sk_buf *buf, const struct sk_vis_row *row)
{
    const int64_t ints[] = {row->run.ns,       row->status,           row->start_ns,
                            row->execution_ns, row->close_ns,         row->history_length,
                            row->history_size, row->state_transitions};
    const struct sk_str strings[] = {row->run.workflow_id,
                                     row->type,
                                     row->task_queue,
                                     row->division,
                                     row->parent_workflow_id,
                                     row->parent_run_id,
                                     row->root_workflow_id,
                                     row->root_run_id,
                                     row->memo,
                                     row->search_attributes};
    sm_put_uuid(buf, &row->run.run_id);
    for (size_t i = 0; i < sizeof(ints) / sizeof(ints[0]); i++)
        sm_put_int(buf, ints[i]);
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        sm_put_str(buf, strings[i]);
    sm_put_int(buf, (int64_t)row->value_count);
    for (size_t i = 0; i < row->value_count; i++)
        put_value(buf, &row->values[i]);
}

void sm_take_vis(struct sk_str in, struct sk_arena *arena, struct sk_vis_row *row)
{
    *row = (struct sk_vis_row){.run.run_id = sm_take_uuid(&in)};
    row->run.ns = (sk_ns_id)sm_take_int(&in);
    row->status = (int32_t)sm_take_int(&in);
    row->start_ns = sm_take_int(&in);
    row->execution_ns = sm_take_int(&in);
    row->close_ns = sm_take_int(&in);
    row->history_length = sm_take_int(&in);
    row->history_size = sm_take_int(&in);
    row->state_transitions = sm_take_int(&in);
    struct sk_str *const strings[] = {&row->run.workflow_id,
                                      &row->type,
                                      &row->task_queue,
                                      &row->division,
                                      &row->parent_workflow_id,
                                      &row->parent_run_id,
                                      &row->root_workflow_id,
                                      &row->root_run_id,
                                      &row->memo,
                                      &row->search_attributes};
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        *strings[i] = sm_take_str(&in);
    row->value_count = (size_t)sm_take_int(&in);
    struct sk_sa_value *values = SK_NEW_N(arena, struct sk_sa_value, row->value_count + 1);
    for (size_t i = 0; i < row->value_count; i++)
        values[i] = take_value(&in, arena);
    row->values = values;
}
