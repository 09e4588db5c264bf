/*
 * Search attributes: typed values that users hang on runs, as payloads on the wire (json/plain
 * with metadata "type") and as struct sk_sa_value in the store. Here they are checked as Temporal
 * checks them, turned from one form into the other, and named.
 *
 * Any thread; no state. Results live in ctx->arena (or the arena given); error texts are
 * Temporal's.
 */
#ifndef SK_VISIBILITY_SEARCH_ATTRIBUTES_H
#define SK_VISIBILITY_SEARCH_ATTRIBUTES_H

#include <stdbool.h>
#include "base/ctx.h"
#include "store/namespaces.h"
#include "store/store.h"
#include "temporal/api/common/v1/message.pb-c.h"

typedef Temporal__Api__Common__V1__SearchAttributes sk_search_attributes_pb;
typedef Temporal__Api__Common__V1__Payload sk_payload_pb;

/* Zeros mean Temporal's defaults (100 keys, 2 KiB a value, 40 KiB in all); sk_limits of the engine
 * has the same three fields. */
struct sk_sa_limits {
    int64_t keys, value_size, total_size;
};

/* How a name may be used. */
enum sk_sa_access {
    SK_SA_CUSTOM,   /* made by the namespace */
    SK_SA_WRITABLE, /* predefined, users may set it (BuildIds, TemporalScheduledById ...) */
    SK_SA_INTERNAL, /* predefined, only the server sets it */
    SK_SA_SYSTEM,   /* a column of its own (WorkflowId, StartTime ...): never set by users */
    SK_SA_UNKNOWN,
};
enum sk_sa_access sk_sa_access(const struct sk_namespace *ns, struct sk_str name);

/* Check what a user wants to set: names known to ns and settable, values of the right type, sizes
 * and counts within limits. NULL attributes are fine. INVALID_ARGUMENT otherwise:
 * "Namespace X has no mapping defined for search attribute Y", "number of search attributes 101
 * exceeds limit 100", "X attribute can't be set in SearchAttributes", "invalid value for search
 * attribute X of type Int: abc", "search attribute X value size N exceeds size limit M". */
sk_err sk_sa_validate(struct sk_ctx *ctx, const struct sk_namespace *ns,
                      const sk_search_attributes_pb *attributes,
                      const struct sk_sa_limits *limits) SK_MUST_USE;

/* The values for the visibility row. Names that ns does not know (removed meanwhile) and null or
 * empty values are left out; system columns too. Fails only when a payload cannot be read as its
 * attribute's type (INVALID_ARGUMENT, as sk_sa_validate). */
sk_err sk_sa_values(struct sk_ctx *ctx, const struct sk_namespace *ns,
                    const sk_search_attributes_pb *attributes, struct sk_sa_value **ret,
                    size_t *ret_count) SK_MUST_USE;

/* The value of TemporalNamespaceDivision, which is a column of its own (sk_vis_row.division), not a
 * value; empty when absent. */
struct sk_str sk_sa_division(struct sk_ctx *ctx, const sk_search_attributes_pb *attributes);

/* What the API shows of attributes in histories and descriptions: each payload gets metadata "type"
 * of its attribute in ns, unless the client said a type: SDKs look for what they set by name and
 * type. Names that ns no longer knows are dropped. NULL in, NULL out; NULL when none is left. */
sk_search_attributes_pb *sk_sa_present(struct sk_arena *arena, const struct sk_namespace *ns,
                                       const sk_search_attributes_pb *attributes);
/* The same for lists, where all rows have the type that ns gives, whatever clients said. */
sk_search_attributes_pb *sk_sa_listed(struct sk_arena *arena, const struct sk_namespace *ns,
                                      const sk_search_attributes_pb *attributes) SK_MUST_USE;

/* base with update laid over it: a null or empty-list payload removes the key (an upsert). Either
 * may be NULL. Payloads are borrowed; keys are ordered by name. NULL when nothing is left. */
sk_search_attributes_pb *sk_sa_merge(struct sk_arena *arena, const sk_search_attributes_pb *base,
                                     const sk_search_attributes_pb *update);

/* Set one value from the server's side (e.g. TemporalReportedProblems): replaces or, when count is
 * 0, removes. Returns the new attributes (NULL when nothing is left). */
sk_search_attributes_pb *sk_sa_set_keyword_list(struct sk_arena *arena,
                                                const sk_search_attributes_pb *base,
                                                const char *name, const struct sk_str *items,
                                                size_t count);

sk_search_attributes_pb *sk_sa_set_keyword(struct sk_arena *arena,
                                           const sk_search_attributes_pb *base, const char *name,
                                           struct sk_str text);

/* One value as a json/plain payload with metadata "type". */
sk_payload_pb *sk_sa_encode(struct sk_arena *arena, const struct sk_sa_value *value);

/* A payload that means "no value": nil encoding, JSON null, an empty list, no data. */
bool sk_sa_payload_is_null(const sk_payload_pb *payload);

/* "Keyword", "Int" ... as metadata "type" and error texts write it; "Unspecified" for others. */
const char *sk_sa_type_name(enum sk_sa_type type);
/* Either spelling ("Keyword", "INDEXED_VALUE_TYPE_KEYWORD"); 0 when unknown. */
enum sk_sa_type sk_sa_type_parse(struct sk_str name);

/* ---- names ---- */
/* The columns every namespace has; NULL ends the table. */
struct sk_sa_system {
    const char *name;
    enum sk_sa_type type;
};
const struct sk_sa_system *sk_sa_system_columns(void);
/* INVALID_ARGUMENT "Search attribute X is reserved by system." and name syntax. */
sk_err sk_sa_check_new_name(struct sk_ctx *ctx, const char *name) SK_MUST_USE;

#endif
