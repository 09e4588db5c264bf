/* Writes a fixture of today's format: make_sample PATH. Run once when a format is released. */
#include <stdio.h>
#include <string.h>

#include "sample.h"

static const char *target;

static void body(struct env *env)
{
    snprintf(env->path, sizeof(env->path), "%s", target);
    CHECK_OK(env_open(env));
    sample_write(env);
    sample_write_2(env);
}

int main(int argc, char **argv)
{
    if (argc != 2 || strlen(argv[1]) >= sizeof(((struct env *)0)->path))
        return fprintf(stderr, "usage: make_sample PATH\n"), 2;
    target = argv[1];
    env_run(body);
    return 0;
}
