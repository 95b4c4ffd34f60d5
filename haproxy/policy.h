/* policy: what one route does to its requests, as rows of HAProxy's maps.
 *
 * A policy is built by the caller from settings of features.def, address
 * lists, origins and a rewrite.  Its id is a hash of its rows: equal policies
 * have one id and share rows, a changed one gets a new id, so that a change
 * is "new rows, route row, old rows away" and no request sees half of it.
 * Limits count under a zone of the caller's, which outlives the id.
 *
 * Nothing a caller passes reaches HAProxy unchecked: values are refused
 * (ERR_INVALID, worded for the author of the value) when a row could not
 * carry them or HAProxy would not load it.
 *
 * Ownership: everything is copied.  Not locked; pure otherwise.
 */
#ifndef HAPROXY_POLICY_H
#define HAPROXY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/compiler.h"
#include "lib/base/err.h"

#define POLICY_ID_SIZE 18           /* "r", 16 hex digits, NUL. */
#define POLICY_VALUE_MAX 8000       /* Bytes of one setting. */
#define POLICY_CIDRS_MAX 4000       /* Of one list. */
#define POLICY_ORIGINS_MAX 500
#define POLICY_REGEX_MAX 2000       /* Bytes of a regular expression. */
#define POLICY_MATCHES_MAX 200      /* Of one kind. */

/* Flag bits, as in the third field of a route's value. */
enum policy_flag {
#define FEATURE(name, bit, rows, doc) POLICY_F_##name = 1 << (bit),
#define SETTING(name, feature, row, kind, doc)
#include "haproxy/features.def"
#undef FEATURE
#undef SETTING
    POLICY_F_NONE = 0,
};

enum policy_setting {
#define FEATURE(name, bit, rows, doc)
#define SETTING(name, feature, row, kind, doc) POLICY_##name,
#include "haproxy/features.def"
#undef FEATURE
#undef SETTING
    POLICY_N_SETTINGS,
};

/* What POLICY_HASH adds up: the parts of a request that count, beside the
 * header, cookie and argument that have settings of their own. */
enum policy_hash {
    POLICY_HASH_URI = 1 << 0,       /* Path and query as the client's. */
    POLICY_HASH_PATH = 1 << 1,      /* The canonical path. */
    POLICY_HASH_QUERY = 1 << 2,
    POLICY_HASH_HOST = 1 << 3,
    POLICY_HASH_ADDRESS = 1 << 4,   /* The client's. */
    POLICY_HASH_METHOD = 1 << 5,
    POLICY_HASH_SCHEME = 1 << 6,
};
#define POLICY_HASH_ALL 127

enum policy_list { POLICY_ALLOW, POLICY_DENY, POLICY_EXEMPT };
#define POLICY_N_LISTS 3

/* What of a request is matched, in a policy of all requests. */
enum policy_match {
    POLICY_MATCH_AGENT,     /* User-Agent: refused. */
    POLICY_MATCH_REFERER,   /* Referer: refused. */
    POLICY_MATCH_QUIET,     /* Path and query as sent: not logged. */
};
#define POLICY_N_MATCHES 3

/* What a route needs to carry the policy. */
enum policy_need {
    POLICY_NEEDS_NOTHING,   /* Any slot, also a plain one. */
    POLICY_NEEDS_POLICY,    /* A slot of kind policy. */
    POLICY_NEEDS_COOKIE,    /* A slot of kind cookie. */
    POLICY_NEEDS_REDIRECT,  /* The slot "redirect" and no servers. */
};

struct policy;

struct policy *policy_new(void) MUST_USE RETURNS_NONNULL;
struct policy *policy_copy(const struct policy *) MUST_USE;  /* NULL: NULL. */
void policy_free(struct policy *);      /* Accepts NULL. */
void policy_freep(struct policy **);
#define AUTO_POLICY AUTO(policy_freep)

/* Replaces the value of a setting.  A FLAG takes "true"; "false" takes it
 * away again. */
struct err *policy_set(struct policy *, enum policy_setting,
                       const char *value) MUST_USE;
/* "10.0.0.0/8", "2001:db8::/32", "192.0.2.1".  A list that was given one
 * address is in force; for ALLOW that shuts out everybody else, EXEMPT takes
 * its addresses out of all limits. */
struct err *policy_add_cidr(struct policy *, enum policy_list,
                            const char *cidr) MUST_USE;
/* "*", "null", "scheme://host[:port]", where host may begin with "*.", which
 * stands for exactly one label.  Switches CORS on. */
struct err *policy_add_origin(struct policy *, const char *origin) MUST_USE;
/* The canonical path of a request that 'regex' matches from its start becomes
 * 'replacement', in which $1 to $9 are the groups; the query stays.  A path
 * that does not match stays as it is. */
struct err *policy_set_rewrite(struct policy *, const char *regex,
                               bool ignore_case,
                               const char *replacement) MUST_USE;

/* The canary's header decides by a value in which 'regex' is found; in place
 * of CANARY_VALUE. */
struct err *policy_set_canary_pattern(struct policy *,
                                      const char *regex) MUST_USE;

/* The subject of a client certificate (RFC 2253) in which 'regex' is not
 * found is refused. */
struct err *policy_set_client_subject(struct policy *,
                                      const char *regex) MUST_USE;

/* "~REGEX" and "~*REGEX", without regard to case, are found anywhere; any
 * other text is the whole value, without regard to case. */
struct err *policy_add_match(struct policy *, enum policy_match,
                             const char *text) MUST_USE;

/* ERR_INVALID when settings lack what they need: a redirect without code, a
 * limit without zone, a cookie without name.  Ask before using the rows. */
struct err *policy_check(const struct policy *) MUST_USE;

/* NULL equals a policy without any feature. */
bool policy_equal(const struct policy *, const struct policy *);
uint32_t policy_flags(const struct policy *);
enum policy_need policy_need(const struct policy *);
void policy_id(const struct policy *, char out[POLICY_ID_SIZE]);

/* Yields every row, 'map' without folder and ".map".  The last one tells the
 * program that the others are there: write them in this order, take them
 * away in any. */
typedef void policy_row_fn(const char *map, const char *key,
                           const char *value, void *aux);
void policy_rows(const struct policy *, policy_row_fn *row, void *aux);

/* The value of a route's row: "SLOT", or "SLOT;ID;FLAGS". */
void policy_route_value(const struct policy *, const char *slot,
                        struct buf *out);

/* The key of a row of http-regex.map and https-regex.map: matches the
 * canonical path from its start (not to its end) on exactly the host 'host'
 * of a route key ("h.test", "*.h.test", ""). */
struct err *policy_regex_key(const char *host, const char *regex,
                             bool ignore_case, struct buf *out) MUST_USE;

/* For tables of documentation: "CORS", "what it does". */
const char *policy_setting_name(enum policy_setting);
const char *policy_setting_doc(enum policy_setting);

#endif /* HAPROXY_POLICY_H */
