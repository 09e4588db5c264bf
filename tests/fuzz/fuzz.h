/* What a fuzz target defines; returns 0 always. A wrong result is an assertion. */
#ifndef SK_TESTS_FUZZ_FUZZ_H
#define SK_TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
