/*
 * Tokens: what a worker or client hands back to name a task, a query or a page. A packed record
 * behind an eight-byte keyed checksum (SipHash-2-4 with a key made once and kept in the store), so
 * that only what this cluster gave out is believed. It is no secret and holds none.
 */
#include "engine/engine_internal.h"

#include <string.h>
#include "wire/errordetail.h"
#include "wire/wire.h"

#define TOKEN_MAX 16384
#define MAC_BYTES 8

static uint64_t rotl(uint64_t x, int b)
{
    return (x << b) | (x >> (64 - b));
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

static uint64_t load64(const uint8_t *p, size_t n)
{
    uint64_t x = 0;
    for (size_t i = 0; i < n; i++)
        x |= (uint64_t)p[i] << (8 * i);
    return x;
}

static uint64_t siphash(const uint8_t key[16], const uint8_t *p, size_t n)
{
    uint64_t k0 = load64(key, 8), k1 = load64(key + 8, 8);
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575ULL, k1 ^ 0x646f72616e646f6dULL,
                     k0 ^ 0x6c7967656e657261ULL, k1 ^ 0x7465646279746573ULL};
    size_t whole = n & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8) {
        uint64_t m = load64(p + i, 8);
        v[3] ^= m;
        sip_round(v);
        sip_round(v);
        v[0] ^= m;
    }
    uint64_t last = load64(p + whole, n - whole) | (uint64_t)n << 56;
    v[3] ^= last;
    sip_round(v);
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

ProtobufCBinaryData token_seal(struct sk_engine *e, struct sk_arena *arena,
                               const ProtobufCMessage *message)
{
    struct sk_str body = sk_wire_pack(arena, message);
    uint8_t *token = sk_arena_alloc(arena, MAC_BYTES + body.n);
    uint64_t mac = siphash(e->token_key, (const uint8_t *)body.p, body.n);
    memcpy(token, &mac, MAC_BYTES);
    if (body.n)
        memcpy(token + MAC_BYTES, body.p, body.n);
    return (ProtobufCBinaryData){MAC_BYTES + body.n, token};
}

/* A Temporal server's token begins with its namespace's id, a text of 36 bytes. Who brings one was
 * moved here in the middle of a task, which does not exist here. */
static bool is_temporals(ProtobufCBinaryData token)
{
    static const uint8_t begin[] = {0x0a, 36};
    return token.len >= sizeof begin + 36 && memcmp(token.data, begin, sizeof begin) == 0;
}

sk_err token_open(struct sk_engine *e, struct sk_ctx *ctx, ProtobufCBinaryData token,
                  const ProtobufCMessageDescriptor *type, ProtobufCMessage **ret)
{
    uint64_t mac;
    if (token.len < MAC_BYTES || token.len > TOKEN_MAX)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "Error deserializing task token: %zu bytes",
                       token.len);
    memcpy(&mac, token.data, MAC_BYTES);
    struct sk_str body = {(const char *)token.data + MAC_BYTES, token.len - MAC_BYTES};
    bool ours = mac == siphash(e->token_key, (const uint8_t *)body.p, body.n);
    if (!ours && is_temporals(token))
        return sk_fail_not_found(ctx, "the task was handed out by another server");
    if (!ours)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "Error deserializing task token: it was not made by this server");
    if (sk_wire_decode(ctx, type, body, ret) == SK_OK)
        return SK_OK;
    sk_ctx_clear(ctx);
    return sk_fail(ctx, SK_INVALID_ARGUMENT,
                   "Error deserializing task token: it is one for another method");
}

sk_err token_key_load(struct sk_engine *e, struct sk_ctx *ctx)
{
    struct sk_meta_row row;
    uint8_t key[sizeof e->token_key];
    sk_err err = sk_store_meta_get(e->store, ctx, SK_STR("key"), SK_STR("token"), &row);
    if (err == SK_NOT_FOUND) {
        sk_ctx_clear(ctx);
        sk_random_bytes(sk_rt_random(), key, sizeof key);
        row = (struct sk_meta_row){
            SK_STR("key"), SK_STR("token"), {(const char *)key, sizeof key}, 1};
        err = sk_store_meta_put(e->store, ctx, &row);
        if (err == SK_CONDITION) { // another node was first
            sk_ctx_clear(ctx);
            err = sk_store_meta_get(e->store, ctx, SK_STR("key"), SK_STR("token"), &row);
        }
    }
    if (err != SK_OK)
        return err;
    if (row.value.n != sizeof e->token_key)
        return sk_fail(ctx, SK_DATA_LOSS, "the stored token key has %zu bytes, not %zu",
                       row.value.n, sizeof e->token_key);
    memcpy(e->token_key, row.value.p, sizeof e->token_key);
    return SK_OK;
}

EN(TaskToken) task_token_new(const struct exec *x, struct sk_arena *arena, enum sk_task_kind kind)
{
    EN(TaskToken) token = SKALD__ENGINE__V1__TASK_TOKEN__INIT;
    token.ns = x->flow->ns;
    token.workflow_id = sk_arena_strndup(arena, x->flow->workflow_id.p, x->flow->workflow_id.n);
    token.run_id = (ProtobufCBinaryData){sizeof x->run_id, (uint8_t *)(uintptr_t)x->run_id.b};
    token.kind = (int32_t)kind;
    return token;
}

sk_err task_token_open(struct sk_engine *e, struct sk_ctx *ctx, const struct sk_namespace *ns,
                       ProtobufCBinaryData bytes, enum sk_task_kind kind, const EN(TaskToken) **ret)
{
    ProtobufCMessage *m;
    sk_err err = token_open(e, ctx, bytes, &skald__engine__v1__task_token__descriptor, &m);
    if (err != SK_OK)
        return err;
    const EN(TaskToken) *token = (const EN(TaskToken) *)m;
    if (token->kind != (int32_t)kind || token->run_id.len != SK_UUID_SIZE)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "Error deserializing task token: it is not that of %s",
                       kind == SK_TASK_ACTIVITY ? "an activity" : "a workflow task");
    if (token->ns != ns->id)
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "Operation requested with a token from a different namespace.");
    *ret = token;
    return SK_OK;
}
