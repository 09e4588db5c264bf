/* Only the sources and unit tests of live may include this. */
/*
 * What the files of live share. Everything belongs to loop 0 but the feeds (feed.c), which belong
 * to the loop that commits.
 *
 * Versions are one counter for all topics; a topic's version is that of its latest change, so
 * "what changed since version v" is all that a client's cursor has to say.
 */
#ifndef SK_LIVE_INTERNAL_H
#define SK_LIVE_INTERNAL_H

#include <stdatomic.h>
#include "base/list.h"
#include "base/map.h"
#include "live/live.h"
#include "rt/rt.h"
#include "store/vis_query.h"

#define LIVE_PATCH_MS 250    /* a subscription's events are at least this far apart */
#define LIVE_REFILL_MS 10000 /* a list's queries are: six a minute */
#define LIVE_LINGER_MS 60000 /* a topic without subscribers is kept this long */
#define LIVE_COUNT_MS 5000   /* a count's queries are at least this far apart */
#define LIVE_QUERY_SHARE 20  /* both: and this many times as long as the last one took */
#define LIVE_QUEUES_MS 2000
#define LIVE_FIGURES_MS 5000                  /* how often new figures are looked for */
#define LIVE_FEED_MS 25                       /* rows of this long travel together */
#define LIVE_FEED_MAX 20000                   /* notes a loop keeps for the next trip */
#define LIVE_FEED_BYTES_MAX ((size_t)8 << 20) /* ...and their rows */
#define LIVE_JOURNAL_BYTES_MAX ((size_t)16 << 20)
#define LIVE_LINES_BYTES ((size_t)64 << 10) /* a reader gets so much at once, and one event */
#define LIVE_QUERY_BUDGET_MS 5000
#define LIVE_ROW_BYTES_MAX 16384 /* beyond that a pushed row goes without search attributes */
#define LIVE_MEMO_BYTES_MAX 4096 /* beyond that without its memo */

/* ---- row.c: a visibility row, copied, never changed; shared by the lists that it is in ---- */
struct live_row {
    int refs; /* loop 0's, once it has arrived there */
    struct sk_vis_row vis;
    char *json; /* owned; WorkflowExecutionInfo, made when first shown */
    size_t json_size;
    size_t bytes; /* of it all; the JSON's are estimated, for they must not change */
};
struct live_row *live_row_new(const struct sk_vis_row *row);
void live_row_unref(struct live_row *row);
struct sk_str live_row_json(struct live_row *row, const struct sk_namespace *ns);
/* The same to a reader? */
bool live_row_same(const struct live_row *a, const struct live_row *b);

/* ---- list.c: the window of one list ---- */
struct live_slot {
    struct live_row *row;
    int64_t changed; /* version: content, or its way into the page */
    bool in_page;
};
struct live_list {
    struct sk_vis_query query; /* strings in the topic's arena */
    const struct sk_namespace *ns;
    size_t page, capacity;
    struct live_slot *slots; /* in order; room for capacity + 1 */
    size_t count;
    struct sk_map *rows;   /* run id -> struct live_row */
    bool more;             /* rows match that the window does not hold */
    int64_t order_version; /* of the page's members and their order */
    size_t bytes;          /* of the rows */
};
void live_list_init(struct live_list *list, const struct sk_namespace *ns,
                    const struct sk_vis_query *query, size_t page);
void live_list_fini(struct live_list *list);
/* A row was written or deleted. true: the page looks different. */
bool live_list_put(struct live_list *list, struct live_row *row, struct sk_arena *scratch,
                   int64_t version);
bool live_list_remove(struct live_list *list, struct sk_uuid run_id, int64_t version);
/* What a query found is what the window holds now. rows are moved. */
void live_list_load(struct live_list *list, struct live_row **rows, size_t count, bool more,
                    int64_t version);
/* Only the page, for when memory is short. */
void live_list_trim(struct live_list *list);
/* The page has room, and rows that the window does not hold might fill it. */
bool live_list_short(const struct live_list *list);
/* A ListEvent as JSON: what changed after `since`; since < 0: all of it. */
void live_list_print(struct live_list *list, int64_t since, struct sk_buf *out);

/* ---- feed.c: from commits on any loop to loop 0 ---- */
struct live_note {
    struct live_note *next;
    enum { LIVE_ROW, LIVE_DELETED, LIVE_TOUCHED, LIVE_UNKNOWN } kind;
    struct live_row *row; /* LIVE_ROW; owned */
    sk_ns_id ns;
    struct sk_uuid run_id;
    int64_t last_event_id; /* LIVE_TOUCHED; 0: unknown */
    bool deleted;          /* LIVE_TOUCHED: the run is gone */
};
struct live_feed { /* of one loop */
    struct sk_live *live;
    struct sk_timer timer;
    struct live_note *first, **last;
    size_t count, bytes; /* of the notes; of their rows */
    bool overflow;
    atomic_bool away; /* notes are under way: no more go before these have arrived */
};
void live_feed_init(struct sk_live *live);
void live_feed_fini(struct sk_live *live);
void live_feed_commit(void *owner, const struct sk_txn *txn, sk_err err);

/* ---- topic.c: what is subscribed to ---- */
enum live_kind { LIVE_LIST, LIVE_COUNT, LIVE_RUN, LIVE_QUEUES, LIVE_FIGURES };

struct live_topic {
    struct sk_list node; /* live->topics, longest unused first */
    struct sk_live *live;
    enum live_kind kind;
    struct sk_arena *arena; /* owned: what was asked */
    struct sk_str key;
    const struct sk_namespace *ns;
    struct sk_list subscriptions; /* struct live_subscription */
    int64_t idle_since_ms;        /* no subscription since */
    int64_t born, version;        /* version 0: nothing to show yet */
    sk_err error;                 /* it cannot be served */
    const char *error_text;       /* in the arena */
    bool busy;                    /* a fiber works for it */
    bool dirty;                   /* what is shown is not the newest */
    int64_t next_ms;              /* not again before */
    struct sk_timer timer;

    struct live_list list;     /* LIVE_LIST */
    struct live_note *journal; /* LIVE_LIST while busy: what came meanwhile */
    struct live_note **journal_last;
    size_t journal_count, journal_bytes;

    const Skald__Api__V1__Subscription *asked; /* in the arena; id and cursor are empty */
    struct sk_vis_query count;                 /* LIVE_COUNT */
    struct sk_uuid run_id;                     /* LIVE_RUN; zero: not known yet */
    uint32_t slot;                             /* LIVE_RUN */
    int64_t last_event_id;                     /* LIVE_RUN; as commits said */
    int64_t figures_ms;                        /* LIVE_FIGURES: end of the newest point shown */

    char *json; /* owned; all but lists: the event's payload */
    size_t json_size;
    char *delta; /* owned; figures: what is new since delta_since, or NULL */
    size_t delta_size;
    int64_t delta_since;
};

/* The topic that a subscription asks for, made if need be. Errors of the request itself are
 * returned; those met later stand in the topic. */
sk_err live_topic_get(struct sk_live *live, struct sk_ctx *ctx,
                      const Skald__Api__V1__Subscription *asked,
                      struct live_topic **ret) SK_MUST_USE;
void live_topic_free(struct live_topic *topic);
/* A subscription came or went. */
void live_topic_used(struct live_topic *topic);
void live_topic_left(struct live_topic *topic);
/* Start its work if it is due, else arm its timer. */
void live_topic_wake(struct live_topic *topic);
/* A commit's note, for one topic. */
void live_topic_note(struct live_topic *topic, const struct live_note *note,
                     struct sk_arena *scratch);
/* The payload of an event: `"list":{...}` and so on. */
void live_topic_print(struct live_topic *topic, int64_t since, struct sk_buf *out);
const char *live_topic_type(const struct live_topic *topic);

/* ---- stream.c ---- */
void live_set_gauges(struct sk_live *live);
struct live_subscription {
    struct sk_list node; /* topic->subscriptions */
    struct sk_live_stream *stream;
    struct live_topic *topic; /* NULL: failed */
    char *id;                 /* owned */
    int64_t seen;             /* version; < 0: nothing */
    int64_t sent_ms;
    bool reset;       /* its cursor was of no use */
    bool pending;     /* there is something to tell, and its reader knows */
    sk_err error;     /* to be told */
    char *error_text; /* owned */
};
/* The topic changed: those who wait for it look. */
void live_stream_wake(struct live_topic *topic);

struct sk_live {
    struct sk_live_options o;
    struct sk_store_observer observer;
    char instance[SK_UUID_TEXT];
    int64_t version; /* of the latest change */
    struct sk_list topics;
    size_t topic_count;
    struct sk_map *by_key;
    struct sk_list streams;
    size_t stream_count;
    size_t bytes; /* of all lists' rows and the other topics' states */
    bool stopping;
    int busy; /* fibers at work */
    struct sk_waitq quiet;
    struct sk_arena *scratch;
    /* what commits look at, on any loop */
    atomic_int rows_wanted;                /* topics of lists and counts */
    atomic_int runs_wanted[SK_SLOT_COUNT]; /* topics of runs, by the slot of their workflow */
    atomic_int trips;                      /* of feeds, under way */
    int feed_count;
    struct live_feed *feeds;
    struct sk_rt *rt;
};
/* A number for a change. */
static inline int64_t live_version(struct sk_live *live)
{
    return ++live->version;
}

#endif
