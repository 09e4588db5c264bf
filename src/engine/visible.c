/*
 * The visibility row of a run, written in the same commit as what it shows: at start, at close and
 * when search attributes or memo change. Positions and sizes in it are those of that moment.
 */
#include "engine/engine_internal.h"

#include "visibility/search_attributes.h"
#include "wire/wire.h"

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
    if (s->search_attributes) {
        row->search_attributes = sk_wire_pack(arena, &s->search_attributes->base);
        struct sk_sa_value *values = NULL;
        struct sk_ctx scratch = {.arena = arena};
        if (sk_sa_values(&scratch, t->ns, s->search_attributes, &values, &row->value_count) ==
            SK_OK)
            row->values = values;
    }
}
