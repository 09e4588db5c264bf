/*
 * sim [--verbose] [FIRST [LAST]]    simulate these seeds (default 1 to 100), then those of
 * seeds.txt A broken invariant prints itself, the seed and how to run that seed again, and exits
 * with 1.
 */
#include "sim.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "base/log.h"

static bool verbose;
static const char *program;

void sim_say(const char *fmt, ...)
{
    if (!verbose)
        return;
    va_list args;
    va_start(args, fmt);
    if (sim)
        printf("%9.3f ", (double)sk_now_mono_ms() / 1000);
    vprintf(fmt, args);
    printf("\n");
    va_end(args);
}

static void print_replay(void)
{
    fflush(stdout);
    fprintf(stderr, "seed %llu failed; again with: %s --verbose %llu\n",
            sim ? (unsigned long long)sim->seed : 0, program,
            sim ? (unsigned long long)sim->seed : 0);
}

_Noreturn void sim_fail(const char *cond, const char *file, int line, const char *fmt, ...)
{
    char text[600];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    sim_say("failed"); // when
    fprintf(stderr, "%s:%d: %s (%s)\n", file, line, text, cond);
    print_replay();
    _exit(1);
}

/* An assertion of the code under test. */
static void on_abort(int number)
{
    (void)number;
    print_replay();
    _exit(1);
}

static void run_file(const char *path)
{
    FILE *file = fopen(path, "r");
    char line[200];
    if (!file) {
        fprintf(stderr, "%s cannot be read\n", path);
        exit(1);
    }
    while (fgets(line, sizeof line, file))
        if (line[0] >= '0' && line[0] <= '9')
            sim_world_run(strtoull(line, NULL, 10));
    fclose(file);
}

int main(int argc, char **argv)
{
    uint64_t seeds[2] = {1, 100};
    int given = 0;
    program = argv[0];
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--verbose"))
            verbose = true;
        else if (given < 2)
            seeds[given++] = strtoull(argv[i], NULL, 10);
    }
    if (given == 1)
        seeds[1] = seeds[0];
    sk_log_threshold = verbose ? SK_LOG_DEBUG : SK_LOG_NONE;
    signal(SIGABRT, on_abort);
    for (uint64_t seed = seeds[0]; seed <= seeds[1]; seed++)
        sim_world_run(seed);
#ifdef SIM_SEEDS_FILE
    if (given != 1)
        run_file(SIM_SEEDS_FILE);
#endif
    if (given != 1)
        printf("seeds %llu to %llu and those of seeds.txt: every invariant held\n",
               (unsigned long long)seeds[0], (unsigned long long)seeds[1]);
    return 0;
}
