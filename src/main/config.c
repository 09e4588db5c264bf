/*
 * From options to the server's configuration. Every check that needs more than one option or a
 * look outside stands here, and every message says which option to change.
 *
 * Safe by default: a server that lets anybody call it listens on loopback only. Elsewhere it wants
 * client certificates, or the word of whoever starts it (--allow-unauthenticated), and then warns.
 */
#include "main/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "visibility/search_attributes.h"
#include "web/web.h"

#define CONFIG_DEFAULT "/etc/skald/skald.yaml"
#define STORE_FILE_MAX 4096
#define LOOPS_MAX 64
#define NAMESPACE_MAX 1000
#define DAY_MS (24 * 3600 * (int64_t)1000)

bool sk_ip_is_loopback(const char *ip)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, ip, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    if (inet_pton(AF_INET6, ip, &v6) != 1)
        return false;
    if (IN6_IS_ADDR_V4MAPPED(&v6))
        return v6.s6_addr[12] == 127;
    return IN6_IS_ADDR_LOOPBACK(&v6);
}

static sk_err numeric_ip(struct sk_ctx *ctx, const char *flag, const char *text, const char **ret)
{
    unsigned char bytes[16];
    if (strcmp(text, "localhost") == 0)
        text = "127.0.0.1";
    if (inet_pton(AF_INET, text, bytes) != 1 && inet_pton(AF_INET6, text, bytes) != 1)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "--%s: \"%s\" is not an IP address", flag, text);
    *ret = text;
    return SK_OK;
}

/* ---- addresses ---- */

static sk_err dev_ui_port(struct sk_ctx *ctx, const struct sk_options *o, struct sk_config *c)
{
    const char *text = sk_options_text(o, SK_OPT_DEV_UI_PORT);
    int64_t port = 0;
    if (*text && !sk_value_count(text, 65535, &port))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "--ui-port: \"%s\" is not a port, 0 to 65535",
                       text);
    c->ui_port = (int)port;
    // As with temporal: 0 asks for the default, which is next to gRPC's port.
    if (port == 0 && c->port != 0) {
        c->ui_port = c->port + 1000 > 65535 ? 65535 : c->port + 1000;
        c->ui_port_free = c->headless;
    }
    return SK_OK;
}

static sk_err read_addresses(struct sk_ctx *ctx, const struct sk_options *o, struct sk_config *c)
{
    sk_err err = numeric_ip(ctx, "ip", sk_options_text(o, SK_OPT_IP), &c->ip);
    if (err)
        return err;
    const char *ui_ip = sk_options_text(o, SK_OPT_UI_IP);
    if (*ui_ip)
        err = numeric_ip(ctx, "ui-ip", ui_ip, &c->ui_ip);
    else
        c->ui_ip = !c->dev && c->tls.require_client_cert ? "127.0.0.1" : c->ip;
    c->port = (int)sk_options_number(o, SK_OPT_PORT);
    if (err)
        return err;
    c->headless = sk_options_flag(o, SK_OPT_HEADLESS);
    if (c->dev) {
        c->http_port = (int)sk_options_number(o, SK_OPT_HTTP_PORT);
        c->metrics_port = (int)sk_options_number(o, SK_OPT_METRICS_PORT);
        return dev_ui_port(ctx, o, c);
    }
    c->ui_port = (int)sk_options_number(o, SK_OPT_UI_PORT);
    c->public_hosts = sk_options_list(o, SK_OPT_PUBLIC_HOST, NULL);
    return SK_OK;
}

/* ---- the web UI ---- */

static const char *text_or_null(const struct sk_options *o, enum sk_option_id id)
{
    const char *text = sk_options_text(o, id);
    return *text ? text : NULL;
}

static sk_err read_base_path(struct sk_ctx *ctx, const struct sk_options *o, const char **ret)
{
    const char *flag = "ui-base-path", *path = sk_options_text(o, SK_OPT_UI_BASE_PATH);
    if (*sk_options_text(o, SK_OPT_UI_PUBLIC_PATH)) {
        flag = "ui-public-path";
        path = sk_options_text(o, SK_OPT_UI_PUBLIC_PATH);
    }
    size_t n = strlen(path);
    if (n == 0 || path[n - 1] != '/')
        path = sk_arena_printf(ctx->arena, "%s/", path);
    if (!sk_web_base_path_valid(path))
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "--%s: \"%s\" is not a path such as /skald/: letters, digits and -._~ "
                       "between slashes",
                       flag, path);
    *ret = path;
    return SK_OK;
}

static sk_err read_web(struct sk_ctx *ctx, const struct sk_options *o, struct sk_config *c)
{
    c->read_only_ui = sk_options_flag(o, SK_OPT_READ_ONLY_UI);
    c->ui_codec_endpoint = text_or_null(o, SK_OPT_UI_CODEC_ENDPOINT);
    c->ui_cors_origins = sk_options_list(o, SK_OPT_UI_CORS_ORIGIN, NULL);
    if (c->ui_codec_endpoint && !sk_web_origin_of(ctx->arena, c->ui_codec_endpoint))
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "--ui-codec-endpoint: \"%s\" is not an http:// or https:// URL",
                       c->ui_codec_endpoint);
    for (const char *const *it = c->ui_cors_origins; it && *it; it++) {
        const char *origin = sk_web_origin_of(ctx->arena, *it);
        if (!origin || strcmp(origin, *it) != 0)
            return sk_fail(ctx, SK_INVALID_ARGUMENT,
                           "--ui-cors-origin: \"%s\" is not an origin such as "
                           "https://tools.example or http://10.0.0.7:3000, with no path",
                           *it);
    }
    return read_base_path(ctx, o, &c->ui_base_path);
}

/* ---- who may call ---- */

static sk_err check_readable(struct sk_ctx *ctx, const char *flag, const char *path)
{
    if (path && access(path, R_OK))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "--%s: cannot read %s: %s", flag, path,
                       strerror(errno));
    return SK_OK;
}

static sk_err read_tls(struct sk_ctx *ctx, const struct sk_options *o, struct sk_config *c)
{
    if (c->dev)
        return SK_OK;
    c->tls.cert_file = text_or_null(o, SK_OPT_TLS_CERT);
    c->tls.key_file = text_or_null(o, SK_OPT_TLS_KEY);
    c->tls.client_ca_file = text_or_null(o, SK_OPT_TLS_CLIENT_CA);
    c->tls.require_client_cert = c->tls.client_ca_file != NULL;
    c->tls_on = c->tls.cert_file != NULL;
    if (c->tls_on != (c->tls.key_file != NULL))
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "--tls-cert and --tls-key go together: --tls-%s is missing",
                       c->tls_on ? "key" : "cert");
    if (c->tls.client_ca_file && !c->tls_on)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "--tls-client-ca needs --tls-cert and --tls-key");
    sk_err err = check_readable(ctx, "tls-cert", c->tls.cert_file);
    if (!err)
        err = check_readable(ctx, "tls-key", c->tls.key_file);
    return err ? err : check_readable(ctx, "tls-client-ca", c->tls.client_ca_file);
}

static sk_err check_exposure(struct sk_ctx *ctx, const struct sk_options *o, struct sk_config *c)
{
    bool grpc_open = !sk_ip_is_loopback(c->ip) && !c->tls.require_client_cert;
    bool pages_open = !sk_ip_is_loopback(c->ui_ip);
    if (!grpc_open && !pages_open)
        return SK_OK;
    if (!c->dev && !sk_options_flag(o, SK_OPT_ALLOW_UNAUTHENTICATED)) {
        if (grpc_open)
            return sk_fail(ctx, SK_INVALID_ARGUMENT,
                           "--ip %s is not a loopback address, and nobody would have to say who "
                           "they are: give "
                           "--tls-cert, --tls-key and --tls-client-ca, or --allow-unauthenticated "
                           "if the network "
                           "itself keeps strangers out",
                           c->ip);
        return sk_fail(ctx, SK_INVALID_ARGUMENT,
                       "--ui-ip %s is not a loopback address, and the web UI and the JSON API "
                       "there ask nobody who they are: give --allow-unauthenticated if that is "
                       "meant (--read-only-ui keeps them from changing anything)",
                       c->ui_ip);
    }
    c->open_warning = sk_arena_printf(
        ctx->arena, "anybody who reaches %s may %s", grpc_open ? c->ip : c->ui_ip,
        grpc_open || !c->read_only_ui ? "read and change every workflow" : "read every workflow");
    return SK_OK;
}

/* ---- what it keeps ---- */

static sk_err store_url(struct sk_ctx *ctx, const struct sk_options *o, const char **ret)
{
    const char *path = sk_options_text(o, SK_OPT_STORE_FILE);
    struct sk_str text;
    bool missing;
    *ret = sk_options_text(o, SK_OPT_STORE);
    if (!*path)
        return SK_OK;
    if (**ret)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "--store and --store-file cannot both be given");
    sk_err err = sk_cli_read_file(ctx, path, STORE_FILE_MAX, &text, &missing);
    if (err)
        return err;
    while (text.n > 0 &&
           (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r' || text.p[text.n - 1] == ' '))
        text.n--;
    if (text.n == 0)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "--store-file: %s is empty", path);
    *ret = sk_arena_strndup(ctx->arena, text.p, text.n);
    return SK_OK;
}

static sk_err read_store(struct sk_ctx *ctx, const struct sk_options *o, struct sk_config *c)
{
    const char *url;
    sk_err err = store_url(ctx, o, &url);
    if (err)
        return err;
    if (strcmp(url, "memory:") == 0 || strcmp(url, "memory") == 0) {
        c->store = SK_STORE_MEMORY;
        return SK_OK;
    }
    if (strncmp(url, "sqlite:", 7) == 0 && url[7]) {
        c->store_path = strncmp(url, "sqlite://", 9) == 0 && url[9] ? url + 9 : url + 7;
        return SK_OK;
    }
    if (*url)
        return sk_fail(
            ctx, SK_INVALID_ARGUMENT,
            "--store: \"%.*s\" is no store of this build; there are sqlite:PATH and memory:",
            (int)strcspn(url, ":"), url); // the rest may hold a password
    err = sk_data_dir_path(ctx, sk_options_text(o, SK_OPT_DATA_DIR), &c->data_dir);
    if (err)
        return err;
    c->store_path = sk_arena_printf(ctx->arena, "%s/skald.db", c->data_dir);
    c->lock_path = sk_arena_printf(ctx->arena, "%s/skald.lock", c->data_dir);
    return SK_OK;
}

static void read_dev_store(const struct sk_options *o, struct sk_config *c)
{
    c->store_path = text_or_null(o, SK_OPT_DB_FILENAME);
    c->store = c->store_path ? SK_STORE_SQLITE : SK_STORE_MEMORY;
}

/* Each item of a NAME=VALUE list has a name and a value. */
static sk_err check_pairs(struct sk_ctx *ctx, const char *flag, const char *const *items)
{
    for (; items && *items; items++) {
        const char *equals = strchr(*items, '=');
        if (!equals || equals == *items || !equals[1])
            return sk_fail(ctx, SK_INVALID_ARGUMENT, "--%s: \"%s\" is not of the form NAME=VALUE",
                           flag, *items);
    }
    return SK_OK;
}

static sk_err check_search_attributes(struct sk_ctx *ctx, const char *const *items)
{
    sk_err err = check_pairs(ctx, "search-attribute", items);
    for (; !err && items && *items; items++) {
        const char *type = strchr(*items, '=') + 1;
        bool known = false;
        for (int t = SK_SA_TEXT; t <= SK_SA_KEYWORD_LIST; t++)
            known |= sk_str_ieq(sk_str_of(sk_sa_type_name((enum sk_sa_type)t)), sk_str_of(type));
        if (!known)
            err = sk_fail(ctx, SK_INVALID_ARGUMENT,
                          "--search-attribute: \"%s\" is no type; there are Text, Keyword, Int, "
                          "Double, Bool, "
                          "Datetime and KeywordList",
                          type);
    }
    return err;
}

static sk_err read_namespaces(struct sk_ctx *ctx, const struct sk_options *o, struct sk_config *c)
{
    c->namespaces = sk_options_list(o, SK_OPT_NAMESPACE, NULL);
    for (const char *const *name = c->namespaces; *name; name++)
        if (!**name || strlen(*name) > NAMESPACE_MAX)
            return sk_fail(ctx, SK_INVALID_ARGUMENT, "--namespace: a name has 1 to %d bytes",
                           NAMESPACE_MAX);
    c->retention_ms = c->dev ? DAY_MS : 3 * DAY_MS;
    c->pragmas = sk_options_list(o, SK_OPT_SQLITE_PRAGMA, NULL);
    c->search_attributes = c->dev ? sk_options_list(o, SK_OPT_SEARCH_ATTRIBUTE, NULL) : NULL;
    sk_err err = check_pairs(ctx, "sqlite-pragma", c->pragmas);
    return err ? err : check_search_attributes(ctx, c->search_attributes);
}

/* ---- how it runs ---- */

static sk_err read_limits(struct sk_ctx *ctx, const struct sk_options *o, struct sk_config *c)
{
    const char *const *items = sk_options_list(o, SK_OPT_DYNAMIC_CONFIG_VALUE, NULL);
    sk_limits_default(&c->limits);
    for (; *items; items++) {
        bool known = true;
        sk_err err = sk_dynamic_set(ctx, &c->limits, *items, &known);
        if (err)
            return err;
        if (!known)
            c->ignored_keys =
                sk_arena_printf(ctx->arena, "%s%s%.*s", c->ignored_keys ? c->ignored_keys : "",
                                c->ignored_keys ? ", " : "", (int)strcspn(*items, "="), *items);
    }
    return SK_OK;
}

static enum sk_log_level log_level(const char *text)
{
    static const char *const names[] = {"debug", "info", "warn", "error", "never"};
    for (int i = 0; i < 5; i++)
        if (strcmp(text, names[i]) == 0)
            return (enum sk_log_level)i;
    return SK_LOG_INFO;
}

static enum sk_log_format log_format(const char *text)
{
    if (strcmp(text, "json") == 0)
        return SK_LOG_JSON;
    return strcmp(text, "auto") == 0 ? SK_LOG_AUTO : SK_LOG_TEXT;
}

static int core_count(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;
    return n > 0 ? n : 1;
}

static sk_err read_running(struct sk_ctx *ctx, const struct sk_options *o, struct sk_config *c)
{
    int64_t loops = sk_options_number(o, SK_OPT_LOOPS);
    if (loops > LOOPS_MAX)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "--loops: %lld is more than %d", (long long)loops,
                       LOOPS_MAX);
    c->loops = loops > 0 ? (int)loops : core_count();
    if (c->loops > LOOPS_MAX)
        c->loops = LOOPS_MAX;
    c->cache_bytes = (size_t)sk_options_number(o, SK_OPT_CACHE_SIZE);
    c->shutdown_ms = sk_options_number(o, SK_OPT_SHUTDOWN_TIMEOUT);
    c->log_level = log_level(sk_options_text(o, c->dev ? SK_OPT_DEV_LOG_LEVEL : SK_OPT_LOG_LEVEL));
    c->log_format = log_format(sk_options_text(o, SK_OPT_LOG_FORMAT));
    c->color = sk_options_text(o, SK_OPT_COLOR);
    return read_limits(ctx, o, c);
}

static sk_err read_file(struct sk_ctx *ctx, struct sk_options *o, struct sk_config *c)
{
    bool given = sk_options_given(o, SK_OPT_CONFIG);
    const char *path = given ? sk_options_text(o, SK_OPT_CONFIG) : CONFIG_DEFAULT;
    if (given || access(path, F_OK) == 0)
        c->config_file = path;
    return sk_options_file(ctx, o, path, !given);
}

sk_err sk_config_read(struct sk_ctx *ctx, struct sk_options *o, struct sk_config *ret)
{
    static const char *const none[] = {NULL};
    struct sk_config c = {.dev = sk_options_command(o) == SK_CMD_DEV, .public_hosts = none};
    sk_err err = c.dev ? SK_OK : read_file(ctx, o, &c);
    if (!err)
        err = read_tls(ctx, o, &c);
    if (!err)
        err = read_addresses(ctx, o, &c);
    if (!err)
        err = read_web(ctx, o, &c);
    if (!err)
        err = check_exposure(ctx, o, &c);
    if (!err && c.dev)
        read_dev_store(o, &c);
    else if (!err)
        err = read_store(ctx, o, &c);
    if (!err)
        err = read_namespaces(ctx, o, &c);
    if (!err)
        err = read_running(ctx, o, &c);
    if (!err)
        *ret = c;
    return err;
}
