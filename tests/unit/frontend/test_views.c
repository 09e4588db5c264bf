/* Saved views: kept, changed by one at a time, bounded, gone with their namespace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "rt/rt.h"
#include "skald/api/v1/view.pb-c.h"

#define SRESPONSE(snake) &skald__api__v1__##snake##__descriptor

typedef SKAPI(SavedView) view_pb;

static view_pb view_of(const char *name, const char *query)
{
    view_pb v;
    skald__api__v1__saved_view__init(&v);
    v.name = TEXT(name);
    v.query = TEXT(query);
    return v;
}

static sk_err create(view_pb *view, view_pb **ret)
{
    SKAPI(CreateSavedViewResponse) *reply = NULL;
    SKAPI(CreateSavedViewRequest) r;
    skald__api__v1__create_saved_view_request__init(&r);
    r.namespace_ = TEXT("default");
    r.view = view;
    r.identity = TEXT("ann");
    sk_err err = call('s', "CreateSavedView", &r, SRESPONSE(create_saved_view_response), &reply);
    if (!err && ret)
        *ret = reply->view;
    return err;
}

static sk_err update(const char *name, view_pb *view, const char *who, view_pb **ret)
{
    SKAPI(UpdateSavedViewResponse) *reply = NULL;
    SKAPI(UpdateSavedViewRequest) r;
    skald__api__v1__update_saved_view_request__init(&r);
    r.namespace_ = TEXT("default");
    r.name = TEXT(name);
    r.view = view;
    r.identity = TEXT(who);
    sk_err err = call('s', "UpdateSavedView", &r, SRESPONSE(update_saved_view_response), &reply);
    if (!err && ret)
        *ret = reply->view;
    return err;
}

static sk_err drop(const char *name, const char *etag)
{
    SKAPI(DeleteSavedViewRequest) r;
    skald__api__v1__delete_saved_view_request__init(&r);
    r.namespace_ = TEXT("default");
    r.name = TEXT(name);
    r.etag = TEXT(etag);
    return call('s', "DeleteSavedView", &r, SRESPONSE(delete_saved_view_response), NULL);
}

static SKAPI(ListSavedViewsResponse) * list(const char *ns)
{
    SKAPI(ListSavedViewsResponse) * reply;
    SKAPI(ListSavedViewsRequest) r;
    skald__api__v1__list_saved_views_request__init(&r);
    r.namespace_ = TEXT(ns);
    CHECK(call('s', "ListSavedViews", &r, SRESPONSE(list_saved_views_response), &reply) == SK_OK);
    return reply;
}

static void check_life(void)
{
    view_pb v = view_of("mine", "ExecutionStatus = 'Running'"), *made, *changed;
    char *columns[] = {TEXT("status"), TEXT("id")};
    v.columns = columns;
    v.n_columns = 2;
    v.sort = TEXT("-startTime");
    CHECK(create(&v, &made) == SK_OK);
    CHECK_STR(made->owner, "ann");
    CHECK_STR(made->updated_by, "ann");
    CHECK(made->n_columns == 2 && made->create_time && made->update_time);
    CHECK(create(&v, NULL) == SK_ALREADY_EXISTS);
    v.query = TEXT("WorkflowType = 'T'");
    v.etag = made->etag;
    CHECK(update("mine", &v, "bob", &changed) == SK_OK);
    CHECK_STR(changed->owner, "ann");
    CHECK_STR(changed->updated_by, "bob");
    CHECK(strcmp(changed->etag, made->etag) != 0);
    CHECK(update("mine", &v, "eve", NULL) == SK_ABORTED); // she read what ann made
    v.etag = TEXT("");
    CHECK(update("mine", &v, "eve", NULL) == SK_OK); // whatever it is now
    SKAPI(ListSavedViewsResponse) *all = list("default");
    CHECK(all->n_views == 1);
    CHECK_STR(all->views[0]->query, "WorkflowType = 'T'");
    CHECK_STR(all->views[0]->sort, "-startTime");
    CHECK(drop("mine", changed->etag) == SK_ABORTED);
    CHECK(drop("mine", all->views[0]->etag) == SK_OK);
    CHECK(drop("mine", "") == SK_NOT_FOUND);
    CHECK(update("mine", &v, "eve", NULL) == SK_NOT_FOUND);
    CHECK(list("default")->n_views == 0);
}

static void check_rename(void)
{
    view_pb a = view_of("a", ""), b = view_of("b", ""), *made;
    CHECK(create(&a, &made) == SK_OK && create(&b, NULL) == SK_OK);
    view_pb to = view_of("b", "");
    CHECK(update("a", &to, "ann", NULL) == SK_ALREADY_EXISTS);
    CHECK(list("default")->n_views == 2);
    to.name = TEXT("c");
    to.etag = made->etag;
    CHECK(update("a", &to, "ann", NULL) == SK_OK);
    SKAPI(ListSavedViewsResponse) *all = list("default");
    CHECK(all->n_views == 2);
    CHECK_STR(all->views[0]->name, "b"); // ordered by name
    CHECK_STR(all->views[1]->name, "c");
    CHECK(drop("b", "") == SK_OK && drop("c", "") == SK_OK);
    // made anew under a name that was there before: an etag of then is not good for it
    CHECK(create(&b, &made) == SK_OK && drop("b", "") == SK_OK);
    sk_fiber_sleep(2);
    CHECK(create(&b, NULL) == SK_OK && drop("b", made->etag) == SK_ABORTED);
}

static void check_limits(void)
{
    view_pb v = view_of("", "");
    CHECK(create(&v, NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "view.name is not set on request.");
    v.name = long_text(201);
    CHECK(create(&v, NULL) == SK_INVALID_ARGUMENT);
    CHECK_STR(fx.ctx.err.message, "view.name has 201 bytes, at most 200");
    CHECK(create(NULL, NULL) == SK_INVALID_ARGUMENT);
    v = view_of("v", long_text(65537));
    CHECK(create(&v, NULL) == SK_INVALID_ARGUMENT);
    v = view_of("v", "");
    char *columns[101];
    for (int i = 0; i < 101; i++)
        columns[i] = TEXT("c");
    v.columns = columns;
    v.n_columns = 101;
    CHECK(create(&v, NULL) == SK_INVALID_ARGUMENT);
    v.n_columns = 0;
    for (int i = 0; i < 500; i++) {
        v.name = sk_arena_printf(fx.ctx.arena, "v%d", i);
        CHECK(create(&v, NULL) == SK_OK);
    }
    v.name = TEXT("one too many");
    CHECK(create(&v, NULL) == SK_RESOURCE_EXHAUSTED);
}

static void test_life(void **state)
{
    run_frontend(check_life);
}

static void test_rename(void **state)
{
    run_frontend(check_rename);
}

static void test_limits(void **state)
{
    run_frontend(check_limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),
        cmocka_unit_test(test_rename),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
