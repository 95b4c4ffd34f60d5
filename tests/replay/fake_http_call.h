/* fake_http_call: a request of fake_http.h, and the part of it that is a watch.
 *
 * Private to fake_http.c, which carries requests and their answers, and to
 * fake_watch.c, which brings what changed.
 */
#ifndef TESTS_REPLAY_FAKE_HTTP_CALL_H
#define TESTS_REPLAY_FAKE_HTTP_CALL_H

#include "lib/base/buf.h"
#include "lib/base/vec.h"
#include "lib/kube/http.h"
#include "tests/replay/fake_api.h"

enum call_state {
    CALL_SENT,
    CALL_HELD,          /* A rule holds it: looked at again. */
    CALL_HUNG,          /* Only its deadline ends it. */
    CALL_STREAM,
};

struct http_call {
    struct http *http;
    uint64_t number;
    enum call_state state;
    bool is_known;              /* The path makes sense. */
    bool is_counted;
    struct fake_request request;
    char *body;
    size_t size;
    int64_t deadline_ms;
    int64_t silent_ms;
    http_data_fn *data;
    http_done_fn *done;
    void *aux;
    /* Of a stream. */
    uint64_t from;
    int64_t heard_ms;
    int64_t end_ms;
    int64_t bookmark_ms;
    struct buf injected;
    bool is_cut;
    bool is_over;
};

struct http {
    VEC(struct http_call *) calls;      /* In the order of sending. */
    uint64_t n_sent;
    int64_t now_ms;
    struct http_call *feeding;  /* NULL again where it was cancelled. */
    bool is_broken;             /* Everything on the connection ends. */
    unsigned n_haproxy_runs;    /* When this turn began. */
};

/* Ends a call with an answer, or without one ('why'). */
void fake_call_finish(struct http_call *call, const struct fake_answer *answer,
                      const char *why);

/* Tells the script's record how it went. */
void fake_call_note(const struct http_call *call, const char *how, int status);

/* The next open watch of a kind, or FAKE_ANY, from '*at' on; NULL: no more. */
struct http_call *fake_http_next_watch(int kind, size_t *at);

/* Answers a call that asks for a watch: now it is one, or it is over. */
void fake_watch_open(struct http_call *call, int64_t now_ms);

/* Brings what is new; afterwards the call may be no more. */
void fake_watch_look(struct http_call *call, int64_t now_ms);

bool fake_watch_has_news(const struct http_call *call);

#endif /* TESTS_REPLAY_FAKE_HTTP_CALL_H */
