#include "lib/ingress/model_priv.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/host.h"
#include "lib/ingress/name.h"

struct listing {
    struct build *build;
    /* Of build->tls, in their order; "" where the entry lists none. */
    struct texts hosts;
    /* Wildcards that cover hosts of routes, without the "*"; made once one is
     * looked for. */
    struct texts parents;
    bool has_parents;
};

static void
find_parents(struct listing *l)
{
    const struct build *b = l->build;

    for (size_t i = 0; i < b->routes.n; i++) {
        const char *host = b->routes.items[i].host;
        const char *parent = host_is_wildcard(host) ? NULL
                                                    : strchr(host, '.');

        if (parent && !texts_find(&l->parents, parent)) {
            texts_add(&l->parents, parent);
        }
    }
    l->has_parents = true;
}

static bool
is_parent(struct listing *l, const char *wildcard)
{
    if (!l->has_parents) {
        find_parents(l);
    }
    return texts_find(&l->parents, wildcard + 1) > 0;
}

/* A certificate serves a rule of the same host, of a host it covers, or of
 * a wildcard that covers it; a rule without host serves every host. */
static bool
is_used(struct listing *l, const char *host)
{
    const struct texts *hosts = &l->build->hosts;
    AUTO_FREE char *wildcard = NULL;

    if (texts_find(hosts, host) || texts_find(hosts, "")) {
        return true;
    }
    if (host_is_wildcard(host)) {
        return is_parent(l, host);
    }
    wildcard = host_wildcard_of(host);
    return wildcard && texts_find(hosts, wildcard);
}

static const char *
secret_text(const char *secret)
{
    return secret ? secret : "the default certificate";
}

static void
add(struct listing *l, const char *host, char *secret, char *field)
{
    struct build *b = l->build;

    VEC_PUSH(&b->tls, ((struct model_tls) { .host = host, .secret = secret,
                                            .field = field }));
    texts_add(&l->hosts, host);
}

/* The host of 'first' in another place. */
static void
add_again(struct build *b, struct model_tls *first, char *secret,
          char *field)
{
    const struct place place = PLACE(field, "");
    const bool is_second = first->second && str_eq(first->second, secret);

    if (str_eq(first->secret, secret) || is_second) {
        build_warn(b, place, "host \"%s\" is already listed in %s: "
                   "remove one of them", first->host,
                   is_second ? first->second_field : first->field);
    } else if (first->secret && secret && !first->second) {
        first->second = secret;
        first->second_field = field;
    } else {
        build_error(b, place, "host \"%s\" already has %s by %s and "
                    "cannot have %s, too: remove one of them", first->host,
                    secret_text(first->secret), first->field,
                    secret_text(secret));
    }
}

static void
add_host(struct listing *l, const char *given, char *secret, char *field)
{
    struct build *b = l->build;
    const struct place place = PLACE(field, "");
    const char *host;
    size_t number;

    if (str_is_empty(given)) {
        build_error(b, place, "is empty: write a host, or leave the list "
                    "out");
        return;
    }
    host = build_host(b, given, place);
    if (!host) {
        return;
    }
    number = texts_find(&l->hosts, host);
    if (number > 0) {
        add_again(b, &b->tls.items[number - 1], secret, field);
        return;
    }
    add(l, host, secret, field);
    if (!is_used(l, host)) {
        build_warn(b, place, "no rule here is for host \"%s\": the "
                   "certificate serves nothing", host);
    }
}

static void
read_entry(struct listing *l, size_t i)
{
    struct build *b = l->build;
    const struct kube_tls *tls = &b->spec->tls[i];
    const char *ns = b->model->object->namespace;
    char room[BUILD_ITEM_SIZE];
    const char *entry = build_item("spec.tls", i, room);
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
        secret = arena_concat(&b->owned, ns, "/", tls->secret);
    }
    if (tls->n_hosts == 0) {
        add(l, "", secret, arena_concat(&b->owned, entry));
    }
    for (size_t j = 0; j < tls->n_hosts; j++) {
        char digits[STR_DIGITS_SIZE];
        char *field = arena_concat(&b->owned, entry, ".hosts[",
                                   str_digits(j, digits), "]");

        add_host(l, tls->hosts[j], secret, field);
    }
}

void
build_tls(struct build *b)
{
    struct listing l = { .build = b };

    for (size_t i = 0; i < b->spec->n_tls; i++) {
        read_entry(&l, i);
    }
    texts_fini(&l.hosts);
    texts_fini(&l.parents);
}
