/*
 * What a run or a command says about priority and fairness: what is refused, what a command takes
 * over from its workflow, what a task row gets of it. What the numbers do: matching/fair.c.
 *
 * Thread: any; nothing is kept.
 */
#include "engine/engine_internal.h"

#include <string.h>

#define PRIORITY_DEFAULT 3
#define FAIRNESS_KEY_BYTES_MAX 64

const char *sk_priority_fault(struct sk_arena *arena, const COMMON(Priority) *p)
{
    if (!p)
        return NULL;
    if (p->priority_key < 0)
        return "priority key can't be negative";
    if (strlen(p->fairness_key) > FAIRNESS_KEY_BYTES_MAX)
        return sk_arena_printf(arena, "fairness key length exceeds limit (%zu bytes, at most %d)",
                               strlen(p->fairness_key), FAIRNESS_KEY_BYTES_MAX);
    if (!(p->fairness_weight >= 0.0f))
        return "fairness weight must be greater than zero";
    return NULL;
}

COMMON(Priority) *priority_inherit(struct sk_arena *arena, const COMMON(Priority) *own,
                                   const COMMON(Priority) *workflow)
{
    COMMON(Priority) *p = sk_msg_dup(arena, own ? own : workflow);
    if (!own || !workflow)
        return p;
    if (p->priority_key == 0)
        p->priority_key = workflow->priority_key;
    if (!sk_text_set(p->fairness_key))
        p->fairness_key = sk_arena_strdup(arena, workflow->fairness_key);
    if (p->fairness_weight == 0.0f)
        p->fairness_weight = workflow->fairness_weight;
    return p;
}

void priority_to_row(const COMMON(Priority) *p, struct sk_task_row *row)
{
    int32_t key = p && p->priority_key ? p->priority_key : PRIORITY_DEFAULT;
    row->priority = key < SK_QUEUE_LEVELS ? key : SK_QUEUE_LEVELS; // more of them are one
    if (p) {
        row->fairness_key = sk_str_of(p->fairness_key);
        row->fairness_weight = p->fairness_weight;
    }
}
