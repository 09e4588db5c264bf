/*
 * Errors. Everything that can fail returns sk_err (0 = SK_OK); the values are the gRPC codes plus
 * a few of our own (err.def). What a person or client should read (message, typed gRPC detail)
 * goes into the request's struct sk_errinfo, set once, at the place that knows most.
 */
#ifndef SK_BASE_ERR_H
#define SK_BASE_ERR_H

#include <stddef.h>
#include <stdint.h>

typedef enum sk_err {
#define SK_ERR(name, grpc, meaning) SK_##name,
#include "base/err.def"
#undef SK_ERR
    SK_ERR_COUNT
} sk_err;

#define SK_MUST_USE __attribute__((warn_unused_result))

/* The table's name ("NOT_FOUND"), the gRPC status code (0..16), the one-line meaning. */
const char *sk_err_name(sk_err err);
int sk_err_grpc(sk_err err);
const char *sk_err_meaning(sk_err err);

/* What is told to the caller. All pointers live as long as the request's arena. */
struct sk_errinfo {
    sk_err code;             /* SK_OK while nothing failed */
    const char *message;     /* NUL-terminated UTF-8 */
    const char *detail_type; /* full protobuf name of the typed detail, or NULL */
    const void *detail;      /* the detail, serialized */
    size_t detail_size;      /* bytes of detail */
};

#endif
