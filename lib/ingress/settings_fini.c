#include "lib/ingress/settings.h"

#include <stdlib.h>

#include "lib/ingress/annot_priv.h"

void
settings_free_texts(struct settings_texts *texts)
{
    for (size_t i = 0; i < texts->n; i++) {
        free(texts->items[i]);
    }
    free(texts->items);
    *texts = (struct settings_texts) { .n = 0 };
}

bool
settings_has_canary(const struct settings *s)
{
    return s->canary &&
           (s->canary_weight > 0 || s->canary_header || s->canary_cookie);
}

void
settings_fini(struct settings *s)
{
    free(s->redirect_url);
    free(s->auth_secret);
    free(s->auth_realm);
    if (s->ask) {
        settings_ask_fini(s->ask);
        free(s->ask);
    }
    free(s->no_auth);
    free(s->app_root);
    settings_free_texts(&s->aliases);
    free(s->rewrite_target);
    free(s->upstream_vhost);
    free(s->canary_header);
    free(s->canary_value);
    free(s->canary_pattern);
    free(s->canary_cookie);
    free(s->ssl_name);
    free(s->ssl_secret);
    free(s->ssl_ciphers);
    free(s->hash_by);
    free(s->tls_ciphers);
    free(s->default_service);
    settings_free_texts(&s->error_codes);
    free(s->custom_headers);
    free(s->copy_to);
    free(s->copy_host);
    free(s->forwarded_prefix);
    free(s->location_from);
    free(s->location_to);
    settings_free_texts(&s->cookie_paths);
    settings_free_texts(&s->cookie_domains);
    free(s->cookie_name);
    free(s->cookie_path);
    free(s->cookie_domain);
    settings_free_texts(&s->cors_origins);
    free(s->cors_methods);
    free(s->cors_headers);
    free(s->cors_expose);
    settings_free_texts(&s->limit_allow);
    settings_free_texts(&s->allow);
    settings_free_texts(&s->deny);
    settings_free_texts(&s->share_with);
    free(s->client_secret);
    free(s->client_page);
    free(s->client_subject);
    free(s->takeover_from);
    free(s->release_to);
    *s = (struct settings) { .refuse = false };
}

void
settings_draft_fini(struct settings_draft *draft)
{
    settings_fini(&draft->s);
    settings_ask_fini(&draft->ask);
    free(draft->permanent_url);
    free(draft->temporal_url);
    *draft = (struct settings_draft) { .client_depth = 0 };
}
