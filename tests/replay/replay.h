/* replay: the reconciler under a script; see script.h for the language.
 *
 * Parts: replay.c turns the app and checks the properties, script.c
 * reads commands, expect.c asks what came of them, churn.c makes changes at
 * random, replay_main.c runs files and sweeps faults over them.
 */
#ifndef TESTS_REPLAY_REPLAY_H
#define TESTS_REPLAY_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/vec.h"
#include "reconciler/app.h"
#include "tests/replay/fake_api.h"
#include "tests/replay/fake_dataplane.h"

/* What the checks depend on: the same once checked is not checked again. */
struct replay_stamp {
    uint64_t brought;           /* By the API server. */
    uint64_t generation;        /* Of the plan. */
    uint64_t confirms;
    uint64_t starts;
};

#define REPLAY_TRANSCRIPT ((size_t) 4 << 20)    /* Bytes. */

struct replay {
    const char *file;
    unsigned line;
    struct fake_api api;
    struct fake_haproxy haproxy;
    const char *dir;            /* Of the kubeconfig. */
    VEC(char *) args;
    struct config config;
    bool has_config;
    struct app *app;
    int64_t now_ms;
    bool no_compare;            /* History on purpose: not compared. */
    bool no_sweep;              /* Its end depends on failures it makes. */
    bool no_expect;             /* A sweep: only properties are checked. */
    struct replay_stamp compared;
    struct replay_stamp mirrored;
    uint64_t n_starts;
    uint64_t n_turns;
    uint64_t n_compared;
    uint64_t n_churned;
    struct buf transcript;
    char *failure;              /* The first one. */
};

void replay_init(struct replay *, const char *file, const char *dir);
void replay_fini(struct replay *);

void replay_fail(struct replay *, const char *fmt, ...) PRINTF(2, 3);
void replay_note(struct replay *, const char *fmt, ...) PRINTF(2, 3);

void replay_start(struct replay *);
/* 'graceful' gives the Lease back first. */
void replay_restart(struct replay *, bool graceful);
/* Turns until nothing is due at the present time. */
void replay_settle(struct replay *);
/* Lets time pass, waking up whenever something is due. */
void replay_advance(struct replay *, int64_t ms);
/* The state against a full recompute, whether or not something was brought:
 * time alone changes it too. */
void replay_compare(struct replay *);

/* Is a host of the Ingress served by this plan?  Judged by the dump alone:
 * a row of the host that forwards to a Service the Ingress names, or, unless
 * 'is_strict', one that answers by itself and may be another's. */
bool replay_serves(const struct plan *, json_t *ingress, bool is_strict);

/* script.c: runs the text of a script. */
void replay_script(struct replay *, const char *text);
/* expect.c: 'words' behind "expect"; 'block' is what stood until "end". */
void replay_expect(struct replay *, char **words, size_t n,
                   const char *rest, const char *block);
/* shorthand.c: objects that a script says in one line; 'controller' "" is
 * ours. */
void shorthand_class(struct replay *, const char *name,
                     const char *controller);
void shorthand_service(struct replay *, const char *key,
                       char *const *addresses, size_t n);
void shorthand_ingress(struct replay *, const char *key, char *const *words,
                       size_t n);
/* churn.c */
void replay_churn(struct replay *, unsigned n, uint64_t seed);
/* hours.c: what is left after each hour is what was left after the first. */
void replay_hours(struct replay *, unsigned n);
/* A TLS Secret for 'hosts' ("a,b"; "bad": no certificate at all).  One pair
 * per text and process. */
json_t *replay_tls_secret(const char *key, const char *hosts, int64_t days);
void replay_forget_secrets(void);

#endif /* TESTS_REPLAY_REPLAY_H */
