/*
 * A list's page as SQL, and its rows read back.
 *
 * The list's own order is what the indexes end in, and a cursor is one comparison of rows. A list
 * by a field first finds its page (ids and what is sorted by: a covering index is enough for that,
 * and SQLite keeps no more of them than the page has), then looks up only those rows whole. What
 * has no value comes behind in the list's own order; that is another query, which vis_read.c asks
 * when this one has run out.
 *
 * Ascending, the cursor is a comparison of rows again; descending it cannot be, since equal values
 * are in ascending order of the rest, so the value bounds the scan and the rest is compared within.
 *
 * Thread: a reader's.
 */
#include "store/sqlite/sqlite_internal.h"

/* ---- writing ---- */

static int64_t sort_close(int64_t close_ns)
{
    return close_ns ? INT64_MAX - close_ns : 0;
}

static void write_place(const struct sk_vis_place *place, bool close, struct sq_sql *sql)
{
    if (close) {
        sq_sql_int(sql, sort_close(place->close_ns));
        sk_buf_str(&sql->text, ",");
    }
    sq_sql_int(sql, -place->start_ns);
    sk_buf_str(&sql->text, ",");
    sq_sql_uuid(sql, &place->run_id);
}

static void write_plain(const struct sq_plan *plan, size_t rows, struct sq_sql *sql)
{
    const struct sk_vis_query *q = plan->query;
    const char *a = plan->ordered ? plan->alias : "v";
    sk_buf_str(&sql->text, "SELECT " SQ_ROW_COLUMNS);
    sq_plan_write(plan, sql);
    if (q->has_cursor) {
        sk_buf_printf(&sql->text, " AND (%s.sort_close,%s.sort_start,%s.run_id)>(", a, a, a);
        write_place(&q->after, true, sql);
        sk_buf_str(&sql->text, ")");
    }
    sk_buf_printf(&sql->text, " ORDER BY %s.sort_close,%s.sort_start,%s.run_id LIMIT ", a, a, a);
    sq_sql_int(sql, (int64_t)rows);
}

/* What is sorted by. Times are kept negated, so that the list's own order ascends. */
struct key {
    struct sq_sql sql;
    bool down;       /* as SQL sees it */
    bool is_close;   /* sort_close itself, the first of what follows it else */
    const char *tie; /* alias of what follows */
};

static void key_init(struct key *key, const struct sq_plan *plan, struct sk_arena *arena)
{
    const struct sk_vis_order *order = &plan->query->order;
    *key = (struct key){.down = order->descending,
                        .is_close = order->field.column == SK_VIS_CLOSE_TIME,
                        .tie = plan->ordered ? plan->alias : "v"};
    sq_sql_init(&key->sql, arena);
    if (key->is_close || order->field.column == SK_VIS_START_TIME) {
        key->down = !key->down;
        sk_buf_printf(&key->sql.text, "%s.%s", key->tie,
                      key->is_close ? "sort_close" : "sort_start");
    } else {
        sq_sql_field(&key->sql, &order->field);
    }
    sk_buf_append(&key->sql.text, "", 1);
}

static void write_key_value(const struct sk_vis_query *q, const struct key *key, struct sq_sql *sql)
{
    if (key->is_close)
        sq_sql_int(sql, sort_close(q->after.close_ns));
    else if (q->order.field.column == SK_VIS_START_TIME)
        sq_sql_int(sql, -q->after.start_ns);
    else
        sq_sql_literal(sql, &q->after.value);
}

static void write_tie(const struct key *key, const char *alias, struct sq_sql *sql)
{
    if (!key->is_close)
        sk_buf_printf(&sql->text, "%s.sort_close,", alias);
    sk_buf_printf(&sql->text, "%s.sort_start,%s.run_id", alias, alias);
}

static void write_after(const struct sk_vis_query *q, const struct key *key, struct sq_sql *sql)
{
    const char *name = key->sql.text.p;
    if (key->down) {
        sk_buf_printf(&sql->text, " AND %s<=", name);
        write_key_value(q, key, sql);
        sk_buf_printf(&sql->text, " AND (%s<", name);
        write_key_value(q, key, sql);
        sk_buf_str(&sql->text, " OR (");
        write_tie(key, key->tie, sql);
        sk_buf_str(&sql->text, ")>(");
    } else {
        sk_buf_printf(&sql->text, " AND (%s,", name);
        write_tie(key, key->tie, sql);
        sk_buf_str(&sql->text, ")>(");
        write_key_value(q, key, sql);
        sk_buf_str(&sql->text, ",");
    }
    write_place(&q->after, !key->is_close, sql);
    sk_buf_str(&sql->text, key->down ? "))" : ")");
}

static void write_by_field(const struct sq_plan *plan, size_t rows, struct sq_sql *sql)
{
    const struct sk_vis_query *q = plan->query;
    struct sq_plan with_key = *plan;
    struct key key;
    key_init(&key, plan, sql->arena);
    const char *way = key.down ? " DESC," : ",";
    with_key.needs_attr = key.sql.uses_attr;
    sk_buf_printf(&sql->text, "SELECT " SQ_ROW_COLUMNS ",o.k FROM (SELECT v.id AS id,%s AS k",
                  key.sql.text.p);
    sq_plan_write(&with_key, sql);
    if (q->has_cursor)
        write_after(q, &key, sql);
    sk_buf_printf(&sql->text, " ORDER BY %s%s", key.sql.text.p, way);
    write_tie(&key, key.tie, sql);
    sk_buf_str(&sql->text, " LIMIT ");
    sq_sql_int(sql, (int64_t)rows);
    sk_buf_printf(&sql->text, ") o CROSS JOIN vis v ON v.id=o.id ORDER BY o.k%s", way);
    write_tie(&key, "v", sql);
    sq_sql_fini(&key.sql);
}

void sq_list_write(const struct sq_plan *plan, size_t rows, struct sq_sql *sql)
{
    if (plan->query->order.by_field)
        write_by_field(plan, rows, sql);
    else
        write_plain(plan, rows, sql);
}

/* ---- reading ---- */

#define KEY_COLUMN 18 /* behind SQ_ROW_COLUMNS */

static void fill_value(sqlite3_stmt *s, const struct sk_vis_field *field, struct sk_vis_row *row,
                       struct sk_arena *arena, bool *full)
{
    struct sk_sa_value *value = sk_arena_alloc_try(arena, sizeof(*value));
    if (!value) {
        *full = true;
        return;
    }
    *value = (struct sk_sa_value){.type = field->sa_type, .slot = field->slot};
    if (field->sa_type == SK_SA_KEYWORD)
        value->s = sq_column_str(s, KEY_COLUMN, arena, full);
    else if (field->sa_type == SK_SA_DOUBLE)
        value->d = sqlite3_column_double(s, KEY_COLUMN);
    else
        value->i = sqlite3_column_int64(s, KEY_COLUMN);
    row->values = value;
    row->value_count = 1;
}

void sq_list_row(sqlite3_stmt *s, const struct sk_vis_query *query, struct sk_vis_row *row,
                 struct sk_arena *arena, bool *full)
{
    int64_t close = sqlite3_column_int64(s, 8);
    *row = (struct sk_vis_row){.run.ns = query->ns};
    row->run.workflow_id = sq_column_str(s, 0, arena, full);
    row->run.run_id = sq_column_uuid(s, 1);
    row->type = sq_column_str(s, 2, arena, full);
    row->task_queue = sq_column_str(s, 3, arena, full);
    row->division = sq_column_str(s, 4, arena, full);
    row->status = sqlite3_column_int(s, 5);
    row->start_ns = -sqlite3_column_int64(s, 6);
    row->execution_ns = sqlite3_column_int64(s, 7);
    row->close_ns = close ? INT64_MAX - close : 0;
    row->history_length = sqlite3_column_int64(s, 9);
    row->history_size = sqlite3_column_int64(s, 10);
    row->state_transitions = sqlite3_column_int64(s, 11);
    row->parent_workflow_id = sq_column_str(s, 12, arena, full);
    row->parent_run_id = sq_column_str(s, 13, arena, full);
    row->root_workflow_id = sq_column_str(s, 14, arena, full);
    row->root_run_id = sq_column_str(s, 15, arena, full);
    row->memo = sq_column_str(s, 16, arena, full);
    row->search_attributes = sq_column_str(s, 17, arena, full);
    if (query->order.by_field && query->order.field.column == SK_VIS_SEARCH_ATTRIBUTE)
        fill_value(s, &query->order.field, row, arena, full);
}
