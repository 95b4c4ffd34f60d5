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
    bool passthrough, strict_sni, modern, http3, gzip;
    uint16_t public_http_port, public_https_port;
    unsigned threads, maxconn;
    unsigned keep_alive_s, header_kib, worker_shutdown_s;   /* Or 0. */
    /* Nobody gave them: where sallyport-proxy runs its count goes before. */
    bool counted_threads, counted_maxconn;
    char edition[DIGEST_HEX_SIZE];      /* Names program and numbers. */
};

struct err *layout_init(struct layout *, const struct dataplane_options *)
    MUST_USE;
void layout_fini(struct layout *);

/* The whole haproxy.cfg.  'is_muxed': some host passes through, so that TLS
 * must come in through tls_mux from the first connection on; then the https
 * frontend listens on a socket nobody knows. */
struct err *layout_render(const struct layout *, const struct slots *,
                          const struct model *, bool is_muxed,
                          struct buf *out) MUST_USE;

/* Appends what "add server" says behind the address and the id, the same as
 * in the file.  False where the options of its TLS are not known: such a
 * server must not be. */
bool layout_server_words(const struct model *, const char *run_dir,
                         enum program_kind, const struct model_server *,
                         struct buf *out) MUST_USE;
/* A server's name is a letter for what it speaks and its number, "s1", with
 * options of TLS also their number, "t2.0123456789abcdef": nothing can change
 * these, and no report of HAProxy tells them. */
#define LAYOUT_SERVER_NAME_SIZE 32
void layout_server_name(const struct model_server *,
                        char out[LAYOUT_SERVER_NAME_SIZE]);
/* Fills protocol, number and tls. */
bool layout_server_parse(const char *name, struct model_server *) MUST_USE;

#endif /* HAPROXY_LAYOUT_H */
