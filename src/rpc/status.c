/*
 * gRPC status in trailers: grpc-status, grpc-message (percent-encoded), grpc-status-details-bin
 * (base64 of google.rpc.Status), written and read.
 *
 * Peers bound the headers they take (16 KiB is common); an answer beyond that would be lost whole,
 * so the message is cut at MESSAGE_MAX and details that do not fit are left out: the code always
 * arrives. Pure functions on the caller's arena.
 */
#include "rpc/rpc_internal.h"

#include <google/rpc/status.pb-c.h>
#include <stdlib.h>
#include "base/assert.h"

#define MESSAGE_MAX 4096
#define FIELD_OVERHEAD 128 // names, the status itself and RFC 9113's 32 bytes a field
#define TYPE_PREFIX "type.googleapis.com/"

static const char hex[] = "0123456789ABCDEF";
static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool is_plain(unsigned char c)
{
    return c >= 0x20 && c <= 0x7e && c != '%';
}

static struct sk_str percent_encode(struct sk_arena *arena, const char *message)
{
    size_t n = strnlen(message, MESSAGE_MAX);
    while (n > 0 && ((unsigned char)message[n] & 0xc0) == 0x80) // not within a character
        n--;
    char *out = sk_arena_alloc(arena, 3 * n + 1);
    size_t size = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)message[i];
        if (is_plain(c)) {
            out[size++] = (char)c;
        } else {
            out[size++] = '%';
            out[size++] = hex[c >> 4];
            out[size++] = hex[c & 15];
        }
    }
    return (struct sk_str){out, size};
}

static int hex_digit(char c)
{
    const char *at = c ? strchr(hex, c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c) : NULL;
    return at ? (int)(at - hex) : -1;
}

static const char *percent_decode(struct sk_arena *arena, const char *text)
{
    size_t n = strlen(text), size = 0;
    char *out = sk_arena_alloc(arena, n + 1);
    for (size_t i = 0; i < n; i++) {
        int high = text[i] == '%' && i + 2 < n ? hex_digit(text[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text[i + 2]) : -1;
        if (low >= 0) {
            out[size++] = (char)(high << 4 | low);
            i += 2;
        } else {
            out[size++] = text[i];
        }
    }
    out[size] = '\0';
    return out;
}

static struct sk_str base64_encode(struct sk_arena *arena, const uint8_t *in, size_t n)
{
    char *out = sk_arena_alloc(arena, n / 3 * 4 + 4);
    size_t size = 0, i = 0;
    for (; i + 3 <= n; i += 3) {
        uint32_t three = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
        for (int shift = 18; shift >= 0; shift -= 6)
            out[size++] = base64[three >> shift & 63];
    }
    if (i < n) { // no padding: gRPC asks for none
        uint32_t rest = (uint32_t)in[i] << 16 | (i + 1 < n ? (uint32_t)in[i + 1] << 8 : 0);
        out[size++] = base64[rest >> 18];
        out[size++] = base64[rest >> 12 & 63];
        if (i + 1 < n)
            out[size++] = base64[rest >> 6 & 63];
    }
    return (struct sk_str){out, size};
}

static bool base64_decode(struct sk_arena *arena, const char *text, struct sk_str *ret)
{
    uint32_t bits = 0;
    int have = 0;
    size_t size = 0;
    char *out = sk_arena_alloc(arena, strlen(text) * 3 / 4 + 3);
    for (; *text && *text != '='; text++) {
        const char *at = strchr(base64, *text);
        if (!at)
            return false;
        bits = bits << 6 | (uint32_t)(at - base64);
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[size++] = (char)(bits >> have);
        }
    }
    *ret = (struct sk_str){out, size};
    return true;
}

static struct sk_str pack_details(struct sk_arena *arena, const struct sk_errinfo *info)
{
    Google__Protobuf__Any any = GOOGLE__PROTOBUF__ANY__INIT;
    Google__Protobuf__Any *anys[] = {&any};
    any.type_url = sk_arena_printf(arena, "%s%s", TYPE_PREFIX, info->detail_type);
    any.value = (ProtobufCBinaryData){info->detail_size, (uint8_t *)(uintptr_t)info->detail};
    Google__Rpc__Status status = GOOGLE__RPC__STATUS__INIT;
    status.code = sk_err_grpc(info->code);
    status.message = (char *)(uintptr_t)(info->message ? info->message : "");
    status.n_details = 1;
    status.details = anys;
    size_t size = google__rpc__status__get_packed_size(&status);
    uint8_t *bytes = sk_arena_alloc(arena, size);
    google__rpc__status__pack(&status, bytes);
    return base64_encode(arena, bytes, size);
}

static const char *code_text(int code)
{
    static const char *const texts[] = {"0", "1",  "2",  "3",  "4",  "5",  "6",  "7", "8",
                                        "9", "10", "11", "12", "13", "14", "15", "16"};
    SK_ASSERT(code >= 0 && code <= 16);
    return texts[code];
}

struct sk_h2_header *rpc_status_fields(struct sk_arena *arena, const struct sk_errinfo *info,
                                       size_t room, size_t *ret_count)
{
    struct sk_h2_header *fields = SK_NEW_N(arena, struct sk_h2_header, 3);
    size_t count = 0;
    const char *code = code_text(sk_err_grpc(info->code));
    fields[count++] = (struct sk_h2_header){SK_STR("grpc-status"), sk_str_of(code)};
    room = room > FIELD_OVERHEAD ? room - FIELD_OVERHEAD : 0;
    struct sk_str message = percent_encode(arena, info->message ? info->message : "");
    if (message.n > 0 && message.n <= room) {
        fields[count++] = (struct sk_h2_header){SK_STR("grpc-message"), message};
        room -= message.n;
    }
    if (info->detail_type && info->detail_size < room) {
        struct sk_str details = pack_details(arena, info);
        if (details.n <= room)
            fields[count++] = (struct sk_h2_header){SK_STR("grpc-status-details-bin"), details};
    }
    *ret_count = count;
    return fields;
}

/* The first detail of a Status; anything unreadable is no detail. */
static void read_details(struct sk_ctx *ctx, const char *text)
{
    struct sk_str bytes;
    if (!base64_decode(ctx->arena, text, &bytes))
        return;
    Google__Rpc__Status *status = google__rpc__status__unpack(NULL, bytes.n, (uint8_t *)bytes.p);
    if (status && status->n_details > 0) {
        const Google__Protobuf__Any *any = status->details[0];
        const char *slash = strrchr(any->type_url, '/');
        sk_fail_detail(ctx, sk_arena_strdup(ctx->arena, slash ? slash + 1 : any->type_url),
                       sk_arena_memdup(ctx->arena, any->value.data, any->value.len),
                       any->value.len);
    }
    if (status)
        google__rpc__status__free_unpacked(status, NULL);
}

sk_err rpc_status_read(struct sk_ctx *ctx, const char *status, const char *message,
                       const char *details)
{
    char *end = NULL;
    long code = strtol(status, &end, 10);
    if (end == status || *end || code < 0 || code > SK_UNAUTHENTICATED)
        return sk_fail(ctx, SK_UNKNOWN, "the server's grpc-status is malformed: %s", status);
    if (code == 0)
        return SK_OK;
    sk_err err =
        sk_fail(ctx, (sk_err)code, "%s", message ? percent_decode(ctx->arena, message) : "");
    if (details)
        read_details(ctx, details);
    return err;
}
