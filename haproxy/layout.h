/* layout: the numbers that turn the program into this installation's
 * haproxy.cfg, with the slots and their servers.
 *
 * Servers stand in the file so that a HAProxy that is started again by its
 * parent serves at once what it served before; while it runs they change over
 * the runtime socket only.
 *
 * Ownership: layout_init() copies; layout_fini() frees.  Not locked.
 */
#ifndef HAPROXY_LAYOUT_H
#define HAPROXY_LAYOUT_H

#include "haproxy/dataplane.h"
#include "haproxy/listeners.h"
#include "haproxy/model.h"
#include "haproxy/slots.h"

struct layout {
    char *run_dir;              /* Absolute. */
    struct listeners listeners;
    char *access_log;           /* NULL: none. */
    bool passthrough, strict_sni, modern, http3;
    uint16_t http_port, https_port;
    unsigned threads, maxconn;
    char edition[DIGEST_HEX_SIZE];      /* Names program and numbers. */
};

struct err *layout_init(struct layout *, const struct dataplane_options *)
    MUST_USE;
/* The arithmetic of connections and descriptors, for the log. */
void layout_describe(const struct layout *, struct buf *out);
void layout_fini(struct layout *);

/* The whole haproxy.cfg.  'is_muxed': some host passes through, so that TLS
 * must come in through tls_mux from the first connection on; then the https
 * frontend listens on a socket nobody knows. */
struct err *layout_render(const struct layout *, const struct slots *,
                          const struct model *, bool is_muxed,
                          struct buf *out) MUST_USE;

/* What "add server" says behind the address, the same as in the file. */
const char *layout_server_words(enum program_kind);
/* In a tcp slot only a PROXY header: what passes through is the client's own
 * TLS, and 2.6 may crash over "proto" on a server that is added there. */
const char *layout_protocol_words(enum program_kind, enum plan_protocol);
/* A server's name is a letter for what it speaks, which nothing can change
 * and no report of HAProxy tells, and its number. */
char layout_server_letter(enum plan_protocol);
bool layout_server_parse(const char *name, enum plan_protocol *,
                         unsigned *number) MUST_USE;

#endif /* HAPROXY_LAYOUT_H */
