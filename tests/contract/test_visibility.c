/* The store's contract for visibility: operators by type, order, pages, counts, changes. */
#include "fixture.h"

#include <stdio.h>

#define NS 1
#define SEC 1000000000ll

/* ---- building rows and queries ---- */

static struct sk_vis_row row_of(const char *workflow_id, uint8_t number, int32_t status,
                                int64_t start, int64_t close)
{
    struct sk_vis_row row = {.run = run_key(NS, workflow_id, number),
                             .type = SK_STR("T"),
                             .task_queue = SK_STR("tq"),
                             .status = status,
                             .start_ns = start * SEC,
                             .execution_ns = start * SEC,
                             .close_ns = close * SEC,
                             .history_length = number,
                             .history_size = number * 100,
                             .state_transitions = number * 2};
    return row;
}

static void put(struct fixture *f, const struct sk_vis_row *row)
{
    CHECK_OK(COMMIT(f, &row->run, vis(row)));
}

static struct sk_vis_field column(enum sk_vis_column c)
{
    return (struct sk_vis_field){.column = c};
}

static struct sk_vis_field attribute(enum sk_sa_type type, int slot)
{
    return (struct sk_vis_field){SK_VIS_SEARCH_ATTRIBUTE, type, slot, NULL};
}

static struct sk_vis_literal str(const char *s)
{
    return (struct sk_vis_literal){.type = SK_LIT_STRING, .s = sk_str_of(s)};
}

static struct sk_vis_literal num(int64_t i)
{
    return (struct sk_vis_literal){.type = SK_LIT_INT, .i = i};
}

static struct sk_vis_literal real(double d)
{
    return (struct sk_vis_literal){.type = SK_LIT_DOUBLE, .d = d};
}

#define VALUES(...)           \
    (struct sk_vis_literal[]) \
    {                         \
        __VA_ARGS__           \
    }
#define COUNT(...) (sizeof(VALUES(__VA_ARGS__)) / sizeof(struct sk_vis_literal))
#define LEAF(f, o, ...)    \
    ((struct sk_vis_node){ \
        .op = o, .field = f, .values = VALUES(__VA_ARGS__), .value_count = COUNT(__VA_ARGS__)})
#define BARE(f, o) ((struct sk_vis_node){.op = o, .field = f})

static struct sk_vis_query query(const struct sk_vis_node *filter)
{
    return (struct sk_vis_query){.ns = NS, .filter = filter, .page_size = 1000};
}

/* The workflow ids of all matches, in order, joined: each row's first letter. */
static const char *ids(struct fixture *f, const struct sk_vis_query *q)
{
    struct sk_vis_page page;
    static char text[4096];
    size_t n = 0;
    CHECK_OK(sk_store_vis_list(f->store, &f->ctx, q, &page));
    for (size_t i = 0; i < page.count; i++)
        text[n++] = page.rows[i].run.workflow_id.p[0];
    text[n] = '\0';
    struct sk_vis_counts counts;
    if (!q->has_cursor && !page.more) { // a count says the same
        CHECK_OK(sk_store_vis_count(f->store, &f->ctx, q, &counts));
        CHECK_INT(counts.total, page.count);
    }
    return text;
}

static void expect(struct fixture *f, struct sk_vis_node node, const char *want, int line)
{
    struct sk_vis_query q = query(&node);
    check_str(sk_str_of(ids(f, &q)), want, "matches", __FILE__, line);
    // The same beside a term that is always true: another plan, the same answer.
    struct sk_vis_node all = BARE(column(SK_VIS_WORKFLOW_ID), SK_VIS_NOT_NULL);
    struct sk_vis_node both = {.op = SK_VIS_OR, .left = &node, .right = &node};
    struct sk_vis_node and = {.op = SK_VIS_AND, .left = &all, .right = &both};
    q.filter = &and;
    check_str(sk_str_of(ids(f, &q)), want, "matches, scanned", __FILE__, line);
}
#define EXPECT(node, want) expect(f, node, want, __LINE__)

/* ---- tests ---- */

static void in_order(struct fixture *f)
{
    struct sk_vis_query q = query(NULL);
    struct sk_vis_page page;
    CHECK_OK(sk_store_vis_list(f->store, &f->ctx, &q, &page));
    CHECK_INT(page.count, 0);
    CHECK(!page.more);
    struct sk_vis_row rows[] = {
        row_of("a", 1, 2, 10, 50), row_of("b", 2, 1, 10, 0),  row_of("c", 3, 3, 20, 60),
        row_of("d", 4, 1, 30, 0),  row_of("e", 6, 2, 11, 50), row_of("f", 5, 2, 11, 50),
    };
    for (size_t i = 0; i < 6; i++)
        put(f, &rows[i]);
    struct sk_vis_row other = row_of("x", 9, 1, 5, 0);
    other.run.ns = 2;
    CHECK_OK(COMMIT(f, &other.run, vis(&other)));
    CHECK_STR(sk_str_of(ids(f, &q)), "dbcfea");
}

static void row_comes_back(struct fixture *f)
{
    struct sk_vis_row row = row_of("w", 1, 2, 10, 20);
    row.execution_ns = 12 * SEC;
    row.parent_workflow_id = SK_STR("p");
    row.parent_run_id = SK_STR("pr");
    row.root_workflow_id = SK_STR("r");
    row.root_run_id = SK_STR("rr");
    row.memo = SK_STR("memo\1bytes");
    row.search_attributes = SK_STR("attributes");
    put(f, &row);
    struct sk_vis_query q = query(NULL);
    struct sk_vis_page page;
    CHECK_OK(sk_store_vis_list(f->store, &f->ctx, &q, &page));
    CHECK_INT(page.count, 1);
    struct sk_vis_row *got = &page.rows[0];
    CHECK_INT(got->run.ns, NS);
    CHECK(memcmp(&got->run.run_id, &row.run.run_id, SK_UUID_SIZE) == 0);
    CHECK_STR(got->run.workflow_id, "w");
    CHECK_STR(got->type, "T");
    CHECK_STR(got->task_queue, "tq");
    CHECK_INT(got->status, 2);
    CHECK_INT(got->start_ns, 10 * SEC);
    CHECK_INT(got->execution_ns, 12 * SEC);
    CHECK_INT(got->close_ns, 20 * SEC);
    CHECK_INT(got->history_length, 1);
    CHECK_INT(got->history_size, 100);
    CHECK_INT(got->state_transitions, 2);
    CHECK_STR(got->parent_workflow_id, "p");
    CHECK_STR(got->parent_run_id, "pr");
    CHECK_STR(got->root_workflow_id, "r");
    CHECK_STR(got->root_run_id, "rr");
    CHECK_STR(got->memo, "memo\1bytes");
    CHECK_STR(got->search_attributes, "attributes");
}

/* Pages joined are the list, also while rows close, come and go between pages. */
static void pages_are_stable(struct fixture *f)
{
    struct sk_vis_query q = query(NULL);
    struct sk_vis_page page;
    char name[26][2] = {{0}};
    for (int i = 0; i < 26; i++) {
        name[i][0] = (char)('a' + i);
        struct sk_vis_row row =
            row_of(name[i], (uint8_t)(i + 1), i < 6 ? 1 : 2, 100 - i, i < 6 ? 0 : 1000 - i);
        put(f, &row);
    }
    char seen[64];
    size_t n = 0;
    q.page_size = 4;
    for (int turn = 0;; turn++) {
        CHECK_OK(sk_store_vis_list(f->store, &f->ctx, &q, &page));
        for (size_t i = 0; i < page.count; i++)
            seen[n++] = page.rows[i].run.workflow_id.p[0];
        if (!page.more)
            break;
        CHECK_INT(page.count, 4);
        struct sk_vis_row *last = &page.rows[page.count - 1];
        q.has_cursor = true;
        q.after = sk_vis_place_of(&q.order, last);
        if (turn == 0) { // what lies behind the cursor changes: nothing is seen twice or missed
            CHECK_OK(COMMIT(f, &last->run, run_op(SK_OP_VIS_DELETE, last->run)));
            struct sk_vis_row fresh = row_of("!", 99, 1, 500, 0);
            put(f, &fresh);
        }
    }
    seen[n] = '\0';
    CHECK_STR(sk_str_of(seen), "abcdefghijklmnopqrstuvwxyz");
}

/* The list by a field, two rows a page, joined. */
static const char *by(struct fixture *f, struct sk_vis_field field, bool descending)
{
    struct sk_vis_query q = query(NULL);
    struct sk_vis_page page;
    static char text[64];
    size_t n = 0;
    q.order = (struct sk_vis_order){true, descending, field};
    for (q.page_size = 2;; q.has_cursor = true) {
        CHECK_OK(sk_store_vis_list(f->store, &f->ctx, &q, &page));
        for (size_t i = 0; i < page.count; i++)
            text[n++] = page.rows[i].run.workflow_id.p[0];
        if (!page.more)
            break;
        CHECK_INT(page.count, 2);
        q.after = sk_vis_place_of(&q.order, &page.rows[1]);
    }
    text[n] = '\0';
    return text;
}

/* Equal values, and rows without one at the end, are in the list's own order: b d (open) c a e. */
static void orders(struct fixture *f)
{
    static const struct sk_sa_value keywords[] = {{.type = SK_SA_KEYWORD, .slot = 2, .s = {"B", 1}},
                                                  {.type = SK_SA_KEYWORD, .slot = 2, .s = {"a", 1}},
                                                  {.type = SK_SA_KEYWORD, .slot = 2, .s = {"", 0}}};
    static const struct sk_sa_value doubles[] = {{.type = SK_SA_DOUBLE, .slot = 1, .d = 10},
                                                 {.type = SK_SA_DOUBLE, .slot = 1, .d = 9.5}};
    struct sk_vis_row rows[] = {
        row_of("a", 1, 2, 30, 50), row_of("b", 2, 1, 20, 0),  row_of("c", 3, 3, 40, 60),
        row_of("d", 4, 1, 10, 0),  row_of("e", 5, 7, 25, 45),
    };
    rows[2].type = rows[3].type = SK_STR("Z");
    rows[4].history_length = 1000;
    for (size_t i = 0; i < 5; i++) {
        rows[i].values = i < 3 ? &keywords[i] : &doubles[i - 3];
        rows[i].value_count = 1;
        put(f, &rows[i]);
    }
    CHECK_STR(sk_str_of(by(f, column(SK_VIS_WORKFLOW_ID), false)), "abcde");
    CHECK_STR(sk_str_of(by(f, column(SK_VIS_WORKFLOW_ID), true)), "edcba");
    CHECK_STR(sk_str_of(by(f, column(SK_VIS_START_TIME), false)), "dbeac");
    CHECK_STR(sk_str_of(by(f, column(SK_VIS_START_TIME), true)), "caebd");
    CHECK_STR(sk_str_of(by(f, column(SK_VIS_CLOSE_TIME), false)), "eacbd"); // open ones last
    CHECK_STR(sk_str_of(by(f, column(SK_VIS_CLOSE_TIME), true)), "caebd");
    CHECK_STR(sk_str_of(by(f, column(SK_VIS_DURATION), false)), "caebd"); // 20, 20, 20
    CHECK_STR(sk_str_of(by(f, column(SK_VIS_STATUS), false)), "bdace");
    CHECK_STR(sk_str_of(by(f, column(SK_VIS_STATUS), true)), "ecabd");
    CHECK_STR(sk_str_of(by(f, column(SK_VIS_WORKFLOW_TYPE), false)), "baedc");
    CHECK_STR(sk_str_of(by(f, column(SK_VIS_WORKFLOW_TYPE), true)), "dcbae");
    CHECK_STR(sk_str_of(by(f, column(SK_VIS_HISTORY_LENGTH), true)), "ecabd"); // not while open
    CHECK_STR(sk_str_of(by(f, column(SK_VIS_TASK_QUEUE), true)), "bdcae");
    CHECK_STR(sk_str_of(by(f, attribute(SK_SA_KEYWORD, 2), false)), "cabde"); // "" "B" "a"
    CHECK_STR(sk_str_of(by(f, attribute(SK_SA_KEYWORD, 2), true)), "bacde");
    CHECK_STR(sk_str_of(by(f, attribute(SK_SA_DOUBLE, 1), false)), "edbca");
    CHECK_STR(sk_str_of(by(f, attribute(SK_SA_DOUBLE, 1), true)), "debca");
    CHECK_STR(sk_str_of(by(f, attribute(SK_SA_INT, 1), true)), "bdcae"); // nobody has it
}

static void no_order(struct fixture *f)
{
    struct sk_vis_query q = query(NULL);
    struct sk_vis_page page;
    const struct sk_vis_field none[] = {
        attribute(SK_SA_TEXT, 1), attribute(SK_SA_KEYWORD_LIST, 1), attribute(SK_SA_INT, 99),
        column(SK_VIS_RUN_ID),    column((enum sk_vis_column)99),
    };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        q.order = (struct sk_vis_order){true, false, none[i]};
        CHECK_ERR(sk_store_vis_list(f->store, &f->ctx, &q, &page), SK_INVALID_ARGUMENT);
        sk_ctx_clear(&f->ctx);
    }
    q.order.field = column(SK_VIS_START_TIME); // a cursor of another type
    q.has_cursor = true;
    q.after.value = str("x");
    CHECK_ERR(sk_store_vis_list(f->store, &f->ctx, &q, &page), SK_INVALID_ARGUMENT);
    sk_ctx_clear(&f->ctx);
}

static void changes_move_rows(struct fixture *f)
{
    struct sk_vis_query q = query(NULL);
    struct sk_vis_row a = row_of("a", 1, 1, 10, 0), b = row_of("b", 2, 1, 20, 0);
    put(f, &a);
    put(f, &b);
    CHECK_STR(sk_str_of(ids(f, &q)), "ba");
    struct sk_sa_value value = {.type = SK_SA_KEYWORD, .slot = 1, .s = SK_STR("x")};
    a.values = &value;
    a.value_count = 1;
    a.memo = SK_STR("m");
    put(f, &a); // in place
    struct sk_vis_node has = LEAF(attribute(SK_SA_KEYWORD, 1), SK_VIS_EQ, str("x"));
    EXPECT(has, "a");
    b.status = 2;
    b.close_ns = 30 * SEC;
    put(f, &b); // moves behind
    CHECK_STR(sk_str_of(ids(f, &q)), "ab");
    a.status = 3;
    a.close_ns = 25 * SEC;
    put(f, &a);
    CHECK_STR(sk_str_of(ids(f, &q)), "ba");
    EXPECT(has, "a");
    a.value_count = 0;
    put(f, &a); // the attribute goes
    EXPECT(has, "");
    a.type = SK_STR("U"); // what never changes in life may change all the same
    a.parent_workflow_id = SK_STR("p");
    put(f, &a);
    EXPECT(LEAF(column(SK_VIS_WORKFLOW_TYPE), SK_VIS_EQ, str("U")), "a");
    EXPECT(LEAF(column(SK_VIS_PARENT_WORKFLOW_ID), SK_VIS_EQ, str("p")), "a");
    CHECK_OK(COMMIT(f, &a.run, run_op(SK_OP_VIS_DELETE, a.run)));
    CHECK_OK(COMMIT(f, &a.run, run_op(SK_OP_VIS_DELETE, a.run))); // absent is fine
    CHECK_STR(sk_str_of(ids(f, &q)), "b");
}

static void refused_changes_nothing(struct fixture *f)
{
    struct sk_vis_row a = row_of("a", 1, 1, 10, 0), closed = row_of("a", 1, 2, 10, 11);
    struct sk_vis_query q = query(NULL);
    struct sk_vis_counts counts;
    put(f, &a);
    CHECK_OK(COMMIT(f, &a.run, exec_put(a.run, 1, 0, "")));
    CHECK_ERR(COMMIT(f, &a.run, vis(&closed), exec_put(a.run, 1, 0, "")), SK_CONDITION);
    CHECK_ERR(COMMIT(f, &a.run, vis(&closed), exec_put(a.run, 2, 0, ""), exec_put(a.run, 2, 0, "")),
              SK_CONDITION);
    q.group = true;
    q.group_by = column(SK_VIS_STATUS);
    CHECK_OK(sk_store_vis_count(f->store, &f->ctx, &q, &counts));
    CHECK_INT(counts.total, 1);
    CHECK_INT(counts.group_count, 1);
    CHECK_INT(counts.groups[0].value.i, 1);
}

static void system_columns(struct fixture *f)
{
    struct sk_vis_row a = row_of("a", 1, 1, 10, 0), b = row_of("b", 2, 2, 20, 40),
                      c = row_of("c", 3, 3, 30, 50);
    a.type = SK_STR("Order");
    b.type = SK_STR("Ordering");
    c.type = SK_STR("Payment");
    b.parent_workflow_id = SK_STR("a");
    b.parent_run_id = SK_STR("run-a");
    b.root_workflow_id = SK_STR("a");
    c.task_queue = SK_STR("other");
    put(f, &a);
    put(f, &b);
    put(f, &c);
    // the list's order is a, c, b
    EXPECT(LEAF(column(SK_VIS_WORKFLOW_ID), SK_VIS_EQ, str("b")), "b");
    EXPECT(LEAF(column(SK_VIS_WORKFLOW_ID), SK_VIS_NE, str("b")), "ac");
    EXPECT(LEAF(column(SK_VIS_WORKFLOW_ID), SK_VIS_IN, str("b"), str("a"), str("zz")), "ab");
    EXPECT(LEAF(column(SK_VIS_WORKFLOW_ID), SK_VIS_NOT_IN, str("b"), str("a")), "c");
    EXPECT(LEAF(column(SK_VIS_WORKFLOW_ID), SK_VIS_GT, str("a")), "cb");
    EXPECT(LEAF(column(SK_VIS_WORKFLOW_ID), SK_VIS_BETWEEN, str("a"), str("b")), "ab");
    EXPECT(LEAF(column(SK_VIS_WORKFLOW_TYPE), SK_VIS_STARTS, str("Order")), "ab");
    EXPECT(LEAF(column(SK_VIS_WORKFLOW_TYPE), SK_VIS_NOT_STARTS, str("Orderi")), "ac");
    EXPECT(LEAF(column(SK_VIS_WORKFLOW_TYPE), SK_VIS_STARTS, str("")), "acb");
    EXPECT(LEAF(column(SK_VIS_WORKFLOW_TYPE), SK_VIS_EQ, str("order")), ""); // case matters
    EXPECT(LEAF(column(SK_VIS_STATUS), SK_VIS_EQ, num(1)), "a");
    EXPECT(LEAF(column(SK_VIS_STATUS), SK_VIS_NE, num(1)), "cb");
    EXPECT(LEAF(column(SK_VIS_STATUS), SK_VIS_IN, num(1), num(3)), "ac");
    EXPECT(LEAF(column(SK_VIS_TASK_QUEUE), SK_VIS_EQ, str("tq")), "ab");
    EXPECT(LEAF(column(SK_VIS_PARENT_WORKFLOW_ID), SK_VIS_EQ, str("a")), "b");
    EXPECT(LEAF(column(SK_VIS_PARENT_WORKFLOW_ID), SK_VIS_NE, str("x")), "b");
    EXPECT(BARE(column(SK_VIS_PARENT_WORKFLOW_ID), SK_VIS_NULL), "ac");
    EXPECT(BARE(column(SK_VIS_PARENT_RUN_ID), SK_VIS_NOT_NULL), "b");
    EXPECT(LEAF(column(SK_VIS_ROOT_WORKFLOW_ID), SK_VIS_STARTS, str("a")), "b");
    EXPECT(LEAF(column(SK_VIS_ROOT_WORKFLOW_ID), SK_VIS_EQ, str("a")), "b");
    a.root_workflow_id = SK_STR("a"); // its own root
    put(f, &a);
    EXPECT(LEAF(column(SK_VIS_ROOT_WORKFLOW_ID), SK_VIS_EQ, str("a")), "ab");
    EXPECT(LEAF(column(SK_VIS_START_TIME), SK_VIS_GE, num(20 * SEC)), "cb");
    EXPECT(LEAF(column(SK_VIS_START_TIME), SK_VIS_LT, num(20 * SEC)), "a");
    EXPECT(LEAF(column(SK_VIS_EXECUTION_TIME), SK_VIS_EQ, num(30 * SEC)), "c");
    EXPECT(LEAF(column(SK_VIS_CLOSE_TIME), SK_VIS_GT, num(40 * SEC)), "c");
    EXPECT(LEAF(column(SK_VIS_CLOSE_TIME), SK_VIS_GE, num(40 * SEC)), "cb");
    EXPECT(LEAF(column(SK_VIS_CLOSE_TIME), SK_VIS_LE, num(40 * SEC)), "b");
    EXPECT(LEAF(column(SK_VIS_CLOSE_TIME), SK_VIS_LT, num(40 * SEC)), "");
    EXPECT(LEAF(column(SK_VIS_CLOSE_TIME), SK_VIS_LT, num(-5)), "");
    EXPECT(LEAF(column(SK_VIS_CLOSE_TIME), SK_VIS_EQ, num(40 * SEC)), "b");
    EXPECT(LEAF(column(SK_VIS_CLOSE_TIME), SK_VIS_NE, num(40 * SEC)), "c");
    EXPECT(LEAF(column(SK_VIS_CLOSE_TIME), SK_VIS_BETWEEN, num(39 * SEC), num(50 * SEC)), "cb");
    EXPECT(LEAF(column(SK_VIS_CLOSE_TIME), SK_VIS_NOT_BETWEEN, num(39 * SEC), num(45 * SEC)), "c");
    EXPECT(BARE(column(SK_VIS_CLOSE_TIME), SK_VIS_NULL), "a");
    EXPECT(BARE(column(SK_VIS_CLOSE_TIME), SK_VIS_NOT_NULL), "cb");
    EXPECT(LEAF(column(SK_VIS_DURATION), SK_VIS_EQ, num(20 * SEC)), "cb");
    EXPECT(LEAF(column(SK_VIS_DURATION), SK_VIS_LT, num(INT64_MAX)), "cb"); // not while open
    EXPECT(LEAF(column(SK_VIS_HISTORY_LENGTH), SK_VIS_GE, num(2)), "cb");
    EXPECT(LEAF(column(SK_VIS_HISTORY_SIZE), SK_VIS_EQ, num(300)), "c");
    EXPECT(LEAF(column(SK_VIS_STATE_TRANSITIONS), SK_VIS_IN, num(2), num(4)), "ab");
}

static void run_ids(struct fixture *f)
{
    struct sk_vis_row a = row_of("a", 0x11, 1, 10, 0), b = row_of("b", 0x22, 1, 9, 0);
    char text[SK_UUID_TEXT];
    put(f, &a);
    put(f, &b);
    sk_uuid_format(a.run.run_id, text);
    struct sk_vis_field id = column(SK_VIS_RUN_ID);
    EXPECT(LEAF(id, SK_VIS_EQ, str(text)), "a");
    EXPECT(LEAF(id, SK_VIS_NE, str(text)), "b");
    EXPECT(LEAF(id, SK_VIS_IN, str(text), str("nonsense")), "a");
    EXPECT(LEAF(id, SK_VIS_NOT_IN, str(text)), "b");
    EXPECT(LEAF(id, SK_VIS_EQ, str("nonsense")), "");
    EXPECT(LEAF(id, SK_VIS_STARTS, str("1111")), "a");
    EXPECT(LEAF(id, SK_VIS_GT, str("12")), "b");
}

static void typed_attributes(struct fixture *f)
{
    static const struct sk_sa_value a_values[] = {
        {.type = SK_SA_KEYWORD, .slot = 3, .s = {"blue", 4}},
        {.type = SK_SA_INT, .slot = 12, .i = -5},
        {.type = SK_SA_DOUBLE, .slot = 1, .d = 1.5},
        {.type = SK_SA_BOOL, .slot = 1, .i = 1},
        {.type = SK_SA_DATETIME, .slot = 2, .i = 100 * SEC},
    };
    static const struct sk_sa_value b_values[] = {
        {.type = SK_SA_KEYWORD, .slot = 3, .s = {"blueish", 7}},
        {.type = SK_SA_INT, .slot = 12, .i = 7},
        {.type = SK_SA_DOUBLE, .slot = 1, .d = 2},
        {.type = SK_SA_BOOL, .slot = 1, .i = 0},
        {.type = SK_SA_DATETIME, .slot = 2, .i = 200 * SEC},
        {.type = SK_SA_KEYWORD, .slot = 24, .s = {"", 0}},
    };
    struct sk_vis_row a = row_of("a", 1, 1, 30, 0), b = row_of("b", 2, 2, 20, 40),
                      c = row_of("c", 3, 1, 10, 0); // c has none
    a.values = a_values;
    a.value_count = 5;
    b.values = b_values;
    b.value_count = 6;
    put(f, &a);
    put(f, &b);
    put(f, &c);
    struct sk_vis_field k = attribute(SK_SA_KEYWORD, 3), i = attribute(SK_SA_INT, 12),
                        d = attribute(SK_SA_DOUBLE, 1), o = attribute(SK_SA_BOOL, 1),
                        t = attribute(SK_SA_DATETIME, 2), e = attribute(SK_SA_KEYWORD, 24);
    EXPECT(LEAF(k, SK_VIS_EQ, str("blue")), "a");
    EXPECT(LEAF(k, SK_VIS_NE, str("blue")), "b");
    EXPECT(LEAF(k, SK_VIS_STARTS, str("blue")), "ab");
    EXPECT(LEAF(k, SK_VIS_NOT_STARTS, str("bluei")), "a");
    EXPECT(LEAF(k, SK_VIS_IN, str("blue"), str("x")), "a");
    EXPECT(LEAF(k, SK_VIS_NOT_IN, str("blue"), str("x")), "b");
    EXPECT(LEAF(k, SK_VIS_LE, str("blue")), "a");
    EXPECT(BARE(k, SK_VIS_NULL), "c");
    EXPECT(BARE(k, SK_VIS_NOT_NULL), "ab");
    EXPECT(LEAF(e, SK_VIS_EQ, str("")), "b"); // empty is a value
    EXPECT(LEAF(i, SK_VIS_EQ, num(7)), "b");
    EXPECT(LEAF(i, SK_VIS_EQ, real(7)), "b");
    EXPECT(LEAF(i, SK_VIS_GT, real(-5.5)), "ab");
    EXPECT(LEAF(i, SK_VIS_LT, real(6.5)), "a");
    EXPECT(LEAF(i, SK_VIS_BETWEEN, num(-5), num(6)), "a");
    EXPECT(LEAF(i, SK_VIS_NOT_BETWEEN, num(-5), num(6)), "b");
    EXPECT(LEAF(i, SK_VIS_NE, num(7)), "a");
    EXPECT(LEAF(i, SK_VIS_NOT_IN, num(1), num(2)), "ab");
    EXPECT(LEAF(d, SK_VIS_EQ, real(1.5)), "a");
    EXPECT(LEAF(d, SK_VIS_EQ, num(2)), "b");
    EXPECT(LEAF(d, SK_VIS_GE, num(1)), "ab");
    EXPECT(LEAF(d, SK_VIS_BETWEEN, num(1), real(1.75)), "a");
    EXPECT(LEAF(o, SK_VIS_EQ, num(1)), "a");
    EXPECT(LEAF(o, SK_VIS_EQ, num(0)), "b");
    EXPECT(LEAF(o, SK_VIS_NE, num(1)), "b");
    EXPECT(BARE(o, SK_VIS_NULL), "c");
    EXPECT(LEAF(t, SK_VIS_GT, num(100 * SEC)), "b");
    EXPECT(LEAF(t, SK_VIS_IN, num(100 * SEC)), "a");
}

static void lists_and_text(struct fixture *f)
{
    static const struct sk_str a_list[] = {{"red", 3}, {"green", 5}, {"red", 3}};
    static const struct sk_str b_list[] = {{"blue", 4}};
    static const struct sk_sa_value a_values[] = {
        {.type = SK_SA_KEYWORD_LIST, .slot = 1, .list = a_list, .list_count = 3},
        {.type = SK_SA_TEXT, .slot = 12, .s = {"The quick-brown Fox; 42 \xc3\x89t\xc3\xa9", 29}},
    };
    static const struct sk_sa_value b_values[] = {
        {.type = SK_SA_KEYWORD_LIST, .slot = 1, .list = b_list, .list_count = 1},
        {.type = SK_SA_KEYWORD_LIST, .slot = 2},
        {.type = SK_SA_TEXT, .slot = 12, .s = {"!!!", 3}},
        {.type = SK_SA_TEXT, .slot = 11, .s = {"fox", 3}},
    };
    struct sk_vis_row a = row_of("a", 1, 1, 30, 0), b = row_of("b", 2, 1, 20, 0),
                      c = row_of("c", 3, 1, 10, 0);
    a.values = a_values;
    a.value_count = 2;
    b.values = b_values;
    b.value_count = 4;
    put(f, &a);
    put(f, &b);
    put(f, &c);
    struct sk_vis_field l = attribute(SK_SA_KEYWORD_LIST, 1),
                        none = attribute(SK_SA_KEYWORD_LIST, 2), t = attribute(SK_SA_TEXT, 12);
    EXPECT(LEAF(l, SK_VIS_EQ, str("red")), "a");
    EXPECT(LEAF(l, SK_VIS_EQ, str("Red")), "");
    EXPECT(LEAF(l, SK_VIS_NE, str("red")), "b");
    EXPECT(LEAF(l, SK_VIS_IN, str("green"), str("blue")), "ab");
    EXPECT(LEAF(l, SK_VIS_NOT_IN, str("green"), str("black")), "b");
    EXPECT(BARE(l, SK_VIS_NULL), "c");
    EXPECT(BARE(l, SK_VIS_NOT_NULL), "ab");
    EXPECT(BARE(none, SK_VIS_NULL), "abc"); // an empty list is none
    EXPECT(LEAF(t, SK_VIS_EQ, str("fox")), "a");
    EXPECT(LEAF(t, SK_VIS_EQ, str("QUICK")), "a");
    EXPECT(LEAF(t, SK_VIS_EQ, str("slow BROWN dog")), "a");
    EXPECT(LEAF(t, SK_VIS_EQ, str("fo")), "");
    EXPECT(LEAF(t, SK_VIS_EQ, str("\xc3\xa9T\xc3\x89")), "a");
    EXPECT(LEAF(t, SK_VIS_EQ, str("!!!")), "");
    EXPECT(LEAF(t, SK_VIS_NE, str("fox")), "b"); // a text without tokens is a text
    EXPECT(LEAF(t, SK_VIS_NE, str("...")), "ab");
    EXPECT(BARE(t, SK_VIS_NULL), "c");
    EXPECT(BARE(t, SK_VIS_NOT_NULL), "ab");
    b.close_ns = 40 * SEC;
    b.status = 2;
    put(f, &b); // lists move with their run
    EXPECT(LEAF(l, SK_VIS_EQ, str("blue")), "b");
    CHECK_OK(COMMIT(f, &b.run, run_op(SK_OP_VIS_DELETE, b.run)));
    EXPECT(LEAF(l, SK_VIS_EQ, str("blue")), "");
}

static void trees(struct fixture *f)
{
    static const struct sk_sa_value value = {.type = SK_SA_INT, .slot = 1, .i = 5};
    struct sk_vis_row a = row_of("a", 1, 1, 30, 0), b = row_of("b", 2, 1, 20, 0),
                      c = row_of("c", 3, 1, 10, 0);
    a.values = &value;
    a.value_count = 1;
    put(f, &a);
    put(f, &b);
    put(f, &c);
    struct sk_vis_node five = LEAF(attribute(SK_SA_INT, 1), SK_VIS_EQ, num(5));
    struct sk_vis_node six = LEAF(attribute(SK_SA_INT, 1), SK_VIS_EQ, num(6));
    struct sk_vis_node is_b = LEAF(column(SK_VIS_WORKFLOW_ID), SK_VIS_EQ, str("b"));
    struct sk_vis_node not_six = {.op = SK_VIS_NOT, .left = &six};
    struct sk_vis_node not_five = {.op = SK_VIS_NOT, .left = &five};
    struct sk_vis_node not_b = {.op = SK_VIS_NOT, .left = &is_b};
    struct sk_vis_node five_or_b = {.op = SK_VIS_OR, .left = &five, .right = &is_b};
    struct sk_vis_node five_and_b = {.op = SK_VIS_AND, .left = &five, .right = &is_b};
    struct sk_vis_node not_either = {.op = SK_VIS_NOT, .left = &five_or_b};
    struct sk_vis_node not_both = {.op = SK_VIS_NOT, .left = &five_and_b};
    EXPECT(not_six, "a"); // a missing value is not "not six"
    EXPECT(not_five, "");
    EXPECT(not_b, "ac");
    EXPECT(five_or_b, "ab");
    EXPECT(five_and_b, "");
    EXPECT(not_either, ""); // unknown for c
    EXPECT(not_both, "ac"); // b's condition decides for c, five's is unknown for b and c
}

static void divisions(struct fixture *f)
{
    struct sk_vis_row a = row_of("a", 1, 1, 30, 0), s = row_of("s", 2, 1, 20, 0),
                      t = row_of("t", 3, 2, 10, 15);
    s.division = SK_STR("Scheduler");
    t.division = SK_STR("Batch");
    put(f, &a);
    put(f, &s);
    put(f, &t);
    struct sk_vis_query q = query(NULL);
    CHECK_STR(sk_str_of(ids(f, &q)), "a");
    q.all_divisions = true;
    CHECK_STR(sk_str_of(ids(f, &q)), "ast");
    struct sk_vis_node node = LEAF(column(SK_VIS_DIVISION), SK_VIS_EQ, str("Scheduler"));
    q.filter = &node;
    CHECK_STR(sk_str_of(ids(f, &q)), "s");
    node = LEAF(column(SK_VIS_DIVISION), SK_VIS_STARTS, str("B"));
    CHECK_STR(sk_str_of(ids(f, &q)), "t");
    node = BARE(column(SK_VIS_DIVISION), SK_VIS_NULL);
    CHECK_STR(sk_str_of(ids(f, &q)), "a");
    node = LEAF(column(SK_VIS_WORKFLOW_ID), SK_VIS_EQ, str("s"));
    CHECK_STR(sk_str_of(ids(f, &q)), "s");
    q = query(NULL);
    q.all_divisions = q.group = true;
    q.group_by = column(SK_VIS_DIVISION);
    struct sk_vis_counts counts;
    CHECK_OK(sk_store_vis_count(f->store, &f->ctx, &q, &counts));
    CHECK_INT(counts.total, 3);
    CHECK_INT(counts.group_count, 3);
    CHECK(counts.groups[0].null);
    CHECK_STR(counts.groups[1].value.s, "Batch");
    CHECK_INT(counts.groups[2].count, 1);
    s.division = SK_STR(""); // out of its division
    put(f, &s);
    q = query(NULL);
    CHECK_STR(sk_str_of(ids(f, &q)), "as");
}

static void counts_and_groups(struct fixture *f)
{
    char name[40][4];
    for (int i = 0; i < 40; i++) {
        snprintf(name[i], sizeof(name[i]), "%c%d", 'a' + i % 26, i % 10);
        struct sk_vis_row row = row_of(name[i], (uint8_t)(i + 1), i % 4 == 0 ? 1 : 2 + i % 2, i + 1,
                                       i % 4 == 0 ? 0 : 100 + i);
        struct sk_sa_value values[] = {{.type = SK_SA_KEYWORD, .slot = 1, .s = SK_STR("x")},
                                       {.type = SK_SA_DOUBLE, .slot = 2, .d = i % 3}};
        row.values = values;
        row.value_count = i % 2 ? 2 : 0;
        put(f, &row);
    }
    struct sk_vis_query q = query(NULL);
    struct sk_vis_counts c;
    CHECK_OK(sk_store_vis_count(f->store, &f->ctx, &q, &c));
    CHECK_INT(c.total, 40);
    CHECK_INT(c.group_count, 0);
    q.group = true;
    q.group_by = column(SK_VIS_STATUS);
    CHECK_OK(sk_store_vis_count(f->store, &f->ctx, &q, &c));
    CHECK_INT(c.total, 40);
    CHECK_INT(c.group_count, 3);
    CHECK_INT(c.groups[0].value.i, 1);
    CHECK_INT(c.groups[0].count, 10);
    CHECK_INT(c.groups[1].count, 10);
    CHECK_INT(c.groups[2].count, 20);
    struct sk_vis_node closed = LEAF(column(SK_VIS_STATUS), SK_VIS_NE, num(1));
    struct sk_vis_node odd = LEAF(attribute(SK_SA_KEYWORD, 1), SK_VIS_EQ, str("x"));
    q.filter = &closed;
    CHECK_OK(sk_store_vis_count(f->store, &f->ctx, &q, &c));
    CHECK_INT(c.total, 30);
    CHECK_INT(c.group_count, 2);
    q.filter = &odd;
    CHECK_OK(sk_store_vis_count(f->store, &f->ctx, &q, &c));
    CHECK_INT(c.total, 20);
    CHECK_INT(c.group_count, 1);
    q.filter = NULL;
    q.group_by = attribute(SK_SA_DOUBLE, 2);
    CHECK_OK(sk_store_vis_count(f->store, &f->ctx, &q, &c));
    CHECK_INT(c.total, 40);
    CHECK_INT(c.group_count, 4);
    CHECK(c.groups[0].null);
    CHECK_INT(c.groups[0].count, 20);
    CHECK_INT(c.groups[1].value.type, SK_LIT_DOUBLE);
    q.group_by = column(SK_VIS_CLOSE_TIME);
    q.filter = &closed;
    CHECK_OK(sk_store_vis_count(f->store, &f->ctx, &q, &c));
    CHECK_INT(c.group_count, 30);
    CHECK_INT(c.groups[0].value.i, 101 * SEC);
    // after deletes
    struct sk_run_key run = run_key(NS, name[0], 1);
    CHECK_OK(COMMIT(f, &run, run_op(SK_OP_VIS_DELETE, run)));
    q = query(NULL);
    CHECK_OK(sk_store_vis_count(f->store, &f->ctx, &q, &c));
    CHECK_INT(c.total, 39);
}

static void bad_queries(struct fixture *f)
{
    struct sk_vis_page page;
    struct sk_vis_counts counts;
    struct sk_vis_node bad[] = {
        LEAF(column(SK_VIS_STATUS), SK_VIS_EQ, str("Running")),
        LEAF(column(SK_VIS_WORKFLOW_ID), SK_VIS_EQ, num(1)),
        LEAF(column(SK_VIS_WORKFLOW_ID), SK_VIS_EQ, str("a"), str("b")),
        LEAF(column(SK_VIS_WORKFLOW_ID), SK_VIS_BETWEEN, str("a")),
        BARE(column(SK_VIS_WORKFLOW_ID), SK_VIS_IN),
        LEAF(column(SK_VIS_START_TIME), SK_VIS_STARTS, str("2")),
        LEAF(attribute(SK_SA_TEXT, 1), SK_VIS_IN, str("a")),
        LEAF(attribute(SK_SA_KEYWORD_LIST, 1), SK_VIS_GT, str("a")),
        LEAF(attribute(SK_SA_KEYWORD, 25), SK_VIS_EQ, str("a")),
        LEAF(attribute(SK_SA_INT, 0), SK_VIS_EQ, num(1)),
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct sk_vis_query q = query(&bad[i]);
        CHECK_ERR(sk_store_vis_list(f->store, &f->ctx, &q, &page), SK_INVALID_ARGUMENT);
    }
    struct sk_vis_query q;
    q = query(NULL);
    q.group = true;
    q.group_by = attribute(SK_SA_TEXT, 1);
    CHECK_ERR(sk_store_vis_count(f->store, &f->ctx, &q, &counts), SK_INVALID_ARGUMENT);
}

/* OR in AND in OR ..., or NOT in NOT, to the right or the left. */
static struct sk_vis_node *nest(struct fixture *f, int levels, bool right, bool negate)
{
    static const struct sk_vis_literal one = {.type = SK_LIT_INT, .i = 1},
                                       text = {.type = SK_LIT_STRING, .s = {"x", 1}};
    struct sk_vis_node *leaf = SK_NEW_N(f->ctx.arena, struct sk_vis_node, 2), *node = &leaf[1];
    leaf[0] = (struct sk_vis_node){SK_VIS_EQ, column(SK_VIS_STATUS), &one, 1, NULL, NULL};
    leaf[1] = (struct sk_vis_node){SK_VIS_EQ, attribute(SK_SA_TEXT, 1), &text, 1, NULL, NULL};
    for (int i = 0; i < levels; i++) {
        struct sk_vis_node *up = SK_NEW(f->ctx.arena, struct sk_vis_node);
        up->op = negate ? SK_VIS_NOT : i % 2 ? SK_VIS_AND : SK_VIS_OR;
        up->left = right && !negate ? leaf : node;
        up->right = negate ? NULL : right ? node : leaf;
        node = up;
    }
    return node;
}

static void deep_and_long(struct fixture *f)
{
    struct sk_vis_page page;
    struct sk_vis_row row = row_of("a", 1, 1, 10, 0);
    put(f, &row);
    for (int shape = 0; shape < 3; shape++) {
        struct sk_vis_query q = query(nest(f, SK_VIS_NESTING_MAX, shape == 1, shape == 2));
        CHECK_OK(sk_store_vis_list(f->store, &f->ctx, &q, &page));
        q.filter = nest(f, SK_VIS_NESTING_MAX + 1, shape == 1, shape == 2);
        CHECK_ERR(sk_store_vis_list(f->store, &f->ctx, &q, &page), SK_INVALID_ARGUMENT);
    }
    // as many conditions as may be, in one chain; and one more
    struct sk_vis_node leaf = LEAF(column(SK_VIS_STATUS), SK_VIS_EQ, num(1)), *chain = &leaf;
    for (int i = 1; i <= SK_VIS_LEAVES_MAX; i++) {
        struct sk_vis_query q = query(chain);
        if (i == SK_VIS_LEAVES_MAX)
            CHECK_STR(sk_str_of(ids(f, &q)), "a");
        struct sk_vis_node *up = SK_NEW(f->ctx.arena, struct sk_vis_node);
        *up = (struct sk_vis_node){.op = SK_VIS_OR, .left = chain, .right = &leaf};
        chain = up;
    }
    struct sk_vis_query q = query(chain);
    CHECK_ERR(sk_store_vis_list(f->store, &f->ctx, &q, &page), SK_INVALID_ARGUMENT);
    struct sk_vis_literal *many = SK_NEW_N(f->ctx.arena, struct sk_vis_literal, SK_VIS_VALUES_MAX);
    for (int i = 0; i < SK_VIS_VALUES_MAX; i++)
        many[i] = num(i);
    struct sk_vis_node in = {SK_VIS_IN, column(SK_VIS_STATUS), many, SK_VIS_VALUES_MAX, NULL, NULL};
    q = query(&in);
    CHECK_STR(sk_str_of(ids(f, &q)), "a");
}

int main(void)
{
    static const struct contract_test tests[] = {
        {"in order", in_order},
        {"a row comes back", row_comes_back},
        {"pages are stable", pages_are_stable},
        {"orders", orders},
        {"no order", no_order},
        {"changes move rows", changes_move_rows},
        {"a refused transition changes nothing", refused_changes_nothing},
        {"system columns", system_columns},
        {"run ids", run_ids},
        {"typed attributes", typed_attributes},
        {"lists and text", lists_and_text},
        {"trees", trees},
        {"divisions", divisions},
        {"counts and groups", counts_and_groups},
        {"bad queries", bad_queries},
        {"deep and long filters", deep_and_long},
    };
    return contract_main(tests, sizeof(tests) / sizeof(tests[0]));
}
