/*
 * Connecting, from a fiber that waits. Names are looked up on libuv's helper threads, which exist
 * from the first look-up on; an address needs none. Of several addresses each gets CONNECT_MS,
 * in the order they came.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "rt/rt_internal.h"
#include "rt/stream.h"

enum { CONNECT_MS = 10000 };

/* ---- names ---- */

struct lookup {
    uv_getaddrinfo_t request;
    struct sk_fiber *fiber;
    int status;
};

static void on_looked_up(uv_getaddrinfo_t *request, int status, struct addrinfo *result)
{
    struct lookup *lookup = request->data;

    (void)result; // the request keeps it
    sk_loop_begin_turn(lookup->fiber->loop);
    lookup->status = status;
    sk_fiber_unpark(lookup->fiber);
}

/* Addresses of host; NULL and an errno. */
static struct addrinfo *look_up(const char *host, int port, int *reterr_errno)
{
    struct lookup lookup = {.fiber = sk_fiber_current(), .request.data = &lookup};
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    char service[8];

    snprintf(service, sizeof(service), "%d", port);
    int status =
        uv_getaddrinfo(&sk_loop_here->uv, &lookup.request, on_looked_up, host, service, &hints);
    if (status == 0) {
        sk_fiber_park();
        status = lookup.status;
    }
    if (status == 0)
        return lookup.request.addrinfo;
    *reterr_errno = status <= UV_EAI_ADDRFAMILY ? EHOSTUNREACH : -status; // EAI codes are no errno
    return NULL;
}

/* ---- one address ---- */

struct attempt {
    uv_connect_t request;
    struct sk_timer timeout;
    struct sk_stream *stream;
    struct sk_fiber *fiber;
    int status;
    bool timed_out;
};

static void on_connected(uv_connect_t *request, int status)
{
    struct attempt *attempt = request->data;

    sk_loop_begin_turn(attempt->fiber->loop);
    attempt->status = status;
    sk_fiber_unpark(attempt->fiber);
}

static void on_timeout(struct sk_timer *timer)
{
    struct attempt *attempt = SK_CONTAINER(timer, struct attempt, timeout);

    attempt->timed_out = true;
    sk_stream_close(attempt->stream); // which ends the attempt
}

/* A connected stream; NULL and an errno. */
static struct sk_stream *try_address(const struct sockaddr *address, int *reterr_errno)
{
    struct attempt attempt = {.fiber = sk_fiber_current(), .request.data = &attempt};

    attempt.stream = sk_stream_new(sk_loop_here, -1, NULL);
    int status =
        uv_tcp_connect(&attempt.request, sk_stream_tcp(attempt.stream), address, on_connected);
    if (status == 0) {
        sk_timer_init(&attempt.timeout, on_timeout);
        sk_timer_start(&attempt.timeout, sk_now_mono_ms() + CONNECT_MS);
        sk_fiber_park();
        sk_timer_stop(&attempt.timeout);
        status = attempt.timed_out ? UV_ETIMEDOUT : attempt.status;
    }
    if (status == 0) {
        sk_stream_connected(attempt.stream);
        return attempt.stream;
    }
    if (!attempt.timed_out)
        sk_stream_close(attempt.stream);
    *reterr_errno = -status;
    return NULL;
}

sk_err sk_connect(const char *host, int port, struct sk_stream **ret, int *reterr_errno)
{
    struct sockaddr_storage address = {0};
    struct sk_stream *stream = NULL;

    SK_ASSERT(sk_fiber_current() && !sk_rt_simulated());
    if (uv_ip4_addr(host, port, (struct sockaddr_in *)&address) == 0 ||
        uv_ip6_addr(host, port, (struct sockaddr_in6 *)&address) == 0) {
        stream = try_address((struct sockaddr *)&address, reterr_errno);
    } else {
        struct addrinfo *list = look_up(host, port, reterr_errno);
        for (struct addrinfo *at = list; at && !stream; at = at->ai_next)
            stream = try_address(at->ai_addr, reterr_errno);
        uv_freeaddrinfo(list);
    }
    if (!stream)
        return SK_UNAVAILABLE;
    *ret = stream;
    return SK_OK;
}
