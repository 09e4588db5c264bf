/*
 * What the server remembers about lately, in memory and in bounded space: its workers, what fails,
 * figures over time. Made before engine and matching, which feed it; read by the frontend.
 *
 * Feeding is cheap and takes place on the calling loop; a read goes round the loops and merges.
 */
#ifndef SK_FIGURES_FIGURES_H
#define SK_FIGURES_FIGURES_H

struct sk_workers;

struct sk_figures {
    struct sk_workers *workers;
};

/* From a loop. */
struct sk_figures *sk_figures_new(int loop_count);
/* When nothing feeds it any more. NULL is fine. */
void sk_figures_free(struct sk_figures *figures);

#endif
