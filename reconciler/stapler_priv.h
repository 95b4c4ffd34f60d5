/* stapler_priv: what the files of stapler share and nobody else includes. */
#ifndef RECONCILER_STAPLER_PRIV_H
#define RECONCILER_STAPLER_PRIV_H

#include "lib/base/backoff.h"
#include "lib/base/digest.h"
#include "lib/base/map.h"
#include "lib/base/x509_ocsp.h"
#include "lib/kube/fetch.h"
#include "reconciler/stapler.h"

/* How a question ended, for the counters. */
enum end { END_GOOD, END_REVOKED, END_UNKNOWN, END_INVALID, END_UNREACHED,
           END_FORBIDDEN, ENDS };

struct space {
    int64_t last_ms;            /* When its last question began. */
    size_t n_calls;
};

/* A certificate that can be asked about. */
struct item {
    struct stapler *stapler;
    struct space *space;        /* Its namespace's. */
    char *key;                  /* "namespace/name" of its Secret. */
    char fingerprint[DIGEST_HEX_SIZE];
    bool must_have;
    struct x509_ocsp ocsp;
    bool has_answer;
    struct x509_ocsp_answer answer;
    int64_t due_s;              /* When it is asked next. */
    unsigned n_failed;          /* In a row. */
    char *why;                  /* Of the last one. */
    struct backoff backoff;     /* Seconds. */
    struct fetch_call *call;    /* NULL: not on its way. */
};

struct stapler {
    struct engine *engine;
    const struct dataplane *dataplane;
    struct fetch *fetch;        /* NULL until it was asked for once. */
    bool is_on;
    struct map *items;          /* Secret key -> struct item */
    struct map *spaces;         /* Namespace -> struct space */
    char *named;                /* ocsp-responders as they were. */
    size_t n_calls;
    int64_t now_ms, now_s;
    int64_t next_s;             /* When there is something to do; */
    int64_t last_s;             /* when there was. */
    int64_t pace_ms;            /* The same, for one that is held up. */
    struct metric *ends[ENDS];
    struct metric *stapled;
};

/* stapler_ask.c: one certificate's question and what comes of it. */
void stapler_ask_(struct item *);
/* Takes a response that was there before this process. */
void stapler_adopt_(struct item *);
/* A response whose time is over goes; a clock that was set back asks again. */
void stapler_expire_(struct item *);

#endif /* RECONCILER_STAPLER_PRIV_H */
