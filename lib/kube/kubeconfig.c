#include "lib/kube/kubeconfig.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/jx.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/yaml.h"
#include "lib/kube/credset.h"

/* Files are named relative to the file that names them. */
static char *
beside(const char *config, const char *path)
{
    const char *slash = strrchr(config, '/');

    if (path[0] == '/' || !slash) {
        return xstrdup(path);
    }
    return xasprintf("%.*s/%s", (int) (slash - config), config, path);
}

/* The 'kind' ("cluster", "user", "context") named 'name' in the list
 * 'kind'"s" of 'root'. */
static struct err *
find_named(json_t *root, const char *kind, const char *name, json_t **out)
{
    AUTO_FREE char *list = xasprintf("%ss", kind);
    AUTO_FREE char *quoted = str_quote(name);
    struct jx jx = JX_INIT;
    json_t *items = jx_array(&jx, root, list, JX_REQUIRED);
    struct err *err = jx_take_err(&jx);
    json_t *item;
    size_t i;

    *out = NULL;
    if (err) {
        return err;
    }
    json_array_foreach(items, i, item) {
        const char *it = json_string_value(json_object_get(item, "name"));

        if (str_eq(it, name)) {
            *out = json_object_get(item, kind);
            break;
        }
    }
    if (!json_is_object(*out)) {
        return err_new(ERR_INVALID, "%s has no %s named %s", list, kind,
                       quoted);
    }
    return NULL;
}

/* A PEM from 'field'-data, or else from the file that 'field' names. */
static struct err *
read_pem(struct credset *set, json_t *object, const char *config,
         const char *field, const char *what, char **slot)
{
    AUTO_FREE char *data_field = xasprintf("%s-data", field);
    AUTO_FREE char *pem = NULL;
    struct jx jx = JX_INIT;
    const char *data = jx_text(&jx, object, data_field, JX_OPTIONAL);
    const char *path = jx_text(&jx, object, field, JX_OPTIONAL);
    struct err *err = jx_take_err(&jx);
    size_t size;

    if (err) {
        return err;
    }
    if (!str_is_empty(data)) {
        if (!digest_base64_decode(data, strlen(data), &pem, &size) ||
            strlen(pem) != size) {
            return err_new(ERR_INVALID, "%s is not base64 of PEM",
                           data_field);
        }
        return err_wrap(credset_set_pem(slot, STEAL_PTR(pem), what), "%s",
                        data_field);
    }
    if (!str_is_empty(path)) {
        AUTO_FREE char *full = beside(config, path);

        err = credset_read(set, full, &pem);
        if (err) {
            return err_wrap(err, "%s", field);
        }
        return err_wrap(credset_set_pem(slot, STEAL_PTR(pem), what), "%s %s",
                        field, full);
    }
    return NULL;
}

static struct err *
copy_text(struct jx *jx, json_t *object, const char *field, char **slot)
{
    const char *text = jx_text(jx, object, field, JX_OPTIONAL);

    if (str_is_empty(text)) {
        return NULL;
    }
    if (str_has_control(text, strlen(text)) || strchr(text, ' ')) {
        AUTO_FREE char *quoted = str_quote(text);

        return err_new(ERR_INVALID, "%s %s holds blanks", field, quoted);
    }
    *slot = xstrdup(text);
    return NULL;
}

static struct err *
read_cluster(struct credset *set, json_t *cluster, const char *config)
{
    struct jx jx = JX_INIT;
    const char *server = jx_text(&jx, cluster, "server", JX_REQUIRED);
    struct err *err;

    set->is_insecure =
        jx_bool(&jx, cluster, "insecure-skip-tls-verify", false);
    err = jx_take_err(&jx);
    if (!err) {
        err = credset_set_server(set, server);
    }
    if (!err) {
        err = read_pem(set, cluster, config, "certificate-authority",
                       "CERTIFICATE", &set->ca_pem);
    }
    if (!err) {
        err = copy_text(&jx, cluster, "tls-server-name",
                        &set->tls_server_name);
    }
    if (!err) {
        err = copy_text(&jx, cluster, "proxy-url", &set->proxy_url);
    }
    if (!err) {
        err = jx_take_err(&jx);
    }
    if (err) {
        err_free(jx_take_err(&jx));
        return err;
    }
    if (set->proxy_url && !str_starts(set->proxy_url, "http://") &&
        !str_starts(set->proxy_url, "https://") &&
        !str_starts(set->proxy_url, "socks5://")) {
        return err_new(ERR_INVALID, "proxy-url must begin with http://, "
                                    "https:// or socks5://");
    }
    if (set->is_insecure && set->ca_pem) {
        return err_new(ERR_INVALID, "insecure-skip-tls-verify and "
                                    "certificate-authority exclude each "
                                    "other");
    }
    return NULL;
}

static struct err *
refuse_unsupported(json_t *user)
{
    static const struct {
        const char *field;
        const char *instead;
    } rows[] = {
        { "exec", "a program is never run for credentials; use a token, a "
                  "tokenFile or a client certificate" },
        { "auth-provider", "use a token, a tokenFile or a client "
                           "certificate" },
        { "as", "give the user itself the rights it needs" },
        { "as-uid", "give the user itself the rights it needs" },
        { "as-groups", "give the user itself the rights it needs" },
        { "as-user-extra", "give the user itself the rights it needs" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        json_t *value = json_object_get(user, rows[i].field);

        if (value && !json_is_null(value)) {
            return err_new(ERR_INVALID, "\"%s\" is not supported: %s",
                           rows[i].field, rows[i].instead);
        }
    }
    return NULL;
}

static struct err *
read_authorization(struct credset *set, json_t *user, const char *config)
{
    AUTO_FREE char *content = NULL;
    struct jx jx = JX_INIT;
    const char *token = jx_text(&jx, user, "token", JX_OPTIONAL);
    const char *file = jx_text(&jx, user, "tokenFile", JX_OPTIONAL);
    const char *name = jx_text(&jx, user, "username", JX_OPTIONAL);
    const char *password = jx_text(&jx, user, "password", JX_OPTIONAL);
    struct err *err = jx_take_err(&jx);

    if (err) {
        return err;
    }
    if (!str_is_empty(file)) {
        AUTO_FREE char *path = beside(config, file);

        err = credset_read(set, path, &content);
        if (!err) {
            err = err_wrap(credset_set_token(set, content), "%s", path);
        }
        return err_wrap(err, "tokenFile");
    }
    if (!str_is_empty(token)) {
        return err_wrap(credset_set_token(set, token), "token");
    }
    if (!str_is_empty(name)) {
        return credset_set_password(set, name, password ? password : "");
    }
    return NULL;
}

static struct err *
read_user(struct credset *set, json_t *user, const char *config)
{
    struct err *err = refuse_unsupported(user);

    if (!err) {
        err = read_authorization(set, user, config);
    }
    if (!err) {
        err = read_pem(set, user, config, "client-certificate",
                       "CERTIFICATE", &set->cert_pem);
    }
    if (!err) {
        err = read_pem(set, user, config, "client-key", "KEY",
                       &set->key_pem);
    }
    if (!err && !set->cert_pem != !set->key_pem) {
        err = err_new(ERR_INVALID, "client-certificate and client-key are "
                                   "needed both, or none");
    }
    return err;
}

struct reading {
    struct credset *set;
    const char *path;
    bool is_seen;
};

static struct err *
read_context(struct reading *reading, json_t *root, const char *name)
{
    json_t *context, *cluster, *user;
    const char *cluster_name, *user_name, *ns;
    struct jx jx = JX_INIT;
    struct err *err = find_named(root, "context", name, &context);

    if (err) {
        return err;
    }
    cluster_name = jx_text(&jx, context, "cluster", JX_REQUIRED);
    user_name = jx_text(&jx, context, "user", JX_OPTIONAL);
    ns = jx_text(&jx, context, "namespace", JX_OPTIONAL);
    err = err_wrap(jx_take_err(&jx), "context %s", name);
    if (!err && !str_is_empty(ns)) {
        reading->set->ns = xstrdup(ns);
    }
    if (!err) {
        err = find_named(root, "cluster", cluster_name, &cluster);
    }
    if (!err) {
        err = err_wrap(read_cluster(reading->set, cluster, reading->path),
                       "cluster %s", cluster_name);
    }
    if (!err && !str_is_empty(user_name)) {
        err = find_named(root, "user", user_name, &user);
        if (!err) {
            err = err_wrap(read_user(reading->set, user, reading->path),
                           "user %s", user_name);
        }
    }
    return err;
}

static struct err *
read_document(json_t *root, unsigned line, void *aux)
{
    struct reading *reading = aux;
    const char *current;

    (void) line;
    if (reading->is_seen) {
        return err_new(ERR_INVALID, "holds more than one document");
    }
    reading->is_seen = true;
    current = json_string_value(json_object_get(root, "current-context"));
    if (str_is_empty(current)) {
        return err_new(ERR_INVALID, "has no current-context (kubectl config "
                                    "use-context NAME sets one)");
    }
    return read_context(reading, root, current);
}

struct err *
kubeconfig_read(const char *path, struct credset *out)
{
    AUTO_FREE char *text = NULL;
    struct reading reading = { .set = out, .path = path };
    struct err *err = credset_read(out, path, &text);

    if (err) {
        return err_wrap(err, "kubeconfig");
    }
    err = yaml_each(text, strlen(text), read_document, &reading);
    if (!err && !reading.is_seen) {
        err = err_new(ERR_INVALID, "is empty");
    }
    return err_wrap(err, "kubeconfig %s", path);
}
