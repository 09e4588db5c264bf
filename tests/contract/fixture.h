/*
 * One suite for every store. A test is a function that runs in a fiber on a fresh store; the
 * table of a test program is run for each variant: the model, the model in a simulated runtime,
 * SQLite. A store that is added gets a row in `variants` and nothing else.
 */
#ifndef SK_TEST_CONTRACT_H
#define SK_TEST_CONTRACT_H

#include "base/assert.h"
#include "base/buf.h"
#include "rt/rt.h"
#include "store/vis_query.h"

struct fixture {
    struct sk_store *store;
    struct sk_ctx ctx;
    const char *path; /* of the file, for stores that have one; else NULL */
    int64_t epochs[SK_SLOT_COUNT];
};

struct contract_test {
    const char *name;
    void (*run)(struct fixture *f);
};
/* main() of a test program: all tests on all variants. */
int contract_main(const struct contract_test *tests, size_t count);

/* cmocka's asserts jump, which a fiber's stack does not survive; these say where and abort. */
#define CHECK(cond) SK_ASSERT(cond)
#define CHECK_INT(a, b) check_int((int64_t)(a), (int64_t)(b), #a, __FILE__, __LINE__)
#define CHECK_STR(a, b) check_str((a), (b), #a, __FILE__, __LINE__)
#define CHECK_ERR(a, b) check_err((a), (b), f, #a, __FILE__, __LINE__)
#define CHECK_OK(a) CHECK_ERR((a), SK_OK)
void check_int(int64_t a, int64_t b, const char *what, const char *file, int line);
void check_str(struct sk_str a, const char *b, const char *what, const char *file, int line);
/* Clears the context's error afterwards. */
void check_err(sk_err a, sk_err b, struct fixture *f, const char *what, const char *file, int line);

/* Close the store and open it again on what is there (only with a path). */
void reopen(struct fixture *f);

/* ---- building transitions ---- */
struct sk_run_key run_key(sk_ns_id ns, const char *workflow_id, uint8_t number);
/* Commit under the slot's lease, which is taken when it was not yet. */
sk_err commit(struct fixture *f, const struct sk_run_key *run, const struct sk_op *ops,
              size_t count);
#define COMMIT(f, run, ...)                       \
    commit(f, run, (struct sk_op[]){__VA_ARGS__}, \
           sizeof((struct sk_op[]){__VA_ARGS__}) / sizeof(struct sk_op))

struct sk_op exec_put(struct sk_run_key run, int64_t version, int64_t wake_ms, const char *state);
struct sk_op run_op(enum sk_op_kind kind, struct sk_run_key run); /* the deletes, CURRENT_PUT any */
struct sk_op current_put(struct sk_run_key run, const struct sk_run_key *expected);
struct sk_op part_put(struct sk_run_key run, enum sk_part_kind kind, int64_t id, const char *body);
struct sk_op part_delete(struct sk_run_key run, enum sk_part_kind kind, int64_t id);
struct sk_op history(struct sk_run_key run, int64_t first, int64_t last, const char *events);
struct sk_op task(enum sk_op_kind kind, struct sk_run_key run, const char *queue, int32_t priority,
                  int64_t seq);
struct sk_op outbox(enum sk_op_kind kind, struct sk_run_key source, int64_t id, const char *body);
struct sk_op inbox(enum sk_op_kind kind, struct sk_run_key target, struct sk_run_key source,
                   int64_t id, const char *reply);
struct sk_op vis(const struct sk_vis_row *row);

#endif
