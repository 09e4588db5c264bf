/*
 * Structured logging. One line an event: fixed text, then typed keys. Text with colours on a
 * terminal, JSON otherwise. Any thread may log; lines never interleave. Payload bytes are never
 * logged. Layers below engine return errors instead and log at debug only.
 *
 *   SK_LOG(WARN, "store", "commit outcome unknown", SK_KV("namespace", ns), SK_KI("slot", slot));
 */
#ifndef SK_BASE_LOG_H
#define SK_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum sk_log_level { SK_LOG_DEBUG, SK_LOG_INFO, SK_LOG_WARN, SK_LOG_ERROR, SK_LOG_NONE };
enum sk_log_format { SK_LOG_AUTO, SK_LOG_TEXT, SK_LOG_JSON };

struct sk_log_kv {
    const char *key;
    const char *str; /* NULL: use num */
    int64_t num;
};

static inline const char *sk_log_text(const char *s)
{
    return s ? s : "";
}

#define SK_KV(k, s) ((struct sk_log_kv){(k), sk_log_text(s), 0})
#define SK_KI(k, i) ((struct sk_log_kv){(k), 0, (int64_t)(i)})

extern enum sk_log_level sk_log_threshold;
#define SK_LOG(level, component, text, ...)                                        \
    (SK_LOG_##level >= sk_log_threshold                                            \
         ? sk_log_write(SK_LOG_##level, component, text,                           \
                        (const struct sk_log_kv[]){__VA_ARGS__ __VA_OPT__(, ){0}}) \
         : (void)0)

/* kv ends with a NULL key */
void sk_log_write(enum sk_log_level level, const char *component, const char *text,
                  const struct sk_log_kv *kv);
/* fd: where lines go (2 = standard error). */
void sk_log_init(enum sk_log_level threshold, enum sk_log_format format, int fd);

#endif
