#include "lib/ingress/model_priv.h"

#include <stdint.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/host.h"
#include "lib/ingress/name.h"

/* A certificate serves a rule of the same host, of a host it covers, or of
 * a wildcard that covers it; a rule without host serves every host. */
static bool
is_used(const struct build *b, const char *host)
{
    AUTO_FREE char *wildcard = NULL;

    if (map_get(b->hosts, host) || map_get(b->hosts, "") ||
        map_get(b->parents, host)) {
        return true;
    }
    wildcard = host_wildcard_of(host);
    return wildcard && map_get(b->hosts, wildcard);
}

static const char *
secret_text(const char *secret)
{
    return secret ? secret : "the default certificate";
}

static void
add_host(struct build *b, struct map *seen, const char *given,
         char *secret, char *field)
{
    const struct place place = PLACE(field, "");
    const char *host;
    size_t index;

    if (str_is_empty(given)) {
        build_error(b, place, "is empty: write a host, or leave the list "
                    "out");
        return;
    }
    host = build_host(b, given, place);
    if (!host) {
        return;
    }
    index = (size_t) (uintptr_t) map_get(seen, host);
    if (index > 0) {
        struct model_tls *first = &b->tls.items[index - 1];
        bool is_second = first->second && str_eq(first->second, secret);

        if (str_eq(first->secret, secret) || is_second) {
            build_warn(b, place, "host \"%s\" is already listed in %s: "
                       "remove one of them", host,
                       is_second ? first->second_field : first->field);
        } else if (first->secret && secret && !first->second) {
            first->second = secret;
            first->second_field = field;
        } else {
            build_error(b, place, "host \"%s\" already has %s by %s and "
                        "cannot have %s, too: remove one of them", host,
                        secret_text(first->secret), first->field,
                        secret_text(secret));
        }
        return;
    }
    VEC_PUSH(&b->tls, ((struct model_tls) { .host = host, .secret = secret,
                                            .field = field }));
    map_put(seen, host, (void *) (uintptr_t) b->tls.n);
    if (!is_used(b, host)) {
        build_warn(b, place, "no rule here is for host \"%s\": the "
                   "certificate serves nothing", host);
    }
}

static void
read_entry(struct build *b, struct map *seen, size_t i)
{
    const struct kube_tls *tls = &b->spec->tls[i];
    const char *ns = b->model->object->namespace;
    AUTO_FREE char *entry = build_item("spec.tls", i);
    char *secret = NULL;

    if (!str_is_empty(tls->secret)) {
        if (!name_is_subdomain(tls->secret)) {
            AUTO_FREE char *quoted = str_quote(tls->secret);

            build_error(b, PLACE(entry, ".secretName"), "%s is not a name "
                        "of a Secret: write lower-case letters, digits, "
                        "\"-\" and \".\"; the Secret is looked for in the "
                        "Ingress's own namespace", quoted);
            return;
        }
        secret = build_own(b, str_concat(ns, "/", tls->secret));
    }
    if (tls->n_hosts == 0) {
        VEC_PUSH(&b->tls,
                 ((struct model_tls) { .host = "", .secret = secret,
                                       .field = build_own(
                                           b, xstrdup(entry)) }));
    }
    for (size_t j = 0; j < tls->n_hosts; j++) {
        char room[STR_DIGITS_SIZE];
        char *field = build_own(b, str_concat(entry, ".hosts[",
                                              str_digits(j, room), "]"));

        add_host(b, seen, tls->hosts[j], secret, field);
    }
}

void
build_tls(struct build *b)
{
    struct map *seen = map_new();

    for (size_t i = 0; i < b->spec->n_tls; i++) {
        read_entry(b, seen, i);
    }
    map_free(seen, NULL);
}
