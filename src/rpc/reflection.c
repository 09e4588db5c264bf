/*
 * gRPC server reflection, v1 and v1alpha (the same messages under two names): which services there
 * are, and the file descriptors behind their names, for grpcurl and its like.
 *
 * Owns: an index of the embedded descriptor set, built at the first request (a few milliseconds)
 * and kept: symbol -> file, file name -> file. The files' bytes are those in the binary.
 * Thread: any loop; the index is built under a lock and only read afterwards.
 */
#include "rpc/rpc_internal.h"

#include <google/protobuf/descriptor.pb-c.h>
#include <grpc/reflection/v1/reflection.pb-c.h>
#include <pthread.h>
#include "base/assert.h"
#include "wire/wire.h"

typedef Grpc__Reflection__V1__ServerReflectionRequest Request;
typedef Grpc__Reflection__V1__ServerReflectionResponse Response;

#define REQUEST(name) GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_##name
#define RESPONSE(name) GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_##name
#define SYMBOL_MAX 1024

struct rpc_reflection {
    struct sk_map *by_symbol, *by_name; /* -> struct sk_str: one file's bytes, in files */
    struct sk_str *files;
    size_t file_count;
};

static pthread_mutex_t build_lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- the index ---- */

static void add_symbol(struct rpc_reflection *index, const char *scope, const char *name,
                       struct sk_str *file, struct sk_buf *ret_full)
{
    sk_buf_clear(ret_full);
    sk_buf_printf(ret_full, "%s%s%s", scope, *scope ? "." : "", name);
    sk_map_put(index->by_symbol, sk_buf_view(ret_full), file);
}

static void add_message(struct rpc_reflection *index, const char *scope,
                        const Google__Protobuf__DescriptorProto *message, struct sk_str *file)
{
    struct sk_buf full = SK_BUF_INIT, member = SK_BUF_INIT;
    add_symbol(index, scope, message->name, file, &full);
    sk_buf_append(&full, "", 1);
    for (size_t i = 0; i < message->n_nested_type; i++)
        add_message(index, full.p, message->nested_type[i], file);
    for (size_t i = 0; i < message->n_enum_type; i++)
        add_symbol(index, full.p, message->enum_type[i]->name, file, &member);
    sk_buf_fini(&member);
    sk_buf_fini(&full);
}

static void add_service(struct rpc_reflection *index, const char *scope,
                        const Google__Protobuf__ServiceDescriptorProto *service,
                        struct sk_str *file)
{
    struct sk_buf full = SK_BUF_INIT, member = SK_BUF_INIT;
    add_symbol(index, scope, service->name, file, &full);
    sk_buf_append(&full, "", 1);
    for (size_t i = 0; i < service->n_method; i++)
        add_symbol(index, full.p, service->method[i]->name, file, &member);
    sk_buf_fini(&member);
    sk_buf_fini(&full);
}

static void add_file(struct rpc_reflection *index, struct sk_str *bytes)
{
    struct sk_ctx ctx = {.arena = sk_arena_new(0)};
    ProtobufCMessage *message = NULL;
    struct sk_buf full = SK_BUF_INIT;
    sk_err err = sk_wire_decode_own(&ctx, &google__protobuf__file_descriptor_proto__descriptor,
                                    *bytes, &message);
    SK_ASSERT(err == SK_OK); // the set is part of this binary
    const Google__Protobuf__FileDescriptorProto *file = (const void *)message;
    const char *package = file->package ? file->package : "";
    sk_map_put(index->by_name, sk_str_of(file->name), bytes);
    for (size_t i = 0; i < file->n_message_type; i++)
        add_message(index, package, file->message_type[i], bytes);
    for (size_t i = 0; i < file->n_enum_type; i++)
        add_symbol(index, package, file->enum_type[i]->name, bytes, &full);
    for (size_t i = 0; i < file->n_service; i++)
        add_service(index, package, file->service[i], bytes);
    sk_buf_fini(&full);
    sk_arena_free(ctx.arena);
}

static struct rpc_reflection *build(void)
{
    struct rpc_reflection *index = sk_mem_zalloc(sizeof *index);
    index->by_symbol = sk_map_new();
    index->by_name = sk_map_new();
    struct sk_str set = sk_wire_descriptors(), file;
    while (sk_wire_next_file(&set, &file))
        index->file_count++;
    index->files = sk_mem_zalloc((index->file_count + 1) * sizeof *index->files);
    set = sk_wire_descriptors();
    for (size_t i = 0; i < index->file_count && sk_wire_next_file(&set, &index->files[i]); i++)
        add_file(index, &index->files[i]);
    return index;
}

static const struct rpc_reflection *index_of(struct sk_rpc_server *server)
{
    pthread_mutex_lock(&build_lock);
    if (!server->reflection)
        server->reflection = build();
    const struct rpc_reflection *index = server->reflection;
    pthread_mutex_unlock(&build_lock);
    return index;
}

void rpc_reflection_free(struct rpc_reflection *reflection)
{
    if (!reflection)
        return;
    sk_map_free(reflection->by_symbol);
    sk_map_free(reflection->by_name);
    sk_mem_free(reflection->files);
    sk_mem_free(reflection);
}

/* ---- answers ---- */

static void answer_error(struct sk_ctx *ctx, Response *out, sk_err err, const char *text,
                         const char *what)
{
    Grpc__Reflection__V1__ErrorResponse *error =
        SK_NEW(ctx->arena, Grpc__Reflection__V1__ErrorResponse);
    grpc__reflection__v1__error_response__init(error);
    error->error_code = sk_err_grpc(err);
    error->error_message = sk_arena_printf(
        ctx->arena, "%s%.*s", text, (int)sk_utf8_prefix(what, strnlen(what, SYMBOL_MAX)), what);
    out->message_response_case = RESPONSE(ERROR_RESPONSE);
    out->error_response = error;
}

static void answer_file(struct sk_ctx *ctx, Response *out, const struct sk_str *file,
                        const char *what)
{
    if (!file) {
        answer_error(ctx, out, SK_NOT_FOUND, "not found: ", what);
        return;
    }
    Grpc__Reflection__V1__FileDescriptorResponse *files =
        SK_NEW(ctx->arena, Grpc__Reflection__V1__FileDescriptorResponse);
    grpc__reflection__v1__file_descriptor_response__init(files);
    files->n_file_descriptor_proto = 1;
    files->file_descriptor_proto = SK_NEW(ctx->arena, ProtobufCBinaryData);
    files->file_descriptor_proto->data = (uint8_t *)(uintptr_t)file->p;
    files->file_descriptor_proto->len = file->n;
    out->message_response_case = RESPONSE(FILE_DESCRIPTOR_RESPONSE);
    out->file_descriptor_response = files;
}

/* In the order of names; a server has a handful of services. */
static void insert(Grpc__Reflection__V1__ListServiceResponse *list,
                   Grpc__Reflection__V1__ServiceResponse *one)
{
    size_t at = list->n_service++;
    for (; at > 0 && strcmp(list->service[at - 1]->name, one->name) > 0; at--)
        list->service[at] = list->service[at - 1];
    list->service[at] = one;
}

static void answer_services(struct sk_ctx *ctx, Response *out, struct sk_rpc_server *server)
{
    Grpc__Reflection__V1__ListServiceResponse *list =
        SK_NEW(ctx->arena, Grpc__Reflection__V1__ListServiceResponse);
    grpc__reflection__v1__list_service_response__init(list);
    list->service = SK_NEW_N(ctx->arena, Grpc__Reflection__V1__ServiceResponse *,
                             sk_map_count(server->services));
    size_t cursor = 0;
    void *entry = NULL;
    struct sk_str name;
    while (sk_map_next(server->services, &cursor, &name, &entry)) {
        Grpc__Reflection__V1__ServiceResponse *one =
            SK_NEW(ctx->arena, Grpc__Reflection__V1__ServiceResponse);
        grpc__reflection__v1__service_response__init(one);
        one->name = sk_arena_strndup(ctx->arena, name.p, name.n);
        insert(list, one);
    }
    out->message_response_case = RESPONSE(LIST_SERVICES_RESPONSE);
    out->list_services_response = list;
}

/* A symbol, or the nearest scope around it that is known (fields and enum values are not listed).
 */
static const struct sk_str *find_symbol(const struct rpc_reflection *index, const char *symbol)
{
    struct sk_str name = sk_str_of(symbol);
    const struct sk_str *file = sk_map_get(index->by_symbol, name);
    const char *dot = !file && name.n > 0 ? memrchr(name.p, '.', name.n) : NULL;
    if (dot)
        file = sk_map_get(index->by_symbol, (struct sk_str){name.p, (size_t)(dot - name.p)});
    return file;
}

static sk_err on_info(struct sk_call *call, struct sk_ctx *ctx, const void *request, void *response)
{
    struct sk_rpc_server *server = sk_call_owner(call);
    const Request *in = request;
    Response *out = response;
    out->valid_host = in->host;
    out->original_request = (Request *)(uintptr_t)in;
    switch (in->message_request_case) {
    case REQUEST(LIST_SERVICES):
        answer_services(ctx, out, server);
        break;
    case REQUEST(FILE_BY_FILENAME):
        answer_file(ctx, out,
                    sk_map_get(index_of(server)->by_name, sk_str_of(in->file_by_filename)),
                    in->file_by_filename);
        break;
    case REQUEST(FILE_CONTAINING_SYMBOL):
        answer_file(ctx, out, find_symbol(index_of(server), in->file_containing_symbol),
                    in->file_containing_symbol);
        break;
    case REQUEST(FILE_CONTAINING_EXTENSION):
    case REQUEST(ALL_EXTENSION_NUMBERS_OF_TYPE):
        answer_error(ctx, out, SK_NOT_FOUND, "extensions are not listed", "");
        break;
    case REQUEST(_NOT_SET):
    default:
        answer_error(ctx, out, SK_INVALID_ARGUMENT, "message_request is not set", "");
        break;
    }
    return SK_OK;
}

size_t rpc_reflection_methods(struct rpc_entry *ret, struct sk_rpc_server *server)
{
    static const char *const services[] = {"grpc.reflection.v1.ServerReflection",
                                           "grpc.reflection.v1alpha.ServerReflection"};
    for (size_t i = 0; i < 2; i++)
        ret[i] = (struct rpc_entry){
            .stream = true,
            .method = {
                .service = services[i],
                .name = "ServerReflectionInfo",
                .request = &grpc__reflection__v1__server_reflection_request__descriptor,
                .response = &grpc__reflection__v1__server_reflection_response__descriptor,
                .handler = on_info,
                .flags = SK_METHOD_READ_ONLY,
                .owner = server,
            }};
    return 2;
}
