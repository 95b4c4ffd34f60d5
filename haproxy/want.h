/* want: what HAProxy should hold for a plan, given who has which slot.
 *
 * Pure translation from the plan's items to rows.  A route that cannot be
 * served as it asks (its backend has no slot yet, or its slot cannot carry
 * its policy) is answered 503 rather than without its policy.
 */
#ifndef HAPROXY_WANT_H
#define HAPROXY_WANT_H

#include "haproxy/model.h"
#include "haproxy/plan_priv.h"
#include "haproxy/slots.h"

/* Rows of slots.map are the owner's quote_name(), or this; no name is it. */
#define WANT_QUARANTINED "-quarantined-%"

/* Rows of meta.map beside "cert|FILE-ID": DIGEST quote_name(NAME). */
#define WANT_META_EDITION "edition"     /* layout.edition */
#define WANT_META_EDGE "edge"           /* "direct" or "muxed" */
#define WANT_META_STAMP "stamp"         /* Which writing of all files. */

struct want {
    const struct plan *plan;
    const struct slots *slots;
    const struct model *reserved;       /* Rows of the self-proof. */
    bool has_mux;                       /* Hosts can pass through. */
    const struct map *refused;          /* Certificate file ids that HAProxy
                                         * did not take, to their digest. */
};

/* Rows of the self-proof, always there. */
struct model *want_reserved(void) MUST_USE RETURNS_NONNULL;

/* Appends the value of one row. */
void want_route(const struct want *, const struct plan_row *row,
                struct buf *out);
/* The rows of all regexes of a table, in order. */
void want_regexes(const struct want *, enum plan_table,
                  struct model_rows *out);
/* The row of sni.map for a host: the slot it passes through to; for one that
 * ends here although a wildcard above it passes through, PROGRAM_SLOT_INNER;
 * NULL: none. */
const char *want_passthrough(const struct want *, const char *host);
/* The host whose own row 'key' of a route map is ("h.test/"), to be freed;
 * NULL for all other rows, wildcards' too. */
char *want_route_host(const char *key) MUST_USE;
/* The servers of a backend, the caller's to free with its vector; none while
 * what their TLS needs is not there, or refused and not 'installed' (NULL:
 * nothing is).  'target' NULL: none. */
struct model_slot *want_slot(const struct want *, const struct plan_target *,
                             const struct model *installed)
    MUST_USE RETURNS_NONNULL;
/* Whether a certificate may be installed: not refused with this content. */
bool want_cert(const struct want *, const char *id,
               const struct plan_cert *);
/* The lines of the crt-list that a server name should have (crtlist.h), ""
 * where it needs none.  A certificate that HAProxy refuses as it is now
 * counts where 'installed' has an earlier one; NULL: nothing is installed. */
char *want_sni(const struct want *, const char *host,
               const struct model *installed) MUST_USE RETURNS_NONNULL;
/* The row of client.map of a server name with such lines; NULL: none. */
char *want_client(const struct want *, const char *host, const char *lines)
    MUST_USE;
/* The row of meta.map that tells of a certificate. */
char *want_cert_meta(const char *name, const struct plan_cert *)
    MUST_USE RETURNS_NONNULL;

/* Everything but the rows of meta.map that describe the program. */
struct model *want_model(const struct want *) MUST_USE RETURNS_NONNULL;

#endif /* HAPROXY_WANT_H */
