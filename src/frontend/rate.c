/*
 * The limit of calls a second by namespace (frontend.namespaceRPS), so that one namespace does not
 * take the server from the others. Every call that names a namespace counts as one, polls and
 * workers' answers as well; what the limit does not cover is answered RESOURCE_EXHAUSTED with cause
 * RPS_LIMIT, which SDKs try again with longer pauses.
 *
 * A bucket a namespace holds BURST_S seconds' worth of calls. It is kept as one number: the moment
 * at which it would be full again if nobody called. A call moves that moment on by its share of a
 * second; when it lies too far ahead, the bucket is empty. 0 turns the limit off, and then nothing
 * is looked up.
 *
 * Thread: any loop; one lock, held for a look-up. Only namespaces that exist have a bucket.
 */
#include "frontend/frontend_internal.h"

#include <pthread.h>
#include "base/buf.h"
#include "base/map.h"
#include "rt/rt.h"

#define SECOND_NS INT64_C(1000000000)
#define BURST_S 2 /* frontend.namespaceBurstRatio's default */

struct sk_frontend_rates {
    pthread_mutex_t lock;
    struct sk_imap *buckets; /* namespace's id -> struct bucket, owned */
};

struct bucket {
    int64_t full_ns; /* monotonic */
};

struct sk_frontend_rates *sk_frontend_rates_new(void)
{
    struct sk_frontend_rates *rates = sk_mem_zalloc(sizeof *rates);
    pthread_mutex_init(&rates->lock, NULL);
    rates->buckets = sk_imap_new();
    return rates;
}

void sk_frontend_rates_free(struct sk_frontend_rates *rates)
{
    size_t cursor = 0;
    int64_t id;
    void *bucket;
    while (sk_imap_next(rates->buckets, &cursor, &id, &bucket))
        sk_mem_free(bucket);
    sk_imap_free(rates->buckets);
    pthread_mutex_destroy(&rates->lock);
    sk_mem_free(rates);
}

static struct bucket *bucket_of(struct sk_frontend_rates *rates, sk_ns_id ns)
{
    struct bucket *b = sk_imap_get(rates->buckets, ns);
    if (!b) {
        b = sk_mem_zalloc(sizeof *b);
        sk_imap_put(rates->buckets, ns, b);
    }
    return b;
}

static bool take(struct sk_frontend_rates *rates, sk_ns_id ns, int64_t share_ns)
{
    int64_t now_ns = sk_now_mono_us() * 1000;
    pthread_mutex_lock(&rates->lock);
    struct bucket *b = bucket_of(rates, ns);
    if (b->full_ns < now_ns)
        b->full_ns = now_ns;
    bool left = b->full_ns + share_ns - now_ns <= BURST_S * SECOND_NS;
    if (left)
        b->full_ns += share_ns;
    pthread_mutex_unlock(&rates->lock);
    return left;
}

sk_err sk_frontend_take_call(struct sk_frontend *frontend, struct sk_ctx *ctx,
                             const struct sk_namespace *ns)
{
    int64_t rps = frontend->o.limits->namespace_rps;
    if (rps == 0 || take(frontend->rates, ns->id, SECOND_NS / rps))
        return SK_OK;
    return sk_fail_resource_exhausted(
        ctx, SK_EXHAUSTED_RPS_LIMIT, SK_SCOPE_NAMESPACE,
        "namespace rate limit exceeded (frontend.namespaceRPS allows %s %lld calls a second)",
        ns->name, (long long)rps);
}
