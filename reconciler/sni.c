#include "reconciler/sni.h"

#include "lib/base/x509.h"

/* Of two keys the client's signature algorithms choose by their kind. */
static bool
is_other_kind(const struct serve_host *h, const struct certs *certs)
{
    return ((certs_facts(certs, h->secret)->notes ^
             certs_facts(certs, h->second)->notes) & X509_RSA) != 0;
}

bool
sni_make(const struct serve_host *h, const struct certs *certs, bool covers,
         bool second_covers, struct plan_sni *out)
{
    *out = (struct plan_sni) { .certs = { "" }, .n_certs = 1 };
    if (covers) {
        out->certs[0] = h->secret;
    }
    if (second_covers && !covers) {
        out->certs[0] = h->second;
    } else if (second_covers && is_other_kind(h, certs)) {
        out->certs[out->n_certs++] = h->second;
    }
    for (size_t i = 0; (covers || second_covers) && i < out->n_certs; i++) {
        out->kinds |= certs_facts(certs, out->certs[i])->notes & X509_RSA
                          ? PLAN_KEY_RSA : PLAN_KEY_OTHER;
    }
    return covers || second_covers;
}

bool
sni_options(const struct serve_host *h, struct plan_sni *out)
{
    out->ciphers = h->ciphers;
    out->min_version = h->tls13 && !h->tls12 ? "TLSv1.3" : NULL;
    out->max_version = h->tls12 && !h->tls13 ? "TLSv1.2" : NULL;
    return out->ciphers || out->min_version || out->max_version;
}
