/* A policy as tests write it: words NAME=VALUE.
 *
 * NAME: a setting of features.def, or allow, deny, exempt, agent, quiet, origin
 * (may be repeated), rewrite, irewrite (REGEX, blank, REPLACEMENT), pattern,
 * subject. */
#ifndef TESTS_HAPROXY_POLICY_WORDS_H
#define TESTS_HAPROXY_POLICY_WORDS_H

#include <string.h>

#include "haproxy/policy.h"
#include "lib/base/str.h"

/* 'word' is cut up. */
static inline struct err *
policy_word(struct policy *p, char *word)
{
    char *value = word;
    const char *name = strsep(&value, "=");

    value = value ? value : word + strlen(word);
    if (str_eq(name, "allow")) {
        return policy_add_cidr(p, POLICY_ALLOW, value);
    }
    if (str_eq(name, "deny")) {
        return policy_add_cidr(p, POLICY_DENY, value);
    }
    if (str_eq(name, "exempt")) {
        return policy_add_cidr(p, POLICY_EXEMPT, value);
    }
    if (str_eq(name, "agent")) {
        return policy_add_match(p, POLICY_MATCH_AGENT, value);
    }
    if (str_eq(name, "quiet")) {
        return policy_add_match(p, POLICY_MATCH_QUIET, value);
    }
    if (str_eq(name, "origin")) {
        return policy_add_origin(p, value);
    }
    if (str_eq(name, "rewrite") || str_eq(name, "irewrite")) {
        const char *regex = strsep(&value, " ");

        return policy_set_rewrite(p, regex, name[0] == 'i',
                                  value ? value : "");
    }
    if (str_eq(name, "pattern")) {
        return policy_set_canary_pattern(p, value);
    }
    if (str_eq(name, "subject")) {
        return policy_set_client_subject(p, value);
    }
    for (unsigned i = 0; i < POLICY_N_SETTINGS; i++) {
        if (str_eq(policy_setting_name(i), name)) {
            return policy_set(p, i, value);
        }
    }
    return err_new(ERR_INVALID, "no such setting: %s", name);
}

#endif /* TESTS_HAPROXY_POLICY_WORDS_H */
