/* claim: one host or one route key, held by one Ingress, as an object of the
 * API server: a coordination.k8s.io Lease named after what is claimed.
 *
 * The name is a digest of class and claim, so that whoever wants the same
 * thing creates the same object, and the API server lets one of them.
 * docs/internals/claims.md, "Across replicas", tells the protocol.
 *
 * Ownership: a struct owns its texts.  Pure; any thread.
 * Source: the Lease of the Kubernetes API.
 */
#ifndef KUBE_CLAIM_H
#define KUBE_CLAIM_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/compiler.h"
#include "lib/base/err.h"
#include "lib/kube/object.h"

/* Selects all claims in a list. */
#define CLAIM_LABEL "sallyport.dev/claim"
#define CLAIM_FAMILY_LABEL "sallyport.dev/claim-family"
#define CLAIM_NAME_SIZE 48

struct kube_claim {
    char *host;         /* Canonical, "" for every host. */
    char *key;          /* NULL: the host itself. */
    char *class;        /* The class of the controller. */
    char *holder;       /* "namespace/name", or "namespace/uid:UID". */
    /* Of a host; "" where it does not matter.  Two holders may share a host
     * unless they differ in one of these.  'only': the holder itself, where
     * a host has one Ingress; 'mode': "paths" or "passthrough". */
    char *only;
    char *mode;
    char *backend;      /* Of a key: twins name the same one. */
    bool is_public;     /* A host that all namespaces may share. */
    char name[CLAIM_NAME_SIZE];
    char family[CLAIM_NAME_SIZE];   /* "": tied to no other host. */
    /* As found; not set in a claim that is wanted. */
    char *uid;
    char *version;
    uint64_t order;     /* The version at which it was created. */
    int64_t renewed;    /* Seconds since 1970; 0: not known. */
};

/* Writes the name of the Lease. */
void claim_name(const char *class, const char *host, const char *key,
                char out[CLAIM_NAME_SIZE]);
/* The family of a host: itself where it is a wildcard, and the wildcard that
 * covers it; "" where there is none. */
void claim_family(const char *class, const char *host,
                  char out[CLAIM_NAME_SIZE]);
void claim_fini(struct kube_claim *);

/* The Lease as JSON, the caller's to free.  'joined' (NULL: it is created)
 * is what stands there: its holder and order stay, its version is the
 * precondition. */
char *claim_render(const struct kube_claim *, const char *ns,
                   int64_t wall_us, const struct kube_claim *joined)
    MUST_USE RETURNS_NONNULL;
/* Preconditions for its deletion. */
char *claim_render_delete(const char *uid, const char *version)
    MUST_USE RETURNS_NONNULL;

/* Reads one from a decoded Lease.  ERR_PROTOCOL: it is no claim. */
struct err *claim_read(const struct kube_object *lease,
                       struct kube_claim *out) MUST_USE;

/* May 'mine' be held beside, or as, what was found under its name? */
bool claim_may_share(const struct kube_claim *mine,
                     const struct kube_claim *found);
/* Of two claims on a wildcard and a host below it: do they exclude each
 * other? */
bool claim_is_rival(const struct kube_claim *mine,
                    const struct kube_claim *sibling);
/* The namespace of the holder, the caller's to free. */
char *claim_namespace(const struct kube_claim *) MUST_USE RETURNS_NONNULL;

#endif /* KUBE_CLAIM_H */
