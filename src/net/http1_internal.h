/* For http1*.c only. */
#ifndef SK_NET_HTTP1_INTERNAL_H
#define SK_NET_HTTP1_INTERNAL_H

#include <http_parser.h>
#include <stdatomic.h>
#include "base/buf.h"
#include "base/list.h"
#include "net/budget.h"
#include "net/conn.h"
#include "net/http1.h"
#include "rt/rt.h"

struct sk_http_server {
    struct sk_http_options options;
    char *ip;
    struct sk_listener *listener;
    struct sk_list *loops; /* the connections of each loop */
    atomic_int conn_count;
    int loop_count;
    atomic_bool closing;
    atomic_int refs; /* the owner, connections, posted closes */
};

enum http_state {
    HTTP_READING,  /* a request comes in */
    HTTP_HANDLING, /* its handler runs */
    HTTP_SENDING,  /* the peer has not taken the answer yet */
    HTTP_ENDING,   /* nothing more is read */
};

/* A header field by offsets into text: the text may move while it grows. */
struct http_field {
    uint32_t name, name_size, value, value_size;
};

struct http_conn {
    struct sk_http_server *server;
    struct sk_conn *conn; /* NULL once closed */
    struct sk_list in_loop;
    struct sk_timer timer;
    enum http_state state;
    struct sk_buf rest;       /* bytes after the request in hand */
    struct sk_waitq room;     /* a handler that streams waits here */
    void (*watch)(void *arg); /* told when the peer goes */
    void *watch_arg;
    size_t unsent;  /* bytes, as they were counted last */
    bool keep;      /* SENDING: another request may follow */
    bool streaming; /* the answer's head is sent, pieces follow */
    bool chunked;   /* ...as chunks; else until the end of the connection */
    char peer[64];

    /* the request in hand */
    http_parser parser;
    struct sk_buf text;   /* URL, then names and values */
    struct sk_buf fields; /* struct http_field */
    struct sk_buf body;
    struct sk_budget budget; /* for the body */
    size_t url_size;
    size_t parsed;        /* bytes of it so far */
    const char *feed_end; /* of the bytes that are being fed */
    int line_end_due;     /* bytes of the line's end behind a chunk that have not come yet */
    bool in_value, headers_done, body_timed, complete, keep_alive, wants_continue;
    bool head;   /* HEAD: the answer has no body */
    int refusal; /* status, 0 = none */
    const char *refusal_why;
    struct sk_arena *arena;
    struct sk_ctx ctx;
    struct sk_http_request request;
};

/* A server that does not listen yet, and a connection of it: for fuzzing, and sk_http_listen. */
struct sk_http_server *http_server_new(const struct sk_http_options *options);
void http_accept(void *owner, struct sk_stream *stream);

/* http1_parse.c */
void http_request_init(struct http_conn *conn);
void http_request_fini(struct http_conn *conn);
/* Returns the bytes taken; sets complete or refusal. */
size_t http_request_feed(struct http_conn *conn, const char *bytes, size_t n);
struct sk_str http_find(const struct http_conn *conn, struct sk_str name);
/* Fill conn->request from what was parsed; false: refusal is set. */
bool http_request_finish(struct http_conn *conn);

#endif
