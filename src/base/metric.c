/*
 * Metrics. All bounds are known at compile time (metrics.def), so every series has its cells at a
 * fixed place: a metric's first cell plus its number times the cells of its kind. Each thread has
 * an array of all cells, touched page by page as series appear; the thread alone writes them, with
 * plain (relaxed) stores, and a scrape sums over the arrays of all threads.
 *
 * Which label values a series stands for is kept once, under a lock; each thread remembers what it
 * looked up in a map of its own, so the lock is taken once a series and thread. Numbers are given
 * in order and never taken back. Number 0 of a metric with labels is the overflow series, shown
 * once a set of values found no room.
 *
 * A thread that ends leaves its array, whose counts must stay in the sums; the next thread that
 * starts goes on with it.
 */
#include "base/metric.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/assert.h"
#include "base/map.h"

enum kind { COUNTER, GAUGE, TIMER, BYTES, COUNTS };

struct definition {
    const char *name;
    enum kind kind;
    const char *labels;
    unsigned series_max;
    const char *help;
};

static const struct definition definitions[] = {
#define SK_METRIC(id, name, kind, labels, series_max, help) {name, kind, labels, series_max, help},
#include "base/metrics.def"
#undef SK_METRIC
};

/* ---- kinds and where their cells are ---- */

static const int64_t timer_bounds[] = {
    // microseconds
    100,      200,      500,       1000,      2000,      5000,       10000,   20000,
    50000,    100000,   200000,    500000,    1000000,   2000000,    5000000, 10000000,
    20000000, 50000000, 100000000, 200000000, 500000000, 1000000000,
};
static const int64_t bytes_bounds[] = {
    1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864,
};
static const int64_t counts_bounds[] = {
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000,
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct bounds {
    const int64_t *upper;
    size_t count; // 0: not a histogram
};

static const struct bounds kind_bounds[] = {
    [COUNTER] = {NULL, 0},
    [GAUGE] = {NULL, 0},
    [TIMER] = {timer_bounds, COUNT_OF(timer_bounds)},
    [BYTES] = {bytes_bounds, COUNT_OF(bytes_bounds)},
    [COUNTS] = {counts_bounds, COUNT_OF(counts_bounds)},
};

// A histogram has a cell for each bound, one for what is above the last, and one for the sum.
#define CELLS_OF(bound_count) ((bound_count) ? (bound_count) + 2 : 1)
#define COUNTER_CELLS 1
#define GAUGE_CELLS 1
#define TIMER_CELLS CELLS_OF(COUNT_OF(timer_bounds))
#define BYTES_CELLS CELLS_OF(COUNT_OF(bytes_bounds))
#define COUNTS_CELLS CELLS_OF(COUNT_OF(counts_bounds))

enum {
    CELLS_TOTAL = 0
#define SK_METRIC(id, name, kind, labels, series_max, help) +(series_max) * (kind##_CELLS)
#include "base/metrics.def"
#undef SK_METRIC
};

/* ---- shared state ---- */

typedef _Atomic int64_t cell;

struct shard { // of one thread
    struct shard *next;
    cell *cells;
    struct sk_map *known; // metric and label values -> series number + 1
    bool in_use;          // guarded by metric_lock
};

struct metric_state {
    size_t first_cell;
    int value_count; // labels that are not constant
    unsigned used;   // series with a number
    char **labels;   // of each series, as in the text format, without braces; NULL: not used
};

static pthread_mutex_t metric_lock = PTHREAD_MUTEX_INITIALIZER; // guards all below
static struct metric_state metrics[SK_METRIC_END];
static struct sk_map *metric_series; // metric and label values -> series number + 1
static struct shard *shards;

static pthread_once_t metric_once = PTHREAD_ONCE_INIT;
static pthread_key_t shard_key;
static _Thread_local struct shard *thread_shard;

/* ---- labels ---- */

enum { LABEL_VALUE_MAX = 200, KEY_MAX = 1 + SK_METRIC_LABELS_MAX * (LABEL_VALUE_MAX + 1) };

static const char *const other_values[SK_METRIC_LABELS_MAX] = {"_other_", "_other_", "_other_"};

/* The next of the comma-separated labels at *at; false at the end. */
static bool next_label(const char **at, struct sk_str *ret_name, struct sk_str *ret_constant)
{
    if (**at == '\0')
        return false;
    size_t n = strcspn(*at, ",");
    const char *equals = memchr(*at, '=', n);
    size_t name = equals ? (size_t)(equals - *at) : n;

    *ret_name = (struct sk_str){*at, name};
    *ret_constant = equals ? (struct sk_str){equals + 1, n - name - 1} : (struct sk_str){NULL, 0};
    *at += n + ((*at)[n] == ',');
    return true;
}

/* How many values a caller gives. */
static int value_count(enum sk_metric metric)
{
    const char *at = definitions[metric].labels;
    struct sk_str name, constant;
    int count = 0;

    while (next_label(&at, &name, &constant))
        count += constant.p == NULL;
    SK_ASSERT(count <= SK_METRIC_LABELS_MAX);
    return count;
}

static void write_label(struct sk_buf *out, struct sk_str name, struct sk_str value)
{
    if (out->n > 0)
        sk_buf_append(out, ",", 1);
    sk_buf_append(out, name.p, name.n);
    sk_buf_append(out, "=\"", 2);
    for (size_t i = 0; i < value.n; i++) {
        if (value.p[i] == '\\' || value.p[i] == '"')
            sk_buf_append(out, "\\", 1);
        if (value.p[i] == '\n')
            sk_buf_append(out, "\\n", 2);
        else
            sk_buf_append(out, value.p + i, 1);
    }
    sk_buf_append(out, "\"", 1);
}

static struct sk_str label_value(const char *value)
{
    if (!value)
        return SK_STR("");
    // Cut before a character, not within: one label that is not UTF-8 spoils the whole scrape.
    return (struct sk_str){value, sk_utf8_prefix(value, strnlen(value, LABEL_VALUE_MAX))};
}

/* The labels as the text format has them; the result is the caller's. */
static char *render_labels(enum sk_metric metric, const char *const *values)
{
    const char *at = definitions[metric].labels;
    struct sk_buf out = SK_BUF_INIT;
    struct sk_str name, value;

    while (next_label(&at, &name, &value)) {
        SK_ASSERT(value.p || values);
        write_label(&out, name, value.p ? value : label_value(*values++));
    }
    sk_buf_append(&out, "", 1);
    return out.p;
}

/* Metric and values as one key; every value ends with a NUL. */
static struct sk_str series_key(char room[static KEY_MAX], enum sk_metric metric,
                                const char *const *values, int count)
{
    size_t n = 0;

    static_assert(SK_METRIC_END <= UINT8_MAX, "a metric is one byte of the key");
    room[n++] = (char)metric;
    for (int i = 0; i < count; i++) {
        struct sk_str value = label_value(values[i]);
        memcpy(room + n, value.p, value.n);
        n += value.n;
        room[n++] = '\0';
    }
    return (struct sk_str){room, n};
}

/* ---- the cells of a thread ---- */

static void shard_leave(void *arg)
{
    struct shard *shard = arg;

    pthread_mutex_lock(&metric_lock);
    shard->in_use = false;
    pthread_mutex_unlock(&metric_lock);
}

static void metric_setup(void)
{
    size_t cells = 0;

    for (size_t i = 0; i < SK_METRIC_END; i++) {
        metrics[i].first_cell = cells;
        metrics[i].labels = sk_mem_zalloc(definitions[i].series_max * sizeof(char *));
        metrics[i].value_count = value_count((enum sk_metric)i);
        if (metrics[i].value_count == 0) {
            metrics[i].labels[0] = render_labels((enum sk_metric)i, NULL);
            metrics[i].used = 1;
        }
        cells += definitions[i].series_max * CELLS_OF(kind_bounds[definitions[i].kind].count);
    }
    SK_ASSERT(cells == CELLS_TOTAL);
    metric_series = sk_map_new();
    SK_ASSERT(pthread_key_create(&shard_key, shard_leave) == 0);
}

static struct shard *shard_enter(void)
{
    struct shard *shard;

    pthread_once(&metric_once, metric_setup);
    pthread_mutex_lock(&metric_lock);
    for (shard = shards; shard && shard->in_use;)
        shard = shard->next;
    if (!shard) {
        shard = sk_mem_zalloc(sizeof(*shard));
        shard->cells = sk_mem_zalloc(CELLS_TOTAL * sizeof(cell));
        shard->known = sk_map_new();
        shard->next = shards;
        shards = shard;
    }
    shard->in_use = true;
    pthread_mutex_unlock(&metric_lock);
    pthread_setspecific(shard_key, shard);
    thread_shard = shard;
    return shard;
}

static struct shard *shard_here(void)
{
    return thread_shard ? thread_shard : shard_enter();
}

/* ---- finding a series ---- */

/* metric_lock is held. */
static unsigned series_make(enum sk_metric metric, struct sk_str key, const char *const *values)
{
    struct metric_state *state = &metrics[metric];
    unsigned number = state->used;

    if (number == 0) { // 0 is for those that find no room
        number = 1;
        state->used = 1;
    }
    if (number >= definitions[metric].series_max) {
        number = 0;
        values = other_values;
    } else {
        sk_map_put(metric_series, key, (void *)(uintptr_t)(number + 1));
        state->used++;
    }
    if (!state->labels[number])
        state->labels[number] = render_labels(metric, values);
    return number;
}

struct sk_series sk_metric_series_of(enum sk_metric metric,
                                     const char *const values[SK_METRIC_LABELS_MAX])
{
    SK_ASSERT(metric < SK_METRIC_END);
    struct shard *shard = shard_here();
    int count = metrics[metric].value_count;
    if (count == 0)
        return (struct sk_series){(uint16_t)metric, 0};

    char room[KEY_MAX];
    struct sk_str key = series_key(room, metric, values, count);
    uintptr_t found = (uintptr_t)sk_map_get(shard->known, key);
    if (found == 0) {
        pthread_mutex_lock(&metric_lock);
        found = (uintptr_t)sk_map_get(metric_series, key);
        if (found == 0)
            found = series_make(metric, key, values) + 1;
        pthread_mutex_unlock(&metric_lock);
        if (found > 1) // what has no room stays unknown: the thread's map is bounded as well
            sk_map_put(shard->known, key, (void *)found);
    }
    return (struct sk_series){(uint16_t)metric, (uint16_t)(found - 1)};
}

/* ---- recording ---- */

static cell *cells_of(const struct shard *shard, struct sk_series series)
{
    SK_ASSERT(series.metric < SK_METRIC_END);
    const struct definition *definition = &definitions[series.metric];

    SK_ASSERT(series.number < definition->series_max);
    size_t each = CELLS_OF(kind_bounds[definition->kind].count);
    return shard->cells + metrics[series.metric].first_cell + series.number * each;
}

/* Only the owning thread writes a cell, so load and store need not be one step. */
static void cell_add(cell *c, int64_t n)
{
    int64_t value = atomic_load_explicit(c, memory_order_relaxed);
    atomic_store_explicit(c, value + n, memory_order_relaxed);
}

void sk_metric_add(struct sk_series series, int64_t n)
{
    SK_DASSERT(kind_bounds[definitions[series.metric].kind].count == 0);
    cell_add(cells_of(shard_here(), series), n);
}

void sk_metric_set(struct sk_series series, int64_t value)
{
    SK_DASSERT(kind_bounds[definitions[series.metric].kind].count == 0);
    atomic_store_explicit(cells_of(shard_here(), series), value, memory_order_relaxed);
}

void sk_metric_observe(struct sk_series series, int64_t value)
{
    cell *cells = cells_of(shard_here(), series);
    const struct bounds *bounds = &kind_bounds[definitions[series.metric].kind];
    size_t low = 0, high = bounds->count;

    SK_ASSERT(bounds->count > 0);
    while (low < high) { // the first bound that is not below value
        size_t middle = (low + high) / 2;
        if (bounds->upper[middle] < value)
            low = middle + 1;
        else
            high = middle;
    }
    cell_add(&cells[low], 1);
    cell_add(&cells[bounds->count + 1], value);
}

/* ---- reading ---- */

/* metric_lock is held. */
static int64_t cell_sum(struct sk_series series, size_t cell_number)
{
    int64_t sum = 0;

    for (const struct shard *shard = shards; shard; shard = shard->next)
        sum += atomic_load_explicit(&cells_of(shard, series)[cell_number], memory_order_relaxed);
    return sum;
}

int64_t sk_metric_read(struct sk_series series)
{
    size_t bounds = kind_bounds[definitions[series.metric].kind].count;
    int64_t sum = 0;

    pthread_mutex_lock(&metric_lock);
    for (size_t i = 0; i < (bounds ? bounds + 1 : 1); i++)
        sum += cell_sum(series, i);
    pthread_mutex_unlock(&metric_lock);
    return sum;
}

/* value in the kind's unit: timers are kept in microseconds and shown in seconds. */
static void write_value(struct sk_buf *out, enum kind kind, int64_t value)
{
    if (kind == TIMER)
        sk_buf_printf(out, "%.10g", (double)value / 1e6);
    else
        sk_buf_printf(out, "%lld", (long long)value);
}

static void write_sample(struct sk_buf *out, const char *name, const char *suffix,
                         const char *labels)
{
    sk_buf_str(out, name);
    sk_buf_str(out, suffix);
    if (*labels)
        sk_buf_printf(out, "{%s}", labels);
    sk_buf_append(out, " ", 1);
}

static void write_histogram(struct sk_buf *out, struct sk_series series, const char *labels)
{
    const struct definition *definition = &definitions[series.metric];
    const struct bounds *bounds = &kind_bounds[definition->kind];
    int64_t total = 0;

    for (size_t i = 0; i <= bounds->count; i++) {
        total += cell_sum(series, i);
        sk_buf_printf(out, "%s_bucket{%s%sle=\"", definition->name, labels, *labels ? "," : "");
        if (i < bounds->count)
            write_value(out, definition->kind, bounds->upper[i]);
        else
            sk_buf_str(out, "+Inf");
        sk_buf_printf(out, "\"} %lld\n", (long long)total);
    }
    write_sample(out, definition->name, "_sum", labels);
    write_value(out, definition->kind, cell_sum(series, bounds->count + 1));
    sk_buf_append(out, "\n", 1);
    write_sample(out, definition->name, "_count", labels);
    sk_buf_printf(out, "%lld\n", (long long)total);
}

static void write_metric(struct sk_buf *out, enum sk_metric metric)
{
    static const char *const types[] = {"counter", "gauge", "histogram", "histogram", "histogram"};
    const struct definition *definition = &definitions[metric];
    const struct metric_state *state = &metrics[metric];

    if (state->used == 0)
        return;
    sk_buf_printf(out, "# HELP %s %s\n", definition->name, definition->help);
    sk_buf_printf(out, "# TYPE %s %s\n", definition->name, types[definition->kind]);
    for (unsigned i = 0; i < state->used; i++) {
        struct sk_series series = {(uint16_t)metric, (uint16_t)i};
        const char *labels = state->labels[i];
        if (!labels) // nothing has overflowed yet
            continue;
        if (kind_bounds[definition->kind].count > 0) {
            write_histogram(out, series, labels);
            continue;
        }
        write_sample(out, definition->name, "", labels);
        sk_buf_printf(out, "%lld\n", (long long)cell_sum(series, 0));
    }
}

void sk_metric_write(struct sk_buf *out)
{
    shard_here(); // so that what was set up once is there
    pthread_mutex_lock(&metric_lock);
    for (int metric = 0; metric < SK_METRIC_END; metric++)
        write_metric(out, (enum sk_metric)metric);
    pthread_mutex_unlock(&metric_lock);
}
