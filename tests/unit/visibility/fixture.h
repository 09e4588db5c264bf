/* A namespace with one search attribute of each type, and a filter tree as text. */
#ifndef TEST_VISIBILITY_FIXTURE_H
#define TEST_VISIBILITY_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buf.h"
#include "store/predefined.h"
#include "visibility/search_attributes.h"
#include "visibility/visibility.h"

/* Custom: MyText MyKeyword MyInt MyDouble MyBool MyTime MyList, each in slot 9 of its type (text
 * and others in slot 3), and "odd name" (keyword, slot 10). */
static inline const struct sk_namespace *fixture_namespace(void)
{
    static struct sk_search_attribute all[64];
    static struct sk_namespace ns = {.id = 7, .uuid = "u", .name = "ns"};
    static const struct sk_search_attribute custom[] = {
        {"MyText", SK_SA_TEXT, 3, false, true},
        {"MyKeyword", SK_SA_KEYWORD, 9, false, true},
        {"MyInt", SK_SA_INT, 3, false, true},
        {"MyDouble", SK_SA_DOUBLE, 3, false, true},
        {"MyBool", SK_SA_BOOL, 3, false, true},
        {"MyTime", SK_SA_DATETIME, 3, false, true},
        {"MyList", SK_SA_KEYWORD_LIST, 9, false, true},
        {"odd name", SK_SA_KEYWORD, 10, false, true},
    };
    if (!ns.attributes) {
        size_t n;
        const struct sk_search_attribute *system = sk_predefined_attributes(&n);
        memcpy(all, system, n * sizeof *all);
        memcpy(all + n, custom, sizeof custom);
        ns.attributes = all;
        ns.attribute_count = n + sizeof custom / sizeof *custom;
    }
    return &ns;
}

#endif
