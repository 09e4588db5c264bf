/*
 * Request headers: what gRPC itself reads of them, and what is kept for handlers.
 *
 * A parked call may live for a minute, ten thousand of them at once, so little is kept: an allow
 * list of names, packed in one block. All polls of a worker carry the same headers; consecutive
 * calls of a connection with equal blocks share one.
 *
 * Pure functions but for the allocation; a block belongs to its connection's loop.
 */
#include "rpc/rpc_internal.h"

#include <stdio.h>
#include "base/assert.h"

#define TIMEOUT_DIGITS_MAX 8 // the gRPC protocol's
#define KEPT_MAX 4096        // bytes of one block; what is beyond is as absent

static const struct sk_str kept[] = {
    SK_STR("authorization"),      SK_STR("authorization-extras"),
    SK_STR("caller-name"),        SK_STR("caller-type"),
    SK_STR("client-name"),        SK_STR("client-version"),
    SK_STR("supported-features"), SK_STR("supported-server-versions"),
    SK_STR("temporal-namespace"), SK_STR("temporal-resource-id"),
    SK_STR("traceparent"),        SK_STR("x-request-id"),
};

static bool keeps(struct sk_str name)
{
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (sk_str_eq(kept[i], name))
            return true;
    return false;
}

bool sk_rpc_timeout_parse(struct sk_str text, int64_t *ret_ms)
{
    if (text.n < 2 || text.n > TIMEOUT_DIGITS_MAX + 1)
        return false;
    int64_t value = 0;
    for (size_t i = 0; i + 1 < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        value = value * 10 + (text.p[i] - '0');
    }
    switch (text.p[text.n - 1]) {
    case 'H':
        *ret_ms = value * 3600 * 1000;
        return true;
    case 'M':
        *ret_ms = value * 60 * 1000;
        return true;
    case 'S':
        *ret_ms = value * 1000;
        return true;
    case 'm':
        *ret_ms = value;
        return true;
    case 'u':
        *ret_ms = value / 1000;
        return true;
    case 'n':
        *ret_ms = value / 1000000;
        return true;
    default:
        return false;
    }
}

struct sk_str rpc_timeout_format(int64_t timeout_ms, char *ret)
{
    bool seconds = timeout_ms > 99999999;
    int64_t value = seconds ? timeout_ms / 1000 : timeout_ms;
    if (value > 99999999)
        value = 99999999;
    int n = snprintf(ret, 16, "%lld%c", (long long)value, seconds ? 'S' : 'm');
    return (struct sk_str){ret, (size_t)n};
}

static void read_grpc_field(struct rpc_request *request, struct sk_str name, struct sk_str value)
{
    if (sk_str_eq(name, SK_STR("grpc-timeout"))) {
        request->timeout = value;
        request->timeout_bad = !sk_rpc_timeout_parse(value, &request->timeout_ms);
    } else if (sk_str_eq(name, SK_STR("grpc-encoding"))) {
        request->encoding = value;
    } else if (sk_str_eq(name, SK_STR("grpc-accept-encoding"))) {
        request->accepts_gzip = request->accepts_gzip || sk_str_lists(value, SK_STR("gzip"));
    }
}

void rpc_request_read(struct rpc_request *request, const struct sk_h2_header *fields, size_t count)
{
    *request = (struct rpc_request){.timeout_ms = -1};
    for (size_t i = 0; i < count; i++) {
        struct sk_str name = fields[i].name, value = fields[i].value;
        if (sk_str_eq(name, SK_STR(":path")))
            request->path = value;
        else if (sk_str_eq(name, SK_STR(":method")))
            request->post = sk_str_eq(value, SK_STR("POST"));
        else if (sk_str_eq(name, SK_STR("content-type")))
            request->content_type = value;
        else if (sk_str_starts(name, SK_STR("grpc-")))
            read_grpc_field(request, name, value);
    }
}

static void add(char *text, uint32_t *size, struct sk_str part)
{
    memcpy(text + *size, part.p, part.n);
    *size += (uint32_t)part.n;
    text[(*size)++] = '\0';
}

struct rpc_metadata *rpc_metadata_new(const struct sk_h2_header *fields, size_t count,
                                      struct rpc_metadata *last)
{
    char text[KEPT_MAX];
    uint32_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size_t more = fields[i].name.n + fields[i].value.n + 2;
        if (size + more > sizeof text || !keeps(fields[i].name) ||
            memchr(fields[i].value.p, '\0', fields[i].value.n))
            continue;
        add(text, &size, fields[i].name);
        add(text, &size, fields[i].value);
    }
    if (last && last->size == size && memcmp(last->text, text, size) == 0) {
        last->refs++;
        return last;
    }
    struct rpc_metadata *metadata = sk_mem_alloc(sizeof *metadata + size);
    metadata->refs = 1;
    metadata->size = size;
    memcpy(metadata->text, text, size);
    return metadata;
}

void rpc_metadata_unref(struct rpc_metadata *metadata)
{
    if (metadata && --metadata->refs == 0)
        sk_mem_free(metadata);
}

const char *rpc_metadata_get(const struct rpc_metadata *metadata, const char *name)
{
    const char *at = metadata ? metadata->text : NULL;
    const char *end = metadata ? at + metadata->size : NULL;
    while (at < end) {
        const char *value = at + strlen(at) + 1;
        if (strcmp(at, name) == 0)
            return value;
        at = value + strlen(value) + 1;
    }
    return NULL;
}
