/*
 * The one screen at start: where it listens, what it keeps and what to do next. For people, so on
 * standard output and in colour on a terminal only; logs go to standard error.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cli/command.h"
#include "main/server.h"
#include "web/web.h"

struct screen {
    FILE *out;
    bool color;
};

static void line(const struct screen *s, const char *label, const char *value, const char *note)
{
    fprintf(s->out, "  %s%-10s%s %s", s->color ? "\033[2m" : "", label, s->color ? "\033[0m" : "",
            value);
    if (note && *note)
        fprintf(s->out, "  %s%s%s", s->color ? "\033[2m" : "", note, s->color ? "\033[0m" : "");
    fputc('\n', s->out);
}

/* "127.0.0.1:7233", "[::1]:7233" */
static const char *place(struct sk_arena *arena, const char *ip, int port, const char *scheme)
{
    bool v6 = strchr(ip, ':') != NULL;
    return sk_arena_printf(arena, "%s%s%s%s:%d", scheme, v6 ? "[" : "", ip, v6 ? "]" : "", port);
}

static void print_store(const struct screen *s, const struct sk_server *server)
{
    const struct sk_config *c = server->config;
    if (c->store == SK_STORE_MEMORY)
        line(s, "store", "memory",
             c->dev ? "gone at exit; --db-filename FILE keeps it" : "gone at exit");
    else
        line(s, "store", sk_arena_printf(server->ctx->arena, "sqlite:%s", c->store_path), "");
}

void sk_banner_print(const struct sk_server *server, int fd)
{
    const struct sk_config *c = server->config;
    struct sk_arena *arena = server->ctx->arena;
    struct screen s = {fdopen(dup(fd), "w"), sk_term_color(c->color, fd)};
    if (!s.out)
        return;
    fprintf(s.out, "%sSkald %s%s\n\n", s.color ? "\033[1m" : "", SK_VERSION,
            s.color ? "\033[0m" : "");
    line(&s, "gRPC", place(arena, c->ip, sk_rpc_port(server->rpc), ""),
         !c->tls_on                   ? ""
         : c->tls.require_client_cert ? "TLS, client certificates"
                                      : "TLS");
    int ui_port = sk_http_port(server->http[0]);
    if (!c->headless)
        line(&s, "web UI",
             sk_arena_printf(arena, "%s%s", place(arena, c->ui_ip, ui_port, "http://"),
                             c->ui_base_path),
             sk_web_has_ui() ? "" : "not in this binary; the page says why");
    line(&s, "metrics",
         sk_arena_printf(arena, "%s/metrics", place(arena, c->ui_ip, ui_port, "http://")), "");
    print_store(&s, server);
    if (c->config_file)
        line(&s, "config", c->config_file, "");
    if (c->open_warning)
        fprintf(s.out, "\n  %sCareful:%s %s.\n", s.color ? "\033[33m" : "",
                s.color ? "\033[0m" : "", c->open_warning);
    bool usual = sk_rpc_port(server->rpc) == 7233 && sk_ip_is_loopback(c->ip);
    fprintf(s.out, "\n  Next: skald demo%s%s\n  Stop: Ctrl-C\n\n", usual ? "" : " --address ",
            usual ? ""
                  : place(arena, sk_ip_is_loopback(c->ip) ? c->ip : "127.0.0.1",
                          sk_rpc_port(server->rpc), ""));
    fclose(s.out);
}
