/* See process.h. CPU time has the kernel's tick as its grain, 10 ms as a rule. */
#include "cli/process.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool read_cpu(int64_t pid, int64_t *ret_us)
{
    char path[64], line[1024];
    unsigned long long user = 0, system = 0;
    snprintf(path, sizeof(path), "/proc/%lld/stat", (long long)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    bool ok = fgets(line, sizeof(line), file) != NULL;
    fclose(file);
    // The second field is the program's name in brackets and may hold anything.
    const char *after = ok ? strrchr(line, ')') : NULL;
    if (!after || sscanf(after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
                         &system) != 2)
        return false;
    *ret_us = (int64_t)((user + system) * 1000000 / (unsigned long long)sysconf(_SC_CLK_TCK));
    return true;
}

static bool read_memory(int64_t pid, struct sk_process_use *use)
{
    char path[64], line[256];
    long long kib;
    snprintf(path, sizeof(path), "/proc/%lld/status", (long long)pid);
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    while (fgets(line, sizeof(line), file)) {
        if (sscanf(line, "VmRSS: %lld", &kib) == 1)
            use->rss_bytes = kib * 1024;
        else if (sscanf(line, "VmHWM: %lld", &kib) == 1)
            use->peak_bytes = kib * 1024;
    }
    fclose(file);
    return use->rss_bytes > 0;
}

bool sk_process_use(int64_t pid, struct sk_process_use *ret)
{
    struct sk_process_use use = {0};
    if (!read_cpu(pid, &use.cpu_us) || !read_memory(pid, &use))
        return false;
    *ret = use;
    return true;
}
