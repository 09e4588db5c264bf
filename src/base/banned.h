/*
 * Functions of the C library that nobody here calls, with what to use instead. The build puts this
 * before every file that depends on base (src/base/meson.build). It brings the headers that
 * declare them first, so that the macros below never meet a declaration. A call becomes an
 * undeclared name that says what to use.
 */
#ifndef SK_BASE_BANNED_H
#define SK_BASE_BANNED_H

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SK_BANNED(use) sk_banned_use_##use

// No bound on what they write.
#undef strcpy
#undef stpcpy
#undef strcat
#undef strncpy
#undef strncat
#undef sprintf
#undef vsprintf
#undef alloca
#define strcpy(d, s) SK_BANNED(sk_buf_str_or_memcpy)
#define stpcpy(d, s) SK_BANNED(sk_buf_str_or_memcpy)
#define strcat(d, s) SK_BANNED(sk_buf_str)
#define strncpy(d, s, n) SK_BANNED(sk_arena_strndup)
#define strncat(d, s, n) SK_BANNED(sk_buf_append)
#define sprintf(...) SK_BANNED(snprintf_or_sk_buf_printf)
#define vsprintf(...) SK_BANNED(vsnprintf)
#define alloca(n) SK_BANNED(sk_arena_alloc)

// Hidden state shared by all threads.
#undef strtok
#undef gmtime
#undef localtime
#undef ctime
#undef asctime
#define strtok(s, d) SK_BANNED(strtok_r)
#define gmtime(t) SK_BANNED(gmtime_r)
#define localtime(t) SK_BANNED(localtime_r)
#define ctime(t) SK_BANNED(strftime)
#define asctime(t) SK_BANNED(strftime)

// No way to report an error.
#undef atoi
#undef atol
#undef atoll
#undef atof
#define atoi(s) SK_BANNED(strtol)
#define atol(s) SK_BANNED(strtol)
#define atoll(s) SK_BANNED(strtoll)
#define atof(s) SK_BANNED(strtod)

// Clock and randomness are injected.
#undef rand
#undef srand
#undef time
#define rand() SK_BANNED(sk_random_u64)
#define srand(s) SK_BANNED(sk_random_new_seeded)
#define time(t) SK_BANNED(sk_now_wall_ms)

// The heap is base's (buf.c), which never returns NULL. free() stays, for what libraries hand out.
#undef malloc
#undef calloc
#undef realloc
#undef strdup
#undef strndup
#define malloc(n) SK_BANNED(sk_mem_alloc)
#define calloc(n, size) SK_BANNED(sk_mem_zalloc)
#define realloc(p, n) SK_BANNED(sk_mem_realloc)
#define strdup(s) SK_BANNED(sk_mem_strdup)
#define strndup(s, n) SK_BANNED(sk_mem_strndup)

#endif
