#include "lib/base/x509.h"

#include <string.h>

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/x509_priv.h"

static void
key_freep(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void
cert_freep(X509 **cert)
{
    X509_free(*cert);
}

static bool
add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *extension;
    bool done;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    done = extension && X509_add_ext(cert, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return done;
}

static bool
set_serial(X509 *cert)
{
    BIGNUM *number = BN_new();
    bool done =
        number && BN_rand(number, 127, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) &&
        BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert));

    BN_free(number);
    return done;
}

static bool
set_subject(X509 *cert, const char *common_name)
{
    X509_NAME *name = X509_get_subject_name(cert);

    return X509_NAME_add_entry_by_txt(
               name, "CN", MBSTRING_UTF8, (const unsigned char *) common_name,
               -1, -1, 0) == 1 &&
           X509_set_issuer_name(cert, name) == 1;
}

static struct err *
join_names(const char *const *names, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++) {
        if (!x509_is_dns_name((const unsigned char *) names[i],
                         strlen(names[i]))) {
            AUTO_FREE char *quoted = str_quote(names[i]);

            return err_new(ERR_INVALID, "%s is not a DNS name", quoted);
        }
        buf_printf(out, "%sDNS:%s", i > 0 ? "," : "", names[i]);
    }
    return NULL;
}

/* Valid from five minutes ago, for clocks that are behind ours. */
static bool
set_basics(X509 *cert, EVP_PKEY *key, const char *common_name, int64_t now,
           int64_t days)
{
    return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
           ASN1_TIME_set(X509_getm_notBefore(cert), (time_t) (now - 300)) &&
           ASN1_TIME_set(X509_getm_notAfter(cert),
                         (time_t) (now + days * 86400)) &&
           X509_set_pubkey(cert, key) == 1 && set_subject(cert, common_name);
}

static bool
set_extensions(X509 *cert, const char *names)
{
    static const struct {
        int nid;
        const char *value;
    } rows[] = {
        { NID_basic_constraints, "critical,CA:FALSE" },
        { NID_key_usage, "critical,digitalSignature" },
        { NID_ext_key_usage, "serverAuth" },
        { NID_subject_key_identifier, "hash" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (!add_extension(cert, rows[i].nid, rows[i].value)) {
            return false;
        }
    }
    return names[0] == '\0' ||
           add_extension(cert, NID_subject_alt_name, names);
}

struct err *
x509_self_signed(const char *common_name, const char *const *names,
                 size_t n_names, int64_t now, int64_t days,
                 struct x509_pair *out)
{
    AUTO_BUF struct buf all = BUF_OWN;
    AUTO(key_freep) EVP_PKEY *key = NULL;
    AUTO(cert_freep) X509 *cert = NULL;
    struct chain chain = { .n = 1 };
    struct err *err;

    memset(out, 0, sizeof *out);
    ERR_clear_error();
    err = join_names(names, n_names, &all);
    if (err) {
        return err;
    }
    key = EVP_EC_gen("P-256");
    cert = X509_new();
    if (!key || !cert || !set_basics(cert, key, common_name, now, days) ||
        !set_extensions(cert, buf_str(&all)) ||
        X509_sign(cert, key, EVP_sha256()) <= 0) {
        return x509_internal("make a certificate");
    }
    chain.items[0] = cert;
    err = x509_fill_pair(&chain, key, out);
    if (err) {
        x509_pair_fini(out);
    }
    return err;
}
