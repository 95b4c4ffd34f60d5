/* annot: the registry of annotations: what we know of each, in one row.
 *
 * A row is parser, bounds, policy, cost, documentation and test obligation of
 * one annotation under "nginx.ingress.kubernetes.io/" or "sallyport.dev/".
 * settings.c runs the rows over an Ingress; "sallyport explain" prints them;
 * docs/annotations.md is written from them.
 *
 * Rows are constant and live as long as the process.  Pure; any thread.
 * Source: ingress-nginx's annotations, their validation and risk levels.
 */
#ifndef INGRESS_ANNOT_H
#define INGRESS_ANNOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/buf.h"
#include "lib/base/compiler.h"
#include "lib/ingress/settings.h"

#define ANNOT_PREFIX "nginx.ingress.kubernetes.io/"
#define ANNOT_OWN_PREFIX "sallyport.dev/"

/* Caps on what one value may be. */
#define ANNOT_MAX_LENGTH 1024       /* Bytes, where the row says no other. */
#define ANNOT_MAX_LIST_LENGTH 32768 /* Bytes of a list of networks. */
#define ANNOT_MAX_ITEMS 1024        /* Items of a list. */

enum annot_kind {
    ANNOT_BOOL,         /* Go's ParseBool. */
    ANNOT_INT,          /* Whole number in 'range'. */
    ANNOT_SECONDS,      /* The same, of seconds. */
    ANNOT_SIZE,         /* Digits and b, k, m or g. */
    ANNOT_CHOICE,       /* One of 'choices'. */
    ANNOT_TEXT,         /* One or more bytes of 'set'. */
    ANNOT_URL,          /* Absolute, http or https, no variables. */
    ANNOT_CIDRS,        /* Networks and addresses, by commas. */
    ANNOT_REWRITE,      /* A path with $1 to $9. */
    ANNOT_PATH,         /* A path, also one for a cookie. */
    ANNOT_DOMAIN,       /* A DNS name, a leading dot allowed. */
    ANNOT_METHODS,      /* HTTP methods, by commas. */
    ANNOT_HEADERS,      /* Header names by commas, or "*". */
    ANNOT_ORIGINS,      /* scheme://host[:port] by commas, "null", "*". */
    ANNOT_HOST,         /* A host, with a port or without. */
    ANNOT_HOSTS,        /* The same by commas. */
    ANNOT_ALIASES,      /* Hosts, exact or "*.", by commas. */
    ANNOT_MATCHES,      /* Texts and "~" or "~*" expressions, by commas. */
    ANNOT_PATHS,        /* Beginnings of paths, by commas. */
    ANNOT_CODES,        /* Statuses from 400 to 599, with commas. */
    ANNOT_WORDS,        /* Some of 'choices', with blanks. */
    ANNOT_PAIR,         /* "off", or two words of 'set'. */
    ANNOT_NAMESPACES,   /* Namespaces by commas, or "*". */
    ANNOT_INGRESS,      /* "namespace/name". */
    ANNOT_OBJECT,       /* The same, or "name": of the Ingress's own. */
    ANNOT_RAW,          /* Never read: not supported or refused. */
};

/* What the annotation reaches. */
enum annot_scope {
    ANNOT_SCOPE_PATH,       /* The paths of its Ingress. */
    ANNOT_SCOPE_HOST,       /* All of each host of its Ingress. */
    ANNOT_SCOPE_BACKEND,    /* The Services its paths name. */
};

/* What a change of it costs the running HAProxy. */
enum annot_effect {
    ANNOT_EFFECT_NONE,
    ANNOT_EFFECT_MAP,           /* Rows of a map. */
    ANNOT_EFFECT_SERVER,        /* Servers are added or changed. */
    ANNOT_EFFECT_CERTIFICATE,   /* The certificate store. */
    ANNOT_EFFECT_CLASS,         /* The route moves to a slot of a class. */
    ANNOT_EFFECT_RELOAD,
};

/* ingress-nginx's risk levels. */
enum annot_risk {
    ANNOT_RISK_LOW,
    ANNOT_RISK_MEDIUM,
    ANNOT_RISK_HIGH,
    ANNOT_RISK_CRITICAL,
};

enum annot_support {
    ANNOT_FULL,
    ANNOT_PARTIAL,      /* Works; 'doc' says what differs. */
    ANNOT_NOT_YET,      /* Known, has no effect: a warning. */
    ANNOT_REFUSED,      /* An error. */
    ANNOT_IGNORED,      /* Means nothing here and is missed by nobody. */
    ANNOT_REMOVED,      /* Means nothing to ingress-nginx either: a warning. */
};

/* The bytes a text may have, and how to say so. */
struct annot_set {
    const char *bytes;
    const char *text;
};

/* A value that was read.  'text' and 'list' are the value's own. */
struct annot_value {
    bool flag;
    uint64_t number;            /* Also the index of a choice. */
    char *text;                 /* Normalised. */
    struct settings_texts list;
};

/* What there is to say of a value: ends of sentences, empty: nothing. */
struct annot_say {
    struct buf error;
    struct buf warning;
    bool is_harmless;   /* Not honouring it leaves nothing unprotected. */
};

struct annot_def;
struct settings_draft;

/* Looks at a value of the right kind; writes into 'say', may normalise. */
typedef void annot_check_fn(const struct annot_def *, struct annot_value *,
                            struct annot_say *say);
/* Puts a checked value where it belongs; may take its text and list. */
typedef void annot_apply_fn(const struct annot_def *, struct annot_value *,
                            struct settings_draft *);

#define ANNOT_N_NEEDS 3

struct annot_def {
    const char *name;           /* Without prefix. */
    const char *alias;          /* Another name of the same, or NULL. */
    const char *key;            /* Of the ConfigMap (defaults.h), or NULL. */
    bool key_inverts;           /* Its true is our false. */
    const char *yields_to;      /* The key counts only where this annotation
                                 * is not written; NULL: always. */
    enum annot_kind kind;
    struct {
        uint64_t min, max;
    } range;                    /* ANNOT_INT, ANNOT_SECONDS. */
    const char *const *choices; /* ANNOT_CHOICE, ends with NULL. */
    const char *const *never;   /* Known ones that are refused, each followed
                                 * by why, the end of a sentence. */
    bool any_case;              /* Choices: case does not matter. */
    const struct annot_set *set;    /* ANNOT_TEXT, ANNOT_PAIR. */
    size_t max_length;          /* 0: ANNOT_MAX_LENGTH. */
    const char *dflt;           /* As one would write it; NULL: none. */
    enum annot_scope scope;
    enum annot_effect effect;
    enum annot_risk risk;
    enum annot_support support;
    bool protective;            /* Routes answer 503 if it is not honoured. */
    bool is_key_only;           /* Only in the ConfigMap; its name is 'key'. */
    bool is_own;                /* Only under ANNOT_OWN_PREFIX. */
    /* Has no effect without one of these. */
    const char *needs[ANNOT_N_NEEDS];
    size_t at;                  /* Offset of its field in settings_draft. */
    annot_check_fn *check;
    annot_apply_fn *apply;
    const char *instead;        /* Removed, refused: what to do, end of a
                                 * sentence. */
    const char *doc;            /* One or two sentences. */
};

size_t annot_count(void);
/* Row 'i' in the order in which settings are applied. */
const struct annot_def *annot_at(size_t i);
/* Keys of the ConfigMap that are no default of an annotation. */
enum annot_global {
    GLOBAL_ALLOWED_HEADERS,
    GLOBAL_FORWARDED,
    GLOBAL_PROXY_PROTOCOL,
    GLOBAL_TRUSTED,
    GLOBAL_REDIRECT_CODE,
    GLOBAL_ADD_HEADERS,
    GLOBAL_SET_HEADERS,
    GLOBAL_HIDE_HEADERS,
    GLOBAL_AUTH_SNIPPET,
    GLOBAL_REAL_IP,
    GLOBAL_FORWARDED_HEADER,
    GLOBAL_FORWARDED_FULL,
    GLOBAL_BLOCK_CIDRS,
    GLOBAL_BLOCK_AGENTS,
    GLOBAL_BLOCK_REFERERS,
    GLOBAL_QUIET_URLS,
    GLOBAL_NO_REDIRECT,
    GLOBAL_UNDERSCORES,
    GLOBAL_SERVER_HEADER,
    GLOBAL_ORIGINAL_URI,
    GLOBAL_REQUEST_ID,
    GLOBAL_OCSP,
    GLOBAL_OCSP_RESPONDERS,
    ANNOT_N_GLOBALS,
};
const struct annot_def *annot_global(enum annot_global);

/* The heading of the group that row 'i' begins, NULL inside a group. */
const char *annot_heading(size_t i);

/* The name in an annotation key, NULL where its prefix is not ours. */
const char *annot_name(const char *key, bool *is_own_prefix);
/* By name or alias, without prefix; '*index' may be NULL. */
const struct annot_def *annot_find(const char *name, size_t *index);
/* The row whose name is nearest to 'name', NULL where none is near. */
const struct annot_def *annot_nearest(const char *name);

enum annot_verdict {
    ANNOT_UNSET,        /* Empty: as if it were not there. */
    ANNOT_OK,           /* 'value' is set. */
    ANNOT_NO_EFFECT,    /* Not read, 'say' may tell why. */
    ANNOT_BAD,          /* say->error tells why. */
};

/* Reads one value by its row.  'value' and 'say' are cleared first and are
 * the caller's to release, whatever the verdict. */
enum annot_verdict annot_read(const struct annot_def *, const char *text,
                              struct annot_value *value,
                              struct annot_say *say);
void annot_value_fini(struct annot_value *);
void annot_say_fini(struct annot_say *);

/* Words for people. */
const char *annot_support_text(enum annot_support);
const char *annot_scope_text(enum annot_scope);
const char *annot_effect_text(enum annot_effect);
const char *annot_risk_text(enum annot_risk);
/* Of its name; "": it is a key of the ConfigMap only. */
const char *annot_prefix(const struct annot_def *);
/* What may be written: 'a whole number of seconds, 1 to 3600'. */
void annot_print_allowed(const struct annot_def *, struct buf *out);
/* One row for a terminal: "sallyport explain". */
void annot_print(const struct annot_def *, struct buf *out);
/* The line of the README that counts ingress-nginx's own annotations. */
void annot_print_coverage(struct buf *out);
/* docs/annotations.md. */
void annot_print_docs(struct buf *out);

#endif /* INGRESS_ANNOT_H */
