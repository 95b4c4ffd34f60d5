/* apply: sends a diff to HAProxy over the runtime socket, in an order in
 * which no request sees half of a change.
 *
 * New policy rows, then servers, certificates and regular expressions, then
 * the route rows that name them, then what nobody names any more.  Small
 * changes of a map go row by row, large ones as a transaction that replaces
 * the map at once.
 *
 * The installed model is changed along with the commands.  After an error it
 * is no longer known what HAProxy holds: observe again.
 */
#ifndef HAPROXY_APPLY_H
#define HAPROXY_APPLY_H

#include "haproxy/command.h"
#include "haproxy/diff.h"

/* Changes of a map from this many on are one transaction. */
#define APPLY_TRANSACTION_ROWS 500
/* Up to this many of a table of routes go as words of one line, for both
 * tables one exchange; more as payloads. */
#define APPLY_LINE_ROWS 20

struct apply {
    const char *socket;
    const char *run_dir;
    struct model *model;        /* Installed. */
    struct slots *slots;
    struct map *refused;        /* Certificate file id to digest; owned by
                                 * the caller, values from malloc. */
    struct map *written;        /* As files_put_certs() keeps it. */
    bool has_mux, https_open, mux_open;     /* As in struct observed. */
    bool is_muxed_file;         /* haproxy.cfg has no https listener. */
    bool want_mux;              /* Some host passes through. */
    bool is_oversized;          /* Out: a certificate needs a reload. */
    bool is_unwritten;          /* Out: one is not in its file. */
    bool touched_maps[MODEL_MAPS];      /* Out: which files are old now. */
    bool touched_lists[2];
    bool touched_config, touched_certs;
    int64_t now_ms;
    struct command_batch batch;         /* Inside. */
};

struct err *apply_diff(struct apply *, struct diff *,
                       const struct diff_released *) MUST_USE;

/* --- Inside: apply_servers.c, apply_certs.c --- */

void apply_servers(struct apply *, const char *slot,
                   const struct model_slot *want);
/* All servers of a slot that was released; not in apply_diff(), since who named
 * the slot just before may still be on its way there. */
void apply_park(struct apply *, const char *slot);
/* Whether the slot's servers with these options of TLS are all parked and
 * carry nothing; false after an error. */
bool apply_is_idle(struct apply *, const char *slot, uint64_t tls);
/* Stores before the servers that name them, then the lines. */
void apply_stores_in(struct apply *, struct diff *);
void apply_certs_in(struct apply *, struct diff *);
void apply_certs_moved(struct apply *);
void apply_certs_out(struct apply *, const struct diff *);
/* Puts another text in the place of a certificate's; false where HAProxy does
 * not take it. */
bool apply_blank(struct apply *, const char *id, const struct model_cert *,
                 const struct pem_text *text);

#endif /* HAPROXY_APPLY_H */
