#include "tests/unit/table.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/buf.h"
#include "lib/base/str.h"
#include "lib/ingress/ruleset.h"

/* Flags as one would write them; what the ruleset says after that. */
static const struct row {
    const char *name;
    const char *args[4];
    const char *want;
} rows[] = {
    { "defaults", { NULL },
      "sallyport sallyport.dev/ingress-controller policy=0 all" },
    { "everything off again", { "--enforce-host-policy=false" },
      "sallyport sallyport.dev/ingress-controller policy=0 all" },
    { "switches",
      { "--enforce-host-policy", "--allow-external-names",
        "--enable-ssl-passthrough", "--watch-ingress-without-class" },
      "sallyport sallyport.dev/ingress-controller policy=0 all "
      "without-class enforce external passthrough" },
    { "no catch-all", { "--disable-catch-all" },
      "sallyport sallyport.dev/ingress-controller policy=0 all closed" },
    { "names",
      { "--ingress-class=nginx", "--controller-class",
        "k8s.io/ingress-nginx" },
      "nginx k8s.io/ingress-nginx policy=0 all" },
    { "policy path", { "--host-policy=path" },
      "sallyport sallyport.dev/ingress-controller policy=1 all" },
    { "policy ingress", { "--host-policy", "ingress" },
      "sallyport sallyport.dev/ingress-controller policy=2 all" },
    { "policy none", { "--host-policy=none" },
      "sallyport sallyport.dev/ingress-controller policy=3 all" },
    { "unknown policy", { "--host-policy=pth" },
      "error: --host-policy: \"pth\" is not one of namespace, path, "
      "ingress, none; did you mean path?" },
    { "limits",
      { "--host-owners=a.x=n+m,b.x=k", "--namespace-allowed-hosts",
        "--conflict-messages=host" },
      "sallyport sallyport.dev/ingress-controller policy=0 all pins=2 "
      "lists tell=2" },
    { "owners without namespaces", { "--host-owners=a.x" },
      "error: --host-owners: \"a.x\" is not a host, \"=\" and namespaces "
      "with \"+\" between them" },
    { "owners of a wildcard", { "--host-owners=a.x=n,*.x=n" },
      "error: --host-owners: \"*.x=n\" does not begin with a host such as "
      "\"team-a.example.com\", which stands for itself and all hosts below "
      "it" },
    { "owners that are no namespaces", { "--host-owners=a.x=N" },
      "error: --host-owners: \"a.x=N\" is not a host, \"=\" and namespaces "
      "with \"+\" between them" },
    { "namespaces, sorted, each once", { "--watch-namespace=b, a,b" },
      "sallyport sallyport.dev/ingress-controller policy=0 a b" },
    { "no namespaces is all", { "--watch-namespace=" },
      "sallyport sallyport.dev/ingress-controller policy=0 all" },
    { "empty piece", { "--watch-namespace=a,,b" },
      "error: --watch-namespace: \"a,,b\" is not a list of at most 1000 "
      "namespaces with commas between them" },
    { "not a namespace", { "--watch-namespace=a.b" },
      "error: --watch-namespace: \"a.b\" is not a list of at most 1000 "
      "namespaces with commas between them" },
    { "not a class", { "--ingress-class=A" },
      "error: --ingress-class: \"A\" is not a name of an IngressClass" },
    { "empty class", { "--ingress-class=" },
      "error: --ingress-class: \"\" is not a name of an IngressClass" },
    { "empty controller", { "--controller-class=" },
      "error: --controller-class: \"\" is not a controller's name such as "
      "sallyport.dev/ingress-controller" },
    { "how they are served",
      { "--configmap=a/b", "--tls-profile=modern",
        "--default-ssl-certificate=c/d" },
      "sallyport sallyport.dev/ingress-controller policy=0 all "
      "configmap=a/b certificate=c/d profile=1" },
    { "a ConfigMap without a namespace", { "--configmap=b" },
      "error: --configmap: \"b\" is not NAMESPACE/NAME" },
    { "a Secret without a name", { "--default-ssl-certificate=a/" },
      "error: --default-ssl-certificate: \"a/\" is not NAMESPACE/NAME" },
    { "a profile of old", { "--tls-profile=old" },
      "error: --tls-profile: \"old\" is not one of intermediate, modern" },
    { "controller with a blank", { "--controller-class=a b" },
      "error: --controller-class: \"a b\" is not a controller's name such "
      "as sallyport.dev/ingress-controller" },
};

static struct err *
read_args(struct ruleset *r, const struct row *row)
{
    struct flag flags[RULESET_MAX_FLAGS + 1];
    size_t n = ruleset_flags(r, flags);
    char arg0[] = "test", copies[4][64];
    char *argv[6] = { arg0 };
    struct err *err;
    int argc = 1;

    flags[n++] = ruleset_certificate_flag(r);
    for (size_t i = 0; i < ARRAY_SIZE(row->args) && row->args[i]; i++) {
        size_t length = strlen(row->args[i]) + 1;

        assert_true(length <= sizeof copies[i]);
        memcpy(copies[i], row->args[i], length);
        argv[argc++] = copies[i];
    }
    err = flags_parse(flags, n, argc, argv, NULL, NULL);
    if (!err) {
        err = ruleset_finish(r);
    }
    if (!err) {
        /* Finishing twice changes nothing. */
        err = ruleset_finish(r);
    }
    if (!err) {
        /* Texts are borrowed from argv, which ends here. */
        r->ingress_class = strdup(r->ingress_class);
        r->controller_class = strdup(r->controller_class);
        r->configmap = r->configmap ? strdup(r->configmap) : NULL;
        r->default_ssl_certificate =
            r->default_ssl_certificate ? strdup(r->default_ssl_certificate)
                                       : NULL;
    }
    return err;
}

static void
print(struct buf *out, const struct ruleset *r)
{
    buf_printf(out, "%s %s policy=%d", r->ingress_class, r->controller_class,
               r->host_policy);
    for (size_t i = 0; i < r->n_namespaces; i++) {
        buf_printf(out, " %s", r->namespaces[i]);
    }
    buf_printf(out, "%s%s%s%s%s", r->n_namespaces == 0 ? " all" : "",
               r->watch_without_class ? " without-class" : "",
               r->enforce_host_policy ? " enforce" : "",
               r->allow_external_names ? " external" : "",
               r->ssl_passthrough ? " passthrough" : "");
    buf_puts(out, r->disable_catch_all ? " closed" : "");
    if (r->pins) {
        buf_printf(out, " pins=%zu", pins_count(r->pins));
    }
    buf_puts(out, r->namespace_allowed_hosts ? " lists" : "");
    if (r->conflict_messages) {
        buf_printf(out, " tell=%d", r->conflict_messages);
    }
    if (r->configmap) {
        buf_printf(out, " configmap=%s certificate=%s profile=%d",
                   r->configmap, r->default_ssl_certificate, r->tls_profile);
    }
}

static void
check_row(void **state)
{
    const struct row *row = *state;
    struct ruleset r = RULESET_INIT;
    AUTO_BUF struct buf out = BUF_OWN;
    struct err *err = read_args(&r, row);

    if (err) {
        buf_printf(&out, "error: %s", err_text(err));
        err_free(err);
    } else {
        print(&out, &r);
        free((char *) (uintptr_t) r.ingress_class);
        free((char *) (uintptr_t) r.controller_class);
        free((char *) (uintptr_t) r.configmap);
        free((char *) (uintptr_t) r.default_ssl_certificate);
    }
    assert_string_equal(buf_str(&out), row->want);
    ruleset_fini(&r);
}

static void
check_namespaces(void **state)
{
    struct ruleset r = RULESET_INIT;

    (void) state;
    assert_true(ruleset_has_namespace(&r, "any"));
    r.watch_namespace = "b,d";
    assert_null(ruleset_finish(&r));
    assert_false(ruleset_has_namespace(&r, "a"));
    assert_true(ruleset_has_namespace(&r, "b"));
    assert_false(ruleset_has_namespace(&r, "c"));
    assert_true(ruleset_has_namespace(&r, "d"));
    assert_false(ruleset_has_namespace(&r, ""));
    ruleset_fini(&r);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_namespaces),
    };

    return TABLE_RUN("ruleset", rows, check_row) +
           cmocka_run_group_tests_name("ruleset namespaces", tests, NULL,
                                       NULL);
}
