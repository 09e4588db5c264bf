/* gzip, in one go. Any thread; each has a compressor of its own. */
#ifndef SK_NET_GZIP_H
#define SK_NET_GZIP_H

#include "base/ctx.h"
#include "base/str.h"

/* Into the arena. INTERNAL when it is not gzip, RESOURCE_EXHAUSTED above max. */
sk_err sk_gunzip(struct sk_ctx *ctx, struct sk_str in, size_t max, struct sk_str *ret) SK_MUST_USE;
/* gzip of in written to out, which has room bytes; 0 when it does not fit. */
size_t sk_gzip(struct sk_str in, char *out, size_t room);

#endif
