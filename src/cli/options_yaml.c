/*
 * The configuration file: one flat YAML mapping from keys to a value or a list of values. libyaml
 * reads it event by event, so nothing is built in memory; anchors, tags and nested mappings have
 * no use here and are refused with their line. The file is bounded before it is parsed.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>
#include "base/map.h"
#include "cli/options_internal.h"

struct reader {
    struct sk_ctx *ctx;
    struct sk_options *options;
    const char *origin;
    struct sk_map *seen; /* keys, to refuse a second one */
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; empty when event_valid is false */
    bool event_valid;
};

static sk_err fail_at(struct reader *r, const char *what)
{
    return sk_fail(r->ctx, SK_INVALID_ARGUMENT, "%s:%zu: %s", r->origin,
                   r->event_valid ? r->event.start_mark.line + 1 : r->parser.problem_mark.line + 1,
                   what);
}

static sk_err next(struct reader *r)
{
    if (r->event_valid)
        yaml_event_delete(&r->event);
    r->event_valid = false;
    if (!yaml_parser_parse(&r->parser, &r->event))
        return fail_at(r, r->parser.problem ? r->parser.problem : "not YAML");
    r->event_valid = true;
    return SK_OK;
}

static const char *place(struct reader *r)
{
    return sk_arena_printf(r->ctx->arena, "%s:%zu", r->origin, r->event.start_mark.line + 1);
}

/* The scalar of the current event as a C string in the arena. */
static sk_err scalar_text(struct reader *r, const char **ret)
{
    const char *bytes = (const char *)r->event.data.scalar.value;
    size_t n = r->event.data.scalar.length;
    if (memchr(bytes, 0, n))
        return fail_at(r, "a value holds a NUL byte");
    *ret = sk_arena_strndup(r->ctx->arena, bytes, n);
    return SK_OK;
}

static sk_err read_list(struct reader *r, struct sk_str key)
{
    // once for the key itself: it is checked though the list may be empty
    sk_err err = sk_options_set_key(r->ctx, r->options, key, NULL, true, place(r));
    while (!err && !(err = next(r))) {
        const char *text = NULL;
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return SK_OK;
        if (r->event.type != YAML_SCALAR_EVENT)
            return fail_at(r, "a list may hold plain values only");
        err = scalar_text(r, &text);
        if (!err)
            err = sk_options_set_key(r->ctx, r->options, key, text, true, place(r));
    }
    return err;
}

static sk_err read_pair(struct reader *r)
{
    const char *key_text = NULL, *text = NULL;
    static char marker;
    if (r->event.type != YAML_SCALAR_EVENT)
        return fail_at(r, "a key must be a word");
    sk_err err = scalar_text(r, &key_text);
    if (err)
        return err;
    struct sk_str key = sk_str_of(key_text);
    if (sk_map_put(r->seen, key, &marker))
        return fail_at(r, sk_arena_printf(r->ctx->arena, "key \"%s\" is there twice", key_text));
    if ((err = next(r)))
        return err;
    if (r->event.type == YAML_SEQUENCE_START_EVENT)
        return read_list(r, key);
    if (r->event.type != YAML_SCALAR_EVENT)
        return fail_at(r, sk_arena_printf(r->ctx->arena, "\"%s\" takes a value or a list of values",
                                          key_text));
    if ((err = scalar_text(r, &text)))
        return err;
    return sk_options_set_key(r->ctx, r->options, key, text, false, place(r));
}

static sk_err read_document(struct reader *r)
{
    sk_err err = next(r); // stream start
    if (!err)
        err = next(r);
    if (err || r->event.type == YAML_STREAM_END_EVENT) // empty or comments alone
        return err;
    if ((err = next(r))) // past document start
        return err;
    if (r->event.type == YAML_SCALAR_EVENT && r->event.data.scalar.length == 0)
        return SK_OK;
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return fail_at(r, "the file must hold lines of the form key: value");
    while (!(err = next(r))) {
        if (r->event.type == YAML_MAPPING_END_EVENT)
            break;
        if ((err = read_pair(r)))
            return err;
    }
    if (!err)
        err = next(r); // document end
    if (!err)
        err = next(r);
    if (!err && r->event.type != YAML_STREAM_END_EVENT)
        err = fail_at(r, "the file must hold one document");
    return err;
}

sk_err sk_options_yaml(struct sk_ctx *ctx, struct sk_options *options, struct sk_str yaml,
                       const char *origin)
{
    struct reader r = {.ctx = ctx, .options = options, .origin = origin};
    if (!yaml_parser_initialize(&r.parser))
        return sk_fail(ctx, SK_RESOURCE_EXHAUSTED, "%s: no memory to read it", origin);
    r.seen = sk_map_new();
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)yaml.p, yaml.n);
    sk_err err = read_document(&r);
    if (r.event_valid)
        yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    sk_map_free(r.seen);
    return err;
}

static sk_err read_all(struct sk_ctx *ctx, int fd, const char *path, size_t max, struct sk_str *ret)
{
    char *bytes = sk_arena_alloc(ctx->arena, max + 1);
    size_t n = 0;
    while (n <= max) {
        ssize_t got = read(fd, bytes + n, max + 1 - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return sk_fail(ctx, SK_INVALID_ARGUMENT, "%s: %s", path, strerror(errno));
        if (got == 0)
            break;
        n += (size_t)got;
    }
    if (n > max)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "%s: larger than %zu bytes", path, max);
    bytes[n] = '\0';
    *ret = (struct sk_str){bytes, n};
    return SK_OK;
}

sk_err sk_cli_read_file(struct sk_ctx *ctx, const char *path, size_t max, struct sk_str *ret,
                        bool *reterr_missing)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        *reterr_missing = errno == ENOENT || errno == ENOTDIR;
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "%s: %s", path, strerror(errno));
    }
    sk_err err = read_all(ctx, fd, path, max, ret);
    close(fd);
    return err;
}
