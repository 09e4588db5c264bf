/*
 * The pages of the UI: its files, packed into the binary, and index.html for every path that the
 * UI itself makes something of.
 *
 * index.html is a template. For each answer it gets a fresh nonce (for the styles that the UI makes
 * at run time), the base path and what the UI must know before its first call. It is never cached;
 * files whose names hold a hash of their content are, for ever, all others are asked for again each
 * time with an entity tag.
 *
 * The files are kept compressed; a client that takes no gzip gets them inflated for it.
 *
 * Owns: the parts of the template (struct web_page, made once).
 * Thread: any.
 */
#include "web/web_internal.h"

#include <stdio.h>
#include "base/assert.h"
#include "net/gzip.h"
#include "rt/rt.h"
#include "web/assets.h"
#include "wire/json.h"

#define INDEX "index.html"
#define INDEX_MAX ((size_t)1 << 20)
#define ASSET_MAX ((size_t)64 << 20)
#define NONCE_BYTES 16
#define PARTS_MAX 16

#define COMMON_HEADERS                                                       \
    "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"    \
    "Cross-Origin-Opener-Policy: same-origin\r\n"                            \
    "Cross-Origin-Resource-Policy: same-origin\r\nX-Frame-Options: DENY\r\n" \
    "Permissions-Policy: camera=(), geolocation=(), microphone=(), payment=(), usb=()\r\n"

enum part_kind { PART_TEXT, PART_NONCE, PART_BASE, PART_CONFIG };

struct part {
    enum part_kind kind;
    struct sk_str text;
};

struct web_page {
    struct sk_arena *arena;
    struct part parts[PARTS_MAX];
    int part_count;           // 0: there is no UI
    const char *codec_origin; // " https://host", or ""
};

/* ---- the template ---- */

static const struct {
    struct sk_str mark;
    enum part_kind kind;
} marks[] = {
    {SK_STR("__SKALD_NONCE__"), PART_NONCE},
    {SK_STR("__SKALD_BASE__"), PART_BASE},
    {SK_STR("__SKALD_CONFIG__"), PART_CONFIG},
};

static void add_part(struct web_page *page, enum part_kind kind, struct sk_str text)
{
    SK_ASSERT(page->part_count < PARTS_MAX); // the template is part of this binary
    page->parts[page->part_count++] = (struct part){kind, text};
}

static void cut(struct web_page *page, struct sk_str html)
{
    while (html.n > 0) {
        const char *first = NULL;
        size_t which = 0;
        for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
            const char *at = memmem(html.p, html.n, marks[i].mark.p, marks[i].mark.n);
            if (at && (!first || at < first)) {
                first = at;
                which = i;
            }
        }
        size_t before = first ? (size_t)(first - html.p) : html.n;
        add_part(page, PART_TEXT, (struct sk_str){html.p, before});
        if (!first)
            return;
        add_part(page, marks[which].kind, SK_STR(""));
        html.p += before + marks[which].mark.n;
        html.n -= before + marks[which].mark.n;
    }
}

static const struct sk_web_asset *find_asset(struct sk_str path)
{
    size_t low = 0, high = sk_web_asset_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = sk_str_cmp(path, sk_str_of(sk_web_assets[middle].path));
        if (order == 0)
            return &sk_web_assets[middle];
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

struct web_page *web_page_new(const struct sk_web_options *options)
{
    struct web_page *page = sk_mem_zalloc(sizeof *page);
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_str html = {NULL, 0};
    page->arena = ctx.arena;
    page->codec_origin = "";
    const struct sk_web_asset *index = find_asset(SK_STR(INDEX));
    if (index) {
        struct sk_str packed = {(const char *)index->gzip, index->gzip_size};
        sk_err err = sk_gunzip(&ctx, packed, INDEX_MAX, &html);
        SK_ASSERT(err == SK_OK);
        cut(page, html);
    }
    if (options->codec_endpoint)
        page->codec_origin = sk_arena_printf(
            page->arena, " %s", sk_web_origin_of(page->arena, options->codec_endpoint));
    return page;
}

void web_page_free(struct web_page *page)
{
    if (!page)
        return;
    sk_arena_free(page->arena);
    sk_mem_free(page);
}

/* ---- what the UI is told ---- */

static void member(struct sk_buf *json, const char *name, const char *text)
{
    sk_buf_printf(json, "%s\"%s\":", json->n > 1 ? "," : "", name);
    sk_wire_json_quote(json, sk_str_of(text));
}

/* Where workers connect. Bound to all addresses, the name by which the page was asked for is one.
 */
static const char *grpc_address(const struct sk_web *web, const struct sk_http_request *request)
{
    const char *ip = web->options.grpc_ip;
    bool all = strcmp(ip, "0.0.0.0") == 0 || strcmp(ip, "::") == 0;
    struct sk_str host = all ? request->host : sk_str_of(ip);
    bool brackets = host.n > 0 && host.p[0] != '[' && memchr(host.p, ':', host.n);
    return sk_arena_printf(request->ctx->arena, "%s" SK_STR_FMT "%s:%d", brackets ? "[" : "",
                           SK_STR_ARG(host), brackets ? "]" : "", web->options.grpc_port);
}

/* As JSON within a script element: "<" must not stand in it. */
static void add_config(struct sk_buf *out, const struct sk_web *web,
                       const struct sk_http_request *request)
{
    const struct sk_web_options *options = &web->options;
    struct sk_buf json = SK_BUF_INIT;
    sk_buf_str(&json, "{");
    member(&json, "version", options->version);
    member(&json, "uiVersion", sk_web_ui_version);
    member(&json, "base", options->base_path);
    member(&json, "defaultNamespace", "default");
    member(&json, "grpcAddress", grpc_address(web, request));
    if (options->codec_endpoint)
        member(&json, "codecEndpoint", options->codec_endpoint);
    sk_buf_printf(&json, ",\"readOnly\":%s}", options->read_only ? "true" : "false");
    for (size_t i = 0; i < json.n; i++) {
        if (json.p[i] == '<')
            sk_buf_str(out, "\\u003c");
        else
            sk_buf_append(out, json.p + i, 1);
    }
    sk_buf_fini(&json);
}

static const char *new_nonce(struct sk_arena *arena)
{
    char bytes[NONCE_BYTES];
    struct sk_buf text = SK_BUF_INIT;
    sk_random_bytes(sk_rt_random(), bytes, sizeof bytes);
    sk_wire_base64_append(&text, (struct sk_str){bytes, sizeof bytes});
    const char *nonce = sk_arena_strndup(arena, text.p, text.n);
    sk_buf_fini(&text);
    return nonce;
}

/* ---- answers ---- */

static void plain(struct sk_http_response *response, int status, const char *text)
{
    *response = (struct sk_http_response){
        .status = status,
        .content_type = "text/plain; charset=utf-8",
        .extra_headers = COMMON_HEADERS "Cache-Control: no-store\r\n",
        .body = sk_str_of(text),
    };
}

static void compress(const struct sk_http_request *request, struct sk_buf *text,
                     struct sk_http_response *response, const char **headers)
{
    struct sk_arena *arena = request->ctx->arena;
    char *packed = web_accepts_gzip(request) ? sk_arena_alloc(arena, text->n) : NULL;
    size_t size = packed ? sk_gzip(sk_buf_view(text), packed, text->n) : 0;
    if (size > 0) {
        response->body = (struct sk_str){packed, size};
        *headers = sk_arena_printf(arena, "%sContent-Encoding: gzip\r\n", *headers);
    } else {
        response->body = (struct sk_str){sk_arena_memdup(arena, text->p, text->n), text->n};
    }
}

static void serve_index(const struct sk_web *web, const struct sk_http_request *request,
                        struct sk_http_response *response)
{
    const struct web_page *page = web->page;
    const char *nonce = new_nonce(request->ctx->arena);
    struct sk_buf html = SK_BUF_INIT;
    for (int i = 0; i < page->part_count; i++) {
        const struct part *part = &page->parts[i];
        if (part->kind == PART_TEXT)
            sk_buf_append(&html, part->text.p, part->text.n);
        else if (part->kind == PART_NONCE)
            sk_buf_str(&html, nonce);
        else if (part->kind == PART_BASE)
            sk_buf_str(&html, web->options.base_path);
        else
            add_config(&html, web, request);
    }
    const char *headers = sk_arena_printf(
        request->ctx->arena,
        COMMON_HEADERS
        "Cache-Control: no-store\r\nVary: Accept, Accept-Encoding\r\n"
        "Content-Security-Policy: default-src 'none'; script-src 'self'; "
        "style-src 'self' 'nonce-%s'; img-src 'self'; font-src 'self'; connect-src 'self'%s; "
        "worker-src 'self'; manifest-src 'self'; base-uri 'self'; form-action 'none'; "
        "frame-ancestors 'none'\r\n",
        nonce, page->codec_origin);
    *response =
        (struct sk_http_response){.status = 200, .content_type = "text/html; charset=utf-8"};
    compress(request, &html, response, &headers);
    response->extra_headers = headers;
    sk_buf_fini(&html);
}

/* Whether If-None-Match has the tag; ours are weak, and weak ones are what it compares. */
static bool has_tag(struct sk_str list, const char *tag)
{
    return (list.n == 1 && list.p[0] == '*') ||
           (list.n > 0 && memmem(list.p, list.n, tag, strlen(tag)));
}

static void serve_asset(const struct sk_web *web, const struct sk_http_request *request,
                        const struct sk_web_asset *asset, struct sk_http_response *response)
{
    struct sk_str bytes = {(const char *)asset->gzip, asset->gzip_size};
    bool packed = web_accepts_gzip(request);
    bool known = has_tag(sk_http_header(request, "if-none-match"), asset->etag);
    *response =
        (struct sk_http_response){.status = known ? 304 : 200, .content_type = asset->content_type};
    if (!known && !packed && sk_gunzip(request->ctx, bytes, ASSET_MAX, &bytes) != SK_OK) {
        plain(response, 500, "this file cannot be inflated\n");
        return;
    }
    if (!known)
        response->body = bytes;
    // Workers take their policy from their own file.
    response->extra_headers = sk_arena_printf(
        request->ctx->arena,
        COMMON_HEADERS
        "Content-Security-Policy: default-src 'none'; script-src 'self'; connect-src 'self'%s\r\n"
        "Cache-Control: %s\r\nVary: Accept-Encoding\r\nETag: W/%s\r\n%s",
        web->page->codec_origin,
        asset->immutable ? "public, max-age=31536000, immutable" : "no-cache", asset->etag,
        packed && !known ? "Content-Encoding: gzip\r\n" : "");
}

/* A binary without the UI: one plain page says why. */
static void serve_without(const struct sk_web *web, const struct sk_http_request *request,
                          struct sk_http_response *response)
{
    const char *html = sk_arena_printf(
        request->ctx->arena,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Skald</title>\n"
        "<style>body{font:16px/1.5 system-ui,sans-serif;max-width:40em;margin:3em auto;padding:0 "
        "1em;color-scheme:light dark}code{font-size:.95em}</style>\n"
        "<h1>Skald is running</h1>\n<p>Version %s. This binary has no web UI: %s.</p>\n"
        "<p>Everything else is here: gRPC for Temporal's SDKs and command line, the JSON API under "
        "<code>%sapi/v1</code> (<a href=\"%sapi/v1/openapi.json\">its description</a>), "
        "<a href=\"/metrics\">metrics</a>, <a href=\"/healthz\">healthz</a> and "
        "<a href=\"/readyz\">readyz</a>.</p>\n"
        "<p>Not affiliated with Temporal Technologies.</p>\n</html>\n",
        web->options.version, sk_web_assets_absent, web->options.base_path, web->options.base_path);
    plain(response, 200, html);
    response->content_type = "text/html; charset=utf-8";
    response->extra_headers = COMMON_HEADERS
        "Cache-Control: no-store\r\nContent-Security-Policy: default-src 'none'; style-src "
        "'unsafe-inline'; frame-ancestors 'none'\r\n";
}

/* The list of namespaces is where tools look whether a UI is up; they take any type. No route of
 * the API has this address. */
static bool is_probe(const struct sk_http_request *request, struct sk_str path)
{
    struct sk_str accept = sk_http_header(request, "accept");
    return sk_str_eq(path, SK_STR("namespaces")) &&
           (accept.n == 0 || web_accepts(accept, SK_STR("*/*")));
}

bool sk_web_has_ui(void)
{
    return sk_web_assets_absent[0] == '\0';
}

void web_pages_handle(struct sk_web *web, const struct sk_http_request *request, struct sk_str path,
                      struct sk_http_response *response)
{
    const struct sk_web_asset *asset = find_asset(path);
    bool index = path.n == 0 || sk_str_eq(path, SK_STR(INDEX));
    if (!web_reads(request))
        plain(response, 405, "only GET and HEAD are served here\n");
    else if (web->options.headless ||
             (!asset && !index && !is_probe(request, path) && !web_wants_page(request)))
        plain(response, 404, "no such page\n");
    else if (web->page->part_count == 0)
        serve_without(web, request, response);
    else if (asset && !index)
        serve_asset(web, request, asset, response);
    else
        serve_index(web, request, response);
}
