/*
 * `skald licenses`: the notices of what is built in. The text is made by tools/gen_notices.py while
 * building and linked into the program alone, so this file stands apart.
 */
#include <stdio.h>
#include "cli/command.h"

extern const char sk_notices[];

int sk_cmd_licenses(struct sk_ctx *ctx, struct sk_options *options)
{
    fputs(sk_notices, stdout);
    return SK_EXIT_OK;
}
