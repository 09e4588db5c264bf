/*
 * What people do in the UI, counted: actions by name and result, and how many different operators
 * there were today. The figures stay on this server, in its metrics; nothing is sent anywhere, and
 * of an operator no more than a hash of the name is kept, until the day ends.
 *
 * An action is a call that may change something and that a browser says it makes from the UI's own
 * pages (Sec-Fetch-Site: same-origin). Scripts send no such header; what they do is in the metrics
 * of requests like any other call.
 *
 * Owns: one table of hashes, under a lock; at most OPERATORS_MAX, more are not told apart.
 * Thread: any.
 */
#include "web/web_internal.h"

#include <pthread.h>
#include "base/map.h"
#include "base/metric.h"
#include "rt/rt.h"

#define OPERATORS_MAX 10000
#define DAY_MS ((int64_t)24 * 3600 * 1000)

struct operators {
    pthread_mutex_t lock;
    struct sk_imap *seen; // hash of a name -> anything
    int64_t day;          // since 1970, in UTC
};

static struct operators operators = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct sk_series operators_today(void)
{
    return sk_metric_series(SK_METRIC_UI_OPERATORS, "");
}

/* Under the lock: those of another day are forgotten. */
static void forget_the_past(void)
{
    int64_t today = sk_now_wall_ms() / DAY_MS;
    if (operators.seen && operators.day != today) {
        sk_imap_free(operators.seen);
        operators.seen = NULL;
        sk_metric_set(operators_today(), 0);
    }
    operators.day = today;
}

void sk_web_refresh_metrics(void)
{
    pthread_mutex_lock(&operators.lock);
    forget_the_past();
    pthread_mutex_unlock(&operators.lock);
}

void web_note_operator(const char *identity)
{
    struct sk_str name = sk_str_of(identity);
    int64_t hash = (int64_t)sk_hash(name.p, name.n, 0);
    pthread_mutex_lock(&operators.lock);
    forget_the_past();
    if (!operators.seen)
        operators.seen = sk_imap_new();
    if (!sk_imap_get(operators.seen, hash) && sk_imap_count(operators.seen) < OPERATORS_MAX) {
        sk_imap_put(operators.seen, hash, &operators);
        sk_metric_add(operators_today(), 1);
    }
    pthread_mutex_unlock(&operators.lock);
}

/* The identity that a request names, or NULL. */
static const char *identity_of(const ProtobufCMessage *request)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "identity");
    if (!field || field->type != PROTOBUF_C_TYPE_STRING ||
        field->label == PROTOBUF_C_LABEL_REPEATED || field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
        return NULL;
    const char *text = *(char *const *)(const void *)((const char *)request + field->offset);
    return text && *text ? text : NULL;
}

void web_note_action(const struct sk_http_request *request, const struct sk_method *method,
                     const ProtobufCMessage *message, sk_err err)
{
    struct sk_str site = sk_http_header(request, "sec-fetch-site");
    if (method->flags & SK_METHOD_READ_ONLY || !sk_str_eq(site, SK_STR("same-origin")))
        return;
    sk_metric_add(sk_metric_series(SK_METRIC_UI_ACTIONS, method->name, sk_err_name(err)), 1);
    const char *identity = message ? identity_of(message) : NULL;
    if (identity)
        web_note_operator(identity);
}
