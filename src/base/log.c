/*
 * Log lines. A line is built on the caller's stack, bounded, and goes out in one write(2), so that
 * lines of several threads never interleave and none is lost in a buffer when the process dies.
 * A line too long for the bound loses keys at its end, never its form: JSON stays JSON.
 *
 * Text and values may hold bytes of strangers (ids, names): control characters are escaped in both
 * formats, and what is not UTF-8 becomes U+FFFD, so that a line is a line and JSON is JSON.
 * Settings are made once, before other threads start; then any thread may log. A failed write is
 * ignored: there is nobody left to tell.
 */
#include "base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/str.h"

enum { LINE_MAX_BYTES = 4096, VALUE_MAX = 1024 };

enum sk_log_level sk_log_threshold = SK_LOG_INFO;
static bool log_json;
static bool log_colour;
static int log_fd = STDERR_FILENO;

static const char *const level_names[] = {"debug", "info", "warn", "error"};
static const char *const level_colours[] = {"\033[2m", "\033[32m", "\033[33m", "\033[31m"};

struct line {
    char p[LINE_MAX_BYTES];
    size_t n;
    bool full; // something did not fit
};

void sk_log_init(enum sk_log_level threshold, enum sk_log_format format, int fd)
{
    bool terminal = isatty(fd) == 1;

    sk_log_threshold = threshold;
    log_fd = fd;
    log_json = format == SK_LOG_JSON || (format == SK_LOG_AUTO && !terminal);
    log_colour = terminal && !log_json;
}

static void put(struct line *line, const char *bytes, size_t n)
{
    // The last bytes are kept for closing the line.
    if (n > sizeof(line->p) - 8 - line->n) {
        line->full = true;
        return;
    }
    memcpy(line->p + line->n, bytes, n);
    line->n += n;
}

static void put_str(struct line *line, const char *s)
{
    put(line, s, strlen(s));
}

/* Bytes of the UTF-8 character at s, 1 for a byte that starts none. */
static size_t character_at(const char *s, bool *ret_valid)
{
    for (size_t n = 1; n <= 4 && s[n - 1] != '\0'; n++) {
        if (sk_utf8_valid(s, n)) {
            *ret_valid = true;
            return n;
        }
    }
    *ret_valid = false;
    return 1;
}

/* Between quotes, escaped as JSON does. */
static void put_quoted(struct line *line, const char *s)
{
    size_t start = line->n;

    put(line, "\"", 1);
    while (*s && !line->full && line->n - start < VALUE_MAX) {
        bool valid;
        size_t n = character_at(s, &valid);
        unsigned char c = (unsigned char)*s;
        char escape[8];
        if (!valid) {
            put_str(line, "\\ufffd");
        } else if (c == '"' || c == '\\') {
            put(line, (char[]){'\\', *s}, 2);
        } else if (c < 0x20 || c == 0x7F) {
            snprintf(escape, sizeof(escape), "\\u%04x", c);
            put_str(line, escape);
        } else {
            put(line, s, n);
        }
        s += n;
    }
    put(line, "\"", 1);
}

static void put_number(struct line *line, int64_t number)
{
    char digits[24];
    int n = snprintf(digits, sizeof(digits), "%lld", (long long)number);
    put(line, digits, (size_t)n);
}

static void put_time(struct line *line)
{
    struct timespec now;
    struct tm utc;
    char text[40];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
    put(line, text, n);
    int tail = snprintf(text, sizeof(text), ".%03ldZ", now.tv_nsec / 1000000);
    put(line, text, (size_t)tail);
}

/* Words without quotes where that reads well and cannot be mistaken. */
static bool is_plain(const char *s)
{
    if (*s == '\0')
        return false;
    for (; *s; s++)
        if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7F || strchr("\"\\=", *s))
            return false;
    return true;
}

static void put_kv(struct line *line, const struct sk_log_kv *kv)
{
    size_t before = line->n;
    bool quoted = log_json || (kv->str && !is_plain(kv->str));

    if (log_json) {
        put(line, ",", 1);
        put_quoted(line, kv->key);
        put(line, ":", 1);
    } else {
        put(line, " ", 1);
        put_str(line, kv->key);
        put(line, "=", 1);
    }
    if (!kv->str)
        put_number(line, kv->num);
    else if (quoted)
        put_quoted(line, kv->str);
    else
        put_str(line, kv->str);
    if (line->full)
        line->n = before; // all of a key or nothing of it
}

static void put_head_text(struct line *line, enum sk_log_level level, const char *component,
                          const char *text)
{
    char padded[16];

    put_time(line);
    snprintf(padded, sizeof(padded), " %-5s ", level_names[level]);
    put_str(line, log_colour ? level_colours[level] : "");
    put_str(line, padded);
    put_str(line, log_colour ? "\033[0m" : "");
    put_str(line, component);
    put_str(line, ": ");
    put_str(line, text);
}

static void put_head_json(struct line *line, enum sk_log_level level, const char *component,
                          const char *text)
{
    put_str(line, "{\"time\":\"");
    put_time(line);
    put_str(line, "\",\"level\":");
    put_quoted(line, level_names[level]);
    put_str(line, ",\"component\":");
    put_quoted(line, component);
    put_str(line, ",\"message\":");
    put_quoted(line, text);
}

void sk_log_write(enum sk_log_level level, const char *component, const char *text,
                  const struct sk_log_kv *kv)
{
    struct line line;
    int saved_errno = errno;

    line.n = 0;
    line.full = false;
    if (level >= SK_LOG_NONE)
        return;
    if (log_json)
        put_head_json(&line, level, component, text);
    else
        put_head_text(&line, level, component, text);
    for (; kv && kv->key && !line.full; kv++)
        put_kv(&line, kv);
    memcpy(line.p + line.n, log_json ? "}\n" : "\n", log_json ? 2 : 1);
    line.n += log_json ? 2 : 1;
    ssize_t written;
    do {
        written = write(log_fd, line.p, line.n);
    } while (written < 0 && errno == EINTR);
    errno = saved_errno;
}
