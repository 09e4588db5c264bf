/* Namespaces on the store in memory: names, numbers, search attribute slots, deletion, reopening.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/assert.h"
#include "rt/rt.h"
#include "store/memory/memory.h"
#include "store/namespaces.h"
#include "store/predefined.h"

/* cmocka's asserts would jump off a fiber's stack. */
#define CHECK(cond) SK_ASSERT(cond)

static struct sk_ctx ctx;
static struct sk_store *store;
static struct sk_namespaces *namespaces;
static struct sk_memory_data *data;

static void open_all(void)
{
    CHECK(sk_memory_store_open_on(&ctx, data, &store) == SK_OK);
    CHECK(sk_namespaces_open(&ctx, store, &namespaces) == SK_OK);
}

static void close_all(void)
{
    sk_namespaces_close(namespaces);
    sk_store_close(store);
}

static void restart(void)
{
    close_all();
    open_all();
}

struct body {
    void (*fn)(void);
    struct sk_rt *rt;
};

static void on_fiber(void *arg)
{
    struct body *body = arg;
    ctx = (struct sk_ctx){.arena = sk_arena_new(0)};
    data = sk_memory_data_new();
    open_all();
    body->fn();
    close_all();
    sk_memory_data_free(data);
    sk_arena_free(ctx.arena);
    sk_rt_stop(body->rt);
}

static void run(int loops, bool simulated, void (*fn)(void))
{
    struct sk_rt_options options = {
        .loop_count = loops, .simulated = simulated, .seed = 1, .start_wall_ms = 1700000000000};
    struct sk_rt *rt = sk_rt_new(&options);
    struct body body = {fn, rt};
    sk_rt_run(rt, on_fiber, &body);
    sk_rt_free(rt);
}

static sk_err put(const struct sk_namespace *record, const struct sk_namespace **ret)
{
    sk_ctx_clear(&ctx);
    return sk_namespaces_put(namespaces, &ctx, record, ret);
}

static const struct sk_namespace *must_put(const struct sk_namespace *record)
{
    const struct sk_namespace *ret = NULL;
    sk_err err = put(record, &ret);
    if (err != SK_OK)
        SK_PANIC("put %s: %s", record->name, ctx.err.message);
    return ret;
}

static const struct sk_namespace *add(const char *name)
{
    return must_put(&(struct sk_namespace){.name = name, .retention_ms = 1000});
}

/* The newest record with one more attribute, or one less (type 0). */
static sk_err change_attribute(const char *ns_name, const char *name, enum sk_sa_type type)
{
    struct sk_namespace ns = *sk_namespaces_by_name(namespaces, ns_name);
    struct sk_search_attribute list[200];
    size_t n = 0;
    const struct sk_namespace *ret;
    for (size_t i = 0; i < ns.attribute_count; i++)
        if (strcmp(ns.attributes[i].name, name) != 0)
            list[n++] = ns.attributes[i];
    if (type)
        list[n++] = (struct sk_search_attribute){.name = name, .type = type};
    ns.attributes = list;
    ns.attribute_count = n;
    return put(&ns, &ret);
}

static int slot_of(const char *ns_name, const char *name)
{
    const struct sk_search_attribute *a =
        sk_namespace_attribute(sk_namespaces_by_name(namespaces, ns_name), sk_str_of(name));
    return a ? a->slot : 0;
}

static void check_make_and_find(void)
{
    const struct sk_namespace *a = add("alpha"), *b = add("beta");
    CHECK(a->id == 1 && b->id == 2 && a->version == 1 && a->state == SK_NS_REGISTERED);
    CHECK(strlen(a->uuid) == 36 && a->created_ms >= 1700000000000);
    CHECK(sk_namespaces_by_name(namespaces, "alpha") == a);
    CHECK(sk_namespaces_by_id(namespaces, 2) == b);
    CHECK(sk_namespaces_by_uuid(namespaces, b->uuid) == b);
    CHECK(!sk_namespaces_by_name(namespaces, "gamma") && !sk_namespaces_by_name(namespaces, NULL));
    CHECK(!sk_namespaces_by_id(namespaces, 9) && !sk_namespaces_by_uuid(namespaces, ""));
    const struct sk_namespace **all;
    CHECK(sk_namespaces_list(namespaces, ctx.arena, &all) == 2 && all[0] == a && all[1] == b);
    CHECK(put(&(struct sk_namespace){.name = "alpha"}, &a) == SK_ALREADY_EXISTS);
    CHECK(strcmp(ctx.err.detail_type,
                 "temporal.api.errordetails.v1.NamespaceAlreadyExistsFailure") == 0);
}

static void check_reopen(void)
{
    struct sk_namespace ns = {.name = "n",
                              .description = "d",
                              .owner_email = "o",
                              .retention_ms = 86400000,
                              .history_archival_state = 1,
                              .visibility_archival_state = 1,
                              .data_count = 1};
    ns.data = sk_arena_alloc(ctx.arena, sizeof *ns.data);
    ns.data[0].key = "k";
    ns.data[0].value = "v";
    const struct sk_namespace *made = must_put(&ns);
    char uuid[40];
    memcpy(uuid, made->uuid, strlen(made->uuid) + 1);
    CHECK(change_attribute("n", "MyInt", SK_SA_INT) == SK_OK);
    restart();
    const struct sk_namespace *n = sk_namespaces_by_name(namespaces, "n");
    CHECK(n && n->id == 1 && n->version == 2 && strcmp(n->uuid, uuid) == 0);
    CHECK(strcmp(n->description, "d") == 0 && strcmp(n->owner_email, "o") == 0);
    CHECK(n->retention_ms == 86400000 && n->data_count == 1);
    CHECK(strcmp(n->data[0].key, "k") == 0 && strcmp(n->data[0].value, "v") == 0);
    CHECK(slot_of("n", "MyInt") == 3);
    CHECK(slot_of("n", "BuildIds") == 2); // predefined ones come from the binary
    CHECK(add("m")->id == 2);
}

static void check_slots(void)
{
    add("n");
    CHECK(change_attribute("n", "A", SK_SA_KEYWORD) == SK_OK && slot_of("n", "A") == 9);
    CHECK(change_attribute("n", "B", SK_SA_KEYWORD) == SK_OK && slot_of("n", "B") == 10);
    CHECK(change_attribute("n", "A", (enum sk_sa_type)0) == SK_OK && slot_of("n", "A") == 0);
    // A's slot may still be full of A's values: only A gets it back, even after a restart
    CHECK(change_attribute("n", "C", SK_SA_KEYWORD) == SK_OK && slot_of("n", "C") == 11);
    restart();
    CHECK(change_attribute("n", "D", SK_SA_KEYWORD) == SK_OK && slot_of("n", "D") == 12);
    CHECK(change_attribute("n", "A", SK_SA_KEYWORD) == SK_OK && slot_of("n", "A") == 9);
    CHECK(change_attribute("n", "A", (enum sk_sa_type)0) == SK_OK);
    CHECK(change_attribute("n", "A", SK_SA_INT) == SK_OK && slot_of("n", "A") == 3);
    // until none is left
    char name[8] = "x0";
    int made = 0;
    while (change_attribute("n", name, SK_SA_BOOL) == SK_OK) {
        name[1]++;
        made++;
    }
    CHECK(made == sk_search_attribute_max(SK_SA_BOOL) && made == 10);
    CHECK(strcmp(ctx.err.message, "Unable to create search attributes: cannot have more than 10 "
                                  "search attribute of type Bool.") == 0);
}

static void check_conflicts(void)
{
    const struct sk_namespace *first = add("n"), *ret;
    struct sk_namespace mine = *first, theirs = *first;
    mine.description = "mine";
    theirs.description = "theirs";
    CHECK(must_put(&theirs)->version == 2);
    CHECK(put(&mine, &ret) == SK_ABORTED);
    CHECK(strcmp(sk_namespaces_by_name(namespaces, "n")->description, "theirs") == 0);
    CHECK(strcmp(first->description, "") == 0); // an old record stays as it was
}

static void check_deletion(void)
{
    struct sk_namespace ns = *add("n");
    ns.state = SK_NS_DELETED;
    ns.name = "n-deleted-12345";
    must_put(&ns);
    CHECK(!sk_namespaces_by_name(namespaces, "n") && !sk_namespaces_by_id(namespaces, 1));
    CHECK(!sk_namespaces_by_name(namespaces, "n-deleted-12345"));
    const struct sk_namespace **gone;
    CHECK(sk_namespaces_deleted(namespaces, ctx.arena, &gone) == 1);
    CHECK(strcmp(gone[0]->name, "n-deleted-12345") == 0);
    CHECK(add("n")->id == 2); // the name is free, the number is not
    restart();
    CHECK(sk_namespaces_by_name(namespaces, "n")->id == 2);
    CHECK(sk_namespaces_deleted(namespaces, ctx.arena, &gone) == 1);
    CHECK(sk_namespaces_forget(namespaces, &ctx, gone[0]) == SK_OK);
    CHECK(sk_namespaces_deleted(namespaces, ctx.arena, &gone) == 0);
    restart();
    CHECK(sk_namespaces_deleted(namespaces, ctx.arena, &gone) == 0);
    CHECK(add("o")->id == 3);
}

/* A crash between the two rows of a deletion: the name's row is still there. */
static void check_interrupted_deletion(void)
{
    struct sk_namespace ns = *add("n");
    struct sk_meta_row row;
    CHECK(sk_store_meta_get(store, &ctx, SK_STR("namespace"), SK_STR("n"), &row) == SK_OK);
    ns.state = SK_NS_DELETED;
    must_put(&ns);
    row.kind = SK_STR("namespace");
    row.key = SK_STR("n");
    row.version = 1;
    CHECK(sk_store_meta_put(store, &ctx, &row) == SK_OK);
    restart();
    CHECK(!sk_namespaces_by_name(namespaces, "n"));
    CHECK(sk_store_meta_get(store, &ctx, SK_STR("namespace"), SK_STR("n"), &row) == SK_NOT_FOUND);
    sk_ctx_clear(&ctx);
}

/* ---- a store that fails, or lets others in, at a deletion's second row ---- */

static const struct sk_store_ops *real_ops;
static const struct sk_namespace *update_first;
static int deletes_to_fail;

static sk_err meta_delete_between(struct sk_store *s, struct sk_ctx *c,
                                  const struct sk_meta_row *row)
{
    if (deletes_to_fail-- > 0)
        return sk_fail(c, SK_UNAVAILABLE, "the disk is full");
    if (update_first) {
        const struct sk_namespace *update = update_first;
        update_first = NULL;
        must_put(update);
    }
    return real_ops->meta_delete(s, c, row);
}

static void watch_deletes(void)
{
    static struct sk_store_ops ops;
    real_ops = store->ops;
    ops = *real_ops;
    ops.meta_delete = meta_delete_between;
    store->ops = &ops;
}

/* The second row could not be written: it is there still, and the next try ends what this began. */
static void check_failed_deletion(void)
{
    struct sk_namespace ns = *add("n");
    const struct sk_namespace **gone;
    watch_deletes();
    deletes_to_fail = 1;
    ns.state = SK_NS_DELETED;
    ns.name = "n-deleted-12345";
    CHECK(put(&ns, NULL) == SK_UNAVAILABLE);
    CHECK(sk_namespaces_by_name(namespaces, "n"));
    must_put(&ns);
    CHECK(!sk_namespaces_by_name(namespaces, "n"));
    CHECK(put(&ns, NULL) == SK_ABORTED);
    restart();
    CHECK(!sk_namespaces_by_name(namespaces, "n"));
    CHECK(sk_namespaces_deleted(namespaces, ctx.arena, &gone) == 1);
}

/* A change between the two rows does not keep the name from going. */
static void check_deletion_beside_a_change(void)
{
    const struct sk_namespace *first = add("n"), **gone;
    struct sk_namespace ns = *first, changed = *first;
    watch_deletes();
    changed.description = "changed";
    update_first = &changed;
    ns.state = SK_NS_DELETED;
    ns.name = "n-deleted-12345";
    must_put(&ns);
    CHECK(!sk_namespaces_by_name(namespaces, "n"));
    CHECK(add("n")->id == 2);
    restart();
    CHECK(sk_namespaces_by_name(namespaces, "n")->id == 2);
    CHECK(sk_namespaces_deleted(namespaces, ctx.arena, &gone) == 1);
}

/* Loops look up while others write; every put is seen by all when it returns. */
static void reader(void *arg)
{
    for (int i = 0; i < 2000; i++) {
        const struct sk_namespace *ns = sk_namespaces_by_name(namespaces, "busy");
        CHECK(ns && strcmp(ns->name, "busy") == 0 &&
              sk_namespace_attribute(ns, SK_STR("BuildIds")));
        if (i % 50 == 0)
            sk_fiber_yield();
    }
    sk_rt_post(sk_rt_current(), 0, (void (*)(void *))arg, NULL);
}

static int readers_done;
static void reader_done(void *arg)
{
    (void)arg;
    readers_done++;
}

static void start_reader(void *arg)
{
    sk_fiber_spawn(reader, arg);
}

static void check_loops(void)
{
    struct sk_namespace ns = *add("busy");
    readers_done = 0;
    for (int loop = 1; loop < 3; loop++)
        sk_rt_post(sk_rt_current(), loop, start_reader, (void *)reader_done);
    for (int i = 0; i < 50; i++) {
        ns.retention_ms++;
        ns = *must_put(&ns);
        CHECK(sk_namespaces_by_id(namespaces, ns.id)->retention_ms == ns.retention_ms);
    }
    while (readers_done < 2)
        sk_fiber_sleep(1);
}

#define TEST(name, loops, simulated)         \
    static void name(void **state)           \
    {                                        \
        (void)state;                         \
        run(loops, simulated, check_##name); \
    }
TEST(make_and_find, 1, true)
TEST(reopen, 1, true)
TEST(slots, 1, true)
TEST(conflicts, 1, true)
TEST(deletion, 1, true)
TEST(interrupted_deletion, 1, true)
TEST(failed_deletion, 1, true)
TEST(deletion_beside_a_change, 1, true)
TEST(loops, 3, false)

/* Slots of predefined attributes are in every store file: this table only grows. */
static void predefined_slots_are_fixed(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int type, slot;
    } fixed[] = {
        {"BatcherNamespace", SK_SA_KEYWORD, 1},
        {"BatcherUser", SK_SA_KEYWORD, 2},
        {"BinaryChecksums", SK_SA_KEYWORD_LIST, 1},
        {"BuildIds", SK_SA_KEYWORD_LIST, 2},
        {"TemporalChangeVersion", SK_SA_KEYWORD_LIST, 3},
        {"TemporalPauseInfo", SK_SA_KEYWORD_LIST, 4},
        {"TemporalReportedProblems", SK_SA_KEYWORD_LIST, 5},
        {"TemporalUsedWorkerDeploymentVersions", SK_SA_KEYWORD_LIST, 6},
        {"TemporalScheduledById", SK_SA_KEYWORD, 3},
        {"TemporalWorkerDeployment", SK_SA_KEYWORD, 4},
        {"TemporalWorkerDeploymentVersion", SK_SA_KEYWORD, 5},
        {"TemporalWorkflowVersioningBehavior", SK_SA_KEYWORD, 6},
        {"TemporalScheduledStartTime", SK_SA_DATETIME, 1},
        {"TemporalSchedulePaused", SK_SA_BOOL, 1},
        {"TemporalExternalPayloadCount", SK_SA_INT, 1},
        {"TemporalExternalPayloadSizeBytes", SK_SA_INT, 2},
    };
    size_t n;
    const struct sk_search_attribute *all = sk_predefined_attributes(&n);
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        size_t at = 0;
        while (at < n && strcmp(all[at].name, fixed[i].name) != 0)
            at++;
        assert_true(at < n);
        assert_int_equal((int)all[at].type, fixed[i].type);
        assert_int_equal(all[at].slot, fixed[i].slot);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(make_and_find),   cmocka_unit_test(reopen),
        cmocka_unit_test(slots),           cmocka_unit_test(conflicts),
        cmocka_unit_test(deletion),        cmocka_unit_test(interrupted_deletion),
        cmocka_unit_test(failed_deletion), cmocka_unit_test(deletion_beside_a_change),
        cmocka_unit_test(loops),           cmocka_unit_test(predefined_slots_are_fixed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
