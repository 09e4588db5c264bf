/* A const string for a member of a protobuf-c message, which wants char * but only reads it. */
#ifndef SK_WIRE_TEXT_H
#define SK_WIRE_TEXT_H

/* NULL becomes "". The string is borrowed. */
static inline char *sk_wire_text(const char *s)
{
    union {
        const char *in;
        char *out;
    } u = {s ? s : ""};
    return u.out;
}

#endif
