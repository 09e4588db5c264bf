/* For src/wire/json_*.c only. */
#ifndef SK_WIRE_JSON_INTERNAL_H
#define SK_WIRE_JSON_INTERNAL_H

#include <jansson.h>
#include "wire/json.h"
#include "wire/wire_internal.h"

/* ---- json_parse.c ---- */
/* Where a walk stands; the path is for errors. */
struct json_place {
    struct sk_wire_path path; // first: a place is a path
    struct sk_ctx *ctx;
    unsigned flags;    // enum sk_wire_json_flags
    bool from_text;    // scalars are given as text: of a path or a query
    size_t memory_max; // what the arena may hold then, at most; 0: any
};
sk_err json_fail(const struct json_place *at, const char *fmt, ...)
    __attribute__((format(printf, 2, 3), cold, noinline));
/* Whether the message has taken too much memory: many small elements make much of little text. */
sk_err json_check_memory(const struct json_place *at);
/* Fill an initialised message by its type's members: no form of its own. */
sk_err json_parse_members(struct json_place *at, const json_t *json, ProtobufCMessage *message);
/* One value of at's field into its place in the C struct. */
sk_err json_parse_slot(struct json_place *at, const json_t *json, void *slot);
ProtobufCMessage *json_message_new(struct json_place *at, const ProtobufCMessageDescriptor *type);
/* By its name in JSON or in the .proto; NULL: none. */
const ProtobufCFieldDescriptor *json_field_of(const ProtobufCMessageDescriptor *type,
                                              const char *name);
/* Whether one function reads all of such a message, as of a Timestamp. */
bool json_has_own_form(const ProtobufCMessageDescriptor *type);
/* Brackets outside strings, at their deepest. */
int json_nesting(struct sk_str text);

/* ---- json_tree.c ---- */
struct json_tree {
    struct sk_arena *arena;
    json_t *root;
    json_error_t error; // if root is NULL
    bool full;          // ...because it took too much memory
};
/* NULL: the tree says why. In both cases json_tree_free follows, on the same thread and without a
 * wait or another tree in between. */
const json_t *json_tree_load(struct json_tree *tree, struct sk_str text, size_t flags);
void json_tree_free(struct json_tree *tree);

/* ---- json_print.c ---- */
struct json_printer {
    struct sk_buf *out;
    unsigned flags;
    int level;
};
void json_newline(struct json_printer *pr); /* when pretty */
void json_open(struct json_printer *pr, const char *bracket);
void json_element(struct json_printer *pr, bool *first); /* before each element */
void json_close(struct json_printer *pr, const char *bracket, bool empty);
void json_name_end(struct json_printer *pr);
void json_print_real(struct sk_buf *out, double v, bool single);

/* ---- json_payload.c: Temporal's short forms of Payload and Payloads ---- */
bool json_is_payload(const ProtobufCMessageDescriptor *type); /* or Payloads */
/* false: there is no short form of this one, and nothing was written. */
bool json_print_payload(struct json_printer *pr, const ProtobufCMessage *message);
sk_err json_parse_payload(struct json_place *at, const json_t *json, ProtobufCMessage *message);

#endif
