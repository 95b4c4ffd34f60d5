#include "reconciler/headers.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"
#include "lib/ingress/defaults.h"
#include "lib/ingress/model.h"

#define HEADERS_MAX 64
#define PACKED_MAX 7000         /* A row has 8000 bytes. */
#define NAME_BYTES                                                         \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

/* Of a connection, or the proxy's own affair. */
static const char *const forbidden[] = {
    "connection", "content-length", "transfer-encoding", "keep-alive",
    "upgrade", "te", "trailer", "host",
};

static bool
is_printable(const char *s)
{
    for (; *s; s++) {
        if (*s < ' ' || *s > '~') {
            return false;
        }
    }
    return true;
}

struct asked {
    const char *name;
    bool is_there;
};

static bool
compare_name(const char *piece, size_t length, void *aux)
{
    struct asked *asked = aux;

    while (length > 0 && *piece == ' ') {
        piece++;
        length--;
    }
    asked->is_there |= strlen(asked->name) == length &&
                       strncasecmp(piece, asked->name, length) == 0;
    return true;
}

static bool
is_allowed(const char *allowed, const char *name)
{
    struct asked asked = { .name = name };

    if (allowed) {
        (void) str_split(allowed, ',', compare_name, &asked);
    }
    return !allowed || asked.is_there;
}

static const char *
complaint(const char *name, const char *value, const char *allowed)
{
    for (size_t i = 0; i < ARRAY_SIZE(forbidden); i++) {
        if (strcasecmp(forbidden[i], name) == 0) {
            return "is a header that no ConfigMap may set";
        }
    }
    if (name[0] == '\0' || name[strspn(name, NAME_BYTES)]) {
        return "is not the name of a header";
    }
    if (!is_allowed(allowed, name)) {
        return "is not among the controller's "
               "global-allowed-response-headers";
    }
    if (!is_printable(value)) {
        return "has a value with a line break or another byte that a header "
               "cannot have";
    }
    return strchr(value, '$') ? "has a value with a variable: they are not "
                                "replaced here"
                              : NULL;
}

char *
headers_pack(const struct cache *cache, const char *key,
             const char *allowed, char **why)
{
    const struct kube_object *object =
        cache_get(cache, KUBE_CONFIG_MAP, key);
    AUTO_BUF struct buf out = BUF_OWN;

    *why = NULL;
    if (!object) {
        *why = xasprintf("ConfigMap \"%s\" does not exist, or is not "
                         "watched (--watch-configmaps)", key);
        return NULL;
    }
    for (size_t i = 0; i < object->config_map.data.n; i++) {
        const struct kube_pair *pair = &object->config_map.data.items[i];
        AUTO_FREE char *value = str_trim(pair->value ? pair->value : "");
        AUTO_FREE char *quoted = str_quote(pair->name);
        const char *bad = complaint(pair->name, value, allowed);

        if (!bad) {
            buf_printf(&out, "%zu:%s%zu:%s", strlen(pair->name), pair->name,
                       strlen(value), value);
        } else if (!*why) {
            *why = xasprintf("ConfigMap \"%s\": %s %s", key, quoted, bad);
        }
    }
    if (object->config_map.data.n > HEADERS_MAX || out.size > PACKED_MAX) {
        free(*why);
        *why = xasprintf("ConfigMap \"%s\" has more than 64 headers or 7000 "
                         "bytes", key);
        return NULL;
    }
    if (out.size == 0 && !*why) {
        *why = xasprintf("ConfigMap \"%s\" has no header", key);
    }
    return out.size == 0 ? NULL : buf_take(&out);
}

/* All or nothing: what lacks a header may not be what was meant. */
static char *
pack_whole(const struct cache *cache, const char *key, const char *allowed,
           char **why)
{
    AUTO_FREE char *packed = headers_pack(cache, key, allowed, why);

    return *why ? NULL : STEAL_PTR(packed);
}

char *
headers_key(const struct model *model)
{
    const char *name = model->settings->custom_headers;

    if (!name) {
        return NULL;
    }
    return strchr(name, '/') ? xstrdup(name)
                             : xasprintf("%s/%s", model->object->namespace,
                                         name);
}

char *
headers_of_model(const struct cache *cache, const struct defaults *defaults,
                 const struct model *model, char **why)
{
    const struct annot_value *allowed =
        defaults_global(defaults, GLOBAL_ALLOWED_HEADERS);
    AUTO_FREE char *key = headers_key(model);
    size_t length = strlen(model->object->namespace);

    *why = NULL;
    if (!key) {
        return NULL;
    }
    if (strncmp(key, model->object->namespace, length) != 0 ||
        key[length] != '/') {
        *why = xasprintf("ConfigMap \"%s\" is of another namespace", key);
        return NULL;
    }
    return pack_whole(cache, key, allowed ? allowed->text : "", why);
}

char *
headers_of_question(const struct cache *cache, const struct model *model,
                    char **why)
{
    const struct settings_ask *ask = model->settings->ask;

    *why = NULL;
    return ask && ask->set_headers
               ? pack_whole(cache, ask->set_headers, NULL, why)
               : NULL;
}

static void
report(const struct model *model, const char *annotation, const char *why,
       struct findings *out)
{
    AUTO_FREE char *field =
        xasprintf("metadata.annotations[" ANNOT_PREFIX "%s]", annotation);

    if (why) {
        findings_add(out, FINDING_ERROR, FINDING_INVALID, model->name, field,
                     "%s: the routes answer 503 until that is put right",
                     why);
    }
}

void
headers_report(const struct cache *cache, const struct defaults *defaults,
               const struct model *model, struct findings *out)
{
    AUTO_FREE char *why = NULL;
    AUTO_FREE char *bad = NULL;
    AUTO_FREE char *headers = headers_of_model(cache, defaults, model, &why);
    AUTO_FREE char *asked = headers_of_question(cache, model, &bad);

    report(model, "custom-headers", why, out);
    report(model, "auth-proxy-set-headers", bad, out);
}

void
headers_report_rates(bool lacks_rates, const struct model *model,
                     struct findings *out)
{
    if (lacks_rates && model->settings->limit_rate_kb > 0) {
        findings_add(out, FINDING_WARNING, FINDING_INVALID, model->name,
                     "metadata.annotations[" ANNOT_PREFIX "limit-rate]",
                     "it has no effect: HAProxy before 2.7 cannot slow an "
                     "answer down; run a newer one");
    }
}
