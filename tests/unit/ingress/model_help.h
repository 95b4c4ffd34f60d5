/* What the tests of the model share: what an Ingress is compiled to, a line for
 * each route, TLS host, default backend, and finding of this module (field
 * first). */
#ifndef TESTS_UNIT_INGRESS_MODEL_HELP_H
#define TESTS_UNIT_INGRESS_MODEL_HELP_H

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/ingress/key.h"
#include "tests/unit/ingress/objects.h"

#define P0 "spec.rules[0].http.paths[0]"
#define P1 "spec.rules[0].http.paths[1]"
#define NO_HOST                                                            \
    "is missing and takes every host, which this controller refuses "      \
    "(--disable-catch-all): write a host\n"

/* Rows that begin with "off" run without --enable-ssl-passthrough, those with
 * "closed" under --disable-catch-all. */
struct model_row {
    const char *name;
    const char *annotations;
    const char *spec;
    const char *want;
};

static const char *const kinds[] = {
    [ROUTE_EXACT] = "exact",
    [ROUTE_PREFIX] = "prefix",
    [ROUTE_REGEX] = "regex",
    [ROUTE_DEFAULT] = "catch-all",
    [ROUTE_PASSTHROUGH] = "passthrough",
    [ROUTE_HOST] = "host",
};

static inline void
put_backend(struct buf *out, const struct kube_backend *b)
{
    if (!b->service) {
        buf_putc(out, '-');
    } else if (b->port.name) {
        buf_printf(out, "%s:%s", b->service, b->port.name);
    } else {
        buf_printf(out, "%s:%d", b->service, (int) b->port.number);
    }
}

static inline void
put_route(struct buf *out, const struct route *r)
{
    buf_printf(out, "%s ", kinds[r->kind]);
    for (const char *s = r->key; *s; s++) {
        buf_putc(out, *s == KEY_END ? '!' : *s);
    }
    buf_printf(out, " %s ", r->path);
    put_backend(out, &r->backend);
    buf_printf(out, " %s\n", r->field);
    assert_true(str_starts(r->key, r->host));
    if (r->kind == ROUTE_REGEX) {
        assert_string_equal(r->regex, r->path);
    } else {
        assert_null(r->regex);
    }
}

/* The annotation engine's own findings are its own tests' affair. */
static inline bool
is_ours(const struct finding *f)
{
    return !str_starts(f->field, "metadata.annotations") ||
           strstr(f->message, "--enable-ssl-passthrough") ||
           strstr(f->message, "needs a host");
}

static inline void
put_model(struct buf *out, const struct model *m)
{
    for (size_t i = 0; i < m->n_routes; i++) {
        put_route(out, &m->routes[i]);
    }
    for (size_t i = 0; i < m->n_tls; i++) {
        const struct model_tls *tls = &m->tls[i];

        buf_printf(out, "tls %s %s%s%s %s\n", tls->host,
                   tls->secret ? tls->secret : "-",
                   tls->second ? " and " : "",
                   tls->second ? tls->second : "", tls->field);
    }
    if (m->default_backend) {
        buf_puts(out, "default ");
        put_backend(out, m->default_backend);
        buf_putc(out, '\n');
    }
    for (size_t i = 0; i < findings_count(m->findings); i++) {
        const struct finding *f = findings_get(m->findings, i);

        if (is_ours(f)) {
            assert_string_equal(f->object, "Ingress d/a");
            assert_int_equal(f->reason, FINDING_INVALID);
            buf_printf(out, "%s %s: %s\n",
                       f->severity == FINDING_ERROR ? "error" : "warning",
                       f->field, f->message);
        }
    }
}

static inline const char *
text_of(const char *text)
{
    return text ? text : "-";
}

/* What others are judged by. */
static inline void
show_claims(const struct model *m, struct buf *out)
{
    buf_printf(out, "%s %s %s %s%d %lld %d %d %d\n", m->name, m->ns, m->key,
               text_of(m->class_name), m->is_class_legacy,
               (long long) m->created, m->is_deleting, m->is_canary,
               m->settings->ssl_passthrough);
    if (m->default_backend) {
        put_backend(out, m->default_backend);
    }
    for (size_t i = 0; i < m->n_routes; i++) {
        const struct route *r = &m->routes[i];

        buf_printf(out, "%d %s %s %s %s %s %s:%s:%d\n", (int) r->kind,
                   r->host, r->path, r->key, text_of(r->of),
                   text_of(r->regex), text_of(r->backend.service),
                   text_of(r->backend.port.name), r->backend.port.number);
    }
    for (size_t i = 0; i < m->n_tls; i++) {
        buf_printf(out, "%s %s\n", m->tls[i].host,
                   text_of(m->tls[i].secret));
    }
}

/* A packed model says the same, and lives on without its original and the
 * object. */
static inline void
check_packed(struct model *m)
{
    struct model *packed = model_packed(m);
    AUTO_BUF struct buf want = BUF_OWN;
    AUTO_BUF struct buf got = BUF_OWN;

    show_claims(m, &want);
    model_unref(m);
    show_claims(packed, &got);
    assert_string_equal(buf_str(&got), buf_str(&want));
    assert_null(packed->object);
    for (size_t i = 0; i < packed->n_routes; i++) {
        assert_string_equal(packed->routes[i].field, "");
    }
    model_unref(packed);
}

static inline void
check_model(void **state)
{
    const struct model_row *row = *state;
    struct ruleset ruleset = RULESET_INIT;
    AUTO_BUF struct buf out = BUF_OWN;
    struct model *m, *second;

    ruleset.ssl_passthrough = !str_starts(row->name, "off");
    ruleset.disable_catch_all = str_starts(row->name, "closed");
    m = model_of(&ruleset, "d/a", 1, row->annotations, row->spec);
    second = model_ref(m);
    model_unref(m);
    put_model(&out, second);
    assert_string_equal(buf_str(&out), row->want);
    check_packed(second);
    model_unref(NULL);
}

#endif /* TESTS_UNIT_INGRESS_MODEL_HELP_H */
