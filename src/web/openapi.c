/*
 * The description of the JSON API: an OpenAPI 3.1 document, made of the routes and of the types'
 * descriptors, so that it cannot say anything else than what is served.
 *
 * Every annotated route under /api/v1 is there (the bare ones answer the same; the document's text
 * says so), and POST /api/v1/rpc/<Method> of the methods that have no other. Two patterns that
 * differ only in the names of their variables are one path to OpenAPI, so the first one's names
 * stand for both. Schemas are in openapi_schema.c.
 *
 * Owns: the text, made at the first request under a lock and kept, plain and compressed.
 * Thread: any.
 */
#include "web/openapi_internal.h"

#include <pthread.h>
#include "base/assert.h"
#include "net/gzip.h"
#include "rt/rt.h"
#include "wire/json.h"

#define API_PREFIX "/api/v1/"
#define QUERY_DEPTH_MAX 4

struct web_openapi {
    pthread_mutex_t lock;
    struct sk_buf plain, packed; // empty until somebody asked
};

/* A path of the document and the routes that share it. */
struct path {
    struct path *next;
    struct sk_str shape; // the pattern with all variables as {}
    const struct sk_web_route *routes[SK_WEB_VERB_COUNT];
    const char
        *names[SK_WEB_VERB_COUNT > SK_WEB_VARIABLES_MAX ? SK_WEB_VERB_COUNT : SK_WEB_VARIABLES_MAX];
    int name_count;
};

struct document {
    struct sk_buf *out;
    struct sk_arena *arena;
    struct openapi_types types;
    struct path *first, *last;
    struct sk_map *operations; // ids that are taken
};

/* ---- paths ---- */

static struct sk_str shape_of(struct sk_arena *arena, const char *pattern)
{
    struct sk_buf shape = SK_BUF_INIT;
    bool within = false;
    for (const char *p = pattern; *p; p++) {
        within = within && *p != '}';
        if (!within)
            sk_buf_append(&shape, p, 1);
        within = within || *p == '{';
    }
    struct sk_str copy = {sk_arena_strndup(arena, shape.p, shape.n), shape.n};
    sk_buf_fini(&shape);
    return copy;
}

/* "execution.workflow_id" is the variable workflowId, unless the path has one of that name. */
static const char *variable_name(struct document *doc, const struct path *path, const char *field)
{
    const char *dot = strrchr(field, '.');
    for (int full = 0; full < 2; full++) {
        struct sk_buf name = SK_BUF_INIT;
        const char *from = dot && !full ? dot + 1 : field;
        bool taken = false;
        sk_wire_json_camel(&name, from, strlen(from));
        const char *text = sk_arena_strndup(doc->arena, name.p, name.n);
        sk_buf_fini(&name);
        for (int i = 0; i < path->name_count; i++)
            taken = taken || strcmp(path->names[i], text) == 0;
        if (!taken)
            return text;
    }
    SK_PANIC("a path names %s twice", field);
}

static void add_path(struct document *doc, const struct sk_web_route *route)
{
    struct sk_str shape = shape_of(doc->arena, route->pattern);
    struct path *path = doc->first;
    while (path && !sk_str_eq(path->shape, shape))
        path = path->next;
    if (!path) {
        path = SK_NEW(doc->arena, struct path);
        path->shape = shape;
        for (int i = 0; i < route->variable_count; i++) {
            path->names[i] = variable_name(doc, path, route->variables[i]);
            path->name_count++;
        }
        *(doc->last ? &doc->last->next : &doc->first) = path;
        doc->last = path;
    }
    path->routes[route->verb] = route;
}

static bool is_described(const struct sk_web_route *route)
{
    if (route->kind == SK_WEB_RPC)
        return !route->annotated;
    return route->kind == SK_WEB_ANNOTATED &&
           sk_str_starts(sk_str_of(route->pattern), SK_STR(API_PREFIX));
}

/* ---- operations ---- */

static void text_member(struct document *doc, const char *name, const char *text)
{
    sk_buf_printf(doc->out, "\"%s\":", name);
    sk_wire_json_quote(doc->out, sk_str_of(text));
}

static void ref(struct document *doc, const ProtobufCMessageDescriptor *type)
{
    openapi_want(&doc->types, type);
    sk_buf_printf(doc->out, "{\"$ref\":\"#/components/schemas/%s\"}", type->name);
}

static bool in_path(const struct sk_web_route *route, const char *field)
{
    for (int i = 0; i < route->variable_count; i++)
        if (strcmp(route->variables[i], field) == 0)
            return true;
    return false;
}

struct query {
    struct document *doc;
    const struct sk_web_route *route;
    const char **comma;
};

/* The fields of a message as query parameters, those of its messages too. */
/* NOLINTNEXTLINE(misc-no-recursion): at most QUERY_DEPTH_MAX deep */
static void query_parameters(struct query *query, const ProtobufCMessageDescriptor *type,
                             const char *prefix, int depth)
{
    struct document *doc = query->doc;
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        const char *path = sk_arena_printf(doc->arena, "%s%s", prefix, field->name);
        bool message =
            field->type == PROTOBUF_C_TYPE_MESSAGE && !openapi_has_own_form(field->descriptor);
        if (in_path(query->route, path))
            continue;
        if (message && field->label != PROTOBUF_C_LABEL_REPEATED && depth < QUERY_DEPTH_MAX)
            query_parameters(query, field->descriptor, sk_arena_printf(doc->arena, "%s.", path),
                             depth + 1);
        if (message)
            continue;
        struct sk_buf name = SK_BUF_INIT;
        sk_wire_json_camel(&name, path, strlen(path));
        sk_buf_printf(doc->out,
                      "%s{\"name\":\"" SK_STR_FMT "\",\"in\":\"query\",\"schema\":", *query->comma,
                      SK_STR_ARG(name));
        openapi_field(&doc->types, doc->out, type, field);
        sk_buf_str(doc->out, "}");
        sk_buf_fini(&name);
        *query->comma = ",";
    }
}

static void parameters(struct document *doc, const struct path *path,
                       const struct sk_web_route *route)
{
    const char *comma = "";
    struct query query = {doc, route, &comma};
    sk_buf_str(doc->out, ",\"parameters\":[");
    for (int i = 0; i < route->variable_count; i++) {
        struct sk_buf field = SK_BUF_INIT;
        sk_wire_json_camel(&field, route->variables[i], strlen(route->variables[i]));
        sk_buf_printf(doc->out,
                      "%s{\"name\":\"%s\",\"in\":\"path\",\"required\":true,\"description\":"
                      "\"field " SK_STR_FMT "\",\"schema\":{\"type\":\"string\"}}",
                      comma, path->names[i], SK_STR_ARG(field));
        sk_buf_fini(&field);
        comma = ",";
    }
    if (strcmp(route->body, "*") != 0)
        query_parameters(&query, route->method->request, "", 0);
    sk_buf_str(doc->out, "]");
}

static void body(struct document *doc, const struct sk_web_route *route)
{
    const ProtobufCMessageDescriptor *type = route->method->request;
    if (!route->body[0])
        return;
    if (strcmp(route->body, "*") != 0)
        type = protobuf_c_message_descriptor_get_field_by_name(type, route->body)->descriptor;
    sk_buf_str(doc->out, ",\"requestBody\":{\"content\":{\"application/json\":{\"schema\":");
    ref(doc, type);
    sk_buf_str(doc->out, "}}}");
}

static void responses(struct document *doc, const struct sk_web_route *route)
{
    bool stream = route->method->stream != NULL;
    sk_buf_printf(doc->out,
                  ",\"responses\":{\"200\":{\"description\":\"%s\",\"content\":{\"%s\":{"
                  "\"schema\":",
                  stream ? "One message a line, for as long as the client reads" : "The answer",
                  stream ? "application/x-ndjson" : "application/json");
    ref(doc, route->method->response);
    sk_buf_str(doc->out, "}}},\"default\":{\"$ref\":\"#/components/responses/Error\"}}");
}

/* One a method; its further routes get a number. */
static const char *operation_id(struct document *doc, const struct sk_web_route *route)
{
    const char *id = route->method->name;
    for (int n = 2; sk_map_put(doc->operations, sk_str_of(id), doc); n++)
        id = sk_arena_printf(doc->arena, "%s%d", route->method->name, n);
    return id;
}

static void operation(struct document *doc, const struct path *path,
                      const struct sk_web_route *route)
{
    const struct sk_method *method = route->method;
    const char *dot = strrchr(method->service, '.');
    bool own =
        route->kind == SK_WEB_RPC || sk_str_starts(sk_str_of(method->service), SK_STR("skald."));
    struct sk_str comment = sk_str_of(route->comment);
    while (comment.n > 0 && strchr(" \n", comment.p[comment.n - 1]))
        comment.n--;
    sk_buf_printf(doc->out, "{\"operationId\":\"%s\",\"tags\":[\"%s\"]", operation_id(doc, route),
                  dot ? dot + 1 : method->service);
    if (comment.n > 0) {
        sk_buf_str(doc->out, ",\"description\":");
        sk_wire_json_quote(doc->out, comment);
    }
    sk_buf_printf(doc->out, ",\"x-grpc-method\":\"%s/%s\"", method->service, method->name);
    if (own)
        sk_buf_str(doc->out, ",\"x-skald\":true");
    if (method->flags & SK_METHOD_UNBUILT)
        sk_buf_str(doc->out, ",\"x-unimplemented\":true");
    if (route->verb != SK_WEB_GET && method->flags & SK_METHOD_READ_ONLY)
        sk_buf_str(doc->out, ",\"x-read-only\":true");
    parameters(doc, path, route);
    body(doc, route);
    responses(doc, route);
    sk_buf_str(doc->out, "}");
}

/* The shape with its variables' names. */
static void path_name(struct document *doc, const struct path *path)
{
    int variable = 0;
    sk_buf_str(doc->out, "\"");
    for (size_t i = 0; i < path->shape.n; i++) {
        sk_buf_append(doc->out, path->shape.p + i, 1);
        if (path->shape.p[i] == '{')
            sk_buf_str(doc->out, path->names[variable++]);
    }
    sk_buf_str(doc->out, "\":");
}

static void paths(struct document *doc)
{
    static const char *const verbs[] = {"get", "put", "post", "delete", "patch"};
    const char *comma = "";
    sk_buf_str(doc->out, "\"paths\":{");
    for (const struct path *path = doc->first; path; path = path->next) {
        const char *between = "";
        sk_buf_str(doc->out, comma);
        path_name(doc, path);
        sk_buf_str(doc->out, "{");
        for (int i = 0; i < SK_WEB_VERB_COUNT; i++) {
            if (!path->routes[i])
                continue;
            sk_buf_printf(doc->out, "%s\"%s\":", between, verbs[i]);
            operation(doc, path, path->routes[i]);
            between = ",";
        }
        sk_buf_str(doc->out, "}");
        comma = ",";
    }
    sk_buf_str(doc->out, "}");
}

/* ---- the document ---- */

static const char about[] =
    "The methods of Temporal's WorkflowService and OperatorService and of Skald's own service, as "
    "JSON. Temporal's routes also answer without /api/v1: /namespaces/{namespace}/workflows, "
    "/cluster. Any method but those that only workers call can be called at "
    "POST /api/v1/rpc/{method}, with the whole request as the body; the ones listed there have no "
    "other route.\n\n"
    "proto3 JSON: names in lowerCamelCase (those of the .proto are read, too), 64-bit numbers as "
    "strings, bytes in base64, enums by name; what is not set is left out. A payload that is JSON "
    "stands as that JSON (shorthand); Accept: application/json+no-payload-shorthand or the query "
    "parameter noPayloadShorthand gives metadata and data instead, and pretty indents. In a path, "
    "ids are percent-encoded: a slash in one is %2F.\n\n"
    "Errors are google.rpc.Status with the matching HTTP status. Grpc-Timeout bounds a call (60S "
    "by default). Operations with x-unimplemented answer 501.";

static void write_document(struct document *doc, const struct sk_web_options *options)
{
    sk_buf_str(doc->out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Skald HTTP API\",");
    text_member(doc, "version", options->version);
    sk_buf_str(doc->out, ",");
    text_member(doc, "description", about);
    sk_buf_str(doc->out, "},\"servers\":[{");
    // without the slash at its end: paths begin with one
    text_member(doc, "url",
                sk_arena_strndup(doc->arena, options->base_path, strlen(options->base_path) - 1));
    sk_buf_str(doc->out, "}],");
    paths(doc);
    sk_buf_str(doc->out, ",\"components\":{\"responses\":{\"Error\":{\"description\":\"It failed\","
                         "\"content\":{\"application/json\":{\"schema\":");
    ref(doc, sk_wire_type("google.rpc.Status"));
    sk_buf_str(doc->out, "}}}},\"schemas\":{");
    openapi_schemas(&doc->types, doc->out);
    sk_buf_str(doc->out, "}}}\n");
}

struct build {
    struct sk_web *web;
    struct web_openapi *openapi;
};

static void build(void *arg)
{
    const struct build *build = arg;
    struct sk_buf *plain = &build->openapi->plain, *packed = &build->openapi->packed;
    struct document doc = {.out = plain, .arena = sk_arena_new(0), .operations = sk_map_new()};
    openapi_types_init(&doc.types);
    const struct sk_web_route *route = sk_web_routes_first(build->web->routes);
    for (; route; route = route->next)
        if (is_described(route))
            add_path(&doc, route);
    write_document(&doc, &build->web->options);
    openapi_types_fini(&doc.types);
    sk_map_free(doc.operations);
    sk_arena_free(doc.arena);
    packed->n = sk_gzip(sk_buf_view(plain), sk_buf_reserve(packed, plain->n), plain->n);
}

struct web_openapi *web_openapi_new(void)
{
    struct web_openapi *openapi = sk_mem_zalloc(sizeof *openapi);
    SK_ASSERT(pthread_mutex_init(&openapi->lock, NULL) == 0);
    return openapi;
}

void web_openapi_free(struct web_openapi *openapi)
{
    if (!openapi)
        return;
    pthread_mutex_destroy(&openapi->lock);
    sk_buf_fini(&openapi->plain);
    sk_buf_fini(&openapi->packed);
    sk_mem_free(openapi);
}

void web_openapi_serve(struct sk_web *web, const struct sk_http_request *request,
                       struct sk_http_response *response)
{
    struct web_openapi *openapi = web->openapi;
    struct build arg = {web, openapi};
    pthread_mutex_lock(&openapi->lock);
    if (openapi->plain.n == 0)
        sk_fiber_outside(build, &arg); // some milliseconds, once
    pthread_mutex_unlock(&openapi->lock);
    bool packed = openapi->packed.n > 0 && web_accepts_gzip(request);
    *response = (struct sk_http_response){
        .status = 200,
        .content_type = "application/json",
        .extra_headers = web_api_headers(web, request),
        .body = sk_buf_view(packed ? &openapi->packed : &openapi->plain),
    };
    if (packed)
        response->extra_headers = sk_arena_printf(
            request->ctx->arena, "%sContent-Encoding: gzip\r\n", response->extra_headers);
}
