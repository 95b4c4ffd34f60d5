#include "lib/base/x509_ocsp.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/http.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/x509_priv.h"

static void
bio_freep(BIO **bio)
{
    BIO_free(*bio);
}

/* A certificate and its issuer, NULL where there is none. */
struct two {
    X509 *leaf, *issuer;
};

static void
two_fini(struct two *two)
{
    X509_free(two->leaf);
    X509_free(two->issuer);
}

static void
read_two(const char *pem, struct two *out)
{
    AUTO(bio_freep) BIO *bio = BIO_new_mem_buf(pem, -1);

    out->leaf = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    out->issuer =
        out->leaf ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    ERR_clear_error();
}

/* ---- Whom to ask ---- */

static bool
is_name(const char *host)
{
    return host[0] != '\0' && strlen(host) <= 253 &&
           strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789.-_") ==
               strlen(host);
}

/* What may stand in a request line, and in a log. */
static bool
is_uri_text(const char *s)
{
    for (; *s; s++) {
        if (*s <= 0x20 || *s >= 0x7f || strchr("\"<>\\^`{|}#", *s)) {
            return false;
        }
    }
    return true;
}

/* True where 'text' is an http URL that one can do something with. */
static bool
take_url(const char *text, struct x509_ocsp *out)
{
    char *user = NULL, *host = NULL, *path = NULL, *query = NULL;
    AUTO_FREE char *name = NULL;
    int port = 0, is_https = 0;
    bool is_good = OSSL_HTTP_parse_url(text, &is_https, &user, &host, NULL,
                                       &port, &path, &query, NULL) == 1;

    name = str_lower(host ? host : "");
    is_good = is_good && !is_https && str_starts(text, "http://") &&
              str_is_empty(user) && is_name(name) && port > 0 &&
              port <= 65535 && path[0] == '/' && is_uri_text(path) &&
              (!query || is_uri_text(query));
    if (is_good) {
        out->port = (uint16_t) port;
        out->url = xasprintf("http://%s:%d%s%s%s", name, port, path,
                             str_is_empty(query) ? "" : "?",
                             query ? query : "");
        out->host = STEAL_PTR(name);
    }
    OPENSSL_free(user);
    OPENSSL_free(host);
    OPENSSL_free(path);
    OPENSSL_free(query);
    ERR_clear_error();
    return is_good;
}

static void
read_url(X509 *leaf, struct x509_ocsp *out)
{
    STACK_OF(OPENSSL_STRING) *all = X509_get1_ocsp(leaf);

    out->names_responder = sk_OPENSSL_STRING_num(all) > 0;
    for (int i = 0; i < sk_OPENSSL_STRING_num(all) && !out->url; i++) {
        const char *text = sk_OPENSSL_STRING_value(all, i);

        if (strlen(text) <= X509_OCSP_MAX_URL) {
            (void) take_url(text, out);
        }
    }
    X509_email_free(all);
    ERR_clear_error();
}

/* RFC 7633: the extension of the handshake that must be answered. */
#define STATUS_REQUEST 5

static bool
is_required(X509 *leaf)
{
    TLS_FEATURE *all = X509_get_ext_d2i(leaf, NID_tlsfeature, NULL, NULL);
    bool is = false;

    for (int i = 0; i < sk_ASN1_INTEGER_num(all); i++) {
        is |= ASN1_INTEGER_get(sk_ASN1_INTEGER_value(all, i)) ==
              STATUS_REQUEST;
    }
    TLS_FEATURE_free(all);
    ERR_clear_error();
    return is;
}

unsigned
x509_ocsp_notes(X509 *leaf, bool has_issuer)
{
    const bool is_own = X509_check_issued(leaf, leaf) == X509_V_OK;
    struct x509_ocsp ocsp = { .url = NULL };
    unsigned notes = 0;

    read_url(leaf, &ocsp);
    if (is_required(leaf)) {
        notes |= X509_MUST_STAPLE;
        notes |= ocsp.url && has_issuer ? 0 : X509_NO_RESPONDER;
    } else if (ocsp.url && !has_issuer && !is_own) {
        notes |= X509_LONE;
    }
    x509_ocsp_fini(&ocsp);
    return notes;
}

static char *
print_two(const struct two *two)
{
    AUTO(bio_freep) BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    long size;

    if (!bio || PEM_write_bio_X509(bio, two->leaf) != 1 ||
        PEM_write_bio_X509(bio, two->issuer) != 1) {
        ERR_clear_error();
        return NULL;
    }
    size = BIO_get_mem_data(bio, &text);
    return xstrndup(text, (size_t) size);
}

void
x509_ocsp_read(const char *pem, struct x509_ocsp *out)
{
    AUTO(two_fini) struct two two = { NULL, NULL };

    memset(out, 0, sizeof *out);
    read_two(pem, &two);
    if (two.leaf) {
        read_url(two.leaf, out);
    }
    if (two.issuer) {
        out->certificates = print_two(&two);
    }
}

void
x509_ocsp_fini(struct x509_ocsp *o)
{
    free(o->certificates);
    free(o->url);
    free(o->host);
    memset(o, 0, sizeof *o);
}

/* ---- The question ---- */

static void
id_freep(OCSP_CERTID **id)
{
    OCSP_CERTID_free(*id);
}

static void
request_freep(OCSP_REQUEST **request)
{
    OCSP_REQUEST_free(*request);
}

/* The only digest that all responders and HAProxy know; it names, and proves
 * nothing. */
static OCSP_CERTID *
make_id(const struct two *two)
{
    return two->leaf && two->issuer
               ? OCSP_cert_to_id(EVP_sha1(), two->leaf, two->issuer)
               : NULL;
}

struct err *
x509_ocsp_ask(const char *certificates, struct buf *out)
{
    AUTO(two_fini) struct two two = { NULL, NULL };
    AUTO(id_freep) OCSP_CERTID *id = NULL;
    AUTO(request_freep) OCSP_REQUEST *request = OCSP_REQUEST_new();
    unsigned char *der = NULL;
    int size = -1;

    read_two(certificates, &two);
    id = make_id(&two);
    if (request && id && OCSP_request_add0_id(request, id)) {
        id = NULL;              /* The request's. */
        size = i2d_OCSP_REQUEST(request, &der);
    }
    ERR_clear_error();
    if (size < 0) {
        return err_new(ERR_INTERNAL, "the question cannot be made");
    }
    buf_put(out, der, (size_t) size);
    OPENSSL_free(der);
    return NULL;
}

/* ---- The answer ---- */

static void
response_freep(OCSP_RESPONSE **response)
{
    OCSP_RESPONSE_free(*response);
}

static void
basic_freep(OCSP_BASICRESP **basic)
{
    OCSP_BASICRESP_free(*basic);
}

static void
store_freep(X509_STORE **store)
{
    X509_STORE_free(*store);
}

static struct err *
parse(const void *der, size_t size, OCSP_BASICRESP **out)
{
    AUTO(response_freep) OCSP_RESPONSE *response = NULL;
    const unsigned char *at = der;
    int status;

    if (size > X509_OCSP_MAX) {
        return err_new(ERR_PROTOCOL, "the answer has more than %zu KiB",
                       X509_OCSP_MAX >> 10);
    }
    response = d2i_OCSP_RESPONSE(NULL, &at, (long) size);
    if (!response || at != (const unsigned char *) der + size) {
        return err_new(ERR_PROTOCOL, "the answer is no OCSP response");
    }
    status = OCSP_response_status(response);
    if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
        return err_new(ERR_PROTOCOL, "the responder says \"%s\"",
                       OCSP_response_status_str(status));
    }
    *out = OCSP_response_get1_basic(response);
    return *out ? NULL
                : err_new(ERR_PROTOCOL, "the answer is of an unknown kind");
}

/* The issuer is trusted and nobody else; a certificate that it made for OCSP
 * may have signed in its place. */
static struct err *
verify(OCSP_BASICRESP *basic, X509 *issuer, int64_t now_s)
{
    AUTO(store_freep) X509_STORE *store = X509_STORE_new();
    STACK_OF(X509) *known = sk_X509_new_null();
    bool is_good = false;

    if (store && known && X509_STORE_add_cert(store, issuer) == 1 &&
        X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN) == 1 &&
        sk_X509_push(known, issuer) > 0) {
        X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(store),
                                   (time_t) now_s);
        is_good = OCSP_basic_verify(basic, known, store,
                                    OCSP_NOEXPLICIT) == 1;
    }
    sk_X509_free(known);
    return is_good ? NULL
                   : err_new(ERR_PROTOCOL, "the answer is not signed by the "
                             "certificate's issuer, nor by one whom it lets "
                             "sign");
}

static bool
read_time(const ASN1_GENERALIZEDTIME *time, int64_t *out)
{
    struct tm tm;

    if (!time || ASN1_TIME_to_tm(time, &tm) != 1) {
        return false;
    }
    *out = (int64_t) timegm(&tm);
    return true;
}

static struct err *
read_times(const ASN1_GENERALIZEDTIME *from, const ASN1_GENERALIZEDTIME *until,
           int64_t now_s, struct x509_ocsp_answer *out)
{
    if (!read_time(from, &out->from) || !read_time(until, &out->until)) {
        return err_new(ERR_PROTOCOL, "the answer has no beginning or no end "
                       "(nextUpdate)");
    }
    if (out->from > now_s + X509_OCSP_SKEW_S) {
        return err_new(ERR_PROTOCOL, "the answer is of the future");
    }
    out->until -= X509_OCSP_SKEW_S;
    if (out->until <= now_s) {
        return err_new(ERR_PROTOCOL, "the answer is out of date");
    }
    return out->until > out->from
               ? NULL
               : err_new(ERR_PROTOCOL, "the answer ends before it begins");
}

static struct err *
read_single(OCSP_BASICRESP *basic, const struct two *two, int64_t now_s,
            struct x509_ocsp_answer *out)
{
    AUTO(id_freep) OCSP_CERTID *id = make_id(two);
    OCSP_SINGLERESP *single = OCSP_resp_get0(basic, 0);
    ASN1_GENERALIZEDTIME *from = NULL, *until = NULL;
    int status;

    if (OCSP_resp_count(basic) != 1) {
        return err_new(ERR_PROTOCOL, "the answer is about %d certificates, "
                       "not one", OCSP_resp_count(basic));
    }
    if (!id || OCSP_id_cmp(id, OCSP_SINGLERESP_get0_id(single)) != 0) {
        return err_new(ERR_PROTOCOL, "the answer is about another "
                       "certificate, or names its issuer by another digest "
                       "than SHA-1");
    }
    status = OCSP_single_get0_status(single, NULL, NULL, &from, &until);
    switch (status) {
    case V_OCSP_CERTSTATUS_GOOD:
        out->status = X509_OCSP_GOOD;
        break;
    case V_OCSP_CERTSTATUS_REVOKED:
        out->status = X509_OCSP_REVOKED;
        break;
    case V_OCSP_CERTSTATUS_UNKNOWN:
        out->status = X509_OCSP_UNKNOWN;
        break;
    default:
        return err_new(ERR_PROTOCOL, "the answer has no status");
    }
    return read_times(from, until, now_s, out);
}

struct err *
x509_ocsp_check(const char *certificates, const void *der, size_t size,
                int64_t now_s, struct x509_ocsp_answer *out)
{
    AUTO(two_fini) struct two two = { NULL, NULL };
    AUTO(basic_freep) OCSP_BASICRESP *basic = NULL;
    struct err *err;

    memset(out, 0, sizeof *out);
    read_two(certificates, &two);
    if (!two.issuer) {
        return err_new(ERR_INTERNAL, "there is no issuer");
    }
    err = parse(der, size, &basic);
    if (!err) {
        err = verify(basic, two.issuer, now_s);
    }
    if (!err) {
        err = read_single(basic, &two, now_s, out);
    }
    ERR_clear_error();
    return err;
}
