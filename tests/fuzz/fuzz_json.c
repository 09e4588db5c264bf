/* Any text as the JSON of any message. The first byte chooses the type. */
#include "base/assert.h"
#include "base/buf.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/types.h"
#include "wire/json.h"

/* In the short forms of payloads: what is printed is read, and printed the same. */
static void there_and_back(struct sk_ctx *ctx, const ProtobufCMessage *message)
{
    struct sk_buf text = SK_BUF_INIT, again = SK_BUF_INIT;
    ProtobufCMessage *read;
    sk_wire_json_print(&text, message, SK_WIRE_JSON_SHORTHAND);
    SK_ASSERT(sk_utf8_valid(text.p, text.n));
    sk_err err = sk_wire_json_parse(ctx, message->descriptor, sk_buf_view(&text),
                                    SK_WIRE_JSON_SHORTHAND, &read);
    if (err) { // only for what JSON cannot say twice: keys that are there twice, depth
        SK_ASSERT(err == SK_INVALID_ARGUMENT);
        sk_ctx_clear(ctx);
    } else {
        sk_wire_json_print(&again, read, SK_WIRE_JSON_SHORTHAND);
        SK_ASSERT(sk_str_eq(sk_buf_view(&text), sk_buf_view(&again)));
    }
    sk_buf_fini(&text);
    sk_buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1)
        return 0;
    const ProtobufCMessageDescriptor *type = fuzz_type(bytes[0]);
    struct sk_str input = {(const char *)bytes + 1, size - 1};
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    ProtobufCMessage *message, *again;
    if (sk_wire_json_parse(&ctx, type, input, 0, &message) == SK_OK) {
        struct sk_buf text = SK_BUF_INIT;
        struct sk_str packed = sk_wire_pack(ctx.arena, message);
        SK_ASSERT(sk_wire_decode(&ctx, type, packed, &again) == SK_OK);
        sk_wire_json_print(&text, message, 0);
        SK_ASSERT(sk_utf8_valid(text.p, text.n));
        sk_buf_fini(&text);
        there_and_back(&ctx, message);
    } else {
        SK_ASSERT(ctx.err.code == SK_INVALID_ARGUMENT && ctx.err.message[0]);
    }
    sk_ctx_clear(&ctx);
    if (sk_wire_json_parse(&ctx, type, input, SK_WIRE_JSON_SHORTHAND, &message) == SK_OK)
        there_and_back(&ctx, message);
    sk_arena_free(ctx.arena);
    return 0;
}
