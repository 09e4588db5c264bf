/*
 * The process's budget for bytes that peers have sent and nobody has worked on yet. Each
 * connection takes from it in large steps, so that the shared counter is touched rarely.
 */
#ifndef SK_NET_BUDGET_H
#define SK_NET_BUDGET_H

#include <stdbool.h>
#include <stddef.h>

/* One connection's account. Belongs to the connection's loop. */
struct sk_budget {
    size_t limit;   /* bytes this account may hold */
    size_t used;    /* bytes it holds */
    size_t granted; /* bytes taken from the process's budget, >= used */
};

void sk_budget_init(struct sk_budget *budget, size_t limit);
void sk_budget_fini(struct sk_budget *budget);
/* false: the account's or the process's limit is reached; nothing changed. */
bool sk_budget_take(struct sk_budget *budget, size_t bytes);
void sk_budget_give(struct sk_budget *budget, size_t bytes);

/* Any thread. The process's limit, default 256 MiB, and what is taken now. */
void sk_budget_set_process_limit(size_t bytes);
size_t sk_budget_process_used(void);

#endif
