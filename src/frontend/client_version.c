/*
 * Which clients this server serves. A client names itself and its version, and the range of server
 * versions it was made for; both are checked as Temporal checks them: a known client outside its
 * range is refused, an unknown one passes.
 *
 * Versions are major.minor.patch with an optional "-pre" and "+build"; the build does not count and
 * a pre-release is before its release. A range is comparators that must all hold, or several such
 * groups joined with "||".
 *
 * Thread: any; no state, no allocation but the error's.
 */
#include "frontend/client_version.h"

#include <ctype.h>
#include <stdbool.h>

#include "base/str.h"
#include "frontend/frontend.h"
#include "wire/errordetail.h"

#define NUMBER_MAX 1000000000

struct version {
    int64_t number[3];
    struct sk_str pre; /* empty: a release */
};

static const struct sk_supported_client clients[] = {
    {"temporal-cli", "<2.0.0"},    {"temporal-go", "<2.0.0"},
    {"temporal-java", "<2.0.0"},   {"temporal-php", "<2.0.0"},
    {"temporal-server", "<2.0.0"}, {"temporal-typescript", "<2.0.0"},
    {"temporal-ui", "<3.0.0"},     {NULL, NULL},
};

const struct sk_supported_client *sk_supported_clients(void)
{
    return clients;
}

/* ---- versions ---- */

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool take_number(struct sk_str *s, int64_t *ret)
{
    size_t n = 0;
    *ret = 0;
    for (; s->n && digit(*s->p) && *ret < NUMBER_MAX; s->p++, s->n--, n++)
        *ret = *ret * 10 + (*s->p - '0');
    return n > 0;
}

static bool parse_version(struct sk_str s, struct version *ret)
{
    for (int i = 0; i < 3; i++) {
        if (i && (!s.n || *s.p != '.'))
            return false;
        s.p += i > 0;
        s.n -= i > 0;
        if (!take_number(&s, &ret->number[i]))
            return false;
    }
    const char *build = s.n ? memchr(s.p, '+', s.n) : NULL;
    if (build)
        s.n = (size_t)(build - s.p);
    ret->pre = s;
    if (!s.n)
        return true;
    if (*s.p != '-' || s.n < 2)
        return false;
    ret->pre = (struct sk_str){s.p + 1, s.n - 1};
    for (size_t i = 0; i < ret->pre.n; i++)
        if (!isalnum((unsigned char)ret->pre.p[i]) && ret->pre.p[i] != '.' && ret->pre.p[i] != '-')
            return false;
    return true;
}

static int compare(const struct version *a, const struct version *b)
{
    for (int i = 0; i < 3; i++)
        if (a->number[i] != b->number[i])
            return a->number[i] < b->number[i] ? -1 : 1;
    if (!a->pre.n || !b->pre.n)
        return (a->pre.n == 0) - (b->pre.n == 0);
    return sk_str_cmp(a->pre, b->pre);
}

/* ---- ranges ---- */

enum comparator { EQ, NE, LT, LE, GT, GE };

static enum comparator take_comparator(struct sk_str *s)
{
    static const struct {
        const char *text;
        enum comparator op;
    } table[] = {{">=", GE}, {"<=", LE}, {"!=", NE}, {"==", EQ},
                 {">", GT},  {"<", LT},  {"!", NE},  {"=", EQ}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (sk_str_starts(*s, sk_str_of(table[i].text))) {
            s->p += strlen(table[i].text);
            s->n -= strlen(table[i].text);
            return table[i].op;
        }
    return EQ;
}

static bool holds(enum comparator op, int order)
{
    switch (op) {
    case EQ:
        return order == 0;
    case NE:
        return order != 0;
    case LT:
        return order < 0;
    case LE:
        return order <= 0;
    case GT:
        return order > 0;
    case GE:
        return order >= 0;
    }
    return false;
}

static bool space(char c)
{
    return c == ' ' || c == '\t';
}

/* The next word, or "||"; empty at the end. */
static struct sk_str take_word(struct sk_str *s)
{
    while (s->n && space(*s->p))
        s->p++, s->n--;
    struct sk_str word = {s->p, 0};
    if (sk_str_starts(*s, SK_STR("||"))) {
        word.n = 2;
    } else {
        // a comparator may stand apart from its version: ">= 1.0.0"
        struct sk_str rest = *s;
        (void)take_comparator(&rest);
        while (rest.n && space(*rest.p))
            rest.p++, rest.n--;
        while (rest.n && !space(*rest.p) && *rest.p != '|')
            rest.p++, rest.n--;
        word.n = (size_t)(rest.p - s->p);
        if (word.n == 0 && s->n) // a lone '|'
            word.n = s->n;
    }
    s->p += word.n;
    s->n -= word.n;
    return word;
}

/* false when the range cannot be read. */
static bool in_range(struct sk_str range, const struct version *version, bool *ret)
{
    bool group = true, any = false;
    int comparators = 0;
    for (struct sk_str word = take_word(&range); word.n; word = take_word(&range)) {
        if (sk_str_eq(word, SK_STR("||"))) {
            if (!comparators)
                return false;
            any = any || group;
            group = true;
            comparators = 0;
            continue;
        }
        struct version bound;
        enum comparator op = take_comparator(&word);
        while (word.n && space(*word.p))
            word.p++, word.n--;
        if (!parse_version(word, &bound))
            return false;
        group = group && holds(op, compare(version, &bound));
        comparators++;
    }
    *ret = any || group;
    return comparators > 0;
}

/* ---- the check ---- */

static bool given(const char *s)
{
    return s && *s;
}

sk_err sk_client_version_check(struct sk_ctx *ctx, const char *name, const char *version,
                               const char *server_versions)
{
    struct version parsed;
    bool fine = true;
    for (const struct sk_supported_client *c = clients; given(name) && given(version) && c->name;
         c++) {
        if (strcmp(c->name, name) != 0)
            continue;
        if (!parse_version(sk_str_of(version), &parsed))
            return sk_fail(ctx, SK_INVALID_ARGUMENT, "Unable to parse client version: %.100s",
                           version);
        if (!in_range(sk_str_of(c->versions), &parsed, &fine) || !fine)
            return sk_fail_client_version(ctx, version, name, c->versions);
    }
    if (!given(server_versions))
        return SK_OK;
    (void)parse_version(sk_str_of(SK_TEMPORAL_SERVER_VERSION), &parsed);
    if (!in_range(sk_str_of(server_versions), &parsed, &fine))
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "Unable to parse supported server versions: %.100s", server_versions);
    return fine ? SK_OK : sk_fail_server_version(ctx, SK_TEMPORAL_SERVER_VERSION, server_versions);
}
