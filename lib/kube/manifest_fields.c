#include "lib/kube/manifest_fields.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/jx.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

/* A known member.  Without 'members' anything may be inside.  An array's
 * 'members' are those of its items. */
struct field {
    const char *name;
    const struct field *members;
};

static const struct field meta_fields[] = {
    { "name", NULL }, { "generateName", NULL }, { "namespace", NULL },
    { "selfLink", NULL }, { "uid", NULL }, { "resourceVersion", NULL },
    { "generation", NULL }, { "creationTimestamp", NULL },
    { "deletionTimestamp", NULL }, { "deletionGracePeriodSeconds", NULL },
    { "labels", NULL }, { "annotations", NULL }, { "ownerReferences", NULL },
    { "finalizers", NULL }, { "managedFields", NULL }, { NULL, NULL },
};

static const struct field port_fields[] = {
    { "name", NULL }, { "number", NULL }, { NULL, NULL },
};
static const struct field service_fields[] = {
    { "name", NULL }, { "port", port_fields }, { NULL, NULL },
};
static const struct field resource_fields[] = {
    { "apiGroup", NULL }, { "kind", NULL }, { "name", NULL }, { NULL, NULL },
};
static const struct field backend_fields[] = {
    { "service", service_fields }, { "resource", resource_fields },
    { NULL, NULL },
};
static const struct field path_fields[] = {
    { "path", NULL }, { "pathType", NULL }, { "backend", backend_fields },
    { NULL, NULL },
};
static const struct field http_fields[] = {
    { "paths", path_fields }, { NULL, NULL },
};
static const struct field rule_fields[] = {
    { "host", NULL }, { "http", http_fields }, { NULL, NULL },
};
static const struct field tls_fields[] = {
    { "hosts", NULL }, { "secretName", NULL }, { NULL, NULL },
};
static const struct field ingress_spec_fields[] = {
    { "ingressClassName", NULL }, { "defaultBackend", backend_fields },
    { "rules", rule_fields }, { "tls", tls_fields }, { NULL, NULL },
};
static const struct field ingress_fields[] = {
    { "apiVersion", NULL }, { "kind", NULL }, { "metadata", meta_fields },
    { "spec", ingress_spec_fields }, { "status", NULL }, { NULL, NULL },
};

static const struct field class_spec_fields[] = {
    { "controller", NULL }, { "parameters", NULL }, { NULL, NULL },
};
static const struct field class_fields[] = {
    { "apiVersion", NULL }, { "kind", NULL }, { "metadata", meta_fields },
    { "spec", class_spec_fields }, { NULL, NULL },
};

/* What the API before networking.k8s.io/v1 had, and what it is now. */
static const struct old_name {
    const char *name;
    const char *now;
} old_names[] = {
    { "serviceName", "service.name" },
    { "servicePort", "service.port.number or service.port.name" },
    { "backend", "defaultBackend" },
};

struct walk {
    struct jx at;       /* For its path. */
    manifest_field_fn *each;
    void *aux;
};

static const char *
field_name(size_t i, const void *aux)
{
    return ((const struct field *) aux)[i].name;
}

static const struct field *
find_field(const struct field *fields, const char *name, size_t *n)
{
    for (*n = 0; fields[*n].name; (*n)++) {
        if (strcmp(fields[*n].name, name) == 0) {
            return &fields[*n];
        }
    }
    return NULL;
}

static void
tell_unknown(struct walk *w, const struct field *fields, size_t n,
             const char *name)
{
    AUTO_FREE char *whole = xasprintf("%s%s%s", w->at.path,
                                      w->at.path[0] ? "." : "", name);
    AUTO_FREE char *quoted = str_quote(whole);
    AUTO_BUF struct buf message = BUF_OWN;
    const char *near = str_nearest(name, n, field_name, fields);

    buf_printf(&message, "unknown field %s", quoted);
    for (size_t i = 0; i < ARRAY_SIZE(old_names); i++) {
        if (strcmp(old_names[i].name, name) == 0) {
            buf_printf(&message, ": in networking.k8s.io/v1 it is %s",
                       old_names[i].now);
            near = NULL;
        }
    }
    if (near) {
        buf_printf(&message, ": did you mean \"%s\"?", near);
    }
    w->each(buf_str(&message), w->aux);
}

static void check_value(struct walk *, const struct field *, json_t *value);

/* In order of names: the order of a hash table is nobody's business. */
static void
check_object(struct walk *w, const struct field *fields, json_t *object)
{
    struct map *names = map_new();
    AUTO_FREE const char **sorted = NULL;
    const char *name;
    json_t *value;

    json_object_foreach(object, name, value) {
        map_put(names, name, value);
    }
    sorted = map_sorted_keys(names);
    for (size_t i = 0; i < map_size(names); i++) {
        size_t n;
        const struct field *field = find_field(fields, sorted[i], &n);

        if (!field) {
            tell_unknown(w, fields, n, sorted[i]);
        } else if (field->members) {
            size_t mark = jx_enter(&w->at, field->name);

            check_value(w, field->members, map_get(names, sorted[i]));
            jx_leave(&w->at, mark);
        }
    }
    map_free(names, NULL);
}

/* Values of another type are decode.h's to refuse. */
static void
check_value(struct walk *w, const struct field *fields, json_t *value)
{
    json_t *item;
    size_t i;

    if (json_is_object(value)) {
        check_object(w, fields, value);
    }
    json_array_foreach(value, i, item) {
        size_t mark = jx_enter_item(&w->at, i);

        if (json_is_object(item)) {
            check_object(w, fields, item);
        }
        jx_leave(&w->at, mark);
    }
}

void
manifest_fields_check(enum kube_kind kind, json_t *document,
                      manifest_field_fn *each, void *aux)
{
    struct walk w = { .at = JX_INIT, .each = each, .aux = aux };

    if (kind == KUBE_INGRESS) {
        check_value(&w, ingress_fields, document);
    } else if (kind == KUBE_INGRESS_CLASS) {
        check_value(&w, class_fields, document);
    }
}
