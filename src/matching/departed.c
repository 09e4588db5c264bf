/*
 * Workers that said good-bye a moment ago. A worker's last polls and its ShutdownWorker are sent by
 * several threads, and a poll that comes second would wait its whole time out while the worker's
 * stop waits for it. So each loop remembers the latest good-byes, and ends such polls empty.
 *
 * INV: an entry counts for DEPARTED_MS; the ring holds the newest DEPARTED_MAX, and what it forgets
 * early costs a worker no more than the wait it is meant to spare.
 *
 * Thread: the loop that owns the ring.
 */
#include "matching/matching_internal.h"

#include <string.h>

#define DEPARTED_MS 30000 // Temporal's time

void sk_mdeparted_add(struct sk_mdeparted *d, sk_ns_id ns, const char *worker_key)
{
    struct sk_mdeparture *at = &d->ring[d->next++ % DEPARTED_MAX];
    sk_mem_free(at->worker_key);
    d->until_ms = sk_now_mono_ms() + DEPARTED_MS;
    *at = (struct sk_mdeparture){ns, sk_mem_strdup(worker_key), d->until_ms};
}

bool sk_mdeparted_has(const struct sk_mdeparted *d, sk_ns_id ns, const char *worker_key)
{
    int64_t now_ms = sk_now_mono_ms();
    if (!worker_key || now_ms >= d->until_ms)
        return false;
    for (int i = 0; i < DEPARTED_MAX; i++) {
        const struct sk_mdeparture *at = &d->ring[i];
        if (at->worker_key && at->ns == ns && now_ms < at->until_ms &&
            !strcmp(at->worker_key, worker_key))
            return true;
    }
    return false;
}

void sk_mdeparted_fini(struct sk_mdeparted *d)
{
    for (int i = 0; i < DEPARTED_MAX; i++)
        sk_mem_free(d->ring[i].worker_key);
}
