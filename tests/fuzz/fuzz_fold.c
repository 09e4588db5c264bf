/* Any bytes as a failure's message: what is folded stays within its bounds, stays UTF-8 if it was,
 * is the same for the same message, and does not grow past what was asked for. */
#include "base/assert.h"
#include "figures/failures.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char once[SK_FAILURE_FOLDED_BYTES], twice[SK_FAILURE_FOLDED_BYTES];
    size_t max = size ? bytes[0] % (SK_FAILURE_FOLDED_BYTES + 1) : SK_FAILURE_FOLDED_BYTES;
    struct sk_str message = {(const char *)bytes, size};
    size_t n = sk_failure_fold(message, once, max);
    SK_ASSERT(n <= max);
    SK_ASSERT(sk_failure_fold(message, twice, max) == n && memcmp(once, twice, n) == 0);
    SK_ASSERT(!sk_utf8_valid(bytes, size) || sk_utf8_valid(once, n));
    for (size_t i = 0; i < n; i++)
        SK_ASSERT((unsigned char)once[i] >= ' ');
    return 0;
}
