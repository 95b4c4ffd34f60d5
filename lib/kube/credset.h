/* credset: one complete set of credentials, and the files it came from.
 *
 * Filled once by kubeconfig.h or creds.c, then only read.  The setters check
 * what they are given, so that a complete set can be handed to a request as
 * it is: no line feed ends up in a header, no empty file in a trust store.
 * Ownership: the set owns its texts.  Threads: one.
 */
#ifndef KUBE_CREDSET_H
#define KUBE_CREDSET_H

#include <stdbool.h>
#include <sys/stat.h>

#include "lib/base/err.h"
#include "lib/base/vec.h"

struct credset_file {
    char *path;
    struct stat seen;
};

struct credset {
    char *server;
    char *authorization;
    char *ca_pem;
    char *cert_pem;
    char *key_pem;
    char *tls_server_name;
    char *proxy_url;
    char *ns;
    bool is_insecure;
    VEC(struct credset_file) files;
};

void credset_fini(struct credset *);
#define AUTO_CREDSET AUTO(credset_fini)

/* Whole content of a file, which counts as one of the set's from here on.
 * Regular files only, at most KUBE_MAX_CREDENTIAL.  '*out' is the caller's
 * to free. */
struct err *credset_read(struct credset *, const char *path, char **out)
    MUST_USE;

/* "https://host:port/prefix"; a last "/" is dropped. */
struct err *credset_set_server(struct credset *, const char *url) MUST_USE;
/* Blanks at both ends are dropped. */
struct err *credset_set_token(struct credset *, const char *token) MUST_USE;
struct err *credset_set_password(struct credset *, const char *user,
                                 const char *password) MUST_USE;

/* Takes 'pem' and puts it into '*slot' where it holds 'what', the word after
 * BEGIN ("CERTIFICATE", or "KEY" for any kind of key). */
struct err *credset_set_pem(char **slot, char *pem, const char *what)
    MUST_USE;

/* Is a file of the set another one than it was, or gone? */
bool credset_is_stale(const struct credset *);
bool credset_equal(const struct credset *, const struct credset *);

#endif /* KUBE_CREDSET_H */
