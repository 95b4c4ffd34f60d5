/* Admission: what may be new; and the report on what is lost at run time. */
#include "lib/ingress/claims.h"

#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/claims_priv.h"
#include "lib/ingress/host.h"

/* Expressions of a host that are looked at for one that hides a path. */
#define MAX_LOOKED 1000

/* A host of which the candidate asks for something. */
struct asked {
    const char *host;
    const struct claims_entry *entry;   /* NULL: nobody claims it. */
    bool is_judged;
    const struct model *owner;  /* Then: who forbids it, or NULL. */
};

/* One judgement.  What the candidate as it is indexed has and holds already
 * is not new. */
struct judgement {
    const struct claims *claims;
    const struct claims *known; /* NULL, or who settles hosts he knows. */
    const struct model *model;
    const struct model *old;    /* What it takes over from: as if gone. */
    struct asked asked;         /* The host of the claim at hand. */
    struct map *owners;         /* Of others that were judged: host -> owner
                                 * that forbids it, or this judgement;
                                 * NULL: most ask for one host alone. */
    struct claims_say say;
};

/* --- Hosts --- */

/* Takes up 'host'.  What was found out about the one before is kept: claims
 * need not stand in the order of their hosts. */
static struct asked *
ask(struct judgement *j, const char *host)
{
    struct asked *a = &j->asked;

    if (a->host && strcmp(a->host, host) == 0) {
        return a;
    }
    if (a->is_judged) {
        if (!j->owners) {
            j->owners = map_new();
        }
        map_put(j->owners, a->host,
                a->owner ? (void *) (uintptr_t) a->owner : j);
    }
    *a = (struct asked) {
        .host = host,
        .entry = claims_entry(j->claims, host),
    };
    return a;
}

/* The wildcard that covers the host, where anybody claims that. */
static const struct claims_entry *
wildcard_of(const struct judgement *j, const struct asked *a)
{
    AUTO_FREE char *wildcard = NULL;

    if (a->entry) {
        return a->entry->parent;
    }
    wildcard = host_wildcard_of(a->host);
    return wildcard ? claims_entry(j->claims, wildcard) : NULL;
}

/* The wildcard and the hosts it covers belong to one namespace.  Who has
 * the host already ('own', of the candidate's namespace) gives way only to
 * what is older. */
static const struct model *
family_owner(const struct judgement *j, const struct asked *a,
             const struct model *own)
{
    const struct claims *c = j->claims;
    const struct claims_entry *child, *wildcard = wildcard_of(j, a);
    const struct model *other = NULL;

    if (wildcard) {
        other = claims_first(wildcard, j->old);
    } else if (a->entry && a->entry->n_children > 0) {
        other = claims_oldest_child(c, a->entry, claims_ns(c, j->model->ns),
                                    j->old, &child);
    }
    if (!other || claims_is_same_namespace(other, j->model) ||
        (own && claims_is_older(own, other))) {
        return NULL;
    }
    return other;
}

/* An object older than the owner's would be the owner by its age. */
static bool
is_guest(const struct judgement *j, const struct claims_entry *e,
         const struct model *own)
{
    return claims_is_shared(j->claims, e, own, j->model, j->old) &&
           (j->model->created == 0 ||
            claims_is_older(own, j->model));
}

static const struct model *
find_host_owner(const struct judgement *j, const struct asked *a)
{
    const struct claims_entry *e = a->entry;
    const struct model *own = claims_first(e, j->old);

    if (!j->claims->is_tied || a->host[0] == '\0' ||
        (j->known && claims_first(claims_entry(j->known, a->host), j->old))) {
        return NULL;
    }
    if (own && !claims_is_same_namespace(own, j->model)) {
        return is_guest(j, e, own) ? NULL : own;
    }
    if (j->claims->ruleset->host_policy == HOST_POLICY_INGRESS && own &&
        !claims_is_same_ingress(own, j->model) && !j->model->is_canary &&
        !is_guest(j, e, own)) {
        return own;
    }
    return family_owner(j, a, own);
}

/* Who has the host so that the candidate may not, or NULL.  A wildcard's
 * answer costs a walk over its hosts: ask once. */
static const struct model *
host_owner(const struct judgement *j, struct asked *a)
{
    void *known = NULL;

    if (!a->is_judged) {
        known = j->owners ? map_get(j->owners, a->host) : NULL;
        a->owner = !known       ? find_host_owner(j, a)
                   : known == j ? NULL
                                : known;
        a->is_judged = true;
    }
    return a->owner;
}

/* --- Keys --- */

/* True where 'm' is another Ingress that counts. */
static bool
is_other(const struct judgement *j, const struct model *m, unsigned rank)
{
    return !claims_is_same_ingress(m, j->model) && m != j->old &&
           rank != CLAIMS_RANK_OUT;
}

/* True where 'ref' stands against a route of the candidate. */
static bool
is_rival(const struct judgement *j, const struct route *route,
         const struct claims_ref *ref)
{
    if (!is_other(j, ref->model, ref->rank) || ref->model->is_canary) {
        return false;
    }
    if (j->model->is_canary) {
        return !claims_is_same_namespace(ref->model, j->model);
    }
    return !claims_is_twin(j->model, route, ref->model,
                           claims_ref_route(ref));
}

/* Who has the key of 'route' so that the candidate may not, or NULL. */
static const struct model *
key_owner(const struct judgement *j, const struct claims_entry *e,
          const struct route *route)
{
    bool has_already = false;
    const struct model *rival = NULL;

    if (!e || route->kind == ROUTE_HOST) {
        return NULL;
    }
    for (uint32_t i = claims_find(e, route->key);
         !rival && claims_ref_has(e, i, route->key); i++) {
        const struct claims_ref *ref = &e->refs[i];

        if (is_rival(j, route, ref)) {
            rival = ref->model;
        } else if (claims_is_same_ingress(ref->model, j->model) &&
                   !ref->model->is_canary) {
            /* In their order: it stands before every rival. */
            has_already = true;
        }
    }
    return has_already ? NULL : rival;
}

/* --- Passthrough --- */

/* Who routes the host in the other way, so that the candidate may not. */
static const struct model *
whole_owner(const struct judgement *j, const struct claims_entry *e,
            const struct route *route)
{
    bool is_passthrough = route->kind == ROUTE_PASSTHROUGH;

    for (uint32_t i = 0; e && i < e->n_owners; i++) {
        const struct claims_owner *o = &e->owners[i];

        if (o->n_routes == 0 || o->model->is_canary) {
            continue;
        }
        if (claims_is_same_ingress(o->model, j->model) &&
            o->is_passthrough == is_passthrough) {
            return NULL;        /* The oldest is itself. */
        }
        if (is_other(j, o->model, o->rank)) {
            return o->is_passthrough == is_passthrough ? NULL : o->model;
        }
    }
    return NULL;
}

/* --- Routes and TLS --- */

/* Who stands against 'route', and how. */
static enum claims_loss
route_owner(struct judgement *j, const struct route *route,
            const struct model **other)
{
    struct asked *a = ask(j, route->host);
    const struct pin *pin;

    *other = NULL;
    if (claims_is_out(j->claims, route->host, j->model, &pin)) {
        return CLAIMS_LOST_OUT;
    }
    *other = key_owner(j, a->entry, route);
    if (*other) {
        return claims_takes_over(*other, j->model) ? CLAIMS_LOST_TAKEN
                                                   : CLAIMS_LOST_KEY;
    }
    *other = host_owner(j, a);
    if (*other) {
        return CLAIMS_LOST_HOST;
    }
    *other = j->model->is_canary ? NULL : whole_owner(j, a->entry, route);
    return *other ? CLAIMS_LOST_WHOLE : CLAIMS_HELD;
}

/* Another Ingress's expression that takes all that 'route' asks for.  There
 * may be very many, and one warning is enough. */
static void
judge_hidden(const struct claims_say *say, const struct claims_entry *e,
             const struct model *but, const struct route *route)
{
    uint32_t n_looked = 0;

    for (uint32_t i = e ? claims_find_regexes(e) : 0;
         e && i < e->n_refs && n_looked < MAX_LOOKED; i++, n_looked++) {
        const struct claims_ref *ref = &e->refs[i];
        const struct route *regex = claims_ref_route(ref);

        if (!regex || regex->kind != ROUTE_REGEX) {
            break;
        }
        if (!claims_is_same_ingress(ref->model, say->model) &&
            ref->model != but && !ref->model->is_canary &&
            ref->rank == CLAIMS_RANK_FIRST &&
            route_is_hidden(route, regex)) {
            claims_say_hidden(say, route, ref->model, regex);
            return;
        }
    }
}

/* Whether another Ingress has the path of which a canary wants its share. */
static bool
has_main(const struct judgement *j, const struct route *route)
{
    const struct claims_entry *e = j->asked.entry;

    for (uint32_t i = e ? claims_find(e, route->key) : 0;
         e && claims_ref_has(e, i, route->key); i++) {
        const struct claims_ref *ref = &e->refs[i];

        if (!ref->model->is_canary && is_other(j, ref->model, ref->rank)) {
            return true;
        }
    }
    return false;
}

static void
judge_route(struct judgement *j, const struct route *route, bool is_recent)
{
    const struct model *other;
    enum claims_loss loss = route_owner(j, route, &other);

    if (loss == CLAIMS_HELD && j->model->is_canary && !is_recent &&
        !has_main(j, route)) {
        loss = CLAIMS_LOST_CANARY;
    }
    claims_say_route(&j->say, route, loss, other);
    if (loss == CLAIMS_HELD && !is_recent && !j->model->is_canary) {
        judge_hidden(&j->say, j->asked.entry, j->old, route);
    }
}

/* Whose certificate is served in place of 'tls', or NULL. */
static const struct model *
tls_owner(const struct judgement *j, const struct model_tls *tls)
{
    const struct claims_entry *e = j->asked.entry;

    for (uint32_t i = 0; e && claims_ref_has(e, i, ""); i++) {
        const struct claims_ref *ref = &e->refs[i];

        if (claims_is_same_ingress(ref->model, j->model)) {
            return NULL;
        }
        if (is_other(j, ref->model, ref->rank)) {
            return str_eq(claims_ref_tls(ref)->secret, tls->secret)
                       ? NULL
                       : ref->model;
        }
    }
    return NULL;
}

static void
judge_tls(struct judgement *j, const struct model_tls *tls)
{
    struct asked *a = ask(j, tls->host);
    const struct model *other;
    const struct pin *pin;

    if (claims_is_out(j->claims, tls->host, j->model, &pin)) {
        claims_say_tls(&j->say, tls, CLAIMS_LOST_OUT, NULL);
        return;
    }
    other = host_owner(j, a);
    if (other) {
        claims_say_tls(&j->say, tls, CLAIMS_LOST_HOST, other);
        return;
    }
    other = tls_owner(j, tls);
    if (other) {
        claims_say_tls(&j->say, tls,
                       claims_takes_over(other, j->model) ? CLAIMS_LOST_TAKEN
                                                          : CLAIMS_LOST_TLS,
                       other);
    }
}

static void
judge(const struct claims *c, const struct claims *known, bool is_recent,
      const struct model *m, struct findings *out)
{
    struct judgement j = { .claims = c, .known = known, .model = m };

    if (m->is_deleting ||
        claims_is_deleting(c, m->ns)) {
        return;
    }
    j.old = claims_taken(c, m);
    claims_say_init(&j.say, c, m,
                    c->ruleset->host_policy == HOST_POLICY_NONE
                        ? FINDING_WARNING
                        : FINDING_ERROR,
                    out);
    for (size_t i = 0; i < m->n_routes; i++) {
        judge_route(&j, &m->routes[i], is_recent);
    }
    for (size_t i = 0; i < m->n_tls; i++) {
        if (m->tls[i].host[0] != '\0') {
            judge_tls(&j, &m->tls[i]);
        }
    }
    if (!is_recent) {
        claims_say_takeover(&j.say);
    }
    claims_say_fini(&j.say);
    map_free(j.owners, NULL);
}

void
claims_judge(const struct claims *c, const struct model *m,
             struct findings *out)
{
    judge(c, NULL, false, m, out);
}

void
claims_judge_recent(const struct claims *c, const struct claims *known,
                    const struct model *m, struct findings *out)
{
    judge(c, known, true, m, out);
}

/* --- Run time --- */

/* The fate of claims on 'host'; reads the host anew only where it is another
 * than before. */
static const struct claims_fate *
fate_of(const struct claims *c, const char *host, struct claims_fate *fate)
{
    if (!fate->entry || strcmp(fate->entry->name, host) != 0) {
        claims_fate_init(fate, c, claims_entry(c, host));
    }
    return fate;
}

/* What the policy would not let in today is served all the same. */
static void
report_inherited(const struct claims_say *say, const struct route *r,
                 const struct claims_entry *e)
{
    const struct claims *c = say->claims;
    const struct model *owner = claims_first(e, NULL);
    const struct pin *pin;

    if (c->ruleset->enforce_host_policy) {
        return;
    }
    if (claims_is_out(c, e->name, say->model, &pin)) {
        claims_say_inherited(say, r, NULL);
    } else if (c->ruleset->host_policy == HOST_POLICY_NAMESPACE &&
               e->name[0] != '\0' && owner &&
               !claims_is_same_namespace(owner, say->model) &&
               !claims_is_shared(c, e, owner, say->model, NULL)) {
        claims_say_inherited(say, r, owner);
    }
}

void
claims_report(const struct claims *c, const struct model *m,
              struct findings *out)
{
    struct claims_say say;
    struct claims_fate fate = { .entry = NULL };
    const struct model *winner;

    if (claims_get(c, m->key) != m ||
        claims_is_deleting(c, m->ns)) {
        return;
    }
    claims_say_init(&say, c, m, FINDING_ERROR, out);
    for (size_t i = 0; i < m->n_routes; i++) {
        const struct route *r = &m->routes[i];
        enum claims_loss loss =
            claims_resolve_route(fate_of(c, r->host, &fate), m, r, &winner);

        claims_say_route(&say, r, loss, winner);
        if (loss == CLAIMS_HELD) {
            report_inherited(&say, r, fate.entry);
            judge_hidden(&say, fate.entry, claims_taken(c, m), r);
        }
    }
    for (size_t i = 0; i < m->n_tls; i++) {
        const struct model_tls *tls = &m->tls[i];

        if (tls->host[0] != '\0') {
            enum claims_loss loss = claims_resolve_tls(
                fate_of(c, tls->host, &fate), m, tls, &winner);

            claims_say_tls(&say, tls, loss, winner);
        }
    }
    claims_say_takeover(&say);
    claims_say_fini(&say);
}
