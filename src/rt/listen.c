/*
 * Listening. One socket, on the loop that called sk_listen; each accepted connection goes to the
 * loop with the fewest streams, by mailbox, and is the loop's from then on.
 *
 * A socket on every loop (SO_REUSEPORT) was the first design: then the kernel spreads connections
 * by a hash. A client of ours keeps very few connections for very long (a worker one), so a hash
 * leaves loops idle while others are full; counting does not, and one hop a connection is nothing.
 *
 * A listener lives until it was closed and the last connection on its way was handed over; one
 * that arrives after the close is closed unseen. Without file descriptors left, accepting pauses
 * for RETRY_MS: the socket stays readable, and polling it would spin.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buf.h"
#include "rt/rt_internal.h"
#include "rt/stream.h"

enum { BACKLOG = 1024, ACCEPTS_PER_TURN = 64, RETRY_MS = 100 };

struct sk_listener {
    uv_poll_t poll;
    struct sk_loop *loop;
    struct sk_timer retry;
    int fd;
    int port;
    int next_loop; // where the search for the emptiest loop begins
    void (*on_accept)(void *owner, struct sk_stream *stream);
    void *owner;
    atomic_int refs; // the open listener, and each hand-over on its way
    atomic_bool closed;
};

/* A connection on its way to its loop. */
struct handover {
    struct sk_listener *listener;
    int fd;
};

static void listener_unref(struct sk_listener *listener)
{
    if (atomic_fetch_sub(&listener->refs, 1) == 1)
        sk_mem_free(listener);
}

static void on_handover(void *arg)
{
    struct handover handover = *(struct handover *)arg;
    struct sk_listener *listener = handover.listener;
    int status;

    sk_mem_free(arg);
    // The acceptor has counted it already, so that a burst is spread as well.
    atomic_fetch_sub_explicit(&sk_loop_here->stream_count, 1, memory_order_relaxed);
    if (atomic_load(&listener->closed)) {
        close(handover.fd);
    } else {
        struct sk_stream *stream = sk_stream_new(sk_loop_here, handover.fd, &status);
        if (stream)
            listener->on_accept(listener->owner, stream);
    }
    listener_unref(listener);
}

static int emptiest_loop(struct sk_listener *listener)
{
    struct sk_rt *rt = listener->loop->rt;
    int best = -1, best_count = 0;

    for (int i = 0; i < rt->loop_count; i++) {
        int at = (listener->next_loop + i) % rt->loop_count;
        int count = atomic_load_explicit(&rt->loops[at].stream_count, memory_order_relaxed);
        if (best < 0 || count < best_count) {
            best = at;
            best_count = count;
        }
    }
    listener->next_loop = (best + 1) % rt->loop_count;
    return best;
}

static void hand_over(struct sk_listener *listener, int fd)
{
    struct handover *handover = sk_mem_alloc(sizeof(*handover));
    struct sk_rt *rt = listener->loop->rt;
    int loop = emptiest_loop(listener);

    *handover = (struct handover){.listener = listener, .fd = fd};
    atomic_fetch_add(&listener->refs, 1);
    atomic_fetch_add_explicit(&rt->loops[loop].stream_count, 1, memory_order_relaxed);
    sk_rt_post(rt, loop, on_handover, handover);
}

static void on_connection(uv_poll_t *poll, int status, int events);

static void on_retry(struct sk_timer *timer)
{
    struct sk_listener *listener = SK_CONTAINER(timer, struct sk_listener, retry);
    uv_poll_start(&listener->poll, UV_READABLE, on_connection);
}

static void on_connection(uv_poll_t *poll, int status, int events)
{
    struct sk_listener *listener = poll->data;

    (void)status;
    (void)events;
    sk_loop_begin_turn(listener->loop);
    for (int i = 0; i < ACCEPTS_PER_TURN; i++) {
        int fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            hand_over(listener, fd);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            uv_poll_stop(poll);
            sk_timer_start(&listener->retry, sk_now_mono_ms() + RETRY_MS);
            return;
        } // else that connection failed (it was aborted, say), and not the socket
    }
}

/* Fills in the address; false when ip is none. */
static bool parse_address(const char *ip, int port, struct sockaddr_storage *ret,
                          socklen_t *ret_size)
{
    memset(ret, 0, sizeof(*ret));
    if (uv_ip4_addr(ip, port, (struct sockaddr_in *)ret) == 0) {
        *ret_size = sizeof(struct sockaddr_in);
        return true;
    }
    *ret_size = sizeof(struct sockaddr_in6);
    return uv_ip6_addr(ip, port, (struct sockaddr_in6 *)ret) == 0;
}

/* A listening socket; -1 and errno. The port it got is told as well. */
static int open_socket(const char *ip, int port, int *ret_port)
{
    struct sockaddr_storage address;
    socklen_t size;
    int on = 1;

    if (port < 0 || port > 65535 || !parse_address(ip, port, &address, &size)) {
        errno = EINVAL;
        return -1;
    }
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, BACKLOG) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &size) != 0) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    *ret_port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                    : ((struct sockaddr_in *)&address)->sin_port);
    return fd;
}

sk_err sk_listen(const char *ip, int port, void (*on_accept)(void *owner, struct sk_stream *stream),
                 void *owner, struct sk_listener **ret, int *reterr_errno)
{
    struct sk_loop *loop = sk_loop_here;
    int real_port = 0;

    SK_ASSERT(loop && !loop->rt->simulated);
    int fd = open_socket(ip, port, &real_port);
    if (fd < 0) {
        *reterr_errno = errno;
        return SK_UNAVAILABLE;
    }
    struct sk_listener *listener = sk_mem_zalloc(sizeof(*listener));
    listener->loop = loop;
    listener->fd = fd;
    listener->port = real_port;
    listener->on_accept = on_accept;
    listener->owner = owner;
    listener->poll.data = listener;
    atomic_init(&listener->refs, 1);
    sk_timer_init(&listener->retry, on_retry);
    SK_ASSERT(uv_poll_init(&loop->uv, &listener->poll, fd) == 0);
    SK_ASSERT(uv_poll_start(&listener->poll, UV_READABLE, on_connection) == 0);
    *ret = listener;
    return SK_OK;
}

int sk_listener_port(const struct sk_listener *listener)
{
    return listener->port;
}

void sk_listener_forget(uv_handle_t *handle)
{
    struct sk_listener *listener = handle->data;

    sk_timer_stop(&listener->retry);
    close(listener->fd);
    listener_unref(listener);
}

void sk_listener_close(struct sk_listener *listener)
{
    if (!listener || atomic_exchange(&listener->closed, true))
        return;
    SK_ASSERT(listener->loop == sk_loop_here);
    sk_timer_stop(&listener->retry);
    uv_close((uv_handle_t *)&listener->poll, sk_listener_forget);
}
