/* policy_priv: the inside of struct policy, for policy*.c only. */
#ifndef HAPROXY_POLICY_PRIV_H
#define HAPROXY_POLICY_PRIV_H

#include "haproxy/policy.h"
#include "lib/base/parse.h"
#include "lib/base/vec.h"

/* How the value of a setting is checked. */
enum policy_kind {
    KIND_FLAG,          /* A bool; the row says 1. */
    KIND_NUMBER,        /* 0 to 2^53. */
    KIND_MILLISECONDS,  /* 1 to 2^31 - 1. */
    KIND_CODE,          /* 300 to 308. */
    KIND_NAME,          /* Letters, digits and ._~:/- */
    KIND_TEXT,          /* The same and blanks. */
    KIND_LIST,          /* Tokens of HTTP between commas, or "*". */
    KIND_PATH,          /* Bytes of a path without ";". */
    KIND_URL,           /* Bytes of a URI. */
    KIND_MILLION,       /* 0 to 1000000. */
    KIND_SUBSET,        /* 1 to 1000. */
    KIND_CHOICE,        /* 0 or 1. */
    KIND_HEADERS,       /* Printable ASCII, framed as the script reads it. */
    KIND_HSTS,          /* Directives of Strict-Transport-Security. */
};

struct policy_setting_def {
    const char *name;
    uint32_t flag;
    const char *row;
    enum policy_kind kind;
    const char *doc;
};
extern const struct policy_setting_def policy_settings[POLICY_N_SETTINGS];

struct policy {
    char *values[POLICY_N_SETTINGS];    /* NULL: not set. */
    VEC(char *) origins;                /* Lower case. */
    VEC(struct parse_cidr) cidrs[POLICY_N_LISTS];   /* By policy_list. */
    VEC(char *) matches[POLICY_N_MATCHES];  /* Regexes, by policy_match. */
    char *regex;                        /* Of the rewrite, or NULL. */
    bool regex_ignores_case;
    char *pattern;                      /* Of the canary's header, or NULL. */
    char *subject;                      /* Of client certificates, or NULL. */
    char *replacement;                  /* As HAProxy takes it: \1. */
};

/* policy_check.c */
struct err *policy_check_value(enum policy_setting, const char *value)
    MUST_USE;
struct err *policy_check_origin(const char *origin) MUST_USE;

/* policy_rows.c: the rows under any id. */
void policy_rows_for(const struct policy *, const char *id,
                     policy_row_fn *row, void *aux);

/* policy.c: the key of a regex that is looked for anywhere in a value; the
 * program asks for ID|NAME=, a line feed and the value. */
#define POLICY_CANARY_ROW_ "h"
#define POLICY_SUBJECT_ROW_ "cn"
extern const char *const policy_match_rows_[POLICY_N_MATCHES];
struct err *policy_put_found_(const char *name, const char *regex,
                              const char *id, struct buf *out) MUST_USE;

#endif /* HAPROXY_POLICY_PRIV_H */
