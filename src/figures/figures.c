/* The bundle of what is remembered; each part is described in its own file. */
#include "figures/figures.h"

#include "base/buf.h"

struct sk_figures *sk_figures_new(int loop_count)
{
    struct sk_figures *figures = sk_mem_zalloc(sizeof *figures);
    figures->workers = sk_workers_new(loop_count);
    figures->failures = sk_failures_new(loop_count);
    figures->rings = sk_rings_new(loop_count);
    return figures;
}

void sk_figures_free(struct sk_figures *figures)
{
    if (!figures)
        return;
    sk_workers_free(figures->workers);
    sk_failures_free(figures->failures);
    sk_rings_free(figures->rings);
    sk_mem_free(figures);
}
