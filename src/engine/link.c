/*
 * The links that answers carry: which event of which run a request brought, so that a caller
 * (another workflow's worker, Nexus) can write it into its own history. An event whose id is not
 * known yet, since it may be buffered, is named by the request that brought it.
 */
#include "engine/engine_internal.h"

static COMMON(Link) *link_new(struct sk_arena *arena, const struct sk_namespace *ns,
                              const struct exec *x)
{
    COMMON(Link) *link = COMMON_NEW(arena, Link, link);
    COMMON(Link__WorkflowEvent) *event =
        COMMON_NEW(arena, Link__WorkflowEvent, link__workflow_event);
    event->namespace_ = sk_arena_strdup(arena, ns->name);
    event->workflow_id = sk_arena_strndup(arena, x->flow->workflow_id.p, x->flow->workflow_id.n);
    event->run_id = sk_arena_strdup(arena, x->run_text);
    link->variant_case = TEMPORAL__API__COMMON__V1__LINK__VARIANT_WORKFLOW_EVENT;
    link->workflow_event = event;
    return link;
}

COMMON(Link) *link_to_start(struct sk_arena *arena, const struct sk_namespace *ns,
                            const struct exec *x)
{
    COMMON(Link) *link = link_new(arena, ns, x);
    COMMON(Link__WorkflowEvent__EventReference) *ref = COMMON_NEW(
        arena, Link__WorkflowEvent__EventReference, link__workflow_event__event_reference);
    ref->event_id = 1;
    ref->event_type = EVENT(WORKFLOW_EXECUTION_STARTED);
    link->workflow_event->reference_case =
        TEMPORAL__API__COMMON__V1__LINK__WORKFLOW_EVENT__REFERENCE_EVENT_REF;
    link->workflow_event->event_ref = ref;
    return link;
}

COMMON(Link) *link_to_request(struct sk_arena *arena, const struct sk_namespace *ns,
                              const struct exec *x, const char *request_id, int event_type)
{
    COMMON(Link) *link = link_new(arena, ns, x);
    COMMON(Link__WorkflowEvent__RequestIdReference) *ref = COMMON_NEW(
        arena, Link__WorkflowEvent__RequestIdReference, link__workflow_event__request_id_reference);
    ref->request_id = sk_arena_strdup(arena, request_id);
    ref->event_type = (Temporal__Api__Enums__V1__EventType)event_type;
    link->workflow_event->reference_case =
        TEMPORAL__API__COMMON__V1__LINK__WORKFLOW_EVENT__REFERENCE_REQUEST_ID_REF;
    link->workflow_event->request_id_ref = ref;
    return link;
}
