/* cert: what is known of a TLS Secret, and what is to be said of it.
 *
 * The facts are public: names, dates, what is odd or wrong; never a key, nor
 * a byte of one.  Who may read Secrets makes them from the Secret
 * (cert_read()); the webhook, which may not, gets them as the reconciler's
 * leader publishes them (cert_wire.h).  cert_judge() turns them into findings
 * on an Ingress, the same sentence at every door.  All of them are warnings:
 * a Secret may come or change at any time.
 *
 * Ownership: facts own their texts.  Pure; any thread.
 */
#ifndef INGRESS_CERT_H
#define INGRESS_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/x509.h"
#include "lib/ingress/finding.h"
#include "lib/ingress/model.h"
#include "lib/kube/object.h"

struct defaults;

#define CERT_SECRET_TYPE "kubernetes.io/tls"

/* Days before the end at which it is warned, each once; not where the whole
 * life is shorter than three times as long: such a certificate is renewed
 * later. */
#define CERT_N_ALARMS 3
extern const int cert_alarm_days[CERT_N_ALARMS];

struct cert_facts {
    bool is_missing;        /* No Secret of that name and type. */
    char *other_type;       /* There is one of this type; else NULL. */
    char *problem;          /* Why it cannot be served; NULL: it can. */
    /* A certificate of it is served: this one, or with a problem the last
     * good one.  The rest is that certificate's. */
    bool is_served;
    char **names;
    size_t n_names;
    size_t n_addresses;
    int64_t not_before;     /* Seconds since 1970. */
    int64_t not_after;
    int64_t chain_not_after;    /* 0: no issuer stands there. */
    unsigned notes;         /* X509_* */
};

/* 'secret' NULL: there is none.  Where the pair is good '*pair' has it, with
 * the key, and is the caller's; pair may be NULL. */
void cert_read(const struct kube_object *secret, struct cert_facts *out,
               struct x509_pair *pair);
void cert_facts_fini(struct cert_facts *);
/* What is known of the certificate; 'to' has nothing of that kind yet. */
void cert_facts_take(struct cert_facts *to, const struct x509_pair *);
void cert_facts_copy(struct cert_facts *to, const struct cert_facts *from);

/* A name covers 'host' (wildcards: one label). */
bool cert_covers(const struct cert_facts *, const char *host);

/* Facts of the Secret "namespace/name": the source's own, or those it put
 * into 'room' (zeroed; the caller frees them); NULL: it does not know, and
 * nothing is said. */
struct cert_source {
    const struct cert_facts *(*get)(const char *key, struct cert_facts *room,
                                    void *aux);
    void *aux;
};

void cert_judge(const struct model *, const struct cert_source *,
                int64_t now_s, struct findings *out);

/* The same of the default certificate, in the Secret 'key', which no host has
 * to be covered by; 'defaults' may be NULL. */
void cert_judge_default(const char *key, const struct cert_facts *,
                        const struct defaults *, int64_t now_s,
                        struct findings *out);

/* When the next sentence about it changes by itself; INT64_MAX: never. */
int64_t cert_next_change(const struct cert_facts *, int64_t now_s);

#endif /* INGRESS_CERT_H */
