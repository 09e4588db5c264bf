/*
 * A filter as SQL. Everything a user wrote is a bound parameter; the text of a statement is made
 * of fixed pieces and numbers only.
 *
 * Aliases: v is vis (or vis_count, whose column `status` alone is used then), a is vis_attr. A
 * condition on a missing value is NULL, as the contract wants: neither it nor its negation
 * matches. For lists and text, which live in rows of vis_list, CASE gives the same.
 *
 * Thread: a reader's.
 */
#include "store/sqlite/sqlite_internal.h"

#include "base/assert.h"
#include "store/text.h"

void sq_sql_init(struct sq_sql *sql, struct sk_arena *arena)
{
    *sql = (struct sq_sql){.arena = arena, .text = SK_BUF_INIT};
}

void sq_sql_fini(struct sq_sql *sql)
{
    sk_buf_fini(&sql->text);
    sk_mem_free(sql->binds);
    sql->binds = NULL;
}

static void add_bind(struct sq_sql *sql, struct sq_bind bind)
{
    if (sql->bind_count == sql->bind_capacity) {
        sql->bind_capacity = sql->bind_capacity ? sql->bind_capacity * 2 : 16;
        sql->binds = sk_mem_realloc(sql->binds, sql->bind_capacity * sizeof(bind));
    }
    sql->binds[sql->bind_count++] = bind;
    sk_buf_str(&sql->text, "?");
}

void sq_sql_int(struct sq_sql *sql, int64_t i)
{
    add_bind(sql, (struct sq_bind){.type = SQ_BIND_INT, .i = i});
}

void sq_sql_text(struct sq_sql *sql, struct sk_str s)
{
    add_bind(sql, (struct sq_bind){.type = SQ_BIND_TEXT, .s = s});
}

void sq_sql_uuid(struct sq_sql *sql, const struct sk_uuid *id)
{
    add_bind(sql, (struct sq_bind){.type = SQ_BIND_BLOB,
                                   .s = {sk_arena_memdup(sql->arena, id->b, SK_UUID_SIZE),
                                         SK_UUID_SIZE}});
}

void sq_sql_literal(struct sq_sql *sql, const struct sk_vis_literal *v)
{
    if (v->type == SK_LIT_STRING)
        sq_sql_text(sql, v->s);
    else if (v->type == SK_LIT_INT)
        sq_sql_int(sql, v->i);
    else
        add_bind(sql, (struct sq_bind){.type = SQ_BIND_DOUBLE, .d = v->d});
}

int sq_sql_prepare(sqlite3 *db, const struct sq_sql *sql, sqlite3_stmt **ret)
{
    int rc = sqlite3_prepare_v2(db, sql->text.p, (int)sql->text.n, ret, NULL);
    for (size_t i = 0; i < sql->bind_count && rc == SQLITE_OK; i++) {
        const struct sq_bind *b = &sql->binds[i];
        int at = (int)i + 1;
        switch (b->type) {
        case SQ_BIND_INT:
            rc = sqlite3_bind_int64(*ret, at, b->i);
            break;
        case SQ_BIND_DOUBLE:
            rc = sqlite3_bind_double(*ret, at, b->d);
            break;
        case SQ_BIND_TEXT:
            sq_bind_str(*ret, at, b->s);
            break;
        case SQ_BIND_BLOB:
            sq_bind_blob(*ret, at, b->s);
            break;
        }
    }
    return rc;
}

/* ---- fields ---- */

#define HEX(from, n) "substr(hex(v.run_id)," #from "," #n ")"
// clang-format off
#define RUN_ID_TEXT /* 8-4-4-4-12 */ \
    "lower(" HEX(1, 8) "||'-'||" HEX(9, 4) "||'-'||" HEX(13, 4) "||'-'||" HEX(17, 4) "||'-'||" \
    HEX(21, 12) ")"
// clang-format on

static const char *const columns[] = {
    [SK_VIS_WORKFLOW_ID] = "v.workflow_id",
    [SK_VIS_RUN_ID] = RUN_ID_TEXT,
    [SK_VIS_WORKFLOW_TYPE] = "v.type",
    [SK_VIS_STATUS] = "v.status",
    [SK_VIS_TASK_QUEUE] = "v.task_queue",
    [SK_VIS_PARENT_WORKFLOW_ID] = "v.parent_workflow_id",
    [SK_VIS_PARENT_RUN_ID] = "v.parent_run_id",
    [SK_VIS_ROOT_WORKFLOW_ID] = "v.root_workflow_id",
    [SK_VIS_ROOT_RUN_ID] = "v.root_run_id",
    [SK_VIS_START_TIME] = "(-v.sort_start)",
    [SK_VIS_EXECUTION_TIME] = "v.execution_ns",
    [SK_VIS_CLOSE_TIME] = "(9223372036854775807-nullif(v.sort_close,0))",
    [SK_VIS_HISTORY_LENGTH] = "v.history_length",
    [SK_VIS_HISTORY_SIZE] = "v.history_size",
    [SK_VIS_DURATION] = "(9223372036854775807-nullif(v.sort_close,0)-v.execution_ns)",
    [SK_VIS_STATE_TRANSITIONS] = "v.state_transitions",
    [SK_VIS_DIVISION] = "v.division",
};

void sq_sql_field(struct sq_sql *sql, const struct sk_vis_field *field)
{
    if (field->column != SK_VIS_SEARCH_ATTRIBUTE) {
        sk_buf_str(&sql->text, columns[field->column]);
        return;
    }
    char name[SQ_NAME_SIZE];
    int column = sq_attr_column(field->sa_type, field->slot);
    SK_ASSERT(column >= 0);
    sq_attr_name(column, name);
    sk_buf_printf(&sql->text, "a.%s", name);
    sql->uses_attr = true;
}

bool sq_sql_run_id(struct sk_str text, struct sk_uuid *ret)
{
    char copy[SK_UUID_TEXT], canonical[SK_UUID_TEXT];
    if (text.n != SK_UUID_TEXT - 1)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (sk_uuid_parse(copy, ret) != 0)
        return false;
    sk_uuid_format(*ret, canonical);
    return memcmp(copy, canonical, sizeof(copy)) == 0;
}

/* ---- leaves ---- */

static void value_list(struct sq_sql *sql, const struct sk_vis_literal *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sk_buf_str(&sql->text, i ? "," : "(");
        sq_sql_literal(sql, &values[i]);
    }
    sk_buf_str(&sql->text, ")");
}

/* The smallest text greater than all that start with prefix; false when there is none. */
static bool after_prefix(struct sk_arena *arena, struct sk_str prefix, struct sk_str *ret)
{
    size_t n = prefix.n;
    while (n > 0 && (unsigned char)prefix.p[n - 1] == 0xff)
        n--;
    if (n == 0)
        return false;
    char *copy = sk_arena_memdup(arena, prefix.p, n);
    copy[n - 1] = (char)((unsigned char)copy[n - 1] + 1);
    *ret = (struct sk_str){copy, n};
    return true;
}

static void starts(struct sq_sql *sql, struct sk_str prefix, const char *column, bool negate)
{
    struct sk_str end;
    sk_buf_printf(&sql->text, negate ? "NOT (%s>=" : "%s>=", column);
    sq_sql_text(sql, prefix);
    if (after_prefix(sql->arena, prefix, &end)) {
        sk_buf_printf(&sql->text, " AND %s<", column);
        sq_sql_text(sql, end);
    }
    if (negate)
        sk_buf_str(&sql->text, ")");
}

void sq_sql_leaf(struct sq_sql *sql, const struct sk_vis_node *leaf, const char *column)
{
    static const char *const operators[] = {
        [SK_VIS_EQ] = "=",  [SK_VIS_NE] = "<>", [SK_VIS_LT] = "<",
        [SK_VIS_LE] = "<=", [SK_VIS_GT] = ">",  [SK_VIS_GE] = ">=",
    };
    struct sk_buf *text = &sql->text;
    switch (leaf->op) {
    case SK_VIS_NULL:
        sk_buf_printf(text, "%s IS NULL", column);
        return;
    case SK_VIS_NOT_NULL:
        sk_buf_printf(text, "%s IS NOT NULL", column);
        return;
    case SK_VIS_STARTS:
    case SK_VIS_NOT_STARTS:
        starts(sql, leaf->values[0].s, column, leaf->op == SK_VIS_NOT_STARTS);
        return;
    case SK_VIS_IN:
    case SK_VIS_NOT_IN:
        sk_buf_printf(text, "%s %s ", column, leaf->op == SK_VIS_IN ? "IN" : "NOT IN");
        value_list(sql, leaf->values, leaf->value_count);
        return;
    case SK_VIS_BETWEEN:
    case SK_VIS_NOT_BETWEEN:
        sk_buf_printf(text, "%s %s ", column,
                      leaf->op == SK_VIS_BETWEEN ? "BETWEEN" : "NOT BETWEEN");
        sq_sql_literal(sql, &leaf->values[0]);
        sk_buf_str(text, " AND ");
        sq_sql_literal(sql, &leaf->values[1]);
        return;
    default:
        sk_buf_printf(text, "%s%s", column, operators[leaf->op]);
        sq_sql_literal(sql, &leaf->values[0]);
        return;
    }
}

/* ---- lists and text ---- */

static void exists(struct sq_sql *sql, int slot)
{
    sk_buf_printf(&sql->text, "EXISTS (SELECT 1 FROM vis_list x WHERE x.id=v.id AND x.slot=%d",
                  slot);
}

static void member(struct sq_sql *sql, const struct sk_vis_node *leaf, int slot)
{
    const struct sk_vis_literal *values = leaf->values;
    size_t count = leaf->value_count;
    if (leaf->field.sa_type == SK_SA_TEXT) {
        struct sk_str *tokens;
        count = sk_text_tokens(sql->arena, leaf->values[0].s, &tokens);
        struct sk_vis_literal *list = SK_NEW_N(sql->arena, struct sk_vis_literal, count + 1);
        for (size_t i = 0; i < count; i++)
            list[i].s = tokens[i];
        values = list;
    }
    if (count == 0) { // a text without tokens is in nothing
        sk_buf_str(&sql->text, "0");
        return;
    }
    exists(sql, slot);
    sk_buf_str(&sql->text, " AND x.value IN ");
    value_list(sql, values, count);
    sk_buf_str(&sql->text, ")");
}

static void list_leaf(struct sq_sql *sql, const struct sk_vis_node *leaf)
{
    int slot = sq_list_slot(leaf->field.sa_type, leaf->field.slot);
    bool negate = leaf->op == SK_VIS_NE || leaf->op == SK_VIS_NOT_IN;
    SK_ASSERT(slot > 0);
    if (leaf->op == SK_VIS_NULL || leaf->op == SK_VIS_NOT_NULL) {
        sk_buf_str(&sql->text, leaf->op == SK_VIS_NULL ? "NOT " : "");
        exists(sql, slot);
        sk_buf_str(&sql->text, ")");
        return;
    }
    sk_buf_str(&sql->text, "CASE WHEN ");
    member(sql, leaf, slot);
    sk_buf_str(&sql->text, negate ? " THEN 0 WHEN " : " THEN 1 WHEN ");
    exists(sql, slot);
    sk_buf_str(&sql->text, negate ? ") THEN 1 END" : ") THEN 0 END");
}

/* ---- the tree ---- */

/* RunId = and IN on whole ids compare the key's bytes instead of making text of each row's. */
static bool run_id_leaf(struct sq_sql *sql, const struct sk_vis_node *leaf)
{
    struct sk_uuid id;
    bool in = leaf->op == SK_VIS_EQ || leaf->op == SK_VIS_IN;
    if (leaf->field.column != SK_VIS_RUN_ID ||
        !(in || leaf->op == SK_VIS_NE || leaf->op == SK_VIS_NOT_IN))
        return false;
    for (size_t i = 0; i < leaf->value_count; i++)
        if (!sq_sql_run_id(leaf->values[i].s, &id))
            return false;
    sk_buf_str(&sql->text, in ? "v.run_id IN (" : "v.run_id NOT IN (");
    for (size_t i = 0; i < leaf->value_count; i++) {
        sk_buf_str(&sql->text, i ? "," : "");
        sq_sql_run_id(leaf->values[i].s, &id);
        sq_sql_uuid(sql, &id);
    }
    sk_buf_str(&sql->text, ")");
    return true;
}

static void leaf_node(struct sq_sql *sql, const struct sk_vis_node *leaf)
{
    if (sk_vis_field_class(&leaf->field) == SK_VIS_LIST) {
        list_leaf(sql, leaf);
    } else if (!run_id_leaf(sql, leaf)) {
        struct sq_sql column;
        sq_sql_init(&column, sql->arena);
        sq_sql_field(&column, &leaf->field);
        sk_buf_append(&column.text, "", 1);
        sq_sql_leaf(sql, leaf, column.text.p);
        sql->uses_attr |= column.uses_attr;
        sq_sql_fini(&column);
    }
}

/* A chain of one operator without parentheses of its own: the SQL parser's stack is small. */
static void chain(struct sq_sql *sql, const struct sk_vis_node *node, enum sk_vis_op op)
{
    if (node->op != op) {
        sq_sql_node(sql, node);
        return;
    }
    chain(sql, node->left, op);
    sk_buf_str(&sql->text, op == SK_VIS_AND ? " AND " : " OR ");
    chain(sql, node->right, op);
}

void sq_sql_node(struct sq_sql *sql, const struct sk_vis_node *node)
{
    sk_buf_str(&sql->text, node->op == SK_VIS_NOT ? "(NOT " : "(");
    if (node->op < SK_VIS_AND)
        leaf_node(sql, node);
    else if (node->op == SK_VIS_NOT)
        sq_sql_node(sql, node->left);
    else
        chain(sql, node, node->op);
    sk_buf_str(&sql->text, ")");
}
