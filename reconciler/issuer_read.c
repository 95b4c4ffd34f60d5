#include "reconciler/issuer_priv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/mem.h"

static void
wipe(char **text)
{
    if (*text) {
        explicit_bzero(*text, strlen(*text));
    }
    free(*text);
    *text = NULL;
}

/* One value of a Secret as text; NULL where it is absent or no text. */
static char *
read_datum(json_t *document, const char *name)
{
    json_t *value =
        json_object_get(json_object_get(document, "data"), name);
    char *text = NULL;
    size_t size;

    if (!json_is_string(value) ||
        !digest_base64_decode(json_string_value(value),
                              json_string_length(value), &text, &size)) {
        return NULL;
    }
    if (strlen(text) != size || size > X509_MAX_PEM) {
        wipe(&text);
    }
    return text;
}

static void
forget_ca(struct issuer *i)
{
    x509_bundle_fini(&i->bundle);
    wipe(&i->ca_key);
    i->has_ca = false;
    i->issuer = NULL;
}

static void
read_ca(struct issuer *i, json_t *document)
{
    AUTO_FREE char *text = read_datum(document, "ca.crt");
    AUTO_ERR struct err *err = NULL;

    forget_ca(i);
    i->ca_key = read_datum(document, "ca.key");
    if (text) {
        err = x509_read_bundle(text, strlen(text), &i->bundle);
    }
    if (i->bundle.n > 0 && i->ca_key) {
        const struct x509_ca *newest = &i->bundle.items[i->bundle.n - 1];

        i->has_ca = newest->is_ca && x509_is_key_of(newest->pem, i->ca_key,
                                                    strlen(i->ca_key));
    }
}

static void
forget_leaf(struct issuer *i)
{
    x509_pair_fini(&i->leaf);
    free(i->leaf_chain);
    i->leaf_chain = NULL;
    i->issuer = NULL;
}

static void
read_leaf(struct issuer *i, json_t *document)
{
    char *key = read_datum(document, "tls.key");
    AUTO_ERR struct err *err = NULL;

    forget_leaf(i);
    i->leaf_chain = read_datum(document, "tls.crt");
    if (i->leaf_chain && key) {
        err = x509_read(i->leaf_chain, strlen(i->leaf_chain), key,
                        strlen(key), &i->leaf);
    }
    wipe(&key);
}

bool
issuer_is_of_leaf(const struct issuer *i, const struct x509_ca *ca)
{
    return ca->is_ca && i->leaf_chain &&
           x509_has_issued(ca->pem, i->leaf_chain);
}

static void
find_issuer(struct issuer *i)
{
    i->issuer = NULL;
    for (size_t n = i->bundle.n; n-- > 0 && !i->issuer;) {
        if (issuer_is_of_leaf(i, &i->bundle.items[n])) {
            i->issuer = &i->bundle.items[n];
        }
    }
}

void
issuer_read(struct issuer *i, enum issuer_object object, json_t *document)
{
    struct issuer_seen *seen = &i->seen[object];

    json_decref(seen->document);
    seen->document = json_incref(document);
    if (object == ISSUER_CA) {
        read_ca(i, document);
        find_issuer(i);
    } else if (object == ISSUER_LEAF) {
        read_leaf(i, document);
        find_issuer(i);
    }
}

void
issuer_forget(struct issuer *i)
{
    for (size_t o = 0; o < ISSUER_N_OBJECTS; o++) {
        json_decref(i->seen[o].document);
        i->seen[o].document = NULL;
        i->seen[o].is_known = false;
        i->seen[o].due_ms = 0;
        backoff_reset(&i->seen[o].backoff);
    }
    forget_ca(i);
    forget_leaf(i);
    free(i->trusted_pem);
    i->trusted_pem = NULL;
    i->trusted_ms = -1;
}

bool
issuer_any_webhook(const struct issuer *i, enum issuer_object object,
                   issuer_webhook_fn *fn, void *aux)
{
    json_t *hooks = json_object_get(i->seen[object].document, "webhooks");
    json_t *hook;
    size_t n;

    json_array_foreach(hooks, n, hook) {
        const char *name = json_string_value(json_object_get(hook, "name"));
        const char *bundle = json_string_value(json_object_get(
            json_object_get(hook, "clientConfig"), "caBundle"));

        if (name && fn(name, bundle ? bundle : "", aux)) {
            return true;
        }
    }
    return false;
}

char *
issuer_decode_bundle(const char *ca_bundle)
{
    char *text = NULL;
    size_t size;

    if (!digest_base64_decode(ca_bundle, strlen(ca_bundle), &text, &size) ||
        strlen(text) != size) {
        free(text);
        return xstrdup("");
    }
    return text;
}
