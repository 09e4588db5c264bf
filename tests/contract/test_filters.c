/*
 * Random runs and random filters: every store must answer as the model does (src/store/memory
 * evaluates filters one row at a time). Half of the rows share few values, so that filters match.
 */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

#define ROWS 300
#define FILTERS 600
#define CHANGES 200

struct maker {
    struct sk_random *random;
    struct sk_arena *arena;
};

static int64_t below(struct maker *m, int64_t n)
{
    return (int64_t)sk_random_below(m->random, (uint64_t)n);
}

static struct sk_str word(struct maker *m)
{
    static const char *const words[] = {"",         "a",        "ab",  "abc", "B",   "order",
                                        "order-1",  "z",        "%",   "_",   "'x'", "A b",
                                        "\xff\xff", "\xc3\xa9", "a a", "NULL"};
    return sk_str_of(words[below(m, 16)]);
}

static struct sk_str text(struct maker *m)
{
    struct sk_str a = word(m), b = word(m), c = word(m);
    const char *s = sk_arena_printf(m->arena, SK_STR_FMT " " SK_STR_FMT "," SK_STR_FMT,
                                    SK_STR_ARG(a), SK_STR_ARG(b), SK_STR_ARG(c));
    return sk_str_of(s);
}

static struct sk_sa_value value(struct maker *m)
{
    struct sk_sa_value v = {.type = (enum sk_sa_type)(1 + below(m, 7)),
                            .slot = (int)(1 + below(m, 2))};
    struct sk_str *list = SK_NEW_N(m->arena, struct sk_str, 3);
    v.i = v.type == SK_SA_BOOL ? below(m, 2) : below(m, 10) - 5;
    v.d = (double)(below(m, 20) - 10) / 2;
    v.s = v.type == SK_SA_TEXT ? text(m) : word(m);
    v.list_count = (size_t)below(m, 4);
    for (size_t i = 0; i < v.list_count; i++)
        list[i] = word(m);
    v.list = list;
    return v;
}

static bool has(const struct sk_sa_value *values, size_t n, const struct sk_sa_value *v)
{
    for (size_t i = 0; i < n; i++)
        if (values[i].type == v->type && values[i].slot == v->slot)
            return true;
    return false;
}

static struct sk_vis_row random_row(struct maker *m, int number)
{
    struct sk_vis_row row = {.run.ns = (sk_ns_id)(1 + below(m, 8) / 7)};
    row.run.workflow_id = word(m);
    row.run.run_id.b[0] = (uint8_t)(number >> 8);
    row.run.run_id.b[15] = (uint8_t)number;
    row.type = word(m);
    row.task_queue = word(m);
    row.division = below(m, 5) ? SK_STR("") : word(m);
    row.status = (int32_t)(1 + below(m, 5));
    row.start_ns = below(m, 20);
    row.execution_ns = below(m, 20);
    row.close_ns = below(m, 3) ? 1 + below(m, 20) : 0;
    row.history_length = below(m, 5);
    row.history_size = below(m, 5);
    row.state_transitions = below(m, 5);
    row.parent_workflow_id = word(m);
    row.parent_run_id = word(m);
    row.root_workflow_id = word(m);
    row.root_run_id = word(m);
    struct sk_sa_value *values = SK_NEW_N(m->arena, struct sk_sa_value, 10);
    for (int64_t n = below(m, 11); n > 0; n--) {
        struct sk_sa_value v = value(m);
        if (!has(values, row.value_count, &v))
            values[row.value_count++] = v;
    }
    row.values = values;
    return row;
}

static struct sk_vis_field random_field(struct maker *m)
{
    struct sk_vis_field f = {.column = (enum sk_vis_column)below(m, SK_VIS_DIVISION + 1)};
    if (below(m, 2))
        f.column = SK_VIS_SEARCH_ATTRIBUTE;
    f.sa_type = (enum sk_sa_type)(1 + below(m, 7));
    f.slot = (int)(1 + below(m, 2));
    return f;
}

static struct sk_vis_order random_order(struct maker *m)
{
    struct sk_vis_order order = {.by_field = true, .descending = below(m, 2)};
    do
        order.field = random_field(m);
    while (sk_vis_field_class(&order.field) == SK_VIS_LIST || order.field.column == SK_VIS_RUN_ID);
    return order;
}

static struct sk_vis_literal random_literal(struct maker *m, const struct sk_vis_field *f)
{
    struct sk_vis_literal v = {.type = SK_LIT_STRING};
    if (f->column == SK_VIS_RUN_ID && below(m, 2)) {
        char id[SK_UUID_TEXT];
        sk_uuid_format(random_row(m, (int)below(m, ROWS)).run.run_id, id);
        v.s = sk_str_of(sk_arena_strdup(m->arena, id));
    } else if (sk_vis_field_class(f) == SK_VIS_NUMBER) {
        v.type = below(m, 3) ? SK_LIT_INT : SK_LIT_DOUBLE;
        v.i = below(m, 22) - 2;
        v.d = (double)(below(m, 30) - 8) / 2;
    } else {
        v.s = below(m, 4) ? word(m) : text(m);
    }
    return v;
}

static enum sk_vis_op random_op(struct maker *m, const struct sk_vis_field *f)
{
    static const enum sk_vis_op list_ops[] = {SK_VIS_EQ,       SK_VIS_NE, SK_VIS_NULL,
                                              SK_VIS_NOT_NULL, SK_VIS_IN, SK_VIS_NOT_IN};
    if (sk_vis_field_class(f) == SK_VIS_LIST)
        return list_ops[below(m, f->sa_type == SK_SA_TEXT ? 4 : 6)];
    enum sk_vis_op op = (enum sk_vis_op)below(m, SK_VIS_NOT_NULL + 1);
    bool starts = op == SK_VIS_STARTS || op == SK_VIS_NOT_STARTS;
    return starts && sk_vis_field_class(f) == SK_VIS_NUMBER ? SK_VIS_EQ : op;
}

static struct sk_vis_node *random_node(struct maker *m, int depth)
{
    struct sk_vis_node *node = SK_NEW(m->arena, struct sk_vis_node);
    if (depth > 0 && below(m, 2)) {
        node->op = (enum sk_vis_op)(SK_VIS_AND + below(m, 3));
        node->left = random_node(m, depth - 1);
        node->right = node->op == SK_VIS_NOT ? NULL : random_node(m, depth - 1);
        return node;
    }
    node->field = random_field(m);
    node->op = random_op(m, &node->field);
    bool none = node->op == SK_VIS_NULL || node->op == SK_VIS_NOT_NULL;
    bool in = node->op == SK_VIS_IN || node->op == SK_VIS_NOT_IN;
    bool between = node->op == SK_VIS_BETWEEN || node->op == SK_VIS_NOT_BETWEEN;
    node->value_count = none ? 0 : between ? 2 : in ? (size_t)(1 + below(m, 3)) : 1;
    struct sk_vis_literal *values = SK_NEW_N(m->arena, struct sk_vis_literal, 3);
    for (size_t i = 0; i < node->value_count; i++)
        values[i] = random_literal(m, &node->field);
    node->values = values;
    return node;
}

/* ---- comparing ---- */

static bool same_literal(const struct sk_vis_literal *a, const struct sk_vis_literal *b)
{
    if (a->type != b->type)
        return false;
    return a->type == SK_LIT_STRING ? sk_str_eq(a->s, b->s)
           : a->type == SK_LIT_INT  ? a->i == b->i
                                    : a->d >= b->d && a->d <= b->d;
}

static void compare_counts(const struct sk_vis_counts *a, const struct sk_vis_counts *b, int number)
{
    if (a->total != b->total || a->group_count != b->group_count)
        SK_PANIC("filter %d: %lld in %zu groups, the model has %lld in %zu", number,
                 (long long)a->total, a->group_count, (long long)b->total, b->group_count);
    for (size_t i = 0; i < a->group_count; i++)
        if (a->groups[i].null != b->groups[i].null || a->groups[i].count != b->groups[i].count ||
            (!a->groups[i].null && !same_literal(&a->groups[i].value, &b->groups[i].value)))
            SK_PANIC("filter %d: group %zu differs", number, i);
}

static void compare_pages(const struct sk_vis_page *a, const struct sk_vis_page *b, int number)
{
    if (a->count != b->count || a->more != b->more)
        SK_PANIC("filter %d: %zu runs, the model has %zu", number, a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct sk_vis_row *x = &a->rows[i], *y = &b->rows[i];
        if (memcmp(&x->run.run_id, &y->run.run_id, SK_UUID_SIZE) != 0 ||
            !sk_str_eq(x->root_run_id, y->root_run_id) || x->close_ns != y->close_ns)
            SK_PANIC("filter %d: run %zu differs", number, i);
    }
}

static void compare(struct fixture *f, struct sk_store *model, struct maker *m, int number)
{
    struct sk_vis_query q = {.ns = 1,
                             .page_size = (size_t)(1 + below(m, 60)),
                             .filter = number ? random_node(m, 3) : NULL,
                             .all_divisions = below(m, 3) == 0};
    if (below(m, 2))
        q.order = random_order(m);
    struct sk_vis_page got, want;
    struct sk_vis_counts got_counts, want_counts;
    for (int page = 0; page < 20; page++) {
        CHECK_OK(sk_store_vis_list(f->store, &f->ctx, &q, &got));
        CHECK_OK(sk_store_vis_list(model, &f->ctx, &q, &want));
        compare_pages(&got, &want, number);
        if (!got.more)
            break;
        const struct sk_vis_row *last = &got.rows[got.count - 1];
        q.has_cursor = true;
        q.after = sk_vis_place_of(&q.order, last);
    }
    q.has_cursor = false;
    q.group_by = random_field(m);
    q.group = sk_vis_field_class(&q.group_by) != SK_VIS_LIST && below(m, 2);
    if (below(m, 4) == 0)
        q.group_by.column = SK_VIS_STATUS;
    CHECK_OK(sk_store_vis_count(f->store, &f->ctx, &q, &got_counts));
    CHECK_OK(sk_store_vis_count(model, &f->ctx, &q, &want_counts));
    compare_counts(&got_counts, &want_counts, number);
}

static void write_both(struct fixture *f, struct fixture *model, const struct sk_run_key *run,
                       struct sk_op op)
{
    CHECK_OK(commit(f, run, &op, 1));
    CHECK_ERR(commit(model, run, &op, 1), SK_OK);
}

static void like_the_model(struct fixture *f)
{
    const char *seed_text = getenv("SEED");
    uint64_t seed = seed_text ? strtoull(seed_text, NULL, 10) : 20;
    struct maker m = {sk_random_new_seeded(seed), f->ctx.arena};
    struct fixture *model = sk_mem_zalloc(sizeof(*model));
    model->ctx.arena = f->ctx.arena;
    CHECK_OK(sk_memory_store_open(&f->ctx, &model->store));
    for (int i = 0; i < ROWS; i++) {
        struct sk_vis_row row = random_row(&m, i);
        write_both(f, model, &row.run, vis(&row));
    }
    for (int i = 0; i < CHANGES; i++) { // rows are replaced and deleted
        struct sk_vis_row row = random_row(&m, (int)below(&m, ROWS));
        write_both(f, model, &row.run,
                   below(&m, 4) ? vis(&row) : run_op(SK_OP_VIS_DELETE, row.run));
    }
    for (int i = 0; i < FILTERS; i++)
        compare(f, model->store, &m, i);
    sk_store_close(model->store);
    sk_mem_free(model);
    sk_random_free(m.random);
}

int main(void)
{
    static const struct contract_test tests[] = {{"answers like the model", like_the_model}};
    return contract_main(tests, 1);
}
