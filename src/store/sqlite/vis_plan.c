/*
 * Which index a list or count is read by. SQLite's own planner has no statistics here and would
 * guess; the choice is made by counting instead.
 *
 * Candidates are the terms joined by AND at the top of the filter that an index can serve: a
 * system column, a typed search attribute, a member of a list or a token. Each is probed: how
 * many index entries does it have, up to SQ_PLAN_PROBE_MAX (a fraction of a millisecond)? The
 * fewest win. When all have many, an equality is taken, since its index yields the list's order
 * and a page ends early; else the list's own order is scanned and the filter picks from it.
 *
 * Indexes of ordinary runs (division IS NULL) serve queries for ordinary runs; with all divisions
 * the division's own index, the run id and the attributes' indexes remain.
 *
 * A list by a field's order is another matter: an index of a term does not yield that order, so
 * what it selects is sorted. Up to SQ_PLAN_SORT_MAX entries that is the way to go; beyond it the
 * field's own index is read if it has one (filter and page end it early), else the best there is,
 * and sorted. Close time needs none of this, since every index ends in it.
 *
 * The whole filter is written besides the index term, so the plan never changes the answer.
 * INDEXED BY makes a plan that SQLite cannot follow an error in the tests instead of a slow scan.
 *
 * Thread: a reader's.
 */
#include "store/sqlite/sqlite_internal.h"

#include <stdio.h>

#include "store/text.h"

#define CANDIDATES_MAX 8

struct candidates {
    struct sq_plan plans[CANDIDATES_MAX];
    size_t count;
};

static bool is_range(enum sk_vis_op op)
{
    return (op >= SK_VIS_LT && op <= SK_VIS_GE) || op == SK_VIS_IN || op == SK_VIS_BETWEEN ||
           op == SK_VIS_STARTS;
}

/* A system column's index, or false. */
static bool system_index(struct sq_plan *p, enum sk_vis_column column, bool all_divisions)
{
    static const struct {
        const char *index, *column;
        enum sk_vis_column field;
        int rank;
    } indexes[] = {
        {"vis_workflow", "v.workflow_id", SK_VIS_WORKFLOW_ID, 1},
        {"vis_parent", "v.parent_workflow_id", SK_VIS_PARENT_WORKFLOW_ID, 2},
        {"vis_division", "v.division", SK_VIS_DIVISION, 5},
        {"vis_type", "v.type", SK_VIS_WORKFLOW_TYPE, 6},
        {"vis_status", "v.status", SK_VIS_STATUS, 7},
    };
    for (size_t i = 0; i < sizeof(indexes) / sizeof(indexes[0]); i++) {
        bool division = indexes[i].field == SK_VIS_DIVISION;
        if (indexes[i].field != column || division != all_divisions)
            continue;
        p->table = "vis";
        p->alias = "v";
        p->rank = indexes[i].rank;
        p->division_null = !division;
        snprintf(p->index, sizeof(p->index), "%s", indexes[i].index);
        snprintf(p->column, sizeof(p->column), "%s", indexes[i].column);
        return true;
    }
    return false;
}

static bool run_index(struct sq_plan *p, const struct sk_vis_node *leaf)
{
    struct sk_uuid id;
    if (leaf->field.column != SK_VIS_RUN_ID || leaf->op != SK_VIS_EQ ||
        !sq_sql_run_id(leaf->values[0].s, &id))
        return false;
    p->table = "vis";
    p->alias = "v";
    p->rank = 0;
    snprintf(p->index, sizeof(p->index), "vis_run");
    snprintf(p->column, sizeof(p->column), "v.run_id");
    return true;
}

/* A run that is its own root is not in vis_root but found by its workflow id: the two together
 * are all runs of that root. Few enough to sort. */
static bool root_index(struct sq_plan *p, const struct sk_vis_node *leaf, bool all_divisions)
{
    if (leaf->field.column != SK_VIS_ROOT_WORKFLOW_ID || leaf->op != SK_VIS_EQ || all_divisions)
        return false;
    p->table = "vis";
    p->alias = "v";
    p->rank = 2;
    p->by_root = true;
    p->ordered = false;
    return true;
}

static void write_root_key(const struct sq_plan *p, struct sq_sql *sql)
{
    static const char *const branches[] = {
        "v.id IN (SELECT r.id FROM vis r INDEXED BY vis_root"
        " WHERE r.root_workflow_id<>r.workflow_id AND r.division IS NULL AND r.root_workflow_id=",
        " UNION ALL SELECT r.id FROM vis r INDEXED BY vis_workflow"
        " WHERE r.division IS NULL AND r.workflow_id="};
    for (int i = 0; i < 2; i++) {
        sk_buf_str(&sql->text, branches[i]);
        sq_sql_text(sql, p->leaf->values[0].s);
        sk_buf_str(&sql->text, " AND r.ns=");
        sq_sql_int(sql, p->query->ns);
    }
    sk_buf_str(&sql->text, ")");
}

static bool attr_index(struct sq_plan *p, const struct sk_vis_field *field)
{
    char name[SQ_NAME_SIZE];
    int column =
        field->column == SK_VIS_SEARCH_ATTRIBUTE ? sq_attr_column(field->sa_type, field->slot) : -1;
    if (column < 0)
        return false;
    sq_attr_name(column, name);
    p->table = "vis_attr";
    p->alias = "a";
    p->rank = field->sa_type == SK_SA_BOOL ? 8 : 3;
    snprintf(p->index, sizeof(p->index), "vis_%s", name);
    snprintf(p->column, sizeof(p->column), "a.%s", name);
    return true;
}

/* One keyword or one token. */
static bool list_index(struct sq_plan *p, struct sk_arena *arena, const struct sk_vis_node *leaf)
{
    int slot = leaf->field.column == SK_VIS_SEARCH_ATTRIBUTE
                   ? sq_list_slot(leaf->field.sa_type, leaf->field.slot)
                   : -1;
    if (slot < 0 || leaf->op != SK_VIS_EQ)
        return false;
    if (leaf->field.sa_type == SK_SA_TEXT) {
        struct sk_str *tokens;
        if (sk_text_tokens(arena, leaf->values[0].s, &tokens) != 1)
            return false;
        struct sk_vis_literal *token = SK_NEW(arena, struct sk_vis_literal);
        struct sk_vis_node *key = SK_NEW(arena, struct sk_vis_node);
        token->s = tokens[0];
        *key = (struct sk_vis_node){.op = SK_VIS_EQ, .values = token, .value_count = 1};
        p->key = key;
    }
    p->table = "vis_list";
    p->alias = "l";
    p->rank = 4;
    p->list_slot = slot;
    snprintf(p->index, sizeof(p->index), "vis_list_value");
    snprintf(p->column, sizeof(p->column), "l.value");
    return true;
}

static void gather(struct candidates *c, struct sk_arena *arena, const struct sk_vis_query *query,
                   const struct sk_vis_node *node)
{
    if (node->op == SK_VIS_AND) {
        gather(c, arena, query, node->left);
        gather(c, arena, query, node->right);
        return;
    }
    struct sq_plan p = {
        .query = query, .leaf = node, .key = node, .ordered = node->op == SK_VIS_EQ};
    if (node->op > SK_VIS_AND || c->count == CANDIDATES_MAX)
        return;
    if (node->op != SK_VIS_EQ && !is_range(node->op))
        return;
    if (run_index(&p, node) || system_index(&p, node->field.column, query->all_divisions) ||
        root_index(&p, node, query->all_divisions) || attr_index(&p, &node->field) ||
        list_index(&p, arena, node))
        c->plans[c->count++] = p;
}

/* ---- writing ---- */

static struct sq_plan scan(const struct sk_vis_query *query)
{
    struct sq_plan p = {.query = query, .table = "vis", .alias = "v", .rank = 9};
    p.ordered = p.division_null = !query->all_divisions;
    if (p.ordered)
        snprintf(p.index, sizeof(p.index), "vis_sort");
    return p;
}

/* The order's own index, or false. */
static bool order_index(const struct sk_vis_query *query, struct sq_plan *ret)
{
    const struct sk_vis_field *field = &query->order.field;
    struct sq_plan p = {.query = query, .ordered = true};
    if (!system_index(&p, field->column, query->all_divisions) && !attr_index(&p, field))
        return false;
    *ret = p;
    return true;
}

/* The conditions that the index is searched by. */
static void write_key(const struct sq_plan *p, struct sq_sql *sql)
{
    sk_buf_printf(&sql->text, " WHERE %s.ns=", p->alias);
    sq_sql_int(sql, p->query->ns);
    if (p->list_slot)
        sk_buf_printf(&sql->text, " AND l.slot=%d", p->list_slot);
    if (p->division_null)
        sk_buf_str(&sql->text, " AND v.division IS NULL");
    if (!p->leaf && *p->column) // the order's index
        sk_buf_printf(&sql->text, " AND %s IS NOT NULL", p->column);
    if (!p->leaf)
        return;
    sk_buf_str(&sql->text, " AND ");
    if (p->by_root) {
        write_root_key(p, sql);
        return;
    }
    struct sk_uuid id;
    if (p->leaf->field.column == SK_VIS_RUN_ID && sq_sql_run_id(p->leaf->values[0].s, &id)) {
        sk_buf_str(&sql->text, "v.run_id=");
        sq_sql_uuid(sql, &id);
        return;
    }
    sq_sql_leaf(sql, p->key, p->column);
    sk_buf_printf(&sql->text, " AND %s IS NOT NULL", p->column); // what partial indexes ask for
}

static void write_from(const struct sq_plan *p, struct sq_sql *sql)
{
    sk_buf_printf(&sql->text, " FROM %s %s %s%s", p->table, p->alias,
                  *p->index ? "INDEXED BY " : "NOT INDEXED", p->index);
}

/* CloseTime conditions at the top bound the order itself, so a scan starts and ends at them. */
static void write_close_bounds(const struct sq_plan *p, const struct sk_vis_node *node,
                               struct sq_sql *sql)
{
    if (!node)
        return;
    if (node->op == SK_VIS_AND) {
        write_close_bounds(p, node->left, sql);
        write_close_bounds(p, node->right, sql);
        return;
    }
    if (node->op > SK_VIS_AND || node->field.column != SK_VIS_CLOSE_TIME)
        return;
    const struct sk_vis_literal *v = node->values;
    for (size_t i = 0; i < node->value_count; i++)
        if (v[i].type != SK_LIT_INT || v[i].i <= 0)
            return; // odd, and answered by the filter
    const char *a = p->alias;
    if (node->op == SK_VIS_NULL || node->op == SK_VIS_NOT_NULL)
        sk_buf_printf(&sql->text, " AND %s.sort_close%s0", a, node->op == SK_VIS_NULL ? "=" : ">");
    if (node->op == SK_VIS_GE || node->op == SK_VIS_GT || node->op == SK_VIS_BETWEEN) {
        sk_buf_printf(&sql->text, " AND %s.sort_close<=", a);
        sq_sql_int(sql, INT64_MAX - v[0].i);
    }
    if (node->op == SK_VIS_LE || node->op == SK_VIS_LT || node->op == SK_VIS_BETWEEN) {
        sk_buf_printf(&sql->text, " AND %s.sort_close>=", a);
        sq_sql_int(sql, INT64_MAX - v[node->value_count - 1].i);
    }
}

void sq_plan_write(const struct sq_plan *p, struct sq_sql *sql)
{
    const struct sk_vis_query *q = p->query;
    struct sq_sql filter;
    sq_sql_init(&filter, sql->arena);
    if (q->filter)
        sq_sql_node(&filter, q->filter);
    bool own_attr = *p->alias == 'a';
    write_from(p, sql);
    if (*p->alias != 'v')
        sk_buf_printf(&sql->text, " CROSS JOIN vis v ON v.id=%s.id", p->alias);
    if ((filter.uses_attr || p->needs_attr) && !own_attr)
        sk_buf_str(&sql->text, " LEFT JOIN vis_attr a ON a.id=v.id");
    write_key(p, sql);
    write_close_bounds(p, q->filter, sql);
    if (!q->all_divisions && !p->division_null)
        sk_buf_str(&sql->text, " AND v.division IS NULL");
    if (q->filter) {
        sk_buf_str(&sql->text, " AND ");
        sq_sql_node(sql, q->filter);
    }
    sq_sql_fini(&filter);
}

/* ---- choosing ---- */

static int probe(struct sq_conn *conn, struct sk_arena *arena, const struct sq_plan *p, int max,
                 int64_t *ret)
{
    struct sq_sql sql;
    sqlite3_stmt *stmt = NULL;
    sq_sql_init(&sql, arena);
    sk_buf_str(&sql.text, "SELECT count(*) FROM (SELECT 1");
    write_from(p, &sql);
    write_key(p, &sql);
    sk_buf_printf(&sql.text, " LIMIT %d)", max);
    int rc = sq_sql_prepare(conn->db, &sql, &stmt);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
        *ret = sqlite3_column_int64(stmt, 0);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(stmt);
    sq_sql_fini(&sql);
    return rc;
}

int sq_plan_choose(struct sq_conn *conn, struct sk_arena *arena, const struct sk_vis_query *query,
                   struct sq_plan *ret)
{
    struct candidates c = {.count = 0};
    bool sorts = query->order.by_field && query->order.field.column != SK_VIS_CLOSE_TIME;
    int max = sorts ? SQ_PLAN_SORT_MAX : SQ_PLAN_PROBE_MAX;
    *ret = scan(query);
    bool in_order = sorts && order_index(query, ret);
    if (query->filter)
        gather(&c, arena, query, query->filter);
    int64_t fewest = max;
    for (size_t i = 0; i < c.count; i++) {
        int64_t entries = 0;
        int rc = probe(conn, arena, &c.plans[i], max, &entries);
        if (rc != SQLITE_OK)
            return rc;
        bool fewer = entries < fewest;
        bool better =
            fewest == max && !in_order && c.plans[i].ordered && c.plans[i].rank < ret->rank;
        if (fewer || better) {
            *ret = c.plans[i];
            fewest = entries;
        }
    }
    if (sorts && (ret->leaf || !in_order))
        ret->ordered = false;
    return SQLITE_OK;
}

static const struct sk_vis_node *first_other(const struct sk_vis_node *node,
                                             const struct sk_vis_node *served)
{
    if (!node || node == served)
        return NULL;
    if (node->op < SK_VIS_AND)
        return node;
    const struct sk_vis_node *found = first_other(node->left, served);
    return found || node->op == SK_VIS_NOT ? found : first_other(node->right, served);
}

const struct sk_vis_node *sq_plan_unserved(const struct sq_plan *plan)
{
    return first_other(plan->query->filter, plan->leaf);
}
