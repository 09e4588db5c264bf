/*
 * What a unary call costs: an echo server in a child process, a client here; prints microseconds
 * of CPU a call on either side, by concurrency, and the memory of parked calls.
 *
 *   rpc [calls] [fibers] [payload bytes] [gzip]      calls
 *   rpc park [connections] [calls a connection]      parked calls
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <temporal/api/common/v1/message.pb-c.h>
#include "base/buf.h"
#include "rpc/rpc.h"
#include "rt/rt.h"
#include "rt/stream.h"

typedef Temporal__Api__Common__V1__Payload Payload;

static const ProtobufCMessageDescriptor *const type =
    &temporal__api__common__v1__payload__descriptor;
static int port_pipe[2];
static struct sk_rt *rt;

static sk_err on_echo(struct sk_call *call, struct sk_ctx *ctx, const void *request, void *response)
{
    (void)call;
    (void)ctx;
    ((Payload *)response)->data = ((const Payload *)request)->data;
    return SK_OK;
}

static void on_gone(void *arg)
{
    (void)arg;
}

static sk_err on_poll(struct sk_call *call, struct sk_ctx *ctx, const void *request, void *response)
{
    (void)ctx;
    (void)request;
    (void)response;
    sk_call_park(call, on_gone, NULL);
    return SK_PARKED;
}

static void on_term(void *owner, int signum)
{
    (void)owner;
    (void)signum;
    sk_rt_stop(rt);
}

static void serve(void *arg)
{
    (void)arg;
    static const struct sk_method methods[2] = {
        {"test.Echo", "Echo", &temporal__api__common__v1__payload__descriptor,
         &temporal__api__common__v1__payload__descriptor, on_echo, 0, NULL},
        {"test.Echo", "Poll", &temporal__api__common__v1__payload__descriptor,
         &temporal__api__common__v1__payload__descriptor, on_poll, SK_METHOD_LONG_POLL, NULL}};
    struct sk_rpc_server_options options = {.ip = "127.0.0.1"};
    struct sk_rpc_server *server = NULL;
    int error = 0;
    if (sk_rpc_listen(&options, methods, 2, &server, &error))
        exit(1);
    sk_on_signal(SIGTERM, on_term, NULL);
    int port = sk_rpc_port(server);
    if (write(port_pipe[1], &port, sizeof port) != sizeof port)
        exit(1);
}

static long calls = 200000, started, ended;
static int fibers = 100, payload = 100, port;
static bool gzip;
static struct sk_waitq all;
static struct sk_rpc_client *client;

static void caller(void *arg)
{
    (void)arg;
    char *data = sk_mem_zalloc((size_t)payload);
    Payload request = TEMPORAL__API__COMMON__V1__PAYLOAD__INIT;
    request.data.data = (uint8_t *)data;
    request.data.len = (size_t)payload;
    while (started < calls) {
        started++;
        struct sk_ctx ctx = {.arena = sk_arena_new(0)};
        ProtobufCMessage *answer = NULL;
        if (sk_rpc_call(client, &ctx, "test.Echo", "Echo", &request.base, type, 10000, &answer)) {
            fprintf(stderr, "%s\n", ctx.err.message);
            exit(1);
        }
        sk_arena_free(ctx.arena);
        ended++;
    }
    sk_waitq_wake_all(&all);
    sk_mem_free(data);
}

static struct sk_rpc_client *dial(void)
{
    struct sk_rpc_client_options options = {.host = "127.0.0.1",
                                            .port = port,
                                            .gzip = gzip,
                                            .client_name = "temporal-go",
                                            .client_version = "1.30.0"};
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    struct sk_rpc_client *made = NULL;
    if (sk_rpc_connect(&ctx, &options, &made))
        exit(1);
    sk_arena_free(ctx.arena);
    return made;
}

static void drive(void *arg)
{
    (void)arg;
    sk_waitq_init(&all);
    client = dial();
    for (int i = 0; i < fibers; i++)
        sk_fiber_spawn(caller, NULL);
    while (ended < calls)
        sk_waitq_wait(&all, 0);
    sk_rt_stop(rt);
}

static double cpu_us(int who)
{
    struct rusage usage;
    getrusage(who, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static long resident_kib(pid_t pid)
{
    char path[64], line[256];
    long kib = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "VmRSS:", 6) == 0)
            kib = strtol(line + 6, NULL, 10);
    if (file)
        fclose(file);
    return kib;
}

static int connections = 200, polls = 50;
static pid_t child;

static void poller(void *arg)
{
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    Payload request = TEMPORAL__API__COMMON__V1__PAYLOAD__INIT;
    ProtobufCMessage *answer = NULL;
    (void)!sk_rpc_call(arg, &ctx, "test.Echo", "Poll", &request.base, type, 60000, &answer);
}

static void park(void *arg)
{
    (void)arg;
    long before = resident_kib(child);
    for (int i = 0; i < connections; i++) {
        struct sk_rpc_client *one = dial();
        for (int j = 0; j < polls; j++)
            sk_fiber_spawn(poller, one);
    }
    sk_fiber_sleep(8000);
    long after = resident_kib(child);
    printf("%d connections, %d parked calls: %ld -> %ld KiB, %.0f bytes a call\n", connections,
           connections * polls, before, after,
           (double)(after - before) * 1024 / connections / polls);
    sk_rt_stop(rt);
}

int main(int argc, char **argv)
{
    bool parking = argc > 1 && strcmp(argv[1], "park") == 0;
    int *ints[] = {&fibers, &payload};
    if (parking) {
        connections = argc > 2 ? (int)strtol(argv[2], NULL, 10) : connections;
        polls = argc > 3 ? (int)strtol(argv[3], NULL, 10) : polls;
    } else {
        calls = argc > 1 ? strtol(argv[1], NULL, 10) : calls;
        for (int i = 2; i < argc && i < 4; i++)
            *ints[i - 2] = (int)strtol(argv[i], NULL, 10);
        gzip = argc > 4;
    }
    struct sk_rt_options options = {.loop_count = 1};
    if (pipe(port_pipe) != 0)
        return 1;
    child = fork();
    if (child == 0) {
        rt = sk_rt_new(&options);
        sk_rt_run(rt, serve, NULL);
        return 0;
    }
    if (read(port_pipe[0], &port, sizeof port) != sizeof port)
        return 1;
    rt = sk_rt_new(&options);
    double begin = cpu_us(RUSAGE_SELF);
    sk_rt_run(rt, parking ? park : drive, NULL);
    double mine = cpu_us(RUSAGE_SELF) - begin;
    kill(child, SIGTERM);
    waitpid(child, NULL, 0);
    if (!parking)
        printf("%ld calls, %d at once, %d bytes%s: server %.2f us, client %.2f us of CPU a call\n",
               calls, fibers, payload, gzip ? ", gzip" : "",
               cpu_us(RUSAGE_CHILDREN) / (double)calls, mine / (double)calls);
    return 0;
}
