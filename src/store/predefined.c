/*
 * The predefined search attributes, by Temporal's names and types. Their slots are written in every
 * store file: a row may be added with a new slot, none may change. TemporalNamespaceDivision has no
 * slot, since the division is a column of its own.
 */
#include "store/predefined.h"

#include <assert.h>

#define NAME(n) .name = #n, .system = true

static const struct sk_search_attribute predefined[] = {
    {NAME(BatcherNamespace), .type = SK_SA_KEYWORD, .slot = 1, .settable = true},
    {NAME(BatcherUser), .type = SK_SA_KEYWORD, .slot = 2, .settable = true},
    {NAME(BinaryChecksums), .type = SK_SA_KEYWORD_LIST, .slot = 1, .settable = true},
    {NAME(BuildIds), .type = SK_SA_KEYWORD_LIST, .slot = 2, .settable = true},
    {NAME(TemporalChangeVersion), .type = SK_SA_KEYWORD_LIST, .slot = 3, .settable = true},
    {NAME(TemporalExternalPayloadCount), .type = SK_SA_INT, .slot = 1},
    {NAME(TemporalExternalPayloadSizeBytes), .type = SK_SA_INT, .slot = 2},
    {NAME(TemporalNamespaceDivision), .type = SK_SA_KEYWORD, .slot = 0, .settable = true},
    {NAME(TemporalPauseInfo), .type = SK_SA_KEYWORD_LIST, .slot = 4, .settable = true},
    {NAME(TemporalReportedProblems), .type = SK_SA_KEYWORD_LIST, .slot = 5, .settable = true},
    {NAME(TemporalScheduledById), .type = SK_SA_KEYWORD, .slot = 3, .settable = true},
    {NAME(TemporalScheduledStartTime), .type = SK_SA_DATETIME, .slot = 1, .settable = true},
    {NAME(TemporalSchedulePaused), .type = SK_SA_BOOL, .slot = 1, .settable = true},
    {NAME(TemporalUsedWorkerDeploymentVersions), .type = SK_SA_KEYWORD_LIST, .slot = 6},
    {NAME(TemporalWorkerDeployment), .type = SK_SA_KEYWORD, .slot = 4},
    {NAME(TemporalWorkerDeploymentVersion), .type = SK_SA_KEYWORD, .slot = 5},
    {NAME(TemporalWorkflowVersioningBehavior), .type = SK_SA_KEYWORD, .slot = 6},
};

const struct sk_search_attribute *sk_predefined_attributes(size_t *ret_count)
{
    *ret_count = sizeof predefined / sizeof *predefined;
    return predefined;
}

const char *sk_predefined_type_name(enum sk_sa_type type)
{
    static const char *const names[] = {"Unspecified", "Text", "Keyword",  "Int",
                                        "Double",      "Bool", "Datetime", "KeywordList"};
    static_assert(sizeof names / sizeof *names == SK_SA_KEYWORD_LIST + 1, "a name each");
    return (int)type >= 1 && (int)type <= 7 ? names[type] : names[0];
}
