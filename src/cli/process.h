/* What another process of this machine uses, from /proc. */
#ifndef SK_CLI_PROCESS_H
#define SK_CLI_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct sk_process_use {
    int64_t cpu_us;     /* user and system time so far, all threads */
    int64_t rss_bytes;  /* resident now */
    int64_t peak_bytes; /* resident at most so far */
};

/* false: no such process. */
bool sk_process_use(int64_t pid, struct sk_process_use *ret);

#endif
