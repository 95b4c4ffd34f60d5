/* httpd_tls: what a TLS handshake of httpd.c needs, over GnuTLS.
 *
 * An identity is certificate chain, key and client CA of one moment; it is
 * immutable and counted, so that a reload never takes it from under a
 * connection.  Private to httpd.c.  Any thread.
 */
#ifndef BASE_HTTPD_TLS_H
#define BASE_HTTPD_TLS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "lib/base/err.h"
#include "lib/base/x509.h"

/* GnuTLS prefers P-256, and with our order counting asks whoever sent a key for
 * X25519 alone, as Go and OpenSSL do, for another: one more round trip. */
#define TLS_PRIORITIES                                                     \
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-GROUP-ALL:+GROUP-X25519:" \
    "+GROUP-SECP256R1:+GROUP-SECP384R1:%SERVER_PRECEDENCE"

struct identity {
    gnutls_pcert_st certificates[X509_MAX_CHAIN];
    unsigned n_certificates;
    gnutls_privkey_t key;
    gnutls_x509_trust_list_t client_ca;     /* NULL: none asked for. */
    int64_t not_after;
    atomic_uint n_refs;
};

/* Reads and checks the files; 'client_ca_file' may be NULL.  '*out' has one
 * reference. */
struct err *identity_load(const char *certificate_file, const char *key_file,
                          const char *client_ca_file, struct identity **out)
    MUST_USE;
struct identity *identity_ref(struct identity *);
void identity_unref(struct identity *);     /* Accepts NULL. */

/* True where the certificate that the peer of 'session' has shown leads to
 * the client CA and may be used by clients. */
bool identity_knows_peer(const struct identity *, gnutls_session_t session);

/* Certificate, key and client CA; NULL where there is none. */
#define IDENTITY_N_FILES 3

/* Tells a changed file from the one read last. */
struct identity_stamp {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified;
};

/* False where a file is not there. */
bool identity_stamps(char *const files[IDENTITY_N_FILES],
                     struct identity_stamp out[IDENTITY_N_FILES]);
bool identity_same_stamps(const struct identity_stamp *a,
                          const struct identity_stamp *b);

#endif /* BASE_HTTPD_TLS_H */
