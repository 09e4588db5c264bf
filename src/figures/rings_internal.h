/* Only the rings' own files and tests may include this. */
/* Steps are numbered from a full minute before the rings were made, on the monotonic clock; a
 * minute is six steps. Everything but struct fig_part belongs to loop 0. */
#ifndef SK_FIGURES_RINGS_INTERNAL_H
#define SK_FIGURES_RINGS_INTERNAL_H

#include "base/buf.h"
#include "base/list.h"
#include "base/map.h"
#include "figures/histogram.h"
#include "figures/rings.h"
#include "rt/rt.h"

#define FIG_FINE 360    /* steps kept: an hour */
#define FIG_COARSE 1440 /* minutes kept: a day */
#define FIG_STEPS_A_MINUTE 6
#define FIG_CHUNK 60 /* points that are allocated together */
#define FIG_PERCENTILES 3

struct fig_point {
    uint32_t n[SK_FIGURE_NUMBERS];
    uint16_t p[FIG_PERCENTILES]; /* codes of 50, 95 and 99 % */
};

/* What came within one step, of one subject. */
struct fig_notes {
    uint64_t n[SK_FIGURE_NUMBERS];
    struct fig_histogram *times; /* owned, NULL: none */
};

struct fig_subject {
    enum sk_figure_kind kind;
    uint32_t ns;
    int64_t since;         /* step */
    uint64_t score;        /* how busy, lately counting more */
    struct fig_notes step; /* while a step is added up */
    struct fig_notes minute;
    struct fig_point *fine[FIG_FINE / FIG_CHUNK]; /* owned, NULL: all zero */
    struct fig_point *coarse[FIG_COARSE / FIG_CHUNK];
    size_t key_size;
    char key[]; /* kind, ns, name */
};

struct fig_server_point {
    uint32_t n[SK_SERVER_FIGURES];
    uint16_t p[SK_SERVER_TIMES][FIG_PERCENTILES];
};

struct fig_acc { /* of one subject on one loop */
    struct sk_list node;
    struct fig_notes notes;
    bool used; /* in this step */
    size_t key_size;
    char key[];
};

struct fig_part { /* of one loop */
    struct sk_map *accs;
    struct sk_list all;
    struct sk_buf key;
    uint64_t server[SK_SERVER_COUNTED];
    struct fig_histogram times[SK_SERVER_TIMES];
};

struct sk_rings {
    int loop_count;
    const struct sk_rings_source *source;
    int64_t base_mono_ms, base_wall_ms; /* of step 0 */
    int64_t first, next;                /* steps: the first one kept, the one under way */
    struct sk_map *subjects;            /* key -> struct fig_subject */
    struct fig_server_point fine[FIG_FINE], coarse[FIG_COARSE];
    struct fig_server_point step; /* being added up; levels */
    uint64_t minute[SK_SERVER_FIGURES];
    struct fig_histogram step_times[SK_SERVER_TIMES], minute_times[SK_SERVER_TIMES];
    uint64_t commits_before, cpu_before;
    struct sk_timer timer;
    bool running, busy;
    struct sk_waitq idle;
    struct fig_part parts[];
};

static inline struct sk_str fig_name_of(const struct fig_subject *s)
{
    size_t head = 1 + sizeof s->ns;
    return (struct sk_str){s->key + head, s->key_size - head};
}
static inline bool fig_is_queue(enum sk_figure_kind kind)
{
    return kind == SK_FIGURE_WORKFLOW_QUEUE || kind == SK_FIGURE_ACTIVITY_QUEUE;
}
void fig_key(struct sk_buf *key, enum sk_figure_kind kind, uint32_t ns, struct sk_str name);
/* The point of a step or minute; NULL: all zero. */
const struct fig_point *fig_point_at(struct fig_point *const *chunks, size_t ring, int64_t number);

#endif
