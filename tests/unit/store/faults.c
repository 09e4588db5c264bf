/* A VFS over the default one whose log refuses to be written or synced on command. */
#include <sqlite3.h>
#include <string.h>

#include "env.h"

struct faults faults;

struct file {
    sqlite3_file base;
    bool is_log, is_main;
    sqlite3_file *real; /* behind this struct */
};
static sqlite3_vfs *real_vfs, vfs;

static sqlite3_file *real(sqlite3_file *f)
{
    return ((struct file *)f)->real;
}

/* Is this the nth operation, or one of those right after it that fail as well? */
static bool is_nth(void)
{
    int left = atomic_load(&faults.nth), last = 1 - atomic_load(&faults.nth_count);
    while (left > last && !atomic_compare_exchange_weak(&faults.nth, &left, left - 1))
        ;
    return left > last && left <= 1;
}

static int on_close(sqlite3_file *f)
{
    return real(f)->pMethods ? real(f)->pMethods->xClose(real(f)) : SQLITE_OK;
}

static int on_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return is_nth() ? SQLITE_IOERR_READ : real(f)->pMethods->xRead(real(f), p, n, at);
}

static int on_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    int fault = ((struct file *)f)->is_log ? atomic_load(&faults.write) : 0;
    if (is_nth())
        fault = atomic_load(&faults.nth_write);
    return fault ? fault : real(f)->pMethods->xWrite(real(f), p, n, at);
}

static int on_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    return is_nth() ? SQLITE_IOERR_TRUNCATE : real(f)->pMethods->xTruncate(real(f), n);
}

static int on_sync(sqlite3_file *f, int flags)
{
    struct file *file = (struct file *)f;
    int fault = 0;
    if (file->is_log) {
        atomic_fetch_add(&faults.syncs, 1);
        fault = atomic_load(&faults.sync);
    } else if (file->is_main) {
        fault = atomic_load(&faults.data_sync);
    }
    if (is_nth())
        fault = SQLITE_IOERR_FSYNC;
    return fault ? fault : real(f)->pMethods->xSync(real(f), flags);
}

static int on_size(sqlite3_file *f, sqlite3_int64 *ret)
{
    return is_nth() ? SQLITE_IOERR_FSTAT : real(f)->pMethods->xFileSize(real(f), ret);
}

static int on_lock(sqlite3_file *f, int level)
{
    return real(f)->pMethods->xLock(real(f), level);
}

static int on_unlock(sqlite3_file *f, int level)
{
    return real(f)->pMethods->xUnlock(real(f), level);
}

static int on_reserved(sqlite3_file *f, int *ret)
{
    return real(f)->pMethods->xCheckReservedLock(real(f), ret);
}

static int on_control(sqlite3_file *f, int op, void *arg)
{
    return real(f)->pMethods->xFileControl(real(f), op, arg);
}

static int on_sector(sqlite3_file *f)
{
    return real(f)->pMethods->xSectorSize(real(f));
}

static int on_traits(sqlite3_file *f)
{
    return real(f)->pMethods->xDeviceCharacteristics(real(f));
}

static int on_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **ret)
{
    return real(f)->pMethods->xShmMap(real(f), page, size, extend, ret);
}

static int on_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return real(f)->pMethods->xShmLock(real(f), offset, n, flags);
}

static void on_shm_barrier(sqlite3_file *f)
{
    real(f)->pMethods->xShmBarrier(real(f));
}

static int on_shm_unmap(sqlite3_file *f, int remove)
{
    return real(f)->pMethods->xShmUnmap(real(f), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_reserved,
    .xFileControl = on_control,
    .xSectorSize = on_sector,
    .xDeviceCharacteristics = on_traits,
    .xShmMap = on_shm_map,
    .xShmLock = on_shm_lock,
    .xShmBarrier = on_shm_barrier,
    .xShmUnmap = on_shm_unmap,
};

static int on_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
    struct file *file = (struct file *)f;
    (void)v;
    memset(file, 0, sizeof(*file));
    file->real = (sqlite3_file *)(file + 1);
    file->is_log = flags & SQLITE_OPEN_WAL;
    file->is_main = flags & SQLITE_OPEN_MAIN_DB;
    if (atomic_load(&faults.read_only) && (flags & SQLITE_OPEN_MAIN_DB))
        flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
    int rc = real_vfs->xOpen(real_vfs, name, file->real, flags, ret_flags);
    if (rc == SQLITE_OK)
        file->base.pMethods = &methods;
    return rc;
}

void faults_install(void)
{
    if (real_vfs)
        return;
    real_vfs = sqlite3_vfs_find(NULL);
    vfs = *real_vfs; // the rest is the real one's; it does not look at which VFS it was called by
    vfs.zName = "faults";
    vfs.szOsFile = (int)sizeof(struct file) + real_vfs->szOsFile;
    vfs.xOpen = on_open;
    sqlite3_vfs_register(&vfs, 1);
}
