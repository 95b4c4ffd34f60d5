#include "lib/base/httpd_tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"

#define MAX_CA_FILE ((size_t) 1 << 20)

struct identity *
identity_ref(struct identity *identity)
{
    atomic_fetch_add(&identity->n_refs, 1);
    return identity;
}

void
identity_unref(struct identity *identity)
{
    if (!identity || atomic_fetch_sub(&identity->n_refs, 1) != 1) {
        return;
    }
    for (unsigned i = 0; i < identity->n_certificates; i++) {
        gnutls_pcert_deinit(&identity->certificates[i]);
    }
    if (identity->key) {
        gnutls_privkey_deinit(identity->key);
    }
    if (identity->client_ca) {
        gnutls_x509_trust_list_deinit(identity->client_ca, 1);
    }
    free(identity);
}

static void
identity_unrefp(struct identity **identity)
{
    identity_unref(*identity);
}

static struct err *
read_file(const char *path, struct buf *out)
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0) {
        return err_errno(ERR_INVALID, errno, "open %s", path);
    }
    for (;;) {
        size_t room;
        char *tail = buf_room(out, &room);
        ssize_t n;

        if (room == 0) {
            return err_new(ERR_LIMIT, "%s is larger than %zu bytes", path,
                           out->limit);
        }
        n = read(fd, tail, room);
        if (n < 0 && errno != EINTR) {
            return err_errno(ERR_INVALID, errno, "read %s", path);
        }
        if (n == 0) {
            return NULL;
        }
        if (n > 0) {
            buf_grow(out, (size_t) n);
        }
    }
}

static struct err *
tls_error(int code, const char *what)
{
    return err_new(ERR_INVALID, "%s: %s", what, gnutls_strerror(code));
}

static struct err *
load_pair(const char *certificate_file, const char *key_file,
          struct identity *identity)
{
    AUTO_BUF struct buf certificates = BUF_INIT(X509_MAX_PEM);
    AUTO_BUF struct buf key = BUF_SECRET(X509_MAX_PEM);
    AUTO(x509_pair_fini) struct x509_pair pair = { .pem = NULL };
    struct err *err = read_file(certificate_file, &certificates);
    gnutls_datum_t pem;
    unsigned n = X509_MAX_CHAIN;
    int code;

    if (!err) {
        err = read_file(key_file, &key);
    }
    if (!err) {
        err = err_wrap(x509_read(buf_str(&certificates), certificates.size,
                                 buf_str(&key), key.size, &pair),
                       "%s, %s", certificate_file, key_file);
    }
    if (err) {
        return err;
    }
    pem.data = (unsigned char *) pair.pem;
    pem.size = (unsigned) strlen(pair.pem);
    code = gnutls_pcert_list_import_x509_raw(identity->certificates, &n,
                                             &pem, GNUTLS_X509_FMT_PEM, 0);
    if (code < 0) {
        return tls_error(code, certificate_file);
    }
    identity->n_certificates = n;
    identity->not_after = pair.not_after;
    code = gnutls_privkey_init(&identity->key);
    if (code >= 0) {
        code = gnutls_privkey_import_x509_raw(
            identity->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    }
    return code < 0 ? tls_error(code, key_file) : NULL;
}

static struct err *
load_client_ca(const char *file, struct identity *identity)
{
    AUTO_BUF struct buf text = BUF_INIT(MAX_CA_FILE);
    struct err *err = read_file(file, &text);
    gnutls_datum_t pem;
    int code;

    if (err) {
        return err;
    }
    pem.data = (unsigned char *) text.data;
    pem.size = (unsigned) text.size;
    code = gnutls_x509_trust_list_init(&identity->client_ca, 0);
    if (code < 0) {
        return tls_error(code, file);
    }
    code = text.size == 0
               ? 0
               : gnutls_x509_trust_list_add_trust_mem(
                     identity->client_ca, &pem, NULL, GNUTLS_X509_FMT_PEM, 0,
                     0);
    if (code < 0) {
        return tls_error(code, file);
    }
    if (code == 0) {
        return err_new(ERR_INVALID, "%s holds no CA certificate", file);
    }
    return NULL;
}

struct err *
identity_load(const char *certificate_file, const char *key_file,
              const char *client_ca_file, struct identity **out)
{
    AUTO(identity_unrefp) struct identity *fresh = xcalloc(1, sizeof *fresh);
    struct err *err;

    *out = NULL;
    atomic_init(&fresh->n_refs, 1);
    err = load_pair(certificate_file, key_file, fresh);
    if (!err && client_ca_file) {
        err = load_client_ca(client_ca_file, fresh);
    }
    if (!err) {
        *out = STEAL_PTR(fresh);
    }
    return err;
}

static bool
verify_chain(gnutls_x509_trust_list_t cas, const gnutls_datum_t *raw,
             unsigned n)
{
    gnutls_x509_crt_t chain[X509_MAX_CHAIN];
    char purpose_oid[] = GNUTLS_KP_TLS_WWW_CLIENT;
    gnutls_typed_vdata_st purpose = {
        .type = GNUTLS_DT_KEY_PURPOSE_OID,
        .data = (unsigned char *) purpose_oid,
    };
    unsigned status = 0;
    unsigned made = 0;
    int code = 0;

    if (n == 0 || n > X509_MAX_CHAIN) {
        return false;
    }
    while (made < n && code >= 0) {
        code = gnutls_x509_crt_init(&chain[made]);
        if (code >= 0) {
            code = gnutls_x509_crt_import(chain[made], &raw[made],
                                          GNUTLS_X509_FMT_DER);
            made++;
        }
    }
    if (code >= 0) {
        code = gnutls_x509_trust_list_verify_crt2(cas, chain, n, &purpose, 1,
                                                  0, &status, NULL);
    }
    while (made > 0) {
        gnutls_x509_crt_deinit(chain[--made]);
    }
    return code >= 0 && status == 0;
}

bool
identity_knows_peer(const struct identity *identity, gnutls_session_t session)
{
    unsigned n = 0;
    const gnutls_datum_t *raw = gnutls_certificate_get_peers(session, &n);

    return raw && identity->client_ca &&
           verify_chain(identity->client_ca, raw, n);
}

bool
identity_stamps(char *const files[IDENTITY_N_FILES],
                struct identity_stamp out[IDENTITY_N_FILES])
{
    memset(out, 0, IDENTITY_N_FILES * sizeof *out);
    for (size_t i = 0; i < IDENTITY_N_FILES; i++) {
        struct stat st;

        if (!files[i]) {
            continue;
        }
        if (stat(files[i], &st) < 0) {
            return false;
        }
        out[i].device = st.st_dev;
        out[i].inode = st.st_ino;
        out[i].size = st.st_size;
        out[i].modified = st.st_mtim;
    }
    return true;
}

bool
identity_same_stamps(const struct identity_stamp *a,
                     const struct identity_stamp *b)
{
    for (size_t i = 0; i < IDENTITY_N_FILES; i++) {
        if (a[i].device != b[i].device || a[i].inode != b[i].inode ||
            a[i].size != b[i].size ||
            a[i].modified.tv_sec != b[i].modified.tv_sec ||
            a[i].modified.tv_nsec != b[i].modified.tv_nsec) {
            return false;
        }
    }
    return true;
}
