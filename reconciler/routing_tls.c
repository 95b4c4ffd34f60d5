#include "reconciler/routing_priv.h"

#include "lib/base/mem.h"
#include "reconciler/authorities.h"
#include "reconciler/certs.h"
#include "reconciler/sni.h"

/* A certificate that is asked about is in use: it may cover the host later. */
bool
routing_covers_(const char *secret, const char *host, void *aux)
{
    struct draft *d = aux;
    struct certs *certs = d->routing->options.certs;

    VEC_PUSH(&d->names[HOST_SECRETS], certs_ref(certs, secret));
    return certs_covers(certs, secret, host);
}

void
routing_set_tls_(struct draft *d)
{
    const struct serve_host *h = &d->served;
    const struct routing_options *o = &d->routing->options;
    bool covers = h->secret && routing_covers_(h->secret, d->name, d);
    bool second = h->second && routing_covers_(h->second, d->name, d);
    struct plan_sni sni;
    bool is_own = sni_make(h, o->certs, covers, second, &sni);

    if (!o->tls_modern) {
        is_own |= sni_options(h, &sni);
    }
    if (d->client) {
        is_own = true;
        const char *authority = d->names[HOST_AUTHORITIES].items[0];

        sni.ca = authorities_ca(o->authorities, authority);
        sni.crl = authorities_crl(o->authorities, authority);
    }
    if (is_own && d->name[0]) {
        plan_set_sni(o->plan, d->name, &sni);
        d->has_sni = true;
    }
}

void
routing_ask_clients_(struct draft *d, struct translate_client *client)
{
    struct authorities *authorities = d->routing->options.authorities;
    const struct model *model = d->served.client;
    const struct settings *s = model ? model->settings : NULL;
    const char *ca;

    if (!s || s->client == CLIENT_CLOSED) {
        return;
    }
    VEC_PUSH(&d->names[HOST_AUTHORITIES],
             authorities_ref(authorities, s->client_secret));
    ca = authorities_ca(authorities, s->client_secret);
    if (ca) {
        client->settings = s;
        plan_client_id(ca, authorities_crl(authorities, s->client_secret),
                       client->ca);
        d->client = client;
    } else {
        d->is_closed = true;
    }
}
