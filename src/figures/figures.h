/*
 * What the server remembers about lately, in memory and in bounded space: its workers, what fails,
 * figures over time. Made before engine and matching, which feed it; read by the frontend.
 *
 * Feeding is cheap and takes place on the calling loop; a read goes round the loops and merges. A
 * part that is NULL is fed in vain, so what feeds it can do without.
 */
#ifndef SK_FIGURES_FIGURES_H
#define SK_FIGURES_FIGURES_H

#include "figures/failures.h"
#include "figures/rings.h"
#include "figures/workers.h"

struct sk_figures {
    struct sk_workers *workers;
    struct sk_failures *failures;
    struct sk_rings *rings;
};

/* From a loop. */
struct sk_figures *sk_figures_new(int loop_count);
/* When nothing feeds it any more. NULL is fine. */
void sk_figures_free(struct sk_figures *figures);

/* For who has a bundle or none: its parts, or NULL. */
static inline struct sk_workers *sk_figures_workers(const struct sk_figures *figures)
{
    return figures ? figures->workers : NULL;
}
static inline struct sk_failures *sk_figures_failures(const struct sk_figures *figures)
{
    return figures ? figures->failures : NULL;
}
static inline struct sk_rings *sk_figures_rings(const struct sk_figures *figures)
{
    return figures ? figures->rings : NULL;
}

#endif
