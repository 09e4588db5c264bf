/* Any text as a list filter and as a cron schedule. A tree that comes out is well formed. */
#include "base/assert.h"
#include "engine/cron.h"
#include "store/predefined.h"
#include "tests/fuzz/fuzz.h"
#include "visibility/visibility.h"

static void check(const struct sk_vis_node *node, int depth)
{
    SK_ASSERT(node && depth < 1000);
    if (node->op == SK_VIS_AND || node->op == SK_VIS_OR) {
        check(node->left, depth + 1);
        check(node->right, depth + 1);
        return;
    }
    SK_ASSERT(node->op < SK_VIS_AND); // NOT is pushed down
    bool null = node->op == SK_VIS_NULL || node->op == SK_VIS_NOT_NULL;
    bool between = node->op == SK_VIS_BETWEEN || node->op == SK_VIS_NOT_BETWEEN;
    bool list = node->op == SK_VIS_IN || node->op == SK_VIS_NOT_IN;
    SK_ASSERT(list ? node->value_count >= 1 : node->value_count == (null ? 0 : between ? 2 : 1));
    for (size_t i = 0; i < node->value_count; i++) {
        bool text = node->field.sa_type == SK_SA_KEYWORD || node->field.sa_type == SK_SA_TEXT ||
                    node->field.sa_type == SK_SA_KEYWORD_LIST;
        if (node->field.column == SK_VIS_STATUS)
            text = false;
        SK_ASSERT((node->values[i].type == SK_LIT_STRING) == text);
        SK_ASSERT((node->values[i].type == SK_LIT_DOUBLE) == (node->field.sa_type == SK_SA_DOUBLE));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct sk_search_attribute all[] = {
        {"T", SK_SA_TEXT, 3, false, true},         {"K", SK_SA_KEYWORD, 9, false, true},
        {"I", SK_SA_INT, 3, false, true},          {"D", SK_SA_DOUBLE, 3, false, true},
        {"B", SK_SA_BOOL, 3, false, true},         {"M", SK_SA_DATETIME, 3, false, true},
        {"L", SK_SA_KEYWORD_LIST, 9, false, true},
    };
    const struct sk_namespace ns = {
        .id = 1, .name = "ns", .attributes = all, .attribute_count = sizeof all / sizeof *all};
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    const char *text = sk_arena_strndup(ctx.arena, (const char *)bytes, size);
    struct sk_vis_query query;
    if (sk_vis_parse(&ctx, &ns, text, SK_VIS_FOR_COUNT, &query) != SK_OK)
        SK_ASSERT(ctx.err.code == SK_INVALID_ARGUMENT && ctx.err.message[0]);
    else if (query.filter)
        check(query.filter, 0);
    sk_ctx_clear(&ctx);
    if (sk_cron_validate(&ctx, text) == SK_OK && text[0])
        SK_ASSERT(sk_cron_next_ms(text, 1700000000000) > 1700000000000);
    sk_arena_free(ctx.arena);
    return 0;
}
