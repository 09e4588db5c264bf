/*
 * Lists and counts over all visibility rows: filter each, sort, cut. Plain and linear.
 */
#include "store/memory/memory_internal.h"

#include <stdlib.h>

/* A row on its way through qsort, which hands the order to nobody. */
struct ranked {
    const struct sk_vis_order *order;
    struct sk_vis_place place;
    const struct sk_vis_row *row;
};

static int compare_ranked(const void *pa, const void *pb)
{
    const struct ranked *a = pa, *b = pb;
    return sk_vis_place_compare(a->order, &a->place, &b->place);
}

static bool after_cursor(const struct sk_vis_query *q, const struct sk_vis_row *row)
{
    struct sk_vis_place place = sk_vis_place_of(&q->order, row);
    return !q->has_cursor || sk_vis_place_compare(&q->order, &place, &q->after) > 0;
}

static struct sk_str dup(struct sk_arena *arena, struct sk_str s)
{
    return (struct sk_str){s.n ? sk_arena_memdup(arena, s.p, s.n) : "", s.n};
}

/* The value that the order is by, for who sorts on. */
static void value_dup(struct sk_arena *arena, const struct sk_vis_order *order,
                      const struct sk_vis_row *from, struct sk_vis_row *row)
{
    row->values = NULL;
    row->value_count = 0;
    if (!order->by_field || order->field.column != SK_VIS_SEARCH_ATTRIBUTE)
        return;
    for (size_t i = 0; i < from->value_count; i++) {
        if (from->values[i].type != order->field.sa_type ||
            from->values[i].slot != order->field.slot)
            continue;
        struct sk_sa_value *value = SK_NEW(arena, struct sk_sa_value);
        *value = from->values[i];
        value->s = dup(arena, value->s);
        row->values = value;
        row->value_count = 1;
    }
}

static struct sk_vis_row row_dup(struct sk_arena *arena, const struct sk_vis_order *order,
                                 const struct sk_vis_row *from)
{
    struct sk_vis_row row = *from;
    struct sk_str *const strings[] = {&row.run.workflow_id,
                                      &row.type,
                                      &row.task_queue,
                                      &row.division,
                                      &row.parent_workflow_id,
                                      &row.parent_run_id,
                                      &row.root_workflow_id,
                                      &row.root_run_id,
                                      &row.memo,
                                      &row.search_attributes};
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        *strings[i] = dup(arena, *strings[i]);
    value_dup(arena, order, from, &row);
    return row;
}

/* All rows of the query, unsorted; strings borrowed from the table. */
static size_t select_rows(const struct sm_table *vis, const struct sk_vis_query *q,
                          struct sk_arena *scratch, struct sk_vis_row **ret)
{
    struct sk_vis_row *rows = sk_mem_alloc((vis->count + 1) * sizeof(*rows));
    size_t n = 0;
    for (size_t i = 0; i < vis->count; i++) {
        sm_take_vis(vis->entries[i]->value, scratch, &rows[n]);
        if (sk_vis_row_matches(q, &rows[n], scratch) && after_cursor(q, &rows[n]))
            n++;
    }
    *ret = rows;
    return n;
}

void sm_vis_list(const struct sm_table *vis, const struct sk_vis_query *q, struct sk_arena *arena,
                 struct sk_vis_page *ret)
{
    struct sk_arena *scratch = sk_arena_new(0);
    struct sk_vis_row *rows;
    size_t n = select_rows(vis, q, scratch, &rows);
    struct ranked *ranked = sk_mem_alloc((n + 1) * sizeof(*ranked));
    for (size_t i = 0; i < n; i++)
        ranked[i] = (struct ranked){&q->order, sk_vis_place_of(&q->order, &rows[i]), &rows[i]};
    qsort(ranked, n, sizeof(*ranked), compare_ranked);
    ret->more = n > q->page_size;
    ret->count = ret->more ? q->page_size : n;
    ret->rows = SK_NEW_N(arena, struct sk_vis_row, ret->count + 1);
    for (size_t i = 0; i < ret->count; i++)
        ret->rows[i] = row_dup(arena, &q->order, ranked[i].row);
    sk_mem_free(ranked);
    sk_mem_free(rows);
    sk_arena_free(scratch);
}

static int compare_groups(const void *pa, const void *pb)
{
    const struct sk_vis_count *a = pa, *b = pb;
    if (a->null || b->null)
        return b->null - a->null;
    return sk_vis_literal_compare(&a->value, &b->value);
}

static void add_to_group(struct sk_vis_counts *counts, const struct sk_vis_query *q,
                         const struct sk_vis_row *row, struct sk_arena *scratch,
                         struct sk_arena *arena)
{
    struct sk_vis_count one = {.count = 1};
    one.null = !sk_vis_value(&q->group_by, row, scratch, &one.value);
    for (size_t i = 0; i < counts->group_count; i++)
        if (compare_groups(&counts->groups[i], &one) == 0) {
            counts->groups[i].count++;
            return;
        }
    if (!one.null && one.value.type == SK_LIT_STRING)
        one.value.s = dup(arena, one.value.s);
    counts->groups[counts->group_count++] = one;
}

void sm_vis_count(const struct sm_table *vis, const struct sk_vis_query *q, struct sk_arena *arena,
                  struct sk_vis_counts *ret)
{
    struct sk_arena *scratch = sk_arena_new(0);
    struct sk_vis_row *rows;
    struct sk_vis_query all = *q;
    all.has_cursor = false;
    size_t n = select_rows(vis, &all, scratch, &rows);
    *ret = (struct sk_vis_counts){.total = (int64_t)n};
    if (q->group) {
        ret->groups = SK_NEW_N(arena, struct sk_vis_count, n + 1);
        for (size_t i = 0; i < n; i++)
            add_to_group(ret, q, &rows[i], scratch, arena);
        qsort(ret->groups, ret->group_count, sizeof(*ret->groups), compare_groups);
    }
    sk_mem_free(rows);
    sk_arena_free(scratch);
}
