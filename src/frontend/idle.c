/*
 * "Why is nothing running here?", for one type of a task queue, from what matching knows now. The
 * order of the questions is the order in which an operator would rule things out: is it held back,
 * does anybody poll, has anybody ever, is everybody busy.
 *
 * Thread: any; no state, no clock of its own.
 */
#include "frontend/idle.h"

#include "base/buf.h"

#define REASON(name) SKALD__API__V1__IDLE_REASON__IDLE_REASON_##name
#define GONE_MS 60000 /* an SDK's poll lasts a minute at most, and the next follows at once */
#define DISTANCE_MAX 2

typedef Skald__Api__V1__IdleReason reason_pb;

static bool used(const struct sk_queue_info *info)
{
    return info->backlog_count > 0 || info->add_rate > 0 || info->dispatch_rate > 0;
}

static bool polled(const struct sk_queue_info *info, int64_t now_ms)
{
    return info->waiting_polls > 0 ||
           (info->last_poll_ms > 0 && now_ms - info->last_poll_ms <= GONE_MS);
}

reason_pb sk_idle_reason(const struct sk_queue_info *info, const struct sk_queue_info *other,
                         int64_t now_ms)
{
    if (info->rate_limiting && info->backlog_count > 0)
        return REASON(RATE_LIMITED);
    if (info->waiting_polls > 0)
        return used(info) ? REASON(UNSPECIFIED) : REASON(NOTHING_TO_DO);
    if (polled(info, now_ms))
        return info->backlog_count > 0 ? REASON(POLLERS_BUSY) : REASON(UNSPECIFIED);
    if (info->last_poll_ms > 0 || info->poller_count > 0)
        return REASON(POLLERS_GONE);
    if (polled(other, now_ms))
        return REASON(OTHER_TYPE_ONLY);
    return used(info) || used(other) || other->last_poll_ms > 0 ? REASON(NO_POLLERS)
                                                                : REASON(NEVER_USED);
}

const char *sk_idle_explain(struct sk_arena *arena, reason_pb reason, const char *queue,
                            enum sk_task_kind kind, const struct sk_queue_info *info,
                            const struct sk_queue_info *other, int64_t now_ms)
{
    const char *mine = kind == SK_TASK_WORKFLOW ? "workflow" : "activity";
    const char *its = kind == SK_TASK_WORKFLOW ? "activity" : "workflow";
    long long waiting = (long long)info->backlog_count;
    switch (reason) {
    case REASON(NO_POLLERS):
        return sk_arena_printf(arena,
                               "No worker polls \"%s\" for %s tasks (%lld waiting). Start a worker "
                               "with this task queue and the same namespace.",
                               queue, mine, waiting);
    case REASON(OTHER_TYPE_ONLY):
        return sk_arena_printf(arena,
                               "Workers poll \"%s\" for %s tasks only (%zu seen lately); %lld %s "
                               "tasks wait. A worker polls for a type only if it has %s of that "
                               "type registered.",
                               queue, its, other->poller_count, waiting, mine,
                               kind == SK_TASK_WORKFLOW ? "workflows" : "activities");
    case REASON(POLLERS_GONE):
        return sk_arena_printf(arena,
                               "\"%s\" was last polled for %s tasks %lld s ago; %lld wait. Its "
                               "workers stopped or lost their connection.",
                               queue, mine, (long long)((now_ms - info->last_poll_ms) / 1000),
                               waiting);
    case REASON(POLLERS_BUSY):
        return sk_arena_printf(
            arena,
            "%zu workers took %s tasks from \"%s\" lately, and none of them "
            "asks for more now: all slots are taken. %lld tasks wait, the oldest "
            "for %lld s. Add workers or slots.",
            info->poller_count, mine, queue, waiting, (long long)(info->backlog_age_ms / 1000));
    case REASON(RATE_LIMITED):
        return sk_arena_printf(arena,
                               "The workers of \"%s\" allow %g %s tasks a second in all "
                               "(maxTaskQueueActivitiesPerSecond); %lld tasks wait.",
                               queue, info->rate_limit, mine, waiting);
    case REASON(NOTHING_TO_DO):
        return sk_arena_printf(arena, "%zu polls wait for %s tasks on \"%s\", and there are none.",
                               info->waiting_polls, mine, queue);
    case REASON(NEVER_USED):
        return sk_arena_printf(
            arena,
            "Nobody polled \"%s\" and no task came since the server started or in "
            "the last minutes. Is the name right?",
            queue);
    default:
        return "";
    }
}

size_t sk_idle_similar(const char *name, const struct sk_queue_key *all, size_t count, size_t max,
                       const char **ret)
{
    size_t n = 0;
    struct sk_str mine = sk_str_of(name);
    for (int distance = 0; distance <= DISTANCE_MAX; distance++)
        for (size_t i = 0; i < count && n < max; i++) {
            struct sk_str other = all[i].name;
            if (sk_str_eq(mine, other) || (i && sk_str_eq(other, all[i - 1].name)))
                continue;
            int d = sk_str_ieq(mine, other) ? 0 : sk_edit_distance(mine, other);
            if (d == distance)
                ret[n++] = other.p;
        }
    return n;
}
