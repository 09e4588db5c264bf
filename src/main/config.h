/*
 * The server's configuration: options (cli/options.h) read into one struct, checked for what the
 * types alone cannot say: addresses, stores, TLS files, and that a server which anybody may call
 * stays on loopback. Made once at start on the main thread; const from then on.
 */
#ifndef SK_MAIN_CONFIG_H
#define SK_MAIN_CONFIG_H

#include <stdbool.h>
#include "base/ctx.h"
#include "base/log.h"
#include "cli/options.h"
#include "engine/engine.h"
#include "rpc/rpc.h"

enum sk_store_choice { SK_STORE_SQLITE, SK_STORE_MEMORY };

struct sk_config {
    bool dev;                    /* server start-dev */
    const char *ip, *ui_ip;      /* numeric addresses */
    int port, ui_port;           /* 0: any free one */
    bool ui_port_free;           /* ui_port was not asked for: if it is taken, any other will do */
    int http_port, metrics_port; /* 0: none */
    bool headless, read_only_ui;
    const char *ui_base_path;           /* begins and ends with a slash */
    const char *ui_codec_endpoint;      /* or NULL */
    const char *const *ui_cors_origins; /* NULL-ended */
    const char *const *public_hosts;    /* NULL-ended */
    enum sk_store_choice store;
    const char *store_path;               /* SQLite's file, or NULL */
    const char *data_dir;                 /* NULL: none is used */
    const char *lock_path;                /* locked while the server runs, or NULL */
    const char *const *pragmas;           /* NULL-ended */
    const char *const *namespaces;        /* NULL-ended, `default` not among them */
    const char *const *search_attributes; /* NULL-ended, NAME=TYPE, checked */
    int64_t retention_ms;                 /* of namespaces made at start */
    struct sk_tls_options tls;
    bool tls_on;
    const char *open_warning; /* what to warn of when anybody may call from outside, or NULL */
    int loops;
    size_t cache_bytes;
    int64_t shutdown_ms;
    struct sk_limits limits;
    const char *ignored_keys; /* dynamic-config names without a meaning here, or NULL */
    enum sk_log_level log_level;
    enum sk_log_format log_format;
    const char *color;
    const char *config_file; /* read, or NULL */
};

/* options: flags and environment; reads the configuration file into them first. Touches nothing
 * outside but that file, --store-file and the TLS files' existence. INVALID_ARGUMENT. */
sk_err sk_config_read(struct sk_ctx *ctx, struct sk_options *options,
                      struct sk_config *ret) SK_MUST_USE;

/* "127.0.0.1", "::1" and the like; ip is numeric. */
bool sk_ip_is_loopback(const char *ip);

/* ---- dynamic config by Temporal's names (main/dynamic.c) ---- */
/* "limit.blobSize.error=1048576". *ret_known false: a name without a meaning here. */
sk_err sk_dynamic_set(struct sk_ctx *ctx, struct sk_limits *limits, const char *key_json,
                      bool *ret_known) SK_MUST_USE;
/* The names that mean something, with their defaults, for the reference page. */
void sk_dynamic_docs(struct sk_buf *out);

/* ---- the data directory and its lock (main/data_dir.c) ---- */
/* --data-dir, else $STATE_DIRECTORY, else $XDG_DATA_HOME/skald, else ~/.local/share/skald. */
sk_err sk_data_dir_path(struct sk_ctx *ctx, const char *given, const char **ret) SK_MUST_USE;
/* Make it (and parents) with mode 0700; one that is there and ours is narrowed to that. */
sk_err sk_data_dir_make(struct sk_ctx *ctx, const char *path) SK_MUST_USE;
/* Lock path against a second process for as long as the descriptor is open. FAILED_PRECONDITION
 * names the process that holds it. */
sk_err sk_lock_take(struct sk_ctx *ctx, const char *path, int *ret_fd) SK_MUST_USE;
void sk_lock_release(int fd); /* -1 is fine */

#endif
