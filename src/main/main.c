/*
 * The program: the table of its commands, and those that belong to the server and its
 * configuration. Everything else is in src/cli.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cli/command.h"
#include "main/config.h"
#include "main/server.h"

extern const struct sk_command sk_commands[];

static void print(struct sk_buf *text, FILE *to)
{
    fwrite(text->p, 1, text->n, to);
    fflush(to);
    sk_buf_fini(text);
}

static int run_server(struct sk_ctx *ctx, struct sk_options *options)
{
    struct sk_config config;
    struct sk_buf text = SK_BUF_INIT;
    if (sk_config_read(ctx, options, &config))
        return SK_EXIT_USAGE;
    if (config.dev && sk_options_flag(options, SK_OPT_LOG_CONFIG)) {
        sk_options_print(options, &text);
        print(&text, stderr);
    }
    return sk_server_run(ctx, &config);
}

static int run_config_check(struct sk_ctx *ctx, struct sk_options *options)
{
    struct sk_config config;
    if (sk_config_read(ctx, options, &config))
        return SK_EXIT_FAILED;
    printf("The configuration is good%s%s.\n", config.config_file ? ": " : "; no file was read",
           config.config_file ? config.config_file : "");
    if (config.ignored_keys)
        printf("Dynamic-config names without a meaning here: %s\n", config.ignored_keys);
    return SK_EXIT_OK;
}

static int run_config_print(struct sk_ctx *ctx, struct sk_options *options)
{
    struct sk_config config;
    struct sk_buf text = SK_BUF_INIT;
    if (sk_config_read(ctx, options, &config))
        return SK_EXIT_FAILED;
    sk_options_print(options, &text);
    print(&text, stdout);
    return SK_EXIT_OK;
}

static int run_config_docs(struct sk_ctx *ctx, struct sk_options *options)
{
    struct sk_buf text = SK_BUF_INIT;
    sk_help_docs(sk_commands, &text);
    sk_dynamic_docs(&text);
    print(&text, stdout);
    return SK_EXIT_OK;
}

const struct sk_command sk_commands[] = {
    {"server start-dev", "Run a server for development, on loopback, with nothing to configure.",
     "Takes the flags of `temporal server start-dev`, so that SDKs' local test environments can\n"
     "launch it. It listens to its flags alone: environment and configuration file do not matter.",
     "  skald server start-dev                              # forgets all at exit\n"
     "  skald server start-dev --db-filename skald.db       # keeps it\n"
     "  skald server start-dev -p 7300 -n orders --search-attribute Customer=Keyword\n",
     SK_CMD_DEV, run_server},
    {"server start", "Run a server.",
     "Listens on loopback unless --ip says otherwise, and then wants client certificates.",
     "  skald server start\n"
     "  skald server start --store sqlite:/srv/skald/skald.db\n"
     "  skald server start --config /etc/skald/skald.yaml\n"
     "  skald server start --ip 0.0.0.0 --tls-cert server.pem --tls-key server.key --tls-client-ca "
     "ca.pem\n",
     SK_CMD_START, run_server},
    {"config check", "Say what is wrong with the configuration of `server start`, if anything.", "",
     "  skald config check --config skald.yaml\n", SK_CMD_START, run_config_check},
    {"config print", "Show every setting and where it came from, as YAML.", "",
     "  SKALD_PORT=7300 skald config print\n", SK_CMD_START, run_config_print},
    {"config docs", "Print the reference page of all commands and options.", "", "", 0,
     run_config_docs},
    {"demo", "Run a small shop's orders, without any SDK: something to look at.",
     "Places orders whose stories differ: completed, retried, failed, waiting on a timer, on a "
     "signal,\n"
     "with a child workflow, and plays their worker. They can be looked at with the temporal CLI.",
     "  skald demo\n  skald demo --address 127.0.0.1:7233 --namespace default --orders 20\n",
     SK_CMD_DEMO, sk_cmd_demo},
    {"bench", "Put load on any server that speaks Temporal's API and report what it did.",
     "Plays client and worker over the same gRPC as an SDK. Latency of a workflow runs from its "
     "start\n"
     "request to the answer of its last workflow task's completion.",
     "  skald bench --workflows 10000 --server-pid $(pidof skald)\n"
     "  skald bench --duration 30s --activities 3 --payload-size 1KiB --gzip\n"
     "  skald bench --rate 200 --duration 20s --json\n"
     "  skald bench --mode pollers --pollers 10000 --connections 200 --duration 10s\n",
     SK_CMD_BENCH, sk_cmd_bench},
    {"health", "Ask a server whether it serves; for a container's health check.", "",
     "  skald health --address 127.0.0.1:7233\n  skald health --http 127.0.0.1:8233\n",
     SK_CMD_HEALTH, sk_cmd_health},
    {"version", "Print the version.", "", "", 0, sk_cmd_version},
    {"licenses", "Print the licences of what is built in.", "", "", 0, sk_cmd_licenses},
    {NULL, NULL, NULL, NULL, 0, NULL},
};

/* Whoever started us may have closed them, and the next file opened would get their number: log
 * lines would then go into a pipe of libuv's, or to a client. */
static void fill_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd > STDERR_FILENO)
        close(fd);
}

int main(int argc, char **argv)
{
    fill_standard_descriptors();
    extern char **environ;
    return sk_command_main(sk_commands, argc - 1, (const char *const *)argv + 1,
                           (const char *const *)environ);
}
