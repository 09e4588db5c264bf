/*
 * The context of one piece of work (a request, a timer, a delivery): its arena and its error.
 * Lives as long as the work; one fiber uses it at a time, though that fiber may hop between
 * loops (sk_rt_call). Nothing here needs freeing but the arena, which its creator frees.
 */
#ifndef SK_BASE_CTX_H
#define SK_BASE_CTX_H

#include "base/arena.h"
#include "base/err.h"

struct sk_ctx {
    struct sk_arena *arena;   /* borrowed; all results are allocated here */
    struct sk_errinfo err;    /* why the last call failed */
    int64_t deadline_mono_ms; /* 0 = none */
    const char *request_id;   /* for logs; may be NULL */
    const char *client_name;  /* header client-name, or NULL */
    const char *client_version;
    const char *client_features; /* header supported-features, or NULL */
    const char *principal;       /* who calls: certificate subject or NULL */
    const char *ns_name;         /* the namespace it is about, once it was found; lives for ever */
};

/* Set ctx->err and return code, so that `return sk_fail(ctx, SK_NOT_FOUND, "...")` reads well.
 * The first failure wins: a later call leaves message and detail alone and returns the first code,
 * unless sk_ctx_clear was called between. */
sk_err sk_fail(struct sk_ctx *ctx, sk_err code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
#ifdef __clang_analyzer__ // it sees one source at a time, and so not which code is returned
#define SK_FAILS_WITH(code, call) ((void)(call), (sk_err)(code))
#else
#define SK_FAILS_WITH(code, call) (call)
#endif
#define sk_fail(ctx, code, ...) SK_FAILS_WITH(code, (sk_fail)(ctx, code, __VA_ARGS__))

/* Attach a typed detail to the error just set. type is the full protobuf name
 * ("temporal.api.errordetails.v1.NotFoundFailure"); bytes are borrowed until the arena goes. */
void sk_fail_detail(struct sk_ctx *ctx, const char *type, const void *bytes, size_t size);
void sk_ctx_clear(struct sk_ctx *ctx);

#endif
