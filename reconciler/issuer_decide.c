#include "reconciler/issuer_priv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define CA_NAME "Sallyport webhook CA"
/* The old CA stays this many times the overlap after the new certificate:
 * for the pods that have not read their mounted Secret yet. */
#define KEEP_OVERLAPS 6

struct times {
    int64_t now_ms;
    int64_t wall_s;
};

/* --- What is there --- */

/* A failed request makes way for the others until its wait is over. */
static bool
may_write(struct issuer *i, enum issuer_object object, int64_t now_ms)
{
    const int64_t due_ms = i->seen[object].due_ms;

    if (due_ms > now_ms && due_ms < i->next_ms) {
        i->next_ms = due_ms;
    }
    return due_ms <= now_ms;
}

static bool
is_known(const struct issuer *i, enum issuer_object object)
{
    return i->seen[object].is_known;
}

static const struct x509_ca *
newest(const struct issuer *i)
{
    return i->bundle.n > 0 ? &i->bundle.items[i->bundle.n - 1] : NULL;
}

static bool
is_in_time(int64_t not_before, int64_t not_after, int64_t wall_s)
{
    return not_before <= wall_s && wall_s < not_after;
}

/* The moment at which 'part' of six parts of the life are over. */
static int64_t
life_part(int64_t not_before, int64_t not_after, int part)
{
    return not_before + (not_after - not_before) / 6 * part;
}

static bool
can_issue(const struct issuer *i, int64_t wall_s)
{
    const struct x509_ca *ca = newest(i);

    return i->has_ca && is_in_time(ca->not_before, ca->not_after, wall_s);
}

/* The certificate in the Secret serves: its own part of that. */
static bool
is_leaf_good(const struct issuer *i, int64_t wall_s)
{
    if (!i->leaf.pem || !is_in_time(i->leaf.not_before, i->leaf.not_after,
                                    wall_s)) {
        return false;
    }
    for (size_t n = 0; n < i->n_names; n++) {
        if (!x509_covers(&i->leaf, i->names[n])) {
            return false;
        }
    }
    return true;
}

/* The CA of the bundle that issued the certificate in the Secret. */
static const struct x509_ca *
issuer_in_bundle(const struct issuer *i, int64_t wall_s)
{
    const struct x509_ca *ca = i->issuer;

    return ca && is_in_time(ca->not_before, ca->not_after, wall_s) ? ca
                                                                    : NULL;
}

struct search {
    const struct issuer *issuer;
    int64_t wall_s;
    char *found;
};

static bool
find_in_webhook(const char *name, const char *ca_bundle, void *aux)
{
    struct search *search = aux;
    AUTO(x509_bundle_fini) struct x509_bundle bundle = { .n = 0 };
    AUTO_FREE char *text = issuer_decode_bundle(ca_bundle);
    AUTO_ERR struct err *err = x509_read_bundle(text, strlen(text), &bundle);

    (void) name;
    for (size_t n = 0; n < bundle.n && !err; n++) {
        const struct x509_ca *ca = &bundle.items[n];

        if (is_in_time(ca->not_before, ca->not_after, search->wall_s) &&
            issuer_is_of_leaf(search->issuer, ca)) {
            search->found = STEAL_PTR(bundle.items[n].pem);
            return true;
        }
    }
    return false;
}

/* The CA of the certificate that is served now, from wherever it is still
 * trusted; NULL: nobody trusts it.  The caller's to free. */
static char *
find_issuer(const struct issuer *i, int64_t wall_s)
{
    struct search search = { .issuer = i, .wall_s = wall_s };
    const struct x509_ca *own = issuer_in_bundle(i, wall_s);

    if (own) {
        return xstrdup(own->pem);
    }
    if (!issuer_any_webhook(i, ISSUER_VALIDATING, find_in_webhook, &search)) {
        issuer_any_webhook(i, ISSUER_MUTATING, find_in_webhook, &search);
    }
    return search.found;
}

/* --- Bodies --- */

static void
set_datum(json_t *data, const char *name, const char *text)
{
    AUTO_FREE char *encoded = digest_base64_encode(text, strlen(text));

    json_object_set_new(data, name, json_string(encoded));
    explicit_bzero(encoded, strlen(encoded));
}

/* The Secret as it was read, or a new one, with the two values. */
static char *
print_secret(const struct issuer *i, enum issuer_object object,
             const char *const *pairs)
{
    const bool is_ca = object == ISSUER_CA;
    AUTO_JSON json_t *document = json_copy(i->seen[object].document);
    json_t *data = json_copy(json_object_get(document, "data"));

    if (!document) {
        document = json_pack(
            "{s:s, s:s, s:s, s:{s:s, s:s, s:{s:s, s:s}}}", "apiVersion",
            "v1", "kind", "Secret", "type",
            is_ca ? "Opaque" : "kubernetes.io/tls", "metadata", "name",
            i->name[object], "namespace", i->ns, "labels",
            "app.kubernetes.io/name", "sallyport",
            "app.kubernetes.io/managed-by", "sallyport-reconciler");
    }
    if (!data) {
        data = json_object();
    }
    for (; *pairs; pairs += 2) {
        set_datum(data, pairs[0], pairs[1]);
    }
    json_object_set_new(document, "data", data);
    return json_dumps(document, JSON_COMPACT);
}

static char *
print_ca(const struct issuer *i, const char *old, const char *new,
         const char *key)
{
    AUTO_FREE char *bundle = xasprintf("%s%s", old ? old : "", new);
    const char *const pairs[] = { "ca.crt", bundle, "ca.key", key, NULL };

    return print_secret(i, ISSUER_CA, pairs);
}

/* --- The CA --- */

static char *
make_ca(const struct issuer *i, int64_t wall_s)
{
    AUTO(x509_made_fini) struct x509_made made = { NULL };
    AUTO_FREE char *old = find_issuer(i, wall_s);
    AUTO_ERR struct err *err =
        x509_make_ca(CA_NAME, wall_s, ISSUER_CA_DAYS, &made);

    return err ? NULL : print_ca(i, old, made.certificate, made.key);
}

/* The moment from which nobody serves the old CA's certificate any more. */
static int64_t
drop_s(const struct issuer *i)
{
    return i->leaf.not_before + X509_BACKDATE_S +
           i->overlap_ms * KEEP_OVERLAPS / 1000;
}

static void
note_due(struct issuer *i, const struct times *t, int64_t at_s)
{
    int64_t at_ms = t->now_ms + (at_s - t->wall_s) * 1000;

    if (at_ms < i->next_ms) {
        i->next_ms = at_ms > t->now_ms ? at_ms : t->now_ms;
    }
}

static bool
decide_ca(struct issuer *i, const struct times *t, char **body)
{
    const struct x509_ca *ca = newest(i);
    const struct x509_ca *served = issuer_in_bundle(i, t->wall_s);

    if (!is_known(i, ISSUER_CA) || !is_known(i, ISSUER_LEAF)) {
        return false;
    }
    if (!can_issue(i, t->wall_s) ||
        t->wall_s >= life_part(ca->not_before, ca->not_after, 4)) {
        *body = make_ca(i, t->wall_s);
        return *body != NULL;
    }
    if (!is_leaf_good(i, t->wall_s)) {
        return false;
    }
    if (!served) {
        AUTO_FREE char *old = find_issuer(i, t->wall_s);

        *body = old ? print_ca(i, old, ca->pem, i->ca_key) : NULL;
        return *body != NULL;
    }
    if (i->bundle.n == 1 || served != ca) {
        return false;
    }
    note_due(i, t, drop_s(i));
    if (t->wall_s < drop_s(i)) {
        return false;
    }
    *body = print_ca(i, NULL, ca->pem, i->ca_key);
    return *body != NULL;
}

/* --- The configurations --- */

struct patching {
    const char *wanted;     /* The bundle, as text. */
    const char *encoded;
    json_t *webhooks;
};

static bool
patch_webhook(const char *name, const char *ca_bundle, void *aux)
{
    struct patching *p = aux;
    AUTO_FREE char *text = issuer_decode_bundle(ca_bundle);

    if (!str_eq(text, p->wanted)) {
        json_array_append_new(
            p->webhooks, json_pack("{s:s, s:{s:s}}", "name", name,
                                   "clientConfig", "caBundle", p->encoded));
    }
    return false;
}

static bool
decide_configuration(const struct issuer *i, enum issuer_object object,
                     char **body)
{
    AUTO_BUF struct buf wanted = BUF_OWN;
    AUTO_FREE char *encoded = NULL;
    AUTO_JSON json_t *patch = NULL;
    struct patching p = { NULL };
    json_t *meta = json_object_get(i->seen[object].document, "metadata");
    const char *version =
        json_string_value(json_object_get(meta, "resourceVersion"));

    if (!is_known(i, object) || !is_known(i, ISSUER_CA) || !version) {
        return false;
    }
    for (size_t n = 0; n < i->bundle.n; n++) {
        buf_puts(&wanted, i->bundle.items[n].pem);
    }
    encoded = digest_base64_encode(buf_str(&wanted), wanted.size);
    p.wanted = buf_str(&wanted);
    p.encoded = encoded;
    p.webhooks = json_array();
    patch = json_pack("{s:{s:s}, s:o}", "metadata", "resourceVersion",
                      version, "webhooks", p.webhooks);
    issuer_any_webhook(i, object, patch_webhook, &p);
    if (json_array_size(p.webhooks) == 0) {
        return false;
    }
    *body = json_dumps(patch, JSON_COMPACT);
    return *body != NULL;
}

/* A webhook of ours that does not trust the CA. */
static bool
distrusts(const char *name, const char *ca_bundle, void *aux)
{
    AUTO_FREE char *text = issuer_decode_bundle(ca_bundle);

    (void) name;
    return strstr(text, aux) == NULL;
}

/* Keeps account of how long the newest CA has been in every caBundle. */
static void
watch_trust(struct issuer *i, int64_t now_ms)
{
    const struct x509_ca *ca = newest(i);
    const bool is_trusted =
        ca && is_known(i, ISSUER_VALIDATING) &&
        is_known(i, ISSUER_MUTATING) &&
        !issuer_any_webhook(i, ISSUER_VALIDATING, distrusts, ca->pem) &&
        !issuer_any_webhook(i, ISSUER_MUTATING, distrusts, ca->pem);

    if (!is_trusted) {
        /* One that is being read again has not lost it yet. */
        if (ca && is_known(i, ISSUER_VALIDATING) &&
            is_known(i, ISSUER_MUTATING)) {
            i->trusted_ms = -1;
        }
        return;
    }
    if (i->trusted_ms < 0 || !str_eq(i->trusted_pem, ca->pem)) {
        i->trusted_ms = now_ms;
        free(i->trusted_pem);
        i->trusted_pem = xstrdup(ca->pem);
    }
}

/* --- The certificate --- */

static bool
is_trusted_long(struct issuer *i, int64_t now_ms)
{
    const struct x509_ca *ca = newest(i);
    int64_t at_ms = i->trusted_ms + i->overlap_ms;

    if (i->trusted_ms < 0 || !str_eq(i->trusted_pem, ca->pem)) {
        return false;
    }
    if (at_ms > now_ms && at_ms < i->next_ms) {
        i->next_ms = at_ms;
    }
    return at_ms <= now_ms;
}

static bool
is_leaf_due(struct issuer *i, const struct times *t)
{
    const struct x509_ca *served = issuer_in_bundle(i, t->wall_s);
    int64_t at_s;

    if (!is_leaf_good(i, t->wall_s) || !served) {
        return true;
    }
    at_s = life_part(i->leaf.not_before, i->leaf.not_after,
                     served == newest(i) ? 4 : 5);
    note_due(i, t, at_s);
    return t->wall_s >= at_s ||
           (served != newest(i) && is_trusted_long(i, t->now_ms));
}

static bool
decide_leaf(struct issuer *i, const struct times *t, char **body)
{
    const struct x509_ca *ca = newest(i);
    AUTO(x509_made_fini) struct x509_made made = { NULL };
    AUTO_ERR struct err *err = NULL;

    if (!ca || !is_known(i, ISSUER_CA) || !is_known(i, ISSUER_LEAF) ||
        !can_issue(i, t->wall_s) || !is_leaf_due(i, t)) {
        return false;
    }
    err = x509_make_leaf(
        &(const struct x509_made) { ca->pem, i->ca_key },
        (const char *const *) i->names, i->n_names, t->wall_s,
        ISSUER_LEAF_DAYS, &made);
    if (!err) {
        const char *const pairs[] = { "tls.crt", made.certificate, "tls.key",
                                      made.key, NULL };

        *body = print_secret(i, ISSUER_LEAF, pairs);
    }
    return *body != NULL;
}

bool
issuer_decide(struct issuer *i, int64_t now_ms, int64_t wall_s,
              enum issuer_object *object, char **body)
{
    const struct times t = { .now_ms = now_ms, .wall_s = wall_s };

    *body = NULL;
    watch_trust(i, now_ms);
    *object = ISSUER_CA;
    if (may_write(i, *object, now_ms) && decide_ca(i, &t, body)) {
        return true;
    }
    for (*object = ISSUER_VALIDATING; *object <= ISSUER_MUTATING;
         (*object)++) {
        if (may_write(i, *object, now_ms) && can_issue(i, wall_s) &&
            decide_configuration(i, *object, body)) {
            return true;
        }
    }
    *object = ISSUER_LEAF;
    return may_write(i, *object, now_ms) && decide_leaf(i, &t, body);
}
