/* The HTTP/1.1 server's connection from its bytes on; the first byte is the size of the pieces. */
#include "net/http1_internal.h"

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/stub_conn.h"

struct input {
    struct sk_rt *rt;
    const uint8_t *bytes;
    size_t size;
};

static void on_request(void *owner, const struct sk_http_request *request,
                       struct sk_http_response *response)
{
    (void)owner;
    response->status = request->query.n % 2 ? 204 : 200;
    response->body = sk_http_header(request, "x").n > 0 ? request->path : request->body;
    if (request->query.n > 4)
        sk_fiber_sleep(10);
}

static void drive(void *arg)
{
    struct input *input = arg;
    struct sk_http_options options = {.ip = "127.0.0.1", .body_max = 500, .handler = on_request};
    struct sk_http_server *server = http_server_new(&options);
    size_t step = input->bytes[0] ? input->bytes[0] : 70000;
    http_accept(server, NULL);
    for (size_t at = 1; at < input->size; at += step) {
        stub_feed(input->bytes + at, input->size - at < step ? input->size - at : step);
        sk_fiber_yield();
    }
    sk_fiber_yield();
    stub_end();
    sk_fiber_sleep(1000); // handlers that still run
    sk_http_close(server);
    sk_fiber_sleep(1);
    sk_rt_stop(input->rt);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1)
        return 0;
    struct sk_rt_options options = {.loop_count = 1, .simulated = true, .start_wall_ms = 1};
    struct input input = {sk_rt_new(&options), bytes, size};
    sk_rt_run(input.rt, drive, &input);
    sk_rt_free(input.rt);
    return 0;
}
