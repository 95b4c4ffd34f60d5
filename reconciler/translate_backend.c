/* The settings that are a backend's: its class, its servers' protocol. */
#include "reconciler/translate.h"

#include "lib/base/mem.h"

/* ingress-nginx's default, and the program's: then nothing is asked for. */
#define DEFAULT_CONNECT_S 5

enum plan_kind
translate_kind(const struct settings *s, const struct policy *policy)
{
    if (s->affinity) {
        return PLAN_COOKIE;
    }
    return policy ? PLAN_POLICY : PLAN_PLAIN;
}

enum plan_balance
translate_balance(const struct settings *s)
{
    if (s->hash_by) {
        return PLAN_HASH;
    }
    switch (s->balance) {
    case BALANCE_LEAST_CONN:
        return PLAN_LEASTCONN;
    case BALANCE_ROUND_ROBIN:
        break;
    }
    return PLAN_ROUNDROBIN;
}

enum plan_protocol
translate_protocol(const struct settings *s, bool is_https)
{
    switch (s->protocol) {
    case PROTOCOL_HTTP:
        break;
    case PROTOCOL_HTTPS:
        return PLAN_TLS;
    case PROTOCOL_AUTO_HTTP:
        return is_https ? PLAN_TLS : PLAN_HTTP1;
    case PROTOCOL_GRPC:
        return PLAN_H2C;
    case PROTOCOL_GRPCS:
        return PLAN_TLS_H2;
    }
    return PLAN_HTTP1;
}

const struct backend_tls *
translate_tls(const struct settings *s, bool is_https,
              struct backend_tls *room)
{
    enum plan_protocol protocol = translate_protocol(s, is_https);

    *room = (struct backend_tls) {
        .secret = s->ssl_secret,
        .verifies = s->ssl_verify,
        .name = s->ssl_name,
        .sends_name = s->ssl_sends_name,
        .ciphers = s->ssl_ciphers,
        .tls12 = s->ssl12,
        .tls13 = s->ssl13,
    };
    return (protocol == PLAN_TLS || protocol == PLAN_TLS_H2) &&
                   (s->ssl_secret || s->ssl_ciphers || s->ssl12 || s->ssl13)
               ? room : NULL;
}

uint32_t
translate_connect_ms(const struct settings *s)
{
    return s->connect_timeout_s == DEFAULT_CONNECT_S
               ? 0
               : (uint32_t) (1000 * s->connect_timeout_s);
}

/* HAProxy counts tries and knows no time for all of them together. */
static unsigned
tries_that_fit(const struct settings *s)
{
    uint64_t tries = s->next_tries > 0 ? s->next_tries : PLAN_RETRY_TRIES_MAX;
    uint64_t each = s->connect_timeout_s +
                    (s->next_on & NEXT_TIMEOUT ? s->read_timeout_s : 0);

    if (s->next_timeout_s > 0 && tries * each > s->next_timeout_s) {
        tries = s->next_timeout_s / each;
    }
    return tries > 0 && !(s->next_on & NEXT_OFF) ? (unsigned) tries : 1;
}

uint32_t
translate_retry(const struct settings *s)
{
    static const struct {
        enum settings_next from;
        enum plan_retry_on to;
    } reasons[] = {
        { NEXT_ERROR, PLAN_RETRY_ERROR },
        { NEXT_TIMEOUT, PLAN_RETRY_TIMEOUT },
        { NEXT_INVALID, PLAN_RETRY_INVALID },
        { NEXT_403, PLAN_RETRY_403 },
        { NEXT_404, PLAN_RETRY_404 },
        { NEXT_500, PLAN_RETRY_500 },
        { NEXT_502, PLAN_RETRY_502 },
        { NEXT_503, PLAN_RETRY_503 },
        { NEXT_504, PLAN_RETRY_504 },
    };
    unsigned tries = tries_that_fit(s);
    unsigned on = 0;

    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++) {
        on |= s->next_on & reasons[i].from ? (unsigned) reasons[i].to : 0;
    }
    if (s->affinity && !s->cookie_change_on_failure) {
        on |= PLAN_RETRY_STAY;
    }
    if (tries == 1) {
        return PLAN_RETRY(1, 0);
    }
    return tries == 3 && on == PLAN_RETRY_ERROR ? 0 : PLAN_RETRY(tries, on);
}
