/* What the SQLite store's tests share: a fiber to run in, a folder, faults of the disk. */
#ifndef SK_TEST_STORE_ENV_H
#define SK_TEST_STORE_ENV_H

#include <stdatomic.h>
#include "base/assert.h"
#include "base/buf.h"
#include "rt/rt.h"
#include "store/vis_query.h"

struct env {
    struct sk_rt *rt;
    struct sk_ctx ctx;
    struct sk_arena *arena;
    struct sk_store *store;
    const char *const *pragmas;
    char dir[64], path[96];
    int64_t epochs[SK_SLOT_COUNT];
};

/* Run body in a fiber of a fresh runtime, with a folder of its own that is removed afterwards. */
void env_run(void (*body)(struct env *env));

sk_err env_open(struct env *env);
void env_close(struct env *env);
/* The last error's message, and clears it. */
const char *env_error(struct env *env);
void env_read(const char *path, struct sk_buf *ret);
void env_write(const char *path, const void *bytes, size_t n);

#define CHECK(cond) SK_ASSERT(cond)
#define CHECK_INT(a, b) env_check_int((int64_t)(a), (int64_t)(b), #a, __FILE__, __LINE__)
#define CHECK_ERR(a, b) env_check_err(env, (a), (b), #a, __FILE__, __LINE__)
#define CHECK_OK(a) CHECK_ERR((a), SK_OK)
#define CHECK_SAYS(env, text) env_check_says(env, text, __FILE__, __LINE__)
void env_check_int(int64_t a, int64_t b, const char *what, const char *file, int line);
/* Leaves the message for CHECK_SAYS or the next call to clear. */
void env_check_err(struct env *env, sk_err a, sk_err b, const char *what, const char *file,
                   int line);
void env_check_says(struct env *env, const char *text, const char *file, int line);

/* A small transition: run number n of workflow "w<n>" goes to `version`, with history, a task and
 * a visibility row. */
sk_err env_commit(struct env *env, int n, int64_t version);
/* The version of run n, 0 when absent. */
int64_t env_version(struct env *env, int n);
struct sk_run_key env_run_key(struct env *env, int n);

/* ---- a disk that fails (sqlite3 VFS over the real one); all stores opened afterwards use it ----
 */
struct faults {
    atomic_int write,
        sync;             /* SQLite result codes that writes and syncs of the log return; 0: work */
    atomic_int data_sync; /* the same for syncs of the database file */
    atomic_bool read_only; /* files open for reading only */
    atomic_int syncs;      /* of the log, so far */
    atomic_int nth;        /* the operation on any file that fails, from 1; counts down */
    atomic_int nth_count;  /* how many fail from there on; 0: none */
    atomic_int nth_write;  /* what they return if they are writes */
};
extern struct faults faults;
void faults_install(void);

#endif
