/*
 * `skald demo`: something to look at within a minute, without an SDK. Places orders, each with a
 * story of its own, plays their worker, does what their customers do (approve, cancel), and tells
 * when each order has come to where its story ends: completed, failed, cancelled, retrying or
 * waiting. What waits stays on the server and can be looked at. Works against any server that
 * speaks Temporal's API. One loop; the worker's fibers run beside this one.
 */
#include <stdio.h>
#include <string.h>
#include "cli/command.h"
#include "cli/demo_internal.h"
#include "rt/rt.h"

#define CALL_TIMEOUT_MS 10000
#define LOOK_EVERY_MS 150
#define ORDERS_MAX 100000
#define END_MS 2000 /* how long the worker's fibers may take to end */
#define STATUS(name) \
    TEMPORAL__API__ENUMS__V1__WORKFLOW_EXECUTION_STATUS__WORKFLOW_EXECUTION_STATUS_##name

struct order {
    const struct sk_demo_story *story;
    char *id;
    bool helped; /* signalled or cancelled, if the story wants it */
    bool there;  /* where the story ends */
};

struct shop {
    struct sk_demo demo;
    struct sk_ctx *ctx;
    struct sk_waitq ended;
    const char *prefix;
    bool color;
    int64_t placed;
};

/* One look at a run. */
struct look {
    int status;
    int64_t events;
    int attempt; /* of its first pending activity */
};

/* ---- calls ---- */

static sk_err place(struct shop *shop, struct sk_ctx *ctx, const struct order *order)
{
    struct sk_arena *arena = ctx->arena;
    API_WS(StartWorkflowExecutionRequest) *r =
        API_NEW(arena, API_WS(StartWorkflowExecutionRequest),
                temporal__api__workflowservice__v1__start_workflow_execution_request_);
    ProtobufCMessage *reply;
    r->namespace_ = sk_arena_strdup(arena, shop->demo.ns);
    r->workflow_id = order->id;
    r->workflow_type =
        API_NEW(arena, API_COMMON(WorkflowType), temporal__api__common__v1__workflow_type_);
    r->workflow_type->name = sk_arena_strdup(arena, SK_DEMO_WORKFLOW);
    r->task_queue = sk_cli_queue(arena, SK_DEMO_QUEUE, NULL);
    r->input = sk_demo_input(arena, order->id, order->story->key);
    r->identity = sk_arena_strdup(arena, shop->demo.identity);
    r->request_id = sk_cli_uuid(arena);
    return sk_cli_call(shop->demo.client, ctx, SK_CLI_START, &r->base, CALL_TIMEOUT_MS, &reply);
}

static sk_err approve(struct shop *shop, struct sk_ctx *ctx, const struct order *order)
{
    struct sk_arena *arena = ctx->arena;
    API_WS(SignalWorkflowExecutionRequest) *r =
        API_NEW(arena, API_WS(SignalWorkflowExecutionRequest),
                temporal__api__workflowservice__v1__signal_workflow_execution_request_);
    ProtobufCMessage *reply;
    r->namespace_ = sk_arena_strdup(arena, shop->demo.ns);
    r->workflow_execution = sk_cli_execution(arena, order->id, NULL);
    r->signal_name = sk_arena_strdup(arena, "approve");
    r->identity = sk_arena_strdup(arena, shop->demo.identity);
    r->request_id = sk_cli_uuid(arena);
    return sk_cli_call(shop->demo.client, ctx, SK_CLI_SIGNAL, &r->base, CALL_TIMEOUT_MS, &reply);
}

static sk_err cancel(struct shop *shop, struct sk_ctx *ctx, const struct order *order)
{
    struct sk_arena *arena = ctx->arena;
    API_WS(RequestCancelWorkflowExecutionRequest) *r =
        API_NEW(arena, API_WS(RequestCancelWorkflowExecutionRequest),
                temporal__api__workflowservice__v1__request_cancel_workflow_execution_request_);
    ProtobufCMessage *reply;
    r->namespace_ = sk_arena_strdup(arena, shop->demo.ns);
    r->workflow_execution = sk_cli_execution(arena, order->id, NULL);
    r->identity = sk_arena_strdup(arena, shop->demo.identity);
    r->request_id = sk_cli_uuid(arena);
    return sk_cli_call(shop->demo.client, ctx, SK_CLI_CANCEL, &r->base, CALL_TIMEOUT_MS, &reply);
}

static sk_err look_at(struct shop *shop, struct sk_ctx *ctx, const struct order *order,
                      struct look *ret)
{
    struct sk_arena *arena = ctx->arena;
    API_WS(DescribeWorkflowExecutionRequest) *r =
        API_NEW(arena, API_WS(DescribeWorkflowExecutionRequest),
                temporal__api__workflowservice__v1__describe_workflow_execution_request_);
    ProtobufCMessage *reply;
    r->namespace_ = sk_arena_strdup(arena, shop->demo.ns);
    r->execution = sk_cli_execution(arena, order->id, NULL);
    sk_err err =
        sk_cli_call(shop->demo.client, ctx, SK_CLI_DESCRIBE, &r->base, CALL_TIMEOUT_MS, &reply);
    if (err)
        return err;
    const API_WS(DescribeWorkflowExecutionResponse) *d = (const void *)reply;
    *ret = (struct look){
        .status = d->workflow_execution_info ? (int)d->workflow_execution_info->status : 0,
        .events = d->workflow_execution_info ? d->workflow_execution_info->history_length : 0,
        .attempt = d->n_pending_activities > 0 ? d->pending_activities[0]->attempt : 0,
    };
    return SK_OK;
}

/* ---- the story's end ---- */

static bool is_there(const struct order *order, const struct look *look)
{
    switch (order->story->goal) {
    case SK_DEMO_COMPLETED:
        return look->status == STATUS(COMPLETED);
    case SK_DEMO_FAILED:
        return look->status == STATUS(FAILED);
    case SK_DEMO_CANCELED:
        return look->status == STATUS(CANCELED);
    case SK_DEMO_RETRYING:
        return look->status == STATUS(RUNNING) && look->attempt >= 2;
    case SK_DEMO_WAITING:
        break;
    }
    // The first activity takes nine events; then the run waits without a pending one.
    return look->status == STATUS(RUNNING) && look->events >= 10 && look->attempt == 0;
}

static const char *word(enum sk_demo_goal goal, const char **ret_color)
{
    static const struct {
        const char *word, *color;
    } words[] = {
        {"completed", "\033[32m"}, {"failed", "\033[31m"},  {"cancelled", "\033[33m"},
        {"retrying", "\033[35m"},  {"waiting", "\033[36m"},
    };
    *ret_color = words[goal].color;
    return words[goal].word;
}

static void tell(const struct shop *shop, const struct order *order)
{
    const char *color;
    const char *text = word(order->story->goal, &color);
    printf("  %s%-10s%s %-34s %s\n", shop->color ? color : "", text, shop->color ? "\033[0m" : "",
           order->id, order->story->title);
    fflush(stdout);
}

/* Do the customer's part, look, and tell when the story has come to its end. */
static sk_err attend(struct shop *shop, struct sk_ctx *ctx, struct order *order)
{
    struct look look;
    sk_err err = look_at(shop, ctx, order, &look);
    if (err)
        return err;
    if (!order->helped && look.events >= 4 &&
        (order->story->signal || (order->story->cancel && look.events >= 10))) {
        err = order->story->signal ? approve(shop, ctx, order) : cancel(shop, ctx, order);
        order->helped = !err;
    }
    if (!err && is_there(order, &look)) {
        order->there = true;
        tell(shop, order);
    }
    return err;
}

/* ---- rounds ---- */

static struct order *place_orders(struct shop *shop, int64_t count, sk_err *ret_err)
{
    struct order *orders = SK_NEW_N(shop->ctx->arena, struct order, count);
    *ret_err = SK_OK;
    for (int64_t i = 0; i < count && !*ret_err; i++) {
        const struct sk_demo_story *story = &sk_demo_stories[shop->placed % SK_DEMO_ORDER_STORIES];
        orders[i].story = story;
        orders[i].id = sk_arena_printf(shop->ctx->arena, "order-%s-%lld-%s", shop->prefix,
                                       (long long)++shop->placed, story->key);
        *ret_err = place(shop, shop->ctx, &orders[i]);
    }
    return orders;
}

static sk_err watch_orders(struct shop *shop, struct order *orders, int64_t count, int64_t limit_ms)
{
    int64_t deadline = sk_now_mono_ms() + limit_ms, left = count;
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    sk_err err = SK_OK;
    while (left > 0 && !err && sk_now_mono_ms() < deadline) {
        left = 0;
        for (int64_t i = 0; i < count && !err; i++) {
            if (!orders[i].there)
                err = attend(shop, &ctx, &orders[i]);
            left += !orders[i].there;
            if (err)
                err = sk_fail(shop->ctx, err, "%s: %s", orders[i].id,
                              ctx.err.message ? ctx.err.message : sk_err_name(err));
            sk_arena_clear(ctx.arena);
        }
        sk_fiber_sleep(LOOK_EVERY_MS);
    }
    sk_arena_free(ctx.arena);
    if (!err && left > 0)
        err = sk_fail(shop->ctx, SK_DEADLINE_EXCEEDED,
                      "%lld of %lld orders are not where their story ends after %lld s",
                      (long long)left, (long long)count, (long long)limit_ms / 1000);
    return err;
}

static void tell_more(const struct shop *shop, const struct sk_options *options)
{
    const char *address = sk_options_text(options, SK_OPT_ADDRESS);
    printf("\nLook at them with Temporal's command line, for example:\n"
           "  temporal workflow list --address %s --namespace %s\n"
           "  temporal workflow show --address %s --namespace %s -w order-%s-2-bank-busy\n",
           address, shop->demo.ns, address, shop->demo.ns, shop->prefix);
}

static sk_err run_rounds(struct shop *shop, const struct sk_options *options)
{
    int64_t count = sk_options_number(options, SK_OPT_DEMO_ORDERS);
    sk_err err = SK_OK;
    if (count < 1 || count > ORDERS_MAX)
        return sk_fail(shop->ctx, SK_INVALID_ARGUMENT, "--orders: there can be 1 to %d",
                       ORDERS_MAX);
    printf("Placing %lld orders on %s, namespace %s.\n\n", (long long)count,
           sk_options_text(options, SK_OPT_ADDRESS), shop->demo.ns);
    sk_demo_workers_start(&shop->demo);
    do {
        struct order *orders = place_orders(shop, count, &err);
        if (!err)
            err = watch_orders(shop, orders, count, sk_options_number(options, SK_OPT_DEMO_LIMIT));
    } while (!err && sk_options_flag(options, SK_OPT_DEMO_KEEP));
    if (!err)
        tell_more(shop, options);
    return err;
}

/* Finishes what the worker has in its hands; true when its fibers have ended. */
static bool close_shop(struct shop *shop)
{
    int64_t deadline = sk_now_mono_ms() + END_MS;
    shop->demo.stopping = true;
    while (shop->demo.busy > 0 && sk_waitq_wait(&shop->ended, deadline))
        ;
    sk_rpc_client_close(shop->demo.client);
    while (shop->demo.fibers > 0)
        if (!sk_waitq_wait(&shop->ended, deadline))
            return false;
    return true;
}

static int demo(struct sk_ctx *ctx, const struct sk_options *options)
{
    struct shop *shop = sk_mem_zalloc(sizeof(*shop));
    sk_waitq_init(&shop->ended);
    shop->ctx = ctx;
    shop->color = sk_term_color(sk_options_text(options, SK_OPT_COLOR), 1);
    shop->prefix = sk_cli_uuid(ctx->arena) + 32; // the last four digits
    shop->demo.ns = sk_options_text(options, SK_OPT_CLIENT_NAMESPACE);
    shop->demo.identity = sk_cli_identity(ctx->arena, "skald-demo");
    shop->demo.ended = &shop->ended;
    sk_err err = sk_cli_connect(ctx, options, false, &shop->demo.client);
    if (!err) {
        err = run_rounds(shop, options);
        if (close_shop(shop))
            sk_mem_free(shop); // otherwise fibers still point into it
    }
    return err ? SK_EXIT_FAILED : SK_EXIT_OK;
}

int sk_cmd_demo(struct sk_ctx *ctx, struct sk_options *options)
{
    return sk_cli_run(ctx, options, demo);
}
