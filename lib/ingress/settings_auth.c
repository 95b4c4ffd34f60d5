/* settings_auth: what auth-type and its companions come to. */
#include "lib/ingress/annot_priv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/name.h"

void
annot_check_secret(const struct annot_def *def UNUSED,
                   struct annot_value *value, struct annot_say *say)
{
    const char *slash = strchr(value->text, '/');
    AUTO_FREE char *ns =
        xstrndup(value->text, slash ? (size_t) (slash - value->text) : 0);

    if ((slash && !name_is_label(ns)) ||
        !name_is_subdomain(slash ? slash + 1 : value->text)) {
        annot_complain(&say->error, value->text,
                       "is not a Secret: write its name, or its namespace, "
                       "\"/\" and its name");
    }
}

void
annot_apply_auth(const struct annot_def *def UNUSED,
                 struct annot_value *value, struct settings_draft *draft)
{
    draft->s.auth =
        value->number == 0 ? SETTINGS_AUTH_BASIC : SETTINGS_AUTH_DIGEST;
}

/* The Secret of another namespace: whoever may write Ingresses here could try
 * the passwords of those who live there. */
static char *
settle_secret(struct settings_draft *draft, const char *ns)
{
    struct settings *s = &draft->s;
    const char *slash = strchr(s->auth_secret, '/');
    size_t length = slash ? (size_t) (slash - s->auth_secret) : 0;

    if (!slash) {
        char *full = xasprintf("%s/%s", ns, s->auth_secret);

        free(s->auth_secret);
        s->auth_secret = full;
    } else if (!draft->allow_cross_namespace &&
               (length != strlen(ns) ||
                memcmp(s->auth_secret, ns, length) != 0)) {
        AUTO_FREE char *shown = str_quote(s->auth_secret);

        return xasprintf("%s is in another namespace: copy the Secret to "
                         "this one, or have the administrator set "
                         "allow-cross-namespace-resources: \"true\" in the "
                         "controller's ConfigMap", shown);
    }
    return NULL;
}

char *
settings_settle_auth(struct settings_draft *draft, const char *ns,
                     const char **blame)
{
    struct settings *s = &draft->s;
    char *why = NULL;

    if (s->auth == SETTINGS_AUTH_NONE) {
        free(STEAL_PTR(s->auth_secret));
        free(STEAL_PTR(s->auth_realm));
        s->auth_is_map = 0;
    } else if (!s->auth_secret) {
        *blame = "auth-type";
        why = xstrdup("it needs auth-secret, the Secret with the users");
    } else {
        *blame = "auth-secret";
        why = settle_secret(draft, ns ? ns : "");
    }
    return why;
}
