/*
 * gRPC's length-prefixed messages: a byte that says whether the message is compressed, four bytes
 * of length, the message. Pure functions on the caller's arena.
 */
#include "rpc/rpc_internal.h"

#include "base/assert.h"

#define GZIP_GROWTH_MAX 64 /* what gzip adds to short or dense messages */

static uint32_t frame_size(const char *prefix)
{
    const unsigned char *p = (const unsigned char *)prefix;
    return (uint32_t)p[1] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 8 | p[4];
}

sk_err rpc_frame_check(struct sk_ctx *ctx, struct sk_str body, size_t max, size_t *ret_total)
{
    SK_ASSERT(body.n >= RPC_PREFIX);
    if ((unsigned char)body.p[0] > 1)
        return sk_fail(ctx, SK_INTERNAL, "grpc: unexpected compressed flag %d, 0 or 1 allowed",
                       (unsigned char)body.p[0]);
    uint32_t size = frame_size(body.p);
    if (size > max)
        return sk_fail(ctx, SK_RESOURCE_EXHAUSTED,
                       "grpc: received message larger than max (%u vs. %zu)", size, max);
    *ret_total = RPC_PREFIX + (size_t)size;
    return SK_OK;
}

sk_err rpc_unframe(struct sk_ctx *ctx, struct sk_str body, bool gzip, size_t max,
                   struct sk_str *ret)
{
    if (body.n == 0)
        return sk_fail(ctx, SK_INTERNAL, "grpc: a unary call came without its message");
    if (body.n < RPC_PREFIX)
        return sk_fail(ctx, SK_INTERNAL, "grpc: message cut off: %zu bytes of a %d-byte prefix",
                       body.n, RPC_PREFIX);
    size_t total = 0;
    sk_err err = rpc_frame_check(ctx, body, max, &total);
    if (err)
        return err;
    if (body.n < total)
        return sk_fail(ctx, SK_INTERNAL, "grpc: message cut off: %zu of %zu bytes",
                       body.n - RPC_PREFIX, total - RPC_PREFIX);
    if (body.n > total)
        return sk_fail(ctx, SK_INTERNAL, "grpc: %zu bytes after the message of a unary call",
                       body.n - total);
    struct sk_str message = {body.p + RPC_PREFIX, total - RPC_PREFIX};
    if (body.p[0] == 0) {
        *ret = message;
        return SK_OK;
    }
    if (!gzip)
        return sk_fail(ctx, SK_INTERNAL,
                       "grpc: compressed flag set with identity or empty grpc-encoding");
    return sk_gunzip(ctx, message, max, ret);
}

static void put_prefix(char *at, bool gzipped, size_t size)
{
    at[0] = gzipped ? 1 : 0;
    at[1] = (char)(size >> 24);
    at[2] = (char)(size >> 16);
    at[3] = (char)(size >> 8);
    at[4] = (char)size;
}

struct sk_str rpc_frame(struct sk_arena *arena, const ProtobufCMessage *message, size_t gzip_from,
                        bool *ret_gzipped)
{
    size_t size = protobuf_c_message_get_packed_size(message);
    SK_ASSERT(size <= UINT32_MAX);
    char *plain = sk_arena_alloc(arena, RPC_PREFIX + size);
    SK_ASSERT(protobuf_c_message_pack(message, (uint8_t *)plain + RPC_PREFIX) == size);
    *ret_gzipped = false;
    if (size >= gzip_from) {
        size_t room = gzip_from > 0 ? size - 1 : size + GZIP_GROWTH_MAX;
        char *packed = sk_arena_alloc(arena, RPC_PREFIX + room);
        size_t n = sk_gzip((struct sk_str){plain + RPC_PREFIX, size}, packed + RPC_PREFIX, room);
        if (n > 0) {
            *ret_gzipped = true;
            put_prefix(packed, true, n);
            return (struct sk_str){packed, RPC_PREFIX + n};
        }
    }
    put_prefix(plain, false, size);
    return (struct sk_str){plain, RPC_PREFIX + size};
}
