/*
 * gRPC's own layers, without HTTP/2: the frame of a message, gzip, headers, status. The first byte
 * chooses which.
 */
#include "rpc/rpc_internal.h"

#include "base/assert.h"
#include "tests/fuzz/fuzz.h"

#define MAX ((size_t)1 << 16)

static void fuzz_frame(struct sk_ctx *ctx, struct sk_str in, bool gzip)
{
    struct sk_str message;
    if (rpc_unframe(ctx, in, gzip, MAX, &message) == SK_OK)
        SK_ASSERT(message.n <= MAX);
    else
        SK_ASSERT(ctx->err.message);
}

static void fuzz_gzip(struct sk_ctx *ctx, struct sk_str in)
{
    char *packed = sk_arena_alloc(ctx->arena, in.n + 1000);
    struct sk_str out;
    size_t n = sk_gzip(in, packed, in.n + 1000);
    SK_ASSERT(n > 0);
    SK_ASSERT(sk_gunzip(ctx, (struct sk_str){packed, n}, in.n, &out) == SK_OK &&
              sk_str_eq(in, out));
}

/* Lines are names and values by turns. */
static void fuzz_headers(struct sk_str in)
{
    struct sk_h2_header fields[16] = {0};
    size_t count = 0;
    const char *at = in.p, *end = in.p + in.n;
    for (; count < 32 && at < end; count++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct sk_str line = {at, (size_t)((stop ? stop : end) - at)};
        *(count % 2 ? &fields[count / 2].value : &fields[count / 2].name) = line;
        at = (stop ? stop : end) + 1;
    }
    for (size_t i = 0; i < 16; i++) // as from a session, never NULL
        if (!fields[i].value.p)
            fields[i].value = SK_STR("");
    struct rpc_request request;
    rpc_request_read(&request, fields, count / 2);
    struct rpc_metadata *one = rpc_metadata_new(fields, count / 2, NULL);
    struct rpc_metadata *two = rpc_metadata_new(fields, count / 2, one);
    SK_ASSERT(one == two);
    rpc_metadata_get(one, "client-name");
    rpc_metadata_unref(one);
    rpc_metadata_unref(two);
}

/* What is written is read as it was. */
static void fuzz_status(struct sk_ctx *ctx, struct sk_str in)
{
    struct sk_errinfo info = {.code = SK_NOT_FOUND,
                              .detail_type = "t.T",
                              .detail = in.p,
                              .detail_size = in.n,
                              .message = sk_arena_strndup(ctx->arena, in.p, in.n)};
    size_t count = 0;
    struct sk_h2_header *fields = rpc_status_fields(ctx->arena, &info, 65536, &count);
    const char *texts[3] = {NULL};
    for (size_t i = 0; i < count; i++)
        texts[sk_str_eq(fields[i].name, SK_STR("grpc-status"))    ? 0
              : sk_str_eq(fields[i].name, SK_STR("grpc-message")) ? 1
                                                                  : 2] =
            sk_arena_strndup(ctx->arena, fields[i].value.p, fields[i].value.n);
    SK_ASSERT(rpc_status_read(ctx, texts[0], texts[1], texts[2]) == SK_NOT_FOUND);
    SK_ASSERT(sk_utf8_valid(ctx->err.message, strlen(ctx->err.message)));
    // sk_fail cuts longer ones, and puts a question mark for what is no text
    if (strlen(info.message) < 1000 && sk_utf8_valid(info.message, strlen(info.message)))
        SK_ASSERT(strcmp(ctx->err.message, info.message) == 0);
    if (texts[2])
        SK_ASSERT(ctx->err.detail_size == in.n);
}

/* A peer's trailers, from anybody: three lines. */
static void fuzz_trailers(struct sk_ctx *ctx, struct sk_str in)
{
    char *status = sk_arena_strndup(ctx->arena, in.p, in.n);
    char *message = strchr(status, '\n');
    char *details = message ? strchr(message + 1, '\n') : NULL;
    if (message)
        *message++ = '\0';
    if (details)
        *details++ = '\0';
    (void)!rpc_status_read(ctx, status, message, details);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1)
        return 0;
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_str in = {(const char *)bytes + 1, size - 1};
    switch (bytes[0] % 6) {
    case 0:
        fuzz_frame(&ctx, in, false);
        break;
    case 1:
        fuzz_frame(&ctx, in, true);
        break;
    case 2:
        fuzz_gzip(&ctx, in);
        break;
    case 3:
        fuzz_headers(in);
        break;
    case 4:
        fuzz_status(&ctx, in);
        break;
    default:
        fuzz_trailers(&ctx, in);
        break;
    }
    sk_arena_free(ctx.arena);
    return 0;
}
