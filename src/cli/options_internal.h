/* For the files of options only: options.c and options_yaml.c. */
#ifndef SK_CLI_OPTIONS_INTERNAL_H
#define SK_CLI_OPTIONS_INTERNAL_H

#include "cli/options.h"

sk_err sk_options_set(struct sk_ctx *ctx, struct sk_options *options,
                      const struct sk_option *option, enum sk_option_source source,
                      const char *text, const char *origin) SK_MUST_USE;
/* text NULL: an empty list. origin: "FILE:LINE". */
sk_err sk_options_set_key(struct sk_ctx *ctx, struct sk_options *options, struct sk_str key,
                          const char *text, bool in_list, const char *origin) SK_MUST_USE;
#endif
