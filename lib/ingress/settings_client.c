/* What the annotations about client certificates mean together. */
#include "lib/ingress/annot_priv.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/mem.h"
#include "lib/base/str.h"

bool
settings_qualify(const struct kube_object *object, char **secret)
{
    const char *slash = strchr(*secret, '/');
    AUTO_FREE char *given = NULL;

    if (slash) {
        size_t length = (size_t) (slash - *secret);

        return strlen(object->namespace) == length &&
               strncmp(object->namespace, *secret, length) == 0;
    }
    given = STEAL_PTR(*secret);
    *secret = xasprintf("%s/%s", object->namespace, given);
    return true;
}

static void
drop(struct settings *s, enum settings_client what)
{
    s->client = what;
    s->client_pass = false;
    free(STEAL_PTR(s->client_secret));
    free(STEAL_PTR(s->client_page));
    free(STEAL_PTR(s->client_subject));
}

void
settings_settle_client(const struct kube_object *object, const char *name,
                       const char *key, bool is_bad, struct settings *s,
                       struct findings *findings)
{
    if (key && !settings_qualify(object, &s->client_secret)) {
        AUTO_FREE char *field = xasprintf("metadata.annotations[%s]", key);
        AUTO_FREE char *quoted = str_quote(s->client_secret);

        findings_add(findings, FINDING_ERROR, FINDING_INVALID, name, field,
                     "%s is in another namespace: copy the Secret to \"%s\" "
                     "and write its name", quoted, object->namespace);
        s->refuse = true;
        is_bad = true;
    }
    if (is_bad) {
        drop(s, CLIENT_CLOSED);
    } else if (!key || s->client == CLIENT_NONE) {
        drop(s, CLIENT_NONE);
    }
}
