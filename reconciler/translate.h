/* translate: the settings of an Ingress as a policy of the data plane.
 *
 * The one place that knows both vocabularies.  Pure.
 */
#ifndef RECONCILER_TRANSLATE_H
#define RECONCILER_TRANSLATE_H

#include "haproxy/plan.h"
#include "haproxy/unanswered.h"
#include "lib/base/err.h"
#include "lib/ingress/model.h"
#include "reconciler/backends.h"

/* Certificates of clients that a host asks for: as 'settings' say, verified
 * by 'ca' (plan_client_id()). */
struct translate_client {
    const struct settings *settings;
    char ca[PLAN_CLIENT_ID_SIZE];
};

/* What ConfigMaps say for it (headers.h); NULL: nothing. */
struct translate_headers {
    const char *answers;
    const char *questions;
};

/* The policy of one route and of its canary (or NULL) on a host that asks for
 * certificates as 'client' says (or NULL), '*out' NULL where its
 * Ingress asks for nothing that a plain backend does not do.  An error is a
 * value that the checks at admission let through and the data plane will not
 * take: fail closed. */
struct err *translate_policy(const struct model *, const struct route *,
                             const struct settings *canary,
                             const struct translate_headers *,
                             const struct translate_client *client,
                             struct policy **out) MUST_USE;

/* Adds who is asked whether a request may pass, with 'more' headers (or
 * NULL), to 'policy' (translate_ask.c). */
struct err *translate_ask(const struct model *, const struct route *,
                          const char *more, struct policy *policy) MUST_USE;
/* How long one question may take. */
uint64_t translate_ask_ms(const struct settings *);
/* Which question it is; the settings have 'ask'.  Ingresses that ask the same
 * in the same way share it, and so one policy. */
void translate_ask_id(const struct settings *, char out[UNANSWERED_ID_SIZE]);

/* The policy of a redirect and of nothing else, but for 'client' (or NULL):
 * 'setting' is POLICY_REDIRECT or POLICY_REDIRECT_HOST. */
struct err *translate_redirect(enum policy_setting setting,
                               const char *where, const char *code,
                               const struct translate_client *client,
                               struct policy **out) MUST_USE;

/* What browsers are told of other origins, and nothing else; NULL: nothing. */
struct err *translate_cors(const struct settings *, struct policy **out)
    MUST_USE;

enum plan_kind translate_kind(const struct settings *,
                              const struct policy *);
enum plan_balance translate_balance(const struct settings *);
/* 'is_https': of the request. */
enum plan_protocol translate_protocol(const struct settings *,
                                      bool is_https);
/* What more is asked of TLS than translate_protocol() says; borrows texts of
 * the settings; NULL: nothing. */
const struct backend_tls *translate_tls(const struct settings *,
                                        bool is_https,
                                        struct backend_tls *room);
/* 0 where it is the program's default. */
uint32_t translate_connect_ms(const struct settings *);
/* PLAN_RETRY(), or 0. */
uint32_t translate_retry(const struct settings *);

#endif /* RECONCILER_TRANSLATE_H */
