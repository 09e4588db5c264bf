/*
 * Budgets for received bytes.
 *
 * Owns: one process-wide atomic counter. Accounts take from it in steps of 64 KiB and give back
 * when they hold two steps too many, so a busy connection of small requests never touches it.
 * INV-1: the counter equals the sum of all accounts' granted.
 */
#include "net/budget.h"

#include <stdatomic.h>
#include "base/assert.h"

#define STEP ((size_t)64 * 1024)

static atomic_size_t process_limit = (size_t)256 << 20;
static atomic_size_t process_used;

void sk_budget_init(struct sk_budget *budget, size_t limit)
{
    *budget = (struct sk_budget){.limit = limit};
}

void sk_budget_fini(struct sk_budget *budget)
{
    atomic_fetch_sub_explicit(&process_used, budget->granted, memory_order_relaxed);
    *budget = (struct sk_budget){0};
}

static bool grow(struct sk_budget *budget, size_t need)
{
    size_t more = (need - budget->granted + STEP - 1) / STEP * STEP;
    size_t before = atomic_fetch_add_explicit(&process_used, more, memory_order_relaxed);
    if (before + more > atomic_load_explicit(&process_limit, memory_order_relaxed)) {
        atomic_fetch_sub_explicit(&process_used, more, memory_order_relaxed);
        return false;
    }
    budget->granted += more;
    return true;
}

bool sk_budget_take(struct sk_budget *budget, size_t bytes)
{
    if (bytes > budget->limit - budget->used)
        return false;
    if (budget->used + bytes > budget->granted && !grow(budget, budget->used + bytes))
        return false;
    budget->used += bytes;
    return true;
}

void sk_budget_give(struct sk_budget *budget, size_t bytes)
{
    SK_ASSERT(bytes <= budget->used);
    budget->used -= bytes;
    size_t keep = (budget->used + STEP - 1) / STEP * STEP;
    if (budget->granted > keep + STEP) {
        atomic_fetch_sub_explicit(&process_used, budget->granted - keep, memory_order_relaxed);
        budget->granted = keep;
    }
}

void sk_budget_set_process_limit(size_t bytes)
{
    atomic_store_explicit(&process_limit, bytes, memory_order_relaxed);
}

size_t sk_budget_process_used(void)
{
    return atomic_load_explicit(&process_used, memory_order_relaxed);
}
