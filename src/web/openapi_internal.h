/* For openapi*.c only. */
#ifndef SK_WEB_OPENAPI_INTERNAL_H
#define SK_WEB_OPENAPI_INTERNAL_H

#include <protobuf-c/protobuf-c.h>
#include "base/map.h"
#include "web/web_internal.h"

/* The types that a document refers to; grows while their schemas are written. */
struct openapi_types {
    struct sk_map *known; /* name -> anything */
    struct sk_buf queue;  /* const struct openapi_type *: of all that are known */
};
struct openapi_type { /* one of the two */
    const ProtobufCMessageDescriptor *message;
    const ProtobufCEnumDescriptor *enumeration;
};

void openapi_types_init(struct openapi_types *types);
void openapi_types_fini(struct openapi_types *types);
/* The document refers to this one. */
void openapi_want(struct openapi_types *types, const ProtobufCMessageDescriptor *type);
/* Append the schema of a field, {"type": ...} or a reference. */
void openapi_field(struct openapi_types *types, struct sk_buf *out,
                   const ProtobufCMessageDescriptor *type, const ProtobufCFieldDescriptor *field);
/* Whether JSON has such a message as one value, as a Timestamp. */
bool openapi_has_own_form(const ProtobufCMessageDescriptor *type);
/* Append the members of components/schemas: all that is wanted, and what those want. */
void openapi_schemas(struct openapi_types *types, struct sk_buf *out);

#endif
