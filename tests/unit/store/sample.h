/*
 * A small store of every kind of row: written by make_sample into tests/fixtures/store, one file a
 * format version, and verified by every later build. What is here is never changed: a new kind of
 * row is a new function that a new format's file has.
 */
#ifndef SK_TEST_STORE_SAMPLE_H
#define SK_TEST_STORE_SAMPLE_H

#include "env.h"

void sample_write(struct env *env);
void sample_verify(struct env *env);
/* The runs go on and end: an old file is not only read. */
void sample_continue(struct env *env);

/* What format 2 has besides; continued before the rest. */
void sample_write_2(struct env *env);
void sample_verify_2(struct env *env);
void sample_continue_2(struct env *env);

#endif
