#include "reconciler/globals.h"

#include "lib/base/buf.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/ingress/annot.h"
#include "reconciler/headers.h"

struct making {
    const struct cache *cache;
    const struct defaults *defaults;
    const char *configmap;
    struct findings *out;
    struct policy *policy;
    bool any;
};

static void
complain(const struct making *m, enum annot_global which,
         enum finding_severity severity, const char *text)
{
    AUTO_FREE char *name = xasprintf("ConfigMap %s", m->configmap);
    AUTO_FREE char *field = xasprintf("data[%s]", annot_global(which)->key);

    findings_add(m->out, severity, FINDING_INVALID, name, field, "%s", text);
}

/* Takes 'err' of what the policy was told. */
static void
accept(struct making *m, enum annot_global which, struct err *err)
{
    if (err) {
        complain(m, which, FINDING_ERROR, err_text(err));
        err_free(err);
    } else {
        m->any = true;
    }
}

static void
set(struct making *m, enum annot_global which, enum policy_setting setting,
    const char *value)
{
    accept(m, which, policy_set(m->policy, setting, value));
}

static bool
is_on(const struct making *m, enum annot_global which)
{
    const struct annot_value *value = defaults_global(m->defaults, which);

    return value && value->flag;
}

/* Nobody is believed who is not named. */
static void
set_trust(struct making *m)
{
    const struct annot_value *list =
        defaults_global(m->defaults, GLOBAL_TRUSTED);
    const enum annot_global keys[] = { GLOBAL_FORWARDED, GLOBAL_REAL_IP,
                                       GLOBAL_PROXY_PROTOCOL };
    const enum policy_setting settings[] = { POLICY_FORWARDED,
                                             POLICY_REAL_IP,
                                             POLICY_PROXY_PROTOCOL };
    bool is_asked = false;

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (is_on(m, keys[i]) && list) {
            is_asked = true;
            set(m, keys[i], settings[i], "true");
        }
    }
    for (size_t i = 0; is_asked && i < list->list.n; i++) {
        accept(m, GLOBAL_TRUSTED,
               policy_add_cidr(m->policy, POLICY_ALLOW,
                               list->list.items[i]));
    }
}

/* How the believed address is found and passed on. */
static void
set_forwarding(struct making *m)
{
    const struct annot_value *header =
        defaults_global(m->defaults, GLOBAL_FORWARDED_HEADER);
    const bool has_trust = is_on(m, GLOBAL_FORWARDED) ||
                           is_on(m, GLOBAL_REAL_IP);

    if (header && has_trust) {
        AUTO_FREE char *name = str_lower(header->text);

        set(m, GLOBAL_FORWARDED_HEADER, POLICY_FORWARDED_HEADER, name);
    }
    if (is_on(m, GLOBAL_FORWARDED_FULL) && has_trust) {
        set(m, GLOBAL_FORWARDED_FULL, POLICY_FORWARDED_FULL, "true");
    }
}

static void
set_blocks(struct making *m)
{
    static const struct {
        enum annot_global key;
        enum policy_match match;
    } rows[] = {
        { GLOBAL_BLOCK_AGENTS, POLICY_MATCH_AGENT },
        { GLOBAL_BLOCK_REFERERS, POLICY_MATCH_REFERER },
        { GLOBAL_QUIET_URLS, POLICY_MATCH_QUIET },
    };
    const struct annot_value *cidrs =
        defaults_global(m->defaults, GLOBAL_BLOCK_CIDRS);

    for (size_t i = 0; cidrs && i < cidrs->list.n; i++) {
        accept(m, GLOBAL_BLOCK_CIDRS,
               policy_add_cidr(m->policy, POLICY_DENY,
                               cidrs->list.items[i]));
    }
    for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
        const struct annot_value *list =
            defaults_global(m->defaults, rows[r].key);

        for (size_t i = 0; list && i < list->list.n; i++) {
            accept(m, rows[r].key,
                   policy_add_match(m->policy, rows[r].match,
                                    list->list.items[i]));
        }
    }
}

static void
set_switches(struct making *m)
{
    static const struct {
        enum annot_global key;
        bool want;
        enum policy_setting setting;
    } rows[] = {
        { GLOBAL_UNDERSCORES, true, POLICY_UNDERSCORES },
        { GLOBAL_SERVER_HEADER, true, POLICY_SERVER_HEADER },
        { GLOBAL_ORIGINAL_URI, true, POLICY_ORIGINAL_URI },
        { GLOBAL_REQUEST_ID, false, POLICY_NO_REQUEST_ID },
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct annot_value *value =
            defaults_global(m->defaults, rows[i].key);

        if (value && value->flag == rows[i].want) {
            set(m, rows[i].key, rows[i].setting, "true");
        }
    }
}

/* One that is wrong is left out alone: the others may protect somebody. */
static void
set_headers(struct making *m, enum annot_global which,
            enum policy_setting setting)
{
    const struct annot_value *value = defaults_global(m->defaults, which);
    AUTO_FREE char *packed = NULL;
    AUTO_FREE char *why = NULL;

    if (!value) {
        return;
    }
    packed = headers_pack(m->cache, value->text, NULL, &why);
    if (packed) {
        set(m, which, setting, packed);
    }
    if (why) {
        complain(m, which, FINDING_ERROR, why);
    }
}

static void
set_hidden(struct making *m)
{
    const struct annot_value *value =
        defaults_global(m->defaults, GLOBAL_HIDE_HEADERS);

    if (value) {
        AUTO_FREE char *names = str_lower(value->text);

        set(m, GLOBAL_HIDE_HEADERS, POLICY_HIDE_HEADERS, names);
    }
}

static void
set_code(struct making *m)
{
    const struct annot_value *value =
        defaults_global(m->defaults, GLOBAL_REDIRECT_CODE);

    /* The row is one of a redirect, so that it needs no servers. */
    set(m, GLOBAL_REDIRECT_CODE, POLICY_REDIRECT, "/");
    set(m, GLOBAL_REDIRECT_CODE, POLICY_REDIRECT_CODE,
        value ? value->text : "308");
}

void
globals_set(struct plan *plan, const struct cache *cache,
            const struct defaults *defaults, const char *configmap,
            struct findings **out)
{
    struct making m = { .cache = cache, .defaults = defaults,
                        .configmap = configmap, .out = findings_new(),
                        .policy = policy_new() };
    struct plan_route route = { .action = PLAN_REDIRECT,
                                .policy = m.policy };

    findings_free(*out);
    *out = m.out;
    set_trust(&m);
    set_forwarding(&m);
    set_blocks(&m);
    set_switches(&m);
    set_headers(&m, GLOBAL_ADD_HEADERS, POLICY_ADD_HEADERS);
    set_headers(&m, GLOBAL_SET_HEADERS, POLICY_SET_HEADERS);
    set_hidden(&m);
    if (m.any || defaults_global(defaults, GLOBAL_REDIRECT_CODE)) {
        set_code(&m);
        plan_set_route(plan, PLAN_HTTP, PLAN_ALL_KEY, &route);
    } else {
        plan_del_route(plan, PLAN_HTTP, PLAN_ALL_KEY);
    }
    policy_free(m.policy);
}
