/*
 * Text search attributes as tokens, the same for every store: a token is a run of letters, digits
 * and other characters that are neither space nor punctuation, folded to lower case.
 */
#ifndef SK_STORE_TEXT_H
#define SK_STORE_TEXT_H

#include "base/arena.h"
#include "base/str.h"

/* The distinct tokens of text, sorted, in the arena. */
size_t sk_text_tokens(struct sk_arena *arena, struct sk_str text, struct sk_str **ret);

#endif
