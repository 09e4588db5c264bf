/*
 * gzip, both ways, with libdeflate: whole buffers, no streams.
 *
 * Owns: one compressor and one decompressor a thread, made at first use and kept; the thread's end
 * frees them.
 *
 * Decompression bombs: a gzip member ends with its size modulo 2^32, which sizes the buffer; it is
 * a hint only, what libdeflate writes is bounded by the buffer. DEFLATE cannot expand more than
 * 1032 times, so a hint beyond that is a lie and not believed.
 */
#include "net/gzip.h"

#include <libdeflate.h>
#include <pthread.h>
#include "base/assert.h"
#include "base/buf.h"

#define EXPANSION_MAX 1032
#define LEVEL 1              // answers are small and loops are busy
#define GZIP_OVERHEAD_MIN 18 // header and trailer of a member

struct codec {
    struct libdeflate_compressor *compressor;
    struct libdeflate_decompressor *decompressor;
};

static pthread_key_t codec_key;
static pthread_once_t codec_once = PTHREAD_ONCE_INIT;

static void codec_free(void *arg)
{
    struct codec *codec = arg;
    libdeflate_free_compressor(codec->compressor);
    libdeflate_free_decompressor(codec->decompressor);
    sk_mem_free(codec);
}

static void codec_key_new(void)
{
    SK_ASSERT(pthread_key_create(&codec_key, codec_free) == 0);
}

static struct codec *codec_get(void)
{
    pthread_once(&codec_once, codec_key_new);
    struct codec *codec = pthread_getspecific(codec_key);
    if (codec)
        return codec;
    codec = sk_mem_zalloc(sizeof *codec);
    codec->compressor = libdeflate_alloc_compressor(LEVEL);
    codec->decompressor = libdeflate_alloc_decompressor();
    SK_ASSERT(codec->compressor && codec->decompressor);
    pthread_setspecific(codec_key, codec);
    return codec;
}

static size_t size_hint(struct sk_str in)
{
    const unsigned char *end = (const unsigned char *)in.p + in.n;
    size_t hint =
        (size_t)end[-4] | (size_t)end[-3] << 8 | (size_t)end[-2] << 16 | (size_t)end[-1] << 24;
    size_t most = in.n * EXPANSION_MAX;
    return hint < most ? hint : most;
}

static sk_err too_large(struct sk_ctx *ctx, size_t size, size_t max)
{
    return sk_fail(ctx, SK_RESOURCE_EXHAUSTED,
                   "grpc: received message larger than max (%zu vs. %zu)", size, max);
}

sk_err sk_gunzip(struct sk_ctx *ctx, struct sk_str in, size_t max, struct sk_str *ret)
{
    if (in.n < GZIP_OVERHEAD_MIN)
        return sk_fail(ctx, SK_INTERNAL, "grpc: message is not gzip: %zu bytes, at least %d needed",
                       in.n, GZIP_OVERHEAD_MIN);
    size_t room = size_hint(in);
    if (room > max)
        return too_large(ctx, room, max);
    char *out = sk_arena_alloc(ctx->arena, room ? room : 1);
    size_t took = 0, size = 0;
    enum libdeflate_result rc = libdeflate_gzip_decompress_ex(codec_get()->decompressor, in.p, in.n,
                                                              out, room, &took, &size);
    // the hint was not the size: cut off, damaged, or several members, which no gRPC library sends
    if (rc == LIBDEFLATE_INSUFFICIENT_SPACE)
        return sk_fail(ctx, SK_INTERNAL, "grpc: gzip message is longer than the %zu bytes it tells",
                       room);
    if (rc != LIBDEFLATE_SUCCESS || took != in.n)
        return sk_fail(ctx, SK_INTERNAL,
                       "grpc: failed to decompress the received message: %zu bytes of gzip are "
                       "damaged or cut off",
                       in.n);
    *ret = (struct sk_str){out, size};
    return SK_OK;
}

size_t sk_gzip(struct sk_str in, char *out, size_t room)
{
    return libdeflate_gzip_compress(codec_get()->compressor, in.p, in.n, out, room);
}
