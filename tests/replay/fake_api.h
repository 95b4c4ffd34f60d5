/* fake_api: what a scripted API server answers, and what it was asked.
 *
 * The store of apiserver.h with paged lists, status patches, Events and
 * Leases over it.  fake_http.c carries the requests; scripts set the knobs.
 */
#ifndef TESTS_REPLAY_FAKE_API_H
#define TESTS_REPLAY_FAKE_API_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/kube/http.h"
#include "tests/replay/apiserver.h"

enum fake_op {
    FAKE_LIST,
    FAKE_WATCH,
    FAKE_PATCH,         /* Of an Ingress's status. */
    FAKE_EVENT,
    FAKE_LEASE,
    FAKE_PROBE,
    FAKE_OBJECT,        /* One by name: a ConfigMap, the type of a Secret. */
};
#define FAKE_N_OPS 7
#define FAKE_ANY (-1)

enum fake_how {
    FAKE_STATUS,        /* Refused with a status. */
    FAKE_RESET,         /* The connection breaks before it is done. */
    FAKE_LOST,          /* It is done, but the answer is lost. */
    FAKE_HANG,          /* No answer ever. */
    FAKE_GARBAGE,       /* 200 and no JSON. */
    FAKE_HOLD,          /* It waits until the rule goes away. */
};

/* What happens to the next 'times' requests of a sort. */
struct fake_rule {
    int op;                     /* enum fake_op or FAKE_ANY */
    int kind;                   /* enum kube_kind or FAKE_ANY */
    char ns[64];                /* "": any. */
    enum fake_how how;
    int status;
    int64_t retry_after_ms;     /* -1: no header. */
    unsigned times;
    unsigned skip;              /* Requests that pass before. */
};

struct fake_request {
    enum fake_op op;
    enum http_method method;
    enum kube_kind kind;
    char *ns;
    char *name;
    char *selector;
    char *label;                /* That all of a list have. */
    char *token;
    uint64_t from;
    uint64_t limit;
    uint64_t timeout_s;
    bool is_informed;           /* Of a patch: whoever sent it had seen the
                                 * Ingress as it was then. */
};

struct fake_answer {
    int status;
    int64_t retry_after_ms;
    struct buf body;
};

struct fake_event {
    char *key;                  /* Of the object it is about. */
    char *name;
    char *reason;
    char *note;
    int64_t count;
};

struct fake_rest {              /* Of a list, behind a continue token. */
    uint64_t token;
    uint64_t version;
    json_t *items;
};

struct fake_api {
    struct apiserver store;
    bool is_down;
    bool is_frozen;             /* Accepts, says nothing. */
    bool gone_as_event;         /* 410 comes inside of the stream. */
    uint64_t page;              /* Objects per page; 0: as asked. */
    VEC(struct fake_rule) rules;
    VEC(struct fake_event) events;
    VEC(struct fake_rest) rests;
    uint64_t n_tokens;
    char *rival;                /* Holds the Lease and renews it. */
    int64_t rival_ms;           /* When it does so next. */
    /* Requests, and those of each sort since the script said "forget". */
    uint64_t n_requests;
    uint64_t fail_at;           /* The one that breaks; 0: none. */
    enum fake_how fail_how;
    /* Lists and pieces of watches but for the bookmark of each minute. */
    uint64_t n_brought;
    unsigned counts[FAKE_N_OPS][KUBE_N_KINDS];
    unsigned n_writes;          /* Status patches that were taken. */
    /* Called for each, before it takes effect. */
    void (*on_status)(const char *key, json_t *addresses, bool is_informed,
                      void *aux);
    void (*on_note)(const char *line, void *aux);
    void *aux;
    char *problem;              /* A request that must not be. */
};

/* The one that http_new() talks to. */
extern struct fake_api *fake_api;

void fake_api_init(struct fake_api *);
void fake_api_fini(struct fake_api *);
void fake_api_note(const char *fmt, ...) PRINTF(1, 2);

const char *fake_op_name(enum fake_op);
bool fake_op_parse(const char *name, int *out);

/* False: no API server knows the path ('problem' is set). */
bool fake_request_read(const struct http_request *,
                       struct fake_request *out);
void fake_request_fini(struct fake_request *);

/* Answers everything but watches. */
void fake_api_answer(const struct fake_request *, const char *body,
                     size_t size, struct fake_answer *out);
void fake_api_put(struct fake_answer *out, int status, json_t *document);
/* Writes a Status document; 'field' is a cause, or NULL. */
void fake_api_refuse(struct fake_answer *out, int status, const char *reason,
                     const char *message, const char *field);
/* Removes the rule's use for this request; NULL: nothing special. */
const struct fake_rule *fake_api_rule(const struct fake_request *);

/* The rival takes the Lease, or renews it. */
void fake_api_rival(int64_t now_ms);
/* It lets it go. */
void fake_api_rival_left(void);
void fake_api_forget_events(void);

#endif /* TESTS_REPLAY_FAKE_API_H */
