/*
 * GetWorkflowExecutionHistory, with its long poll.
 *
 * The engine fills a page at once. When the caller wants to wait and nothing is there yet, the call
 * is parked with a watch on the run, for at most history.longPollExpirationInterval and never past
 * a second before the client's deadline. When the run changes, the engine is asked again; when
 * time is up the same question, no longer waiting, gives the empty page with its token.
 *
 * Three things may come to a parked call: the change, the timer, the client's going. Each of the
 * latter two unwatches, and the one on_change that always follows ends the wait; so a record is
 * freed in one place, after on_change.
 *
 * Thread: the loop of the call.
 */
#include "frontend/frontend_internal.h"

#include <string.h>
#include "base/assert.h"
#include "base/buf.h"

#define MARGIN_MS 1000

struct history_call {
    struct sk_watch watch;
    struct sk_timer timer;
    struct sk_call *call; /* NULL: the client is gone */
    struct sk_frontend *frontend;
    const struct sk_namespace *ns;
    size_t request_size;
    char bytes[]; /* the packed request, then the watch's workflow id */
};

static struct history_call *history_call_new(const ProtobufCMessage *request,
                                             const struct sk_watch *watch)
{
    size_t packed = protobuf_c_message_get_packed_size(request);
    size_t id = watch->run.workflow_id.n;
    struct history_call *hc = sk_mem_alloc(sizeof *hc + packed + id + 1);
    *hc = (struct history_call){.watch = *watch, .request_size = packed};
    protobuf_c_message_pack(request, (uint8_t *)hc->bytes);
    hc->watch.run.workflow_id.p = memcpy(hc->bytes + packed, watch->run.workflow_id.p, id);
    hc->bytes[packed + id] = 0;
    return hc;
}

/* ---- parked ---- */

static sk_err on_resumed(struct sk_call *call, struct sk_ctx *ctx, void *arg, void *response);

static void on_change(struct sk_watch *watch)
{
    struct history_call *hc = SK_CONTAINER(watch, struct history_call, watch);
    sk_timer_stop(&hc->timer);
    if (hc->call)
        sk_call_resume(hc->call, on_resumed, hc);
    else
        sk_mem_free(hc);
}

static void on_timer(struct sk_timer *timer)
{
    struct history_call *hc = SK_CONTAINER(timer, struct history_call, timer);
    sk_engine_unwatch(hc->frontend->o.engine, &hc->watch);
}

static void on_gone(void *arg)
{
    struct history_call *hc = arg;
    hc->call = NULL;
    sk_timer_stop(&hc->timer);
    sk_engine_unwatch(hc->frontend->o.engine, &hc->watch);
}

static sk_err park(struct history_call *hc, struct sk_call *call, int64_t until_ms)
{
    hc->call = call;
    hc->watch.home_loop = sk_rt_loop_index();
    hc->watch.on_change = on_change;
    sk_timer_init(&hc->timer, on_timer);
    sk_timer_start(&hc->timer, until_ms);
    sk_call_park(call, on_gone, hc);
    sk_engine_watch(hc->frontend->o.engine, &hc->watch);
    return SK_PARKED;
}

/* The run changed, time is up or the server drains: answer what there is now. */
static sk_err on_resumed(struct sk_call *call, struct sk_ctx *ctx, void *arg, void *response)
{
    struct history_call *hc = arg;
    ProtobufCMessage *message;
    struct sk_watch watch;
    bool wait = false;
    sk_err err = sk_wire_decode_own(
        ctx,
        &temporal__api__workflowservice__v1__get_workflow_execution_history_request__descriptor,
        (struct sk_str){hc->bytes, hc->request_size}, &message);
    if (!err)
        err = sk_engine_history(hc->frontend->o.engine, ctx, hc->ns,
                                (const WS(GetWorkflowExecutionHistoryRequest) *)message, response,
                                &watch, &wait);
    // Still nothing (a change that this filter does not show): an early empty page with its token
    // is right too, the client comes again.
    sk_mem_free(hc);
    return err;
}

/* ---- the method ---- */

static int64_t wait_until(const struct sk_limits *limits, const struct sk_ctx *ctx)
{
    int64_t until_ms = sk_now_mono_ms() + limits->long_poll_ms;
    int64_t bound_ms = ctx->deadline_mono_ms - MARGIN_MS;
    return ctx->deadline_mono_ms && bound_ms < until_ms ? bound_ms : until_ms;
}

sk_err sk_frontend_get_workflow_execution_history(struct sk_call *call, struct sk_ctx *ctx,
                                                  const void *request, void *response)
{
    struct sk_frontend *frontend = sk_frontend_of(call);
    WS(GetWorkflowExecutionHistoryRequest)
    r = *(const WS(GetWorkflowExecutionHistoryRequest) *)request;
    const struct sk_namespace *ns;
    struct sk_watch watch;
    bool wait = false;
    sk_err err = sk_frontend_namespace(frontend, ctx, r.namespace_, &ns);
    if (!err)
        err = sk_frontend_check_execution(frontend, ctx, r.execution);
    if (err)
        return err;
    int64_t page_max = frontend->o.limits->history_page_max;
    if (r.maximum_page_size <= 0 || r.maximum_page_size > page_max)
        r.maximum_page_size = (int32_t)page_max;
    err = sk_engine_history(frontend->o.engine, ctx, ns, &r, response, &watch, &wait);
    int64_t until_ms = wait_until(frontend->o.limits, ctx);
    if (err || !wait || until_ms <= sk_now_mono_ms())
        return err;
    struct history_call *hc = history_call_new(&r.base, &watch);
    hc->frontend = frontend;
    hc->ns = ns;
    return park(hc, call, until_ms);
}
