/*
 * Reading HTTP/1.1 requests: http_parser's callbacks, the limits, and the request that handlers
 * see. Whatever is wrong becomes a refusal (status and reason); the connection ends after it.
 *
 * Distributions build http_parser to be lenient. What it lets through and two programs in a row may
 * read differently, so that one's body is the other's next request, is refused here: a space in a
 * header's name, any coding but chunked, bytes instead of the line's end behind a chunk, a second
 * Host, a target that names another host than Host does. What comes behind the last chunk is passed
 * over: merged with the headers it would be one that nobody before us has looked at.
 *
 * Thread: the connection's loop.
 */
#include "net/http1_internal.h"

#include "base/assert.h"

#define URL_MAX ((size_t)8 * 1024)
#define HEAD_BYTES_MAX ((size_t)16 * 1024)
#define FIELDS_MAX 100
#define PORT_DIGITS_MAX 5

static struct http_conn *conn_of(http_parser *parser)
{
    return parser->data;
}

static int refuse(struct http_conn *conn, int status, const char *why)
{
    conn->refusal = status;
    conn->refusal_why = why;
    return 1; // http_parser stops
}

static int on_url(http_parser *parser, const char *at, size_t n)
{
    struct http_conn *conn = conn_of(parser);
    if (conn->url_size + n > URL_MAX)
        return refuse(conn, 414, "The URL is longer than 8192 bytes.");
    sk_buf_append(&conn->text, at, n);
    conn->url_size += n;
    return 0;
}

static struct http_field *last_field(struct http_conn *conn)
{
    return (struct http_field *)(void *)(conn->fields.p + conn->fields.n) - 1;
}

static int on_field(http_parser *parser, const char *at, size_t n)
{
    struct http_conn *conn = conn_of(parser);
    if (conn->headers_done) // a trailer
        return 0;
    if (conn->text.n - conn->url_size + n > HEAD_BYTES_MAX)
        return refuse(conn, 431, "The headers are longer than 16384 bytes.");
    if (memchr(at, ' ', n))
        return refuse(conn, 400, "The name of a header holds a space.");
    if (conn->fields.n == 0 || conn->in_value) {
        if (conn->fields.n / sizeof(struct http_field) >= FIELDS_MAX)
            return refuse(conn, 431, "There are more than 100 header fields.");
        struct http_field field = {.name = (uint32_t)conn->text.n};
        sk_buf_append(&conn->fields, &field, sizeof field);
        conn->in_value = false;
    }
    sk_buf_append(&conn->text, at, n);
    last_field(conn)->name_size += (uint32_t)n;
    return 0;
}

static int on_value(http_parser *parser, const char *at, size_t n)
{
    struct http_conn *conn = conn_of(parser);
    if (conn->headers_done)
        return 0;
    if (conn->text.n - conn->url_size + n > HEAD_BYTES_MAX)
        return refuse(conn, 431, "The headers are longer than 16384 bytes.");
    struct http_field *field = last_field(conn);
    if (!conn->in_value) {
        conn->in_value = true;
        field->value = (uint32_t)conn->text.n;
    }
    sk_buf_append(&conn->text, at, n);
    field->value_size += (uint32_t)n;
    return 0;
}

static struct sk_str name_of(const struct http_conn *conn, const struct http_field *field)
{
    return (struct sk_str){conn->text.p + field->name, field->name_size};
}

static struct sk_str value_of(const struct http_conn *conn, const struct http_field *field)
{
    struct sk_str value = {conn->text.p + field->value, field->value_size};
    while (value.n > 0 && (value.p[value.n - 1] == ' ' || value.p[value.n - 1] == '\t'))
        value.n--;
    return value;
}

static const struct http_field *field_at(const struct http_conn *conn, size_t i)
{
    const struct http_field *fields = (const struct http_field *)(const void *)conn->fields.p;
    return i < conn->fields.n / sizeof *fields ? &fields[i] : NULL;
}

struct sk_str http_find(const struct http_conn *conn, struct sk_str name)
{
    const struct http_field *field;
    for (size_t i = 0; (field = field_at(conn, i)); i++)
        if (sk_str_ieq(name_of(conn, field), name))
            return value_of(conn, field);
    return (struct sk_str){NULL, 0};
}

static size_t count_of(const struct http_conn *conn, struct sk_str name)
{
    const struct http_field *field;
    size_t count = 0;
    for (size_t i = 0; (field = field_at(conn, i)); i++)
        count += sk_str_ieq(name_of(conn, field), name);
    return count;
}

/* Where the body ends and whom the request is for is said once, in a way that nobody else reads
 * differently; false: refused. */
static bool check_framing(struct http_conn *conn)
{
    struct sk_str coding = http_find(conn, SK_STR("transfer-encoding"));
    size_t codings = count_of(conn, SK_STR("transfer-encoding"));
    if (conn->parser.http_major != 1)
        refuse(conn, 505, "HTTP/1.1 is spoken here.");
    else if (codings > 0 && conn->parser.http_minor == 0)
        refuse(conn, 400, "HTTP/1.0 has no Transfer-Encoding.");
    else if (codings > 1 || (codings == 1 && !sk_str_ieq(coding, SK_STR("chunked"))))
        refuse(conn, 501, "The only Transfer-Encoding is chunked.");
    else if (count_of(conn, SK_STR("host")) > 1)
        refuse(conn, 400, "There is more than one Host header.");
    return conn->refusal == 0;
}

static int on_headers_complete(http_parser *parser)
{
    struct http_conn *conn = conn_of(parser);
    conn->headers_done = true;
    if (!check_framing(conn))
        return -1;
    if (parser->upgrade || parser->method == HTTP_CONNECT) {
        refuse(conn, 501, "This server upgrades to no other protocol.");
        return -1;
    }
    if (parser->content_length != UINT64_MAX &&
        parser->content_length > conn->server->options.body_max) {
        refuse(conn, 413, "The body is larger than this server takes.");
        return -1;
    }
    conn->wants_continue = sk_str_ieq(http_find(conn, SK_STR("expect")), SK_STR("100-continue"));
    return 0;
}

/* The end of a line is what follows a chunk; whatever else does, http_parser steps over. What of it
 * is not in these bytes is due with the next ones. */
static bool line_ends(struct http_conn *conn, const char *at, int due)
{
    for (; due > 0 && at < conn->feed_end; due--)
        if (*at++ != (due == 2 ? '\r' : '\n'))
            return false;
    conn->line_end_due = due;
    return true;
}

static int on_body(http_parser *parser, const char *at, size_t n)
{
    struct http_conn *conn = conn_of(parser);
    bool chunk_ends = parser->flags & F_CHUNKED && parser->content_length == 0;
    if (chunk_ends && !line_ends(conn, at + n, 2))
        return refuse(conn, 400, "A chunk is longer than its size.");
    if (conn->body.n + n > conn->server->options.body_max)
        return refuse(conn, 413, "The body is larger than this server takes.");
    if (!sk_budget_take(&conn->budget, n))
        return refuse(conn, 503, "No room for this body: too many are being received.");
    sk_buf_append(&conn->body, at, n);
    return 0;
}

static int on_complete(http_parser *parser)
{
    struct http_conn *conn = conn_of(parser);
    conn->complete = true;
    conn->keep_alive = http_should_keep_alive(parser) != 0;
    http_parser_pause(parser, 1); // the next request waits
    return 0;
}

static const http_parser_settings settings = {
    .on_url = on_url,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_complete,
};

void http_request_init(struct http_conn *conn)
{
    http_parser_init(&conn->parser, HTTP_REQUEST);
    conn->parser.data = conn;
    conn->url_size = conn->parsed = 0;
    conn->in_value = conn->headers_done = conn->body_timed = conn->complete = false;
    conn->keep_alive = conn->wants_continue = conn->head = false;
    conn->refusal = conn->line_end_due = 0;
    sk_budget_init(&conn->budget, conn->server->options.body_max);
    conn->request = (struct sk_http_request){0};
}

void http_request_fini(struct http_conn *conn)
{
    sk_buf_fini(&conn->text);
    sk_buf_fini(&conn->fields);
    sk_buf_fini(&conn->body);
    sk_budget_fini(&conn->budget);
    sk_arena_free(conn->arena);
    conn->arena = NULL;
}

size_t http_request_feed(struct http_conn *conn, const char *bytes, size_t n)
{
    conn->feed_end = bytes + n;
    if (conn->line_end_due > 0 && !line_ends(conn, bytes, conn->line_end_due)) {
        refuse(conn, 400, "A chunk is longer than its size.");
        return 0;
    }
    size_t took = http_parser_execute(&conn->parser, &settings, bytes, n);
    conn->parsed += took;
    enum http_errno err = HTTP_PARSER_ERRNO(&conn->parser);
    if (conn->refusal || conn->complete)
        return took;
    if (err == HPE_HEADER_OVERFLOW)
        refuse(conn, 431, "The headers are too long.");
    else if (err != HPE_OK)
        refuse(conn, 400, http_errno_description(err));
    return took;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool sk_http_percent_decode(struct sk_arena *arena, struct sk_str in, struct sk_str *ret)
{
    char *out = sk_arena_alloc(arena, in.n + 1);
    size_t n = 0;
    for (size_t i = 0; i < in.n; i++) {
        char c = in.p[i];
        if (c == '%') {
            int high = i + 2 < in.n ? hex_digit(in.p[i + 1]) : -1;
            int low = high >= 0 ? hex_digit(in.p[i + 2]) : -1;
            if (low < 0 || (high == 0 && low == 0))
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        out[n++] = c;
    }
    out[n] = '\0';
    *ret = (struct sk_str){out, n};
    return sk_utf8_valid(out, n);
}

/* n 0: it is not "host" or "host:port". */
static struct sk_str without_port(struct sk_str host)
{
    const char *from = host.p;
    if (host.n > 0 && host.p[0] == '[') {
        const char *end = memchr(host.p, ']', host.n);
        from = end ? end : host.p;
    }
    const char *colon = host.n > 0 ? memchr(from, ':', (size_t)(host.p + host.n - from)) : NULL;
    size_t digits = colon ? (size_t)(host.p + host.n - colon) - 1 : 0;
    for (size_t i = 1; i <= digits; i++)
        if (colon[i] < '0' || colon[i] > '9' || digits > PORT_DIGITS_MAX)
            return (struct sk_str){NULL, 0};
    if (colon)
        host.n = (size_t)(colon - host.p);
    return host;
}

/* "http://host:port/path" says the same host as Host does; "/path" says none. */
static bool check_target(struct http_conn *conn, const struct http_parser_url *url)
{
    const char *text = conn->text.p;
    size_t skip = (size_t)url->field_data[UF_SCHEMA].len + 3; // "://"
    size_t end = url->field_data[UF_PATH].off;
    struct sk_str authority = {text + skip, end > skip ? end - skip : 0};
    if (!(url->field_set & (1 << UF_HOST)) || sk_str_ieq(authority, conn->request.authority))
        return true;
    refuse(conn, 400, "The URL names another host than the Host header.");
    return false;
}

bool http_request_finish(struct http_conn *conn)
{
    struct sk_http_request *request = &conn->request;
    struct http_parser_url url;
    http_parser_url_init(&url);
    if (http_parser_parse_url(conn->text.p, conn->url_size, 0, &url) != 0 ||
        !(url.field_set & (1 << UF_PATH))) {
        refuse(conn, 400, "The URL is malformed.");
        return false;
    }
    conn->arena = sk_arena_new(0);
    struct sk_str path = {conn->text.p + url.field_data[UF_PATH].off, url.field_data[UF_PATH].len};
    if (!sk_http_percent_decode(conn->arena, path, &request->path)) {
        refuse(conn, 400, "The path is not percent-encoded UTF-8.");
        return false;
    }
    request->raw_path = path;
    if (url.field_set & (1 << UF_QUERY))
        request->query = (struct sk_str){conn->text.p + url.field_data[UF_QUERY].off,
                                         url.field_data[UF_QUERY].len};
    request->authority = http_find(conn, SK_STR("host"));
    request->host = without_port(request->authority);
    if (request->host.n == 0) {
        refuse(conn, 400, "The Host header is missing or malformed.");
        return false;
    }
    if (!check_target(conn, &url))
        return false;
    request->method = sk_str_of(http_method_str((enum http_method)conn->parser.method));
    conn->head = conn->parser.method == HTTP_HEAD;
    request->body = sk_buf_view(&conn->body);
    request->peer = conn->peer;
    conn->ctx = (struct sk_ctx){.arena = conn->arena};
    request->ctx = &conn->ctx;
    request->headers = conn;
    return true;
}

struct sk_str sk_http_header(const struct sk_http_request *request, const char *name)
{
    return http_find(request->headers, sk_str_of(name));
}

bool sk_http_next_header(const struct sk_http_request *request, size_t *cursor,
                         struct sk_str *ret_name, struct sk_str *ret_value)
{
    const struct http_conn *conn = request->headers;
    const struct http_field *field = field_at(conn, *cursor);
    if (!field)
        return false;
    ++*cursor;
    *ret_name = name_of(conn, field);
    *ret_value = value_of(conn, field);
    return true;
}
