/*
 * The visibility row of a run, written in the same commit as what it shows: at start, at close and
 * when search attributes or memo change. Positions and sizes in it are those of that moment.
 */
#include "engine/engine_internal.h"

#include "visibility/search_attributes.h"
#include "wire/wire.h"

/* `base` with a list of the server's own laid over it. */
static const COMMON(SearchAttributes) *with_list(struct sk_arena *arena,
                                                 const COMMON(SearchAttributes) *base,
                                                 const char *name, char **values, size_t n)
{
    if (n == 0)
        return base;
    struct sk_str *items = SK_NEW_N(arena, struct sk_str, n);
    for (size_t i = 0; i < n; i++)
        items[i] = sk_str_of(values[i]);
    return sk_sa_set_keyword_list(arena, base, name, items, n);
}

const COMMON(SearchAttributes) *visible_attributes(const struct exec *x, struct sk_arena *arena)
{
    const EN(ExecutionState) *s = x->s;
    const COMMON(SearchAttributes) *a = s->search_attributes;
    if (s->versioning_override)
        a = sk_sa_set_keyword(arena, a, "TemporalWorkflowVersioningBehavior",
                              SK_STR("AutoUpgrade"));
    a = with_list(arena, a, "BuildIds", s->build_ids, s->n_build_ids);
    return with_list(arena, a, "TemporalReportedProblems", s->reported_problems,
                     s->n_reported_problems);
}

void visible_op(struct txn *t)
{
    struct exec *x = t->x;
    const EN(ExecutionState) *s = x->s;
    struct sk_arena *arena = t->ctx->arena;
    struct sk_vis_row *row = &txn_op(t, SK_OP_VIS_PUT)->vis;
    row->run = exec_key(x);
    row->type = sk_str_of(s->workflow_type);
    row->task_queue = sk_str_of(s->task_queue);
    row->status = s->status;
    row->start_ns = s->start_ns;
    row->execution_ns = s->execution_ns;
    row->close_ns = exec_running(x) ? 0 : s->close_ns;
    row->history_length = s->next_event_id - 1;
    row->history_size = s->history_size;
    row->state_transitions = s->state_transitions;
    row->parent_workflow_id = sk_str_of(s->parent_workflow_id);
    row->parent_run_id = sk_str_of(s->parent_run_id);
    row->root_workflow_id = sk_str_of(s->root_workflow_id);
    row->root_run_id = sk_str_of(s->root_run_id);
    if (s->memo)
        row->memo = sk_wire_pack(arena, &s->memo->base);
    const COMMON(SearchAttributes) *attributes = visible_attributes(x, arena);
    if (attributes) {
        row->search_attributes = sk_wire_pack(arena, &attributes->base);
        struct sk_sa_value *values = NULL;
        struct sk_ctx scratch = {.arena = arena};
        if (sk_sa_values(&scratch, t->ns, attributes, &values, &row->value_count) == SK_OK)
            row->values = values;
    }
}
