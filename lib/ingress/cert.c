#include "lib/ingress/cert.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define CRT "tls.crt"
#define KEY "tls.key"

static void
free_names(char **names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(names[i]);
    }
    free(names);
}

void
cert_facts_fini(struct cert_facts *f)
{
    free(f->other_type);
    free(f->problem);
    free_names(f->names, f->n_names);
    memset(f, 0, sizeof *f);
}

static char **
copy_names(char *const *names, size_t n)
{
    char **copy = xcalloc(n, sizeof *copy);

    for (size_t i = 0; i < n; i++) {
        copy[i] = xstrdup(names[i]);
    }
    return copy;
}

void
cert_facts_take(struct cert_facts *to, const struct x509_pair *pair)
{
    to->is_served = true;
    to->names = copy_names(pair->names, pair->n_names);
    to->n_names = pair->n_names;
    to->n_addresses = pair->n_addresses;
    to->not_before = pair->not_before;
    to->not_after = pair->not_after;
    to->chain_not_after = pair->chain_not_after;
    to->notes = pair->notes;
}

void
cert_facts_copy(struct cert_facts *to, const struct cert_facts *from)
{
    *to = *from;
    to->other_type = from->other_type ? xstrdup(from->other_type) : NULL;
    to->problem = from->problem ? xstrdup(from->problem) : NULL;
    to->names = copy_names(from->names, from->n_names);
}

static struct x509_text
text_of(const struct kube_datum *datum)
{
    return (struct x509_text) { datum->data, datum->size, datum->name };
}

static struct err *
read_pair(const struct kube_secret *secret, struct x509_pair *pair)
{
    const struct kube_datum *crt = kube_datum(secret, CRT);
    const struct kube_datum *key = kube_datum(secret, KEY);
    struct x509_text crt_text, key_text;

    if (!crt && !key) {
        return err_new(ERR_INVALID, "it has neither " CRT " nor " KEY);
    }
    if (!crt || !key) {
        return err_new(ERR_INVALID, "it has no %s", crt ? KEY : CRT);
    }
    crt_text = text_of(crt);
    key_text = text_of(key);
    return x509_read_pair(&crt_text, &key_text, pair);
}

void
cert_read(const struct kube_object *secret, struct cert_facts *out,
          struct x509_pair *pair)
{
    struct x509_pair own = { .pem = NULL };
    AUTO_ERR struct err *err = NULL;

    memset(out, 0, sizeof *out);
    if (!secret) {
        out->is_missing = true;
        return;
    }
    if (!str_eq(secret->secret.type, CERT_SECRET_TYPE)) {
        out->is_missing = true;
        out->other_type = xstrdup(str_is_empty(secret->secret.type)
                                      ? "Opaque"
                                      : secret->secret.type);
        return;
    }
    err = read_pair(&secret->secret, &own);
    if (err) {
        out->problem = xstrdup(err_text(err));
        return;
    }
    cert_facts_take(out, &own);
    if (pair) {
        *pair = own;
    } else {
        x509_pair_fini(&own);
    }
}

static bool
name_covers(const char *name, const char *host)
{
    const char *dot = strchr(host, '.');

    return str_eq(name, host) || (dot && dot != host &&
                                  str_starts(name, "*.") &&
                                  str_eq(name + 1, dot));
}

bool
cert_covers(const struct cert_facts *f, const char *host)
{
    for (size_t i = 0; i < f->n_names; i++) {
        if (name_covers(f->names[i], host)) {
            return true;
        }
    }
    return false;
}
