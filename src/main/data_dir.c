/*
 * The data directory and the lock on it. Everything the server keeps on this machine lies in one
 * directory that only its user can read; an flock on a file in it keeps a second process out. The
 * lock file stays when the server ends, since removing it would race with another one's start; the
 * kernel drops the lock itself with the process, however that ends. Main thread, before the loops.
 */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "main/config.h"

static const char *set_env(const char *name)
{
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static const char *home_dir(void)
{
    const char *home = set_env("HOME");
    struct passwd *entry = home ? NULL : getpwuid(getuid());
    return entry ? entry->pw_dir : home;
}

sk_err sk_data_dir_path(struct sk_ctx *ctx, const char *given, const char **ret)
{
    const char *state = set_env("STATE_DIRECTORY"), *xdg = set_env("XDG_DATA_HOME"),
               *home = home_dir();
    if (given && *given)
        *ret = given;
    else if (state) // systemd gives a list when the unit names several
        *ret = sk_arena_strndup(ctx->arena, state, strcspn(state, ":"));
    else if (xdg && xdg[0] == '/')
        *ret = sk_arena_printf(ctx->arena, "%s/skald", xdg);
    else if (home && home[0] == '/')
        *ret = sk_arena_printf(ctx->arena, "%s/.local/share/skald", home);
    else
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "no place for data: give --data-dir or set HOME");
    return SK_OK;
}

static sk_err make_parents(struct sk_ctx *ctx, const char *path)
{
    char *copy = sk_arena_strdup(ctx->arena, path);
    for (char *p = copy + 1; *p; p++) {
        if (*p != '/')
            continue;
        *p = '\0';
        if (mkdir(copy, 0700) && errno != EEXIST)
            return sk_fail(ctx, SK_INVALID_ARGUMENT, "cannot make the directory %s: %s", copy,
                           strerror(errno));
        *p = '/';
    }
    return SK_OK;
}

sk_err sk_data_dir_make(struct sk_ctx *ctx, const char *path)
{
    struct stat st;
    sk_err err = make_parents(ctx, path);
    if (err)
        return err;
    if (mkdir(path, 0700) && errno != EEXIST)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "cannot make the data directory %s: %s", path,
                       strerror(errno));
    if (stat(path, &st))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "data directory %s: %s", path, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "data directory %s: it is not a directory", path);
    if (access(path, W_OK | X_OK))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "data directory %s: this user cannot write to it",
                       path);
    // A directory of another user (a mounted volume) is left as its owner made it.
    if ((st.st_mode & 0077) && st.st_uid == geteuid() && chmod(path, 0700))
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "data directory %s: others can read it, and %s",
                       path, strerror(errno));
    return SK_OK;
}

/* The process that wrote its id into the lock file, or 0. */
static long holder(int fd)
{
    char text[32];
    ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    return strtol(text, NULL, 10);
}

sk_err sk_lock_take(struct sk_ctx *ctx, const char *path, int *ret_fd)
{
    char text[32];
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "cannot open the lock file %s: %s", path,
                       strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        long pid = errno == EWOULDBLOCK ? holder(fd) : 0;
        sk_err err =
            errno == EWOULDBLOCK
                ? sk_fail(ctx, SK_FAILED_PRECONDITION,
                          "%s is locked: another skald (process %ld) uses this data", path, pid)
                : sk_fail(ctx, SK_INVALID_ARGUMENT, "cannot lock %s: %s", path, strerror(errno));
        close(fd);
        return err;
    }
    int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) || pwrite(fd, text, (size_t)n, 0) != n) {
        close(fd);
        return sk_fail(ctx, SK_INVALID_ARGUMENT, "cannot write the lock file %s: %s", path,
                       strerror(errno));
    }
    *ret_fd = fd;
    return SK_OK;
}

void sk_lock_release(int fd)
{
    if (fd >= 0)
        close(fd);
}
