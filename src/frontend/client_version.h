/* Which clients this server serves, by the headers they send. */
#ifndef SK_FRONTEND_CLIENT_VERSION_H
#define SK_FRONTEND_CLIENT_VERSION_H

#include <stddef.h>
#include "base/ctx.h"

struct sk_supported_client {
    const char *name;     /* header client-name: "temporal-go" */
    const char *versions; /* a range: "<2.0.0" */
};
/* NULL name ends the table. Clients that are not in it pass. */
const struct sk_supported_client *sk_supported_clients(void);

/* Headers client-name, client-version and supported-server-versions, each NULL or empty when
 * absent. FAILED_PRECONDITION with ClientVersionNotSupportedFailure or
 * ServerVersionNotSupportedFailure; INVALID_ARGUMENT when a version or range cannot be read. */
sk_err sk_client_version_check(struct sk_ctx *ctx, const char *name, const char *version,
                               const char *server_versions) SK_MUST_USE;

#endif
