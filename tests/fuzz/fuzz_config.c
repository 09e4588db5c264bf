/*
 * Any text as a configuration file; what was read must print as YAML that reads back the same. Its
 * lines also serve as values of --dynamic-config-value and as durations and sizes.
 */
#include <string.h>
#include "base/assert.h"
#include "cli/options.h"
#include "main/config.h"
#include "tests/fuzz/fuzz.h"

static struct sk_options *defaults(struct sk_ctx *ctx)
{
    struct sk_options *options = NULL;
    sk_err err = sk_options_parse(ctx, SK_CMD_START, 0, NULL, NULL, &options);
    SK_ASSERT(err == SK_OK);
    return options;
}

static void read_back(struct sk_ctx *ctx, const struct sk_options *options)
{
    struct sk_buf printed = SK_BUF_INIT;
    struct sk_options *second = defaults(ctx);
    sk_options_print(options, &printed);
    sk_err err = sk_options_yaml(ctx, second, sk_buf_view(&printed), "printed");
    SK_ASSERT(err == SK_OK);
    for (int i = 0; i < SK_OPT_COUNT; i++) {
        const struct sk_option *option = sk_option_get((enum sk_option_id)i);
        if ((option->commands & SK_CMD_START) && option->type != SK_OPTION_LIST)
            SK_ASSERT(strcmp(sk_options_text(options, (enum sk_option_id)i),
                             sk_options_text(second, (enum sk_option_id)i)) == 0);
    }
    sk_buf_fini(&printed);
}

static void read_values(struct sk_ctx *ctx, const char *text)
{
    struct sk_limits limits;
    int64_t number;
    double real;
    bool known;
    sk_limits_default(&limits);
    sk_err err = sk_dynamic_set(ctx, &limits, text, &known);
    SK_ASSERT(err == SK_OK || err == SK_INVALID_ARGUMENT);
    if (sk_value_duration(text, &number) || sk_value_size(text, &number))
        SK_ASSERT(number >= 0);
    if (sk_value_real(text, &real))
        SK_ASSERT(real >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_options *options = defaults(&ctx);
    struct sk_str text = {(const char *)bytes, size};
    if (sk_options_yaml(&ctx, options, text, "fuzz") == SK_OK)
        read_back(&ctx, options);
    else
        SK_ASSERT(ctx.err.code == SK_INVALID_ARGUMENT && ctx.err.message[0]);
    sk_ctx_clear(&ctx);
    const char *end = memchr(bytes, '\n', size);
    read_values(&ctx, sk_arena_strndup(ctx.arena, text.p, end ? (size_t)(end - text.p) : size));
    sk_arena_free(ctx.arena);
    return 0;
}
