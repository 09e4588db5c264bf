/*
 * Noting figures, and adding them up step by step. Reading is rings_read.c.
 *
 *   any loop: sk_rings_note -> this loop's part (struct fig_acc, struct fig_part)
 *   loop 0, every ten seconds: step() goes round the loops, adds up what they noted, asks for
 * levels, and writes one point a subject into its fine ring; every sixth time one into its coarse
 * ring.
 *
 * INV-1 the fiber of step() is the only one that changes subjects and rings, and it does not wait
 *       while it does: what must be waited for (the loops' notes, levels) is gathered first. A read
 *       on loop 0 hence sees whole steps.
 * INV-2 at most SK_RINGS_SUBJECTS subjects. A newcomer takes the place of the least busy one (score
 *       halves in some two hours) if it did more in this step than that one lately.
 * INV-3 a chunk of points that would be all zero is not there.
 *
 * Memory: a point is 20 bytes, a subject that is busy all day 36 KB and one that was busy for ten
 * minutes 3 KB; all at once 36 MB at most, and the server's own rings 180 KB. A loop's notes: at
 * most PART_MAX subjects a step, 1.5 KB each with times, freed when a step did not use them.
 *
 * The clock is the monotonic one, from a full minute of the wall clock at the start: a wall clock
 * that is set later moves no points.
 *
 * Thread: as above. Failure: none; what does not fit is not counted.
 */
#include <string.h>
#include "base/assert.h"
#include "figures/rings_internal.h"

#define PART_MAX 4000
#define SCORE_SHARE 1024    /* of the score is lost at each step */
#define REPLACEMENTS_MAX 50 /* newcomers that may take another's place in one step */

static void on_timer(struct sk_timer *timer);

/* ---- life ---- */

struct sk_rings *sk_rings_new(int loop_count)
{
    struct sk_rings *r = sk_mem_zalloc(sizeof *r + (size_t)loop_count * sizeof(struct fig_part));
    r->loop_count = loop_count;
    int64_t wall = sk_now_wall_ms();
    r->base_wall_ms = wall - wall % SK_RINGS_MINUTE_MS;
    r->base_mono_ms = sk_now_mono_ms() - wall % SK_RINGS_MINUTE_MS;
    r->first = r->next = (wall - r->base_wall_ms) / SK_RINGS_STEP_MS;
    r->subjects = sk_map_new();
    sk_timer_init(&r->timer, on_timer);
    sk_waitq_init(&r->idle);
    for (int i = 0; i < loop_count; i++) {
        r->parts[i].accs = sk_map_new();
        sk_list_init(&r->parts[i].all);
    }
    return r;
}

static int64_t step_end_ms(const struct sk_rings *r, int64_t step)
{
    return r->base_mono_ms + (step + 1) * SK_RINGS_STEP_MS;
}

void sk_rings_start(struct sk_rings *r, const struct sk_rings_source *source)
{
    uint64_t bytes;
    r->source = source;
    r->running = true;
    source->server(source->owner, &r->commits_before, &r->cpu_before, &bytes);
    sk_timer_start(&r->timer, step_end_ms(r, r->next));
}

void sk_rings_stop(struct sk_rings *r)
{
    if (!r)
        return;
    r->running = false;
    sk_timer_stop(&r->timer);
    while (r->busy)
        sk_waitq_wait(&r->idle, 0);
}

static void subject_free(struct sk_rings *r, struct fig_subject *s)
{
    sk_map_remove(r->subjects, (struct sk_str){s->key, s->key_size});
    for (size_t i = 0; i < FIG_FINE / FIG_CHUNK; i++)
        sk_mem_free(s->fine[i]);
    for (size_t i = 0; i < FIG_COARSE / FIG_CHUNK; i++)
        sk_mem_free(s->coarse[i]);
    sk_mem_free(s->step.times);
    sk_mem_free(s->minute.times);
    sk_mem_free(s);
}

static void acc_free(struct fig_part *part, struct fig_acc *acc)
{
    sk_map_remove(part->accs, (struct sk_str){acc->key, acc->key_size});
    sk_list_remove(&acc->node);
    sk_mem_free(acc->notes.times);
    sk_mem_free(acc);
}

void sk_rings_free(struct sk_rings *r)
{
    size_t cursor = 0;
    struct sk_str key;
    void *value;
    if (!r)
        return;
    while (sk_map_next(r->subjects, &cursor, &key, &value))
        subject_free(r, value);
    sk_map_free(r->subjects);
    for (int i = 0; i < r->loop_count; i++) {
        SK_LIST_EACH (node, &r->parts[i].all)
            acc_free(&r->parts[i], SK_CONTAINER(node, struct fig_acc, node));
        sk_map_free(r->parts[i].accs);
        sk_buf_fini(&r->parts[i].key);
    }
    sk_mem_free(r);
}

/* ---- noting ---- */

void fig_key(struct sk_buf *key, enum sk_figure_kind kind, uint32_t ns, struct sk_str name)
{
    char head = (char)kind;
    sk_buf_clear(key);
    sk_buf_append(key, &head, 1);
    sk_buf_append(key, &ns, sizeof ns);
    sk_buf_append(key, name.p, name.n);
}

static struct fig_acc *acc_of(struct fig_part *part, struct sk_str key)
{
    struct fig_acc *acc = sk_map_get(part->accs, key);
    if (acc || sk_map_count(part->accs) >= PART_MAX)
        return acc;
    acc = sk_mem_zalloc(sizeof *acc + key.n);
    memcpy(acc->key, key.p, key.n);
    acc->key_size = key.n;
    sk_list_init(&acc->node);
    sk_list_push_back(&part->all, &acc->node);
    sk_map_put(part->accs, key, acc);
    return acc;
}

static void note_time(struct fig_notes *notes, int64_t us)
{
    if (!notes->times)
        notes->times = sk_mem_zalloc(sizeof *notes->times);
    fig_observe(notes->times, us);
}

void sk_rings_note(struct sk_rings *r, enum sk_figure_kind kind, uint32_t ns, struct sk_str name,
                   int number, int64_t us)
{
    if (!r)
        return;
    struct fig_part *part = &r->parts[sk_rt_loop_index()];
    fig_key(&part->key, kind, ns, name);
    struct fig_acc *acc = acc_of(part, sk_buf_view(&part->key));
    if (!acc)
        return;
    acc->used = true;
    acc->notes.n[number]++;
    if (us >= 0)
        note_time(&acc->notes, us);
}

void sk_rings_note_server(struct sk_rings *r, enum sk_server_figure figure)
{
    if (r)
        r->parts[sk_rt_loop_index()].server[figure]++;
}

void sk_rings_note_time(struct sk_rings *r, enum sk_server_time which, int64_t us)
{
    if (r)
        fig_observe(&r->parts[sk_rt_loop_index()].times[which], us);
}

/* ---- gathering: the loops' notes of a step ---- */

struct gathered { /* all loops', by subject */
    struct sk_rings *rings;
    struct sk_map *notes; /* key -> struct fig_notes, owned */
    uint64_t server[SK_SERVER_COUNTED];
    struct fig_histogram times[SK_SERVER_TIMES];
};

/* from is left empty. */
static void move_notes(struct fig_notes *to, struct fig_notes *from)
{
    for (int i = 0; i < SK_FIGURE_NUMBERS; i++)
        to->n[i] += from->n[i];
    if (from->times && to->times) {
        fig_merge(to->times, from->times);
        sk_mem_free(from->times);
    } else if (from->times) {
        to->times = from->times;
    }
    *from = (struct fig_notes){{0}, NULL};
}

static void gather_loop(void *arg)
{
    struct gathered *g = arg;
    struct fig_part *part = &g->rings->parts[sk_rt_loop_index()];
    SK_LIST_EACH (node, &part->all) {
        struct fig_acc *acc = SK_CONTAINER(node, struct fig_acc, node);
        struct sk_str key = {acc->key, acc->key_size};
        if (!acc->used) {
            acc_free(part, acc);
            continue;
        }
        struct fig_notes *notes = sk_map_get(g->notes, key);
        if (!notes) {
            notes = sk_mem_zalloc(sizeof *notes);
            sk_map_put(g->notes, key, notes);
        }
        move_notes(notes, &acc->notes);
        acc->used = false;
    }
    for (int i = 0; i < SK_SERVER_COUNTED; i++)
        g->server[i] += part->server[i];
    for (int i = 0; i < SK_SERVER_TIMES; i++)
        fig_merge(&g->times[i], &part->times[i]);
    memset(part->server, 0, sizeof part->server);
    memset(part->times, 0, sizeof part->times);
}

/* ---- points ---- */

const struct fig_point *fig_point_at(struct fig_point *const *chunks, size_t ring, int64_t number)
{
    size_t slot = (size_t)number % ring;
    const struct fig_point *chunk = chunks[slot / FIG_CHUNK];
    return chunk ? &chunk[slot % FIG_CHUNK] : NULL;
}

/* A percentile is there only if something was counted. */
static bool is_zero(const struct fig_point *point)
{
    return point->n[0] == 0 && point->n[1] == 0 && point->n[2] == 0;
}

/* Steps are written in order, so a chunk that is entered anew holds only what is over. */
static void write_point(struct fig_point **chunks, size_t ring, int64_t number,
                        const struct fig_point *point)
{
    size_t slot = (size_t)number % ring;
    struct fig_point **chunk = &chunks[slot / FIG_CHUNK];
    if (slot % FIG_CHUNK == 0) {
        sk_mem_free(*chunk);
        *chunk = NULL;
    }
    if (!*chunk && is_zero(point))
        return;
    if (!*chunk)
        *chunk = sk_mem_zalloc(FIG_CHUNK * sizeof **chunk);
    (*chunk)[slot % FIG_CHUNK] = *point;
}

static void set_percentiles(uint16_t *p, const struct fig_histogram *times)
{
    static const unsigned percents[FIG_PERCENTILES] = {50, 95, 99};
    for (int i = 0; i < FIG_PERCENTILES; i++)
        p[i] = times ? fig_percentile(times, percents[i]) : 0;
}

static uint32_t cap(uint64_t n)
{
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static struct fig_point point_of(const struct fig_notes *notes)
{
    struct fig_point point;
    for (int i = 0; i < SK_FIGURE_NUMBERS; i++)
        point.n[i] = cap(notes->n[i]);
    set_percentiles(point.p, notes->times);
    return point;
}

static void close_minute(struct fig_subject *s, int64_t step)
{
    struct fig_point point = point_of(&s->minute);
    if (fig_is_queue(s->kind))
        point.n[SK_QUEUE_BACKLOG] = cap(s->step.n[SK_QUEUE_BACKLOG]); // a level: the latest
    write_point(s->coarse, FIG_COARSE, step / FIG_STEPS_A_MINUTE, &point);
    sk_mem_free(s->minute.times);
    s->minute = (struct fig_notes){{0}, NULL};
}

static void close_subject(struct fig_subject *s, int64_t step)
{
    struct fig_point point = point_of(&s->step);
    uint64_t did = s->step.n[0] + s->step.n[1] + (fig_is_queue(s->kind) ? 0 : s->step.n[2]);
    uint64_t backlog = s->step.n[SK_QUEUE_BACKLOG];
    write_point(s->fine, FIG_FINE, step, &point);
    s->score += did - s->score / SCORE_SHARE;
    move_notes(&s->minute, &s->step);
    s->step.n[SK_QUEUE_BACKLOG] = backlog;
    if ((step + 1) % FIG_STEPS_A_MINUTE == 0)
        close_minute(s, step);
    s->step.n[SK_QUEUE_BACKLOG] = 0;
}

static void close_server(struct sk_rings *r, int64_t step)
{
    struct fig_server_point *p = &r->step;
    for (int i = 0; i < SK_SERVER_TIMES; i++) {
        set_percentiles(p->p[i], &r->step_times[i]);
        fig_merge(&r->minute_times[i], &r->step_times[i]);
    }
    for (int i = 0; i < SK_SERVER_FIGURES; i++)
        r->minute[i] = i < SK_SERVER_BACKLOG ? r->minute[i] + p->n[i] : p->n[i];
    r->fine[step % FIG_FINE] = *p;
    if ((step + 1) % FIG_STEPS_A_MINUTE == 0) {
        struct fig_server_point *minute = &r->coarse[step / FIG_STEPS_A_MINUTE % FIG_COARSE];
        for (int i = 0; i < SK_SERVER_FIGURES; i++)
            minute->n[i] = cap(r->minute[i]);
        for (int i = 0; i < SK_SERVER_TIMES; i++)
            set_percentiles(minute->p[i], &r->minute_times[i]);
        memset(r->minute, 0, sizeof r->minute);
        memset(r->minute_times, 0, sizeof r->minute_times);
    }
    memset(p, 0, sizeof *p);
    memset(r->step_times, 0, sizeof r->step_times);
}

/* ---- subjects ---- */

static struct fig_subject *least_busy(const struct sk_rings *r)
{
    struct fig_subject *least = NULL;
    size_t cursor = 0;
    struct sk_str key;
    void *value;
    while (sk_map_next(r->subjects, &cursor, &key, &value)) {
        struct fig_subject *s = value;
        if (!least || s->score < least->score)
            least = s;
    }
    return least;
}

/* NULL: there is no place for it. INV-2. */
static struct fig_subject *subject_of(struct sk_rings *r, struct sk_str key,
                                      const struct fig_notes *notes, int *replacements)
{
    struct fig_subject *s = sk_map_get(r->subjects, key);
    if (s)
        return s;
    if (sk_map_count(r->subjects) >= SK_RINGS_SUBJECTS) {
        struct fig_subject *least = *replacements < REPLACEMENTS_MAX ? least_busy(r) : NULL;
        if (!least || least->score >= notes->n[0] + notes->n[1] + notes->n[2])
            return NULL;
        ++*replacements;
        subject_free(r, least);
    }
    s = sk_mem_zalloc(sizeof *s + key.n);
    memcpy(s->key, key.p, key.n);
    s->key_size = key.n;
    s->kind = (enum sk_figure_kind)key.p[0];
    memcpy(&s->ns, key.p + 1, sizeof s->ns);
    s->since = r->next;
    sk_map_put(r->subjects, key, s);
    return s;
}

static void spread(struct sk_rings *r, struct gathered *g)
{
    size_t cursor = 0;
    int replacements = 0;
    struct sk_str key;
    void *value;
    while (sk_map_next(g->notes, &cursor, &key, &value)) {
        struct fig_notes *notes = value;
        struct fig_subject *s = subject_of(r, key, notes, &replacements);
        if (s)
            move_notes(&s->step, notes);
        sk_mem_free(notes->times);
        sk_mem_free(notes);
    }
    for (int i = 0; i < SK_SERVER_COUNTED; i++)
        r->step.n[i] = cap(g->server[i]);
    for (int i = 0; i < SK_SERVER_TIMES; i++)
        fig_merge(&r->step_times[i], &g->times[i]);
}

/* ---- levels ---- */

/* Only step() changes the map, so it may be walked while levels are waited for. */
static void ask_backlogs(struct sk_rings *r, struct sk_ctx *ctx)
{
    size_t cursor = 0;
    struct sk_str key;
    void *value;
    uint64_t total = 0;
    while (r->running && sk_map_next(r->subjects, &cursor, &key, &value)) {
        struct fig_subject *s = value;
        if (!fig_is_queue(s->kind))
            continue;
        int64_t n = r->source->backlog(r->source->owner, ctx, s->kind, s->ns, fig_name_of(s));
        s->step.n[SK_QUEUE_BACKLOG] = n > 0 ? (uint64_t)n : 0;
        total += s->step.n[SK_QUEUE_BACKLOG];
        sk_ctx_clear(ctx);
    }
    r->step.n[SK_SERVER_BACKLOG] = cap(total);
}

static void ask_server(struct sk_rings *r)
{
    uint64_t commits, cpu_ms, bytes;
    r->source->server(r->source->owner, &commits, &cpu_ms, &bytes);
    r->step.n[SK_SERVER_COMMITS] = cap(commits - r->commits_before);
    r->step.n[SK_SERVER_CPU_MS] = cap(cpu_ms - r->cpu_before);
    r->step.n[SK_SERVER_MEMORY_KIB] = cap(bytes / 1024);
    r->commits_before = commits;
    r->cpu_before = cpu_ms;
}

/* ---- a step ---- */

static void close_step(struct sk_rings *r)
{
    size_t cursor = 0;
    struct sk_str key;
    void *value;
    while (sk_map_next(r->subjects, &cursor, &key, &value))
        close_subject(value, r->next);
    close_server(r, r->next);
    r->next++;
}

static void step(void *arg)
{
    struct sk_rings *r = arg;
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct gathered *g = sk_mem_zalloc(sizeof *g);
    g->rings = r;
    g->notes = sk_map_new();
    for (int i = 0; i < r->loop_count; i++)
        sk_rt_call(i, gather_loop, g);
    spread(r, g);
    ask_backlogs(r, &ctx);
    ask_server(r);
    close_step(r); // from here on nothing waits
    int64_t now_ms = sk_now_mono_ms();
    while (step_end_ms(r, r->next) <= now_ms) // the machine slept: nothing happened meanwhile
        close_step(r);
    sk_map_free(g->notes);
    sk_mem_free(g);
    sk_arena_free(ctx.arena);
    r->busy = false;
    if (r->running)
        sk_timer_start(&r->timer, step_end_ms(r, r->next));
    sk_waitq_wake_all(&r->idle);
}

static void on_timer(struct sk_timer *timer)
{
    struct sk_rings *r = SK_CONTAINER(timer, struct sk_rings, timer);
    r->busy = true;
    sk_fiber_spawn(step, r);
}

int64_t sk_rings_since_ms(const struct sk_rings *r)
{
    return r->base_wall_ms + r->first * SK_RINGS_STEP_MS;
}
