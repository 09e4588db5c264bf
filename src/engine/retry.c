/*
 * Retry policies. Pure functions; the order of the checks is the contract: whether the failure may
 * be retried, how many attempts there are, the interval (a failure may name its own), the maximum
 * interval, and whether the next attempt would begin after the end of time.
 */
#include "engine/engine_internal.h"

#include <math.h>
#include <string.h>

#define TYPE_TIMEOUT_PREFIX "TemporalTimeout:"

COMMON(RetryPolicy) *retry_full_policy(struct sk_arena *arena, const COMMON(RetryPolicy) *given)
{
    COMMON(RetryPolicy) *policy =
        given ? sk_msg_dup(arena, given) : COMMON_NEW(arena, RetryPolicy, retry_policy);
    if (sk_dur_ms(policy->initial_interval) == 0)
        policy->initial_interval = sk_dur(arena, 1000);
    if (policy->backoff_coefficient == 0)
        policy->backoff_coefficient = 2;
    if (sk_dur_ms(policy->maximum_interval) == 0)
        policy->maximum_interval = sk_dur(arena, 100 * sk_dur_ms(policy->initial_interval));
    policy->initial_interval = sk_dur_capped(arena, policy->initial_interval);
    policy->maximum_interval = sk_dur_capped(arena, policy->maximum_interval);
    return policy;
}

static bool listed(const COMMON(RetryPolicy) *policy, const char *type)
{
    for (size_t i = 0; i < policy->n_non_retryable_error_types; i++)
        if (strcmp(policy->non_retryable_error_types[i], type) == 0)
            return true;
    return false;
}

static const char *timeout_name(int type)
{
    switch (type) {
    case TIMEOUT(START_TO_CLOSE):
        return TYPE_TIMEOUT_PREFIX "StartToClose";
    case TIMEOUT(SCHEDULE_TO_START):
        return TYPE_TIMEOUT_PREFIX "ScheduleToStart";
    case TIMEOUT(SCHEDULE_TO_CLOSE):
        return TYPE_TIMEOUT_PREFIX "ScheduleToClose";
    case TIMEOUT(HEARTBEAT):
        return TYPE_TIMEOUT_PREFIX "Heartbeat";
    default:
        return "";
    }
}

static bool retryable(const COMMON(RetryPolicy) *policy, const FAILURE *failure)
{
    if (!failure)
        return true;
    switch ((int)failure->failure_info_case) {
    case TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_TERMINATED_FAILURE_INFO:
    case TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_CANCELED_FAILURE_INFO:
        return false;
    case TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_TIMEOUT_FAILURE_INFO: {
        int type = (int)failure->timeout_failure_info->timeout_type;
        if (type != (int)TIMEOUT(START_TO_CLOSE) && type != (int)TIMEOUT(HEARTBEAT))
            return false;
        return !listed(policy, timeout_name(type));
    }
    case TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_SERVER_FAILURE_INFO:
        return !failure->server_failure_info->non_retryable;
    case TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_APPLICATION_FAILURE_INFO:
        return !failure->application_failure_info->non_retryable &&
               !listed(policy, failure->application_failure_info->type);
    default:
        return true;
    }
}

static int64_t interval_ms(const COMMON(RetryPolicy) *policy, int32_t attempt,
                           const FAILURE *failure)
{
    if (failure &&
        failure->failure_info_case ==
            TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_APPLICATION_FAILURE_INFO &&
        failure->application_failure_info->next_retry_delay)
        return sk_dur_ms(failure->application_failure_info->next_retry_delay);
    double initial = (double)sk_dur_ms(policy->initial_interval);
    double coefficient = policy->backoff_coefficient >= 1 ? policy->backoff_coefficient : 1;
    double ms = initial * pow(coefficient, attempt - 1);
    return ms < 9e15 ? (int64_t)ms : 0; // 0: overflow, the maximum interval decides
}

int64_t retry_backoff_ms(const COMMON(RetryPolicy) *policy, int32_t attempt, int64_t now_ms,
                         int64_t expires_ms, const FAILURE *failure, int *ret_state)
{
    if (!policy) {
        *ret_state = RETRY_STATE(RETRY_POLICY_NOT_SET);
        return -1;
    }
    if (!retryable(policy, failure)) {
        *ret_state = RETRY_STATE(NON_RETRYABLE_FAILURE);
        return -1;
    }
    if (policy->maximum_attempts > 0 && attempt >= policy->maximum_attempts) {
        *ret_state = RETRY_STATE(MAXIMUM_ATTEMPTS_REACHED);
        return -1;
    }
    bool own_delay =
        failure &&
        failure->failure_info_case ==
            TEMPORAL__API__FAILURE__V1__FAILURE__FAILURE_INFO_APPLICATION_FAILURE_INFO &&
        failure->application_failure_info->next_retry_delay;
    int64_t ms = interval_ms(policy, attempt, failure);
    int64_t max = sk_dur_ms(policy->maximum_interval);
    if (max == 0 && ms <= 0 && !own_delay) {
        *ret_state = RETRY_STATE(TIMEOUT);
        return -1;
    }
    if (!own_delay && max != 0 && (ms <= 0 || ms > max))
        ms = max;
    if (expires_ms != 0 && now_ms + ms >= expires_ms) { // at the deadline nothing can start
        *ret_state = RETRY_STATE(TIMEOUT);
        return -1;
    }
    *ret_state = RETRY_STATE(IN_PROGRESS);
    return ms;
}
