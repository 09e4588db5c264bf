/*
 * Writing visibility: the row, its typed attributes, its lists and tokens, and the counters by
 * (namespace, division, status) that answer plain counts.
 *
 * A put first reads the run's old row. A new run is an insert; a row that keeps its place in every
 * index (same status, same times) is updated without touching them; anything else moves through
 * all of them. `vis.attributes` remembers which side tables hold rows of this run, so that a run
 * without attributes never looks there.
 *
 * Counters of ordinary runs are gathered over the group and written once before COMMIT; those of
 * divisions are rare and written at once.
 *
 * Thread: the writer's.
 */
#include "store/sqlite/sqlite_internal.h"

#include "base/assert.h"
#include "store/text.h"

enum { HAS_ATTR = 1, HAS_LIST = 2 };

struct old_row {
    int64_t id; /* 0: none */
    int attributes;
    bool in_place;
};

static int64_t sort_close(const struct sk_vis_row *row)
{
    return row->close_ns ? INT64_MAX - row->close_ns : 0;
}

/* ---- counters ---- */

static int count_now(struct sq_store *store, sk_ns_id ns, struct sk_str division, int32_t status,
                     int64_t n)
{
    sqlite3_stmt *s = store->write.stmts[SQ_VIS_COUNT_ADD];
    sqlite3_bind_int64(s, 1, ns);
    sq_bind_str(s, 2, division);
    sqlite3_bind_int64(s, 3, status);
    sqlite3_bind_int64(s, 4, n);
    return sq_run(s);
}

int sq_vis_flush(struct sq_store *store)
{
    int rc = SQLITE_OK;
    for (size_t i = 0; i < store->delta_count && rc == SQLITE_OK; i++) {
        const struct sq_vis_delta *d = &store->deltas[i];
        if (d->n)
            rc = count_now(store, d->ns, SK_STR(""), d->status, d->n);
    }
    store->delta_count = 0;
    return rc;
}

static int count(struct sq_store *store, sk_ns_id ns, struct sk_str division, int32_t status,
                 int64_t n)
{
    if (division.n)
        return count_now(store, ns, division, status, n);
    for (size_t i = 0; i < store->delta_count; i++)
        if (store->deltas[i].ns == ns && store->deltas[i].status == status) {
            store->deltas[i].n += n;
            return SQLITE_OK;
        }
    if (store->delta_count == SQ_DELTAS_MAX) // many namespaces in one group: this one goes now
        return count_now(store, ns, division, status, n);
    store->deltas[store->delta_count++] = (struct sq_vis_delta){ns, status, n};
    return SQLITE_OK;
}

/* ---- the old row ---- */

static struct sk_str column(sqlite3_stmt *s, int i)
{
    const void *p = sqlite3_column_blob(s, i);
    return (struct sk_str){p, (size_t)sqlite3_column_bytes(s, i)};
}

/* Read the old row, take it out of the counters when its place changes; row NULL: it goes. */
static int old_row(struct sq_store *store, const struct sk_uuid *run, const struct sk_vis_row *row,
                   struct old_row *ret)
{
    sqlite3_stmt *s = store->write.stmts[SQ_VIS_GET];
    *ret = (struct old_row){0};
    sq_bind_uuid(s, 1, run);
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW) {
        sk_ns_id ns = (sk_ns_id)sqlite3_column_int64(s, 1);
        int32_t status = sqlite3_column_int(s, 10);
        ret->id = sqlite3_column_int64(s, 0);
        ret->attributes = sqlite3_column_int(s, 11);
        ret->in_place =
            row && ns == row->run.ns && sqlite3_column_int64(s, 2) == sort_close(row) &&
            sqlite3_column_int64(s, 3) == -row->start_ns &&
            sk_str_eq(column(s, 4), row->run.workflow_id) && sk_str_eq(column(s, 5), row->type) &&
            sk_str_eq(column(s, 6), row->task_queue) && sk_str_eq(column(s, 7), row->division) &&
            sk_str_eq(column(s, 8), row->parent_workflow_id) &&
            sk_str_eq(column(s, 9), row->root_workflow_id) && status == row->status;
        rc = ret->in_place ? SQLITE_OK : count(store, ns, column(s, 7), status, -1);
    } else if (rc == SQLITE_DONE) {
        rc = SQLITE_OK;
    }
    sqlite3_reset(s);
    return rc;
}

/* ---- side tables ---- */

static void bind_sort(sqlite3_stmt *s, int index, const struct sk_vis_row *row)
{
    sqlite3_bind_int64(s, index, row->run.ns);
    sqlite3_bind_int64(s, index + 1, sort_close(row));
    sqlite3_bind_int64(s, index + 2, -row->start_ns);
    sq_bind_uuid(s, index + 3, &row->run.run_id);
}

static int delete_by_id(sqlite3_stmt *s, int64_t id)
{
    sqlite3_bind_int64(s, 1, id);
    return sq_run(s);
}

static int put_attr(struct sq_store *store, const struct sk_vis_row *row, int64_t id)
{
    sqlite3_stmt *s = store->write.attr_put;
    sqlite3_clear_bindings(s);
    sqlite3_bind_int64(s, 1, id);
    bind_sort(s, 2, row);
    for (size_t i = 0; i < row->value_count; i++) {
        const struct sk_sa_value *v = &row->values[i];
        int at = sq_attr_column(v->type, v->slot);
        if (at < 0)
            continue;
        if (v->type == SK_SA_KEYWORD)
            sq_bind_str(s, at + 6, v->s);
        else if (v->type == SK_SA_DOUBLE)
            sqlite3_bind_double(s, at + 6, v->d);
        else
            sqlite3_bind_int64(s, at + 6, v->i);
    }
    return sq_run(s);
}

static int put_list_value(struct sq_store *store, const struct sk_vis_row *row, int64_t id,
                          int slot, struct sk_str value)
{
    sqlite3_stmt *s = store->write.stmts[SQ_VIS_LIST_INSERT];
    sqlite3_bind_int64(s, 1, id);
    sqlite3_bind_int64(s, 2, slot);
    sq_bind_str(s, 3, value);
    bind_sort(s, 4, row);
    return sq_run(s);
}

/* Text is its tokens and an empty one, which says that there is a text at all. */
static int put_list(struct sq_store *store, const struct sk_vis_row *row, int64_t id)
{
    struct sk_arena *arena = NULL;
    int rc = SQLITE_OK;
    for (size_t i = 0; i < row->value_count && rc == SQLITE_OK; i++) {
        const struct sk_sa_value *v = &row->values[i];
        int slot = sq_list_slot(v->type, v->slot);
        if (slot < 0)
            continue;
        const struct sk_str *values = v->list;
        size_t n = v->list_count;
        if (v->type == SK_SA_TEXT) {
            struct sk_str *tokens;
            arena = arena ? arena : sk_arena_new(0);
            n = sk_text_tokens(arena, v->s, &tokens);
            values = tokens;
            rc = put_list_value(store, row, id, slot, SK_STR(""));
        }
        for (size_t j = 0; j < n && rc == SQLITE_OK; j++)
            rc = put_list_value(store, row, id, slot, values[j]);
    }
    sk_arena_free(arena);
    return rc;
}

static int wanted_attributes(const struct sk_vis_row *row)
{
    int wanted = 0;
    for (size_t i = 0; i < row->value_count; i++) {
        const struct sk_sa_value *v = &row->values[i];
        if (sq_attr_column(v->type, v->slot) >= 0)
            wanted |= HAS_ATTR;
        else if (v->type == SK_SA_TEXT || v->list_count)
            wanted |= HAS_LIST;
    }
    return wanted;
}

static int put_side_tables(struct sq_store *store, const struct sk_vis_row *row, int64_t id,
                           int had, int wanted)
{
    int rc = SQLITE_OK;
    if (wanted & HAS_ATTR)
        rc = put_attr(store, row, id);
    else if (had & HAS_ATTR)
        rc = delete_by_id(store->write.stmts[SQ_VIS_ATTR_DELETE], id);
    if (rc == SQLITE_OK && (had & HAS_LIST))
        rc = delete_by_id(store->write.stmts[SQ_VIS_LIST_DELETE], id);
    if (rc == SQLITE_OK && (wanted & HAS_LIST))
        rc = put_list(store, row, id);
    return rc;
}

/* ---- the row ---- */

/* Numbered alike in the insert and both updates; a statement ignores what it does not name. */
static void bind_row(sqlite3_stmt *s, const struct sk_vis_row *row, int attributes)
{
    bind_sort(s, 2, row);
    sq_bind_str(s, 6, row->run.workflow_id);
    sq_bind_str(s, 7, row->type);
    sq_bind_str(s, 8, row->task_queue);
    sq_bind_str_null(s, 9, row->division);
    sqlite3_bind_int64(s, 10, row->status);
    sqlite3_bind_int64(s, 11, attributes);
    sqlite3_bind_int64(s, 12, row->execution_ns);
    sqlite3_bind_int64(s, 13, row->history_length);
    sqlite3_bind_int64(s, 14, row->history_size);
    sqlite3_bind_int64(s, 15, row->state_transitions);
    sq_bind_str_null(s, 16, row->parent_workflow_id);
    sq_bind_str_null(s, 17, row->parent_run_id);
    sq_bind_str_null(s, 18, row->root_workflow_id);
    sq_bind_str_null(s, 19, row->root_run_id);
    sq_bind_blob_null(s, 20, row->memo);
    sq_bind_blob_null(s, 21, row->search_attributes);
}

int sq_vis_put(struct sq_store *store, const struct sk_vis_row *row)
{
    struct old_row old;
    int rc = old_row(store, &row->run.run_id, row, &old);
    if (rc != SQLITE_OK)
        return rc;
    int wanted = wanted_attributes(row);
    sqlite3_stmt *s = store->write.stmts[!old.id        ? SQ_VIS_INSERT
                                         : old.in_place ? SQ_VIS_UPDATE_IN_PLACE
                                                        : SQ_VIS_UPDATE];
    if (old.id)
        sqlite3_bind_int64(s, 1, old.id);
    else
        sqlite3_bind_null(s, 1);
    bind_row(s, row, wanted);
    rc = sq_run(s);
    if (rc == SQLITE_OK && !old.in_place)
        rc = count(store, row->run.ns, row->division, row->status, 1);
    if (rc == SQLITE_OK && (wanted | old.attributes))
        rc = put_side_tables(store, row,
                             old.id ? old.id : sqlite3_last_insert_rowid(store->write.db),
                             old.attributes, wanted);
    return rc;
}

int sq_vis_delete(struct sq_store *store, const struct sk_uuid *run)
{
    struct old_row old;
    int rc = old_row(store, run, NULL, &old);
    if (rc != SQLITE_OK || !old.id)
        return rc;
    rc = delete_by_id(store->write.stmts[SQ_VIS_DELETE], old.id);
    if (rc == SQLITE_OK && (old.attributes & HAS_ATTR))
        rc = delete_by_id(store->write.stmts[SQ_VIS_ATTR_DELETE], old.id);
    if (rc == SQLITE_OK && (old.attributes & HAS_LIST))
        rc = delete_by_id(store->write.stmts[SQ_VIS_LIST_DELETE], old.id);
    return rc;
}
