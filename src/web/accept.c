/*
 * Reading Accept and Accept-Encoding: lists of items with weights. Pure functions.
 */
#include "web/web_internal.h"

/* "q=0", "q=0.000" */
static bool is_refusal(struct sk_str parameter)
{
    if (parameter.n < 3 || !sk_str_ieq((struct sk_str){parameter.p, 2}, SK_STR("q=")))
        return false;
    for (size_t i = 2; i < parameter.n; i++)
        if (parameter.p[i] != '0' && parameter.p[i] != '.')
            return false;
    return true;
}

bool web_accepts(struct sk_str list, struct sk_str item)
{
    while (list.n > 0) {
        struct sk_str one = sk_str_take(&list, ',');
        if (!sk_str_ieq(sk_str_take(&one, ';'), item))
            continue;
        while (one.n > 0)
            if (is_refusal(sk_str_take(&one, ';')))
                return false;
        return true;
    }
    return false;
}

bool web_accepts_gzip(const struct sk_http_request *request)
{
    return web_accepts(sk_http_header(request, "accept-encoding"), SK_STR("gzip"));
}

bool web_wants_page(const struct sk_http_request *request)
{
    return web_accepts(sk_http_header(request, "accept"), SK_STR("text/html"));
}
