/*
 * The error table at run time: names, gRPC codes and meanings, all from err.def.
 */
#include "base/err.h"

#include <assert.h>

struct err_row {
    const char *name;
    int grpc;
    const char *meaning;
};

static const struct err_row err_rows[] = {
#define SK_ERR(name, grpc, meaning) [SK_##name] = {#name, grpc, meaning},
#include "base/err.def"
#undef SK_ERR
};

static_assert(sizeof(err_rows) / sizeof(err_rows[0]) == SK_ERR_COUNT, "a row for each error");
static_assert(SK_UNAUTHENTICATED == 16, "the first seventeen are the gRPC codes");

static const struct err_row *row_of(sk_err err)
{
    // A number from elsewhere (a store, a peer) may not be one of ours.
    return (unsigned)err < SK_ERR_COUNT ? &err_rows[err] : &err_rows[SK_UNKNOWN];
}

const char *sk_err_name(sk_err err)
{
    return row_of(err)->name;
}

int sk_err_grpc(sk_err err)
{
    return row_of(err)->grpc;
}

const char *sk_err_meaning(sk_err err)
{
    return row_of(err)->meaning;
}
