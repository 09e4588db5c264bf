/*
 * Routes: a tree of path segments, made from the annotations of the embedded descriptors.
 *
 * Owns: one arena with the routes and the tree. A node has children for literal segments, one for
 * a variable segment ({x}, *) and one for all that is left ({x=**}). Literals go before variables;
 * where a path leads nowhere, the search goes back (bounded by the number of segments).
 *
 * A request's path is taken as it came: it is parted at "/" first and each segment is decoded then,
 * so that an id with a slash in it, sent as %2F, stays one segment.
 *
 * Every method also has POST /api/v1/rpc/<Method>, which takes the whole request; for those without
 * an annotation it is the only way. Those of them that only workers call are refused by name.
 *
 * Thread: any; nothing changes after sk_web_routes_new.
 */
#include "web/routes.h"

#include <google/api/http.pb-c.h>
#include <google/protobuf/descriptor.pb-c.h>
#include "base/assert.h"
#include "base/buf.h"
#include "base/ctx.h"
#include "net/http1.h"
#include "wire/wire.h"

#define HTTP_EXTENSION 72295728 /* google.api.http, of MethodOptions */
#define FILE_SERVICE 6          /* FileDescriptorProto.service */
#define SERVICE_METHOD 2        /* ServiceDescriptorProto.method */
#define SEGMENTS_MAX 32         /* of a request's path */
#define RPC_PREFIX "/api/v1/rpc/"

struct node {
    struct sk_str text; // of a literal
    struct node *next;  // sibling
    struct node *literals, *any, *rest;
    struct sk_web_route *routes[SK_WEB_VERB_COUNT];
};

struct sk_web_routes {
    struct sk_arena *arena;
    struct node root;
    struct sk_web_route *first, *last;
};

const char *sk_web_verb_name(enum sk_web_verb verb)
{
    static const char *const names[] = {"GET", "PUT", "POST", "DELETE", "PATCH"};
    return names[verb];
}

/* ---- making ---- */

static struct node *literal_child(struct sk_web_routes *routes, struct node *node,
                                  struct sk_str text)
{
    for (struct node *it = node->literals; it; it = it->next)
        if (sk_str_eq(it->text, text))
            return it;
    struct node *child = SK_NEW(routes->arena, struct node);
    child->text = text;
    child->next = node->literals;
    node->literals = child;
    return child;
}

static struct node *child_of(struct sk_web_routes *routes, struct node *node, struct sk_str segment,
                             struct sk_web_route *route)
{
    bool variable = segment.n >= 2 && segment.p[0] == '{' && segment.p[segment.n - 1] == '}';
    bool rest = false;
    if (!variable && !memchr(segment.p, '*', segment.n))
        return literal_child(routes, node, segment);
    // {name}, {name=*}, {name=**}; nothing else is in use
    SK_ASSERT(variable && route->variable_count < SK_WEB_VARIABLES_MAX);
    struct sk_str name = {segment.p + 1, segment.n - 2};
    const char *equals = memchr(name.p, '=', name.n);
    if (equals) {
        struct sk_str form = {equals + 1, (size_t)(name.p + name.n - equals - 1)};
        rest = sk_str_eq(form, SK_STR("**"));
        SK_ASSERT(rest || sk_str_eq(form, SK_STR("*")));
        name.n = (size_t)(equals - name.p);
    }
    route->variables[route->variable_count++] = sk_arena_strndup(routes->arena, name.p, name.n);
    struct node **slot = rest ? &node->rest : &node->any;
    if (!*slot)
        *slot = SK_NEW(routes->arena, struct node);
    return *slot;
}

/* The next segment of a path that begins with "/"; false at the end. */
static bool next_segment(struct sk_str *path, struct sk_str *ret)
{
    if (path->n == 0 || path->p[0] != '/')
        return false;
    const char *from = path->p + 1;
    const char *slash = memchr(from, '/', path->n - 1);
    *ret = (struct sk_str){from, slash ? (size_t)(slash - from) : path->n - 1};
    path->p += 1 + ret->n;
    path->n -= 1 + ret->n;
    return true;
}

static void add_route(struct sk_web_routes *routes, const struct sk_web_route *from)
{
    struct sk_web_route *route = SK_NEW(routes->arena, struct sk_web_route);
    *route = *from;
    struct sk_str path = sk_str_of(from->pattern), segment;
    struct node *node = &routes->root;
    while (next_segment(&path, &segment))
        node = child_of(routes, node, segment, route);
    SK_ASSERT(path.n == 0 && !node->routes[route->verb]); // two methods at one place
    node->routes[route->verb] = route;
    if (routes->last)
        routes->last->next = route;
    else
        routes->first = route;
    routes->last = route;
}

/* Nothing, all of the request, or a field that is a message. */
static bool body_is_understood(const struct sk_method *method, const char *body)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(method->request, body);
    return !*body || strcmp(body, "*") == 0 ||
           (field && field->type == PROTOBUF_C_TYPE_MESSAGE &&
            field->label != PROTOBUF_C_LABEL_REPEATED &&
            !(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF));
}

static void add_rule(struct sk_web_routes *routes, const struct sk_method *method,
                     const char *comment, const Google__Api__HttpRule *rule)
{
    struct sk_web_route route = {.method = method, .annotated = true, .comment = comment};
    switch (rule->pattern_case) {
    case GOOGLE__API__HTTP_RULE__PATTERN_GET:
        route.verb = SK_WEB_GET;
        break;
    case GOOGLE__API__HTTP_RULE__PATTERN_PUT:
        route.verb = SK_WEB_PUT;
        break;
    case GOOGLE__API__HTTP_RULE__PATTERN_POST:
        route.verb = SK_WEB_POST;
        break;
    case GOOGLE__API__HTTP_RULE__PATTERN_DELETE:
        route.verb = SK_WEB_DELETE;
        break;
    case GOOGLE__API__HTTP_RULE__PATTERN_PATCH:
        route.verb = SK_WEB_PATCH;
        break;
    default:
        SK_PANIC("an annotation has a kind of route that is not known");
    }
    route.pattern = sk_arena_strdup(routes->arena, rule->get); // all of them are this union's text
    route.body = sk_arena_strdup(routes->arena, rule->body ? rule->body : "");
    SK_ASSERT(body_is_understood(method, route.body));
    add_route(routes, &route);
    for (size_t i = 0; i < rule->n_additional_bindings; i++)
        add_rule(routes, method, comment, rule->additional_bindings[i]);
}

/* The bytes of the annotation among a method's options; p NULL: it has none. */
static struct sk_str http_option(const Google__Protobuf__MethodDescriptorProto *method)
{
    const ProtobufCMessage *options = method->options ? &method->options->base : NULL;
    for (unsigned i = 0; options && i < options->n_unknown_fields; i++) {
        const ProtobufCMessageUnknownField *field = &options->unknown_fields[i];
        size_t skip = 0;
        if (field->tag != HTTP_EXTENSION)
            continue;
        while (skip < field->len && field->data[skip] & 0x80) // its length
            skip++;
        return (struct sk_str){(const char *)field->data + skip + 1, field->len - skip - 1};
    }
    return (struct sk_str){NULL, 0};
}

/* The comment before a method of a file, in the routes' arena. */
static const char *comment_of(struct sk_web_routes *routes,
                              const Google__Protobuf__FileDescriptorProto *file, size_t service,
                              size_t method)
{
    const Google__Protobuf__SourceCodeInfo *info = file->source_code_info;
    for (size_t i = 0; info && i < info->n_location; i++) {
        const Google__Protobuf__SourceCodeInfo__Location *at = info->location[i];
        if (at->n_path == 4 && at->path[0] == FILE_SERVICE && at->path[1] == (int32_t)service &&
            at->path[2] == SERVICE_METHOD && at->path[3] == (int32_t)method && at->leading_comments)
            return sk_arena_strdup(routes->arena, at->leading_comments);
    }
    return "";
}

static void add_method(struct sk_web_routes *routes, struct sk_ctx *ctx,
                       const struct sk_method *method, const char *comment,
                       const Google__Protobuf__MethodDescriptorProto *descriptor)
{
    struct sk_str option = http_option(descriptor);
    ProtobufCMessage *rule = NULL;
    if (option.p) {
        sk_err err = sk_wire_decode_own(ctx, &google__api__http_rule__descriptor, option, &rule);
        SK_ASSERT(err == SK_OK);
        add_rule(routes, method, comment, (const void *)rule);
    }
    // What has a route of its own is had over HTTP anyway, and only here whatever the ids in its
    // path are: a browser takes "." and ".." for steps.
    bool left_out = method->flags & SK_METHOD_WORKER && !option.p;
    add_route(routes, &(struct sk_web_route){
                          .method = method,
                          .kind = left_out ? SK_WEB_LEFT_OUT : SK_WEB_RPC,
                          .verb = SK_WEB_POST,
                          .pattern = sk_arena_printf(routes->arena, RPC_PREFIX "%s", method->name),
                          .body = "*",
                          .annotated = option.p != NULL,
                          .comment = comment,
                      });
}

static void add_file(struct sk_web_routes *routes, const struct sk_rpc_server *rpc,
                     struct sk_ctx *ctx, const Google__Protobuf__FileDescriptorProto *file)
{
    for (size_t i = 0; i < file->n_service; i++) {
        const Google__Protobuf__ServiceDescriptorProto *service = file->service[i];
        const char *name = sk_arena_printf(ctx->arena, "%s.%s", file->package, service->name);
        if (sk_str_starts(sk_str_of(name), SK_STR("grpc.")))
            continue; // health and reflection are gRPC's own
        for (size_t k = 0; k < service->n_method; k++) {
            const struct sk_method *method = sk_rpc_method(rpc, name, service->method[k]->name);
            if (method)
                add_method(routes, ctx, method, comment_of(routes, file, i, k), service->method[k]);
        }
    }
}

struct sk_web_routes *sk_web_routes_new(const struct sk_rpc_server *rpc)
{
    struct sk_web_routes *routes = sk_mem_zalloc(sizeof *routes);
    routes->arena = sk_arena_new(0);
    struct sk_str set = sk_wire_descriptors(), file;
    while (sk_wire_next_file(&set, &file)) {
        struct sk_ctx ctx = {.arena = sk_arena_new(0)};
        ProtobufCMessage *message = NULL;
        sk_err err = sk_wire_decode_own(&ctx, &google__protobuf__file_descriptor_proto__descriptor,
                                        file, &message);
        SK_ASSERT(err == SK_OK); // the set is part of this binary
        add_file(routes, rpc, &ctx, (const void *)message);
        sk_arena_free(ctx.arena);
    }
    return routes;
}

void sk_web_routes_free(struct sk_web_routes *routes)
{
    if (!routes)
        return;
    sk_arena_free(routes->arena);
    sk_mem_free(routes);
}

const struct sk_web_route *sk_web_routes_first(const struct sk_web_routes *routes)
{
    return routes->first;
}

/* ---- matching ---- */

struct search {
    struct sk_str raw[SEGMENTS_MAX], text[SEGMENTS_MAX]; // as they came, and decoded
    int count;
    enum sk_web_verb verb;
    struct sk_str raw_values[SK_WEB_VARIABLES_MAX]; // slices of the path
    int value_count;
    struct sk_web_match *match;
};

/* The node ends a path: is it what is wanted? */
static bool arrive(struct search *search, const struct node *node)
{
    for (int i = 0; i < SK_WEB_VERB_COUNT; i++)
        if (node->routes[i])
            search->match->allowed |= 1u << i;
    search->match->route = node->routes[search->verb];
    return search->match->route != NULL;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the path has segments */
static bool walk(struct search *search, const struct node *node, int at)
{
    if (at == search->count)
        return arrive(search, node);
    for (const struct node *it = node->literals; it; it = it->next)
        if (sk_str_eq(it->text, search->text[at]) && walk(search, it, at + 1))
            return true;
    if (search->text[at].n == 0 || search->value_count == SK_WEB_VARIABLES_MAX)
        return false;
    int mine = search->value_count++;
    search->raw_values[mine] = search->raw[at];
    if (node->any && walk(search, node->any, at + 1))
        return true;
    const struct sk_str *last = &search->raw[search->count - 1];
    search->raw_values[mine].n = (size_t)(last->p + last->n - search->raw[at].p);
    if (node->rest && arrive(search, node->rest))
        return true;
    search->value_count = mine;
    return false;
}

void sk_web_routes_match(const struct sk_web_routes *routes, struct sk_arena *arena,
                         enum sk_web_verb verb, struct sk_str raw_path, struct sk_web_match *ret)
{
    struct search search = {.verb = verb, .match = ret};
    struct sk_str segment;
    *ret = (struct sk_web_match){0};
    while (next_segment(&raw_path, &segment)) {
        if (search.count == SEGMENTS_MAX ||
            !sk_http_percent_decode(arena, segment, &search.text[search.count]))
            return;
        search.raw[search.count++] = segment;
    }
    if (raw_path.n > 0 || !walk(&search, &routes->root, 0))
        return;
    for (int i = 0; i < search.value_count; i++)
        if (!sk_http_percent_decode(arena, search.raw_values[i], &ret->values[i]))
            ret->route = NULL;
}
