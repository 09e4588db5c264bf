/*
 * Any bytes as a serialized history: cut into two pieces at any event, the pieces are the whole.
 * The first byte says where.
 */
#include "base/assert.h"
#include "tests/fuzz/fuzz.h"
#include "wire/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1)
        return 0;
    struct sk_str history = {(const char *)bytes + 1, size - 1}, head, tail;
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    int64_t first, last, at = bytes[0];
    if (sk_wire_history_range(&ctx, history, &first, &last) == SK_OK) {
        SK_ASSERT(sk_wire_history_cut(&ctx, history, INT64_MIN, at, &head) == SK_OK);
        SK_ASSERT(at == INT64_MAX ||
                  sk_wire_history_cut(&ctx, history, at + 1, INT64_MAX, &tail) == SK_OK);
        SK_ASSERT(head.n + tail.n == history.n);
        SK_ASSERT(head.n == 0 || head.p == history.p);
    } else {
        SK_ASSERT(ctx.err.code == SK_DATA_LOSS);
    }
    sk_arena_free(ctx.arena);
    return 0;
}
