/* model: what HAProxy holds, or should hold: maps, servers, certificates.
 *
 * The driver keeps one of what is installed, filled by observing and then by
 * every command that HAProxy confirmed; a second one is built from the plan
 * whenever everything must be compared or written to files.
 *
 * Ownership: everything is copied.  Not locked.
 */
#ifndef HAPROXY_MODEL_H
#define HAPROXY_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "haproxy/plan.h"
#include "haproxy/render.h"
#include "lib/base/digest.h"
#include "lib/base/map.h"
#include "lib/base/vec.h"

enum model_map {
    MODEL_POLICY,
    MODEL_CIDR,
    MODEL_REWRITE,
    MODEL_MATCH,
    MODEL_HTTP,
    MODEL_HTTPS,
    MODEL_ALL,          /* The row of http that speaks of all requests. */
    MODEL_SNI,
    MODEL_CLIENT,
    MODEL_SERVER_TLS,
    MODEL_SLOTS,
    MODEL_META,
    MODEL_MAPS,         /* Above: one value for each key, in no order. */
};

/* "http" and so on, the name of the file without folder and ".map". */
const char *model_map_name(enum model_map);
/* False where there is no such map. */
bool model_map_find(const char *name, enum model_map *out);
const char *model_list_name(enum plan_table);      /* "http-regex", ... */
/* Where the row of a route is.  What is said for all requests has a map of its
 * own: every request asks whether it is there. */
enum model_map model_route_map(enum plan_table, const char *key);

enum model_state {
    MODEL_READY,
    MODEL_DRAIN,
    MODEL_MAINT,        /* Parked: serves nothing, may be used again. */
};

struct model_server {
    unsigned number;            /* "s1" is 1; also its id. */
    enum plan_protocol protocol;    /* The letter; for good. */
    uint64_t tls;               /* Of server-tls.map, 0: none; for good. */
    char address[46];
    uint16_t port;
    enum model_state state;
    bool is_weightless;         /* Born draining: its weight is 0. */
};

struct model_slot {
    VEC(struct model_server) servers;
};

struct model_row {
    char *key;
    char *value;
};
struct model_rows {
    VEC(struct model_row) rows;         /* In order, duplicates allowed. */
};

struct pem_text;

struct model_cert {
    char *name;                 /* The plan's. */
    char digest[DIGEST_HEX_SIZE];       /* "": unknown. */
    const struct pem_text *text;    /* The plan's, NULL: not from there. */
    bool is_blank;              /* Its key was overwritten. */
};

struct model {
    struct map *maps[MODEL_MAPS];       /* Key to value. */
    struct map *values;         /* Values of the rows of http and https, which
                                 * many share, to struct model_value. */
    struct model_rows regexes[2];       /* By enum plan_table. */
    struct map *slots;          /* Slot name to struct model_slot; only slots
                                 * that have servers. */
    struct map *certs;          /* File id to struct model_cert. */
    struct map *snis;           /* Server name to its lines of the crt-list
                                 * as crtlist.h writes them. */
    struct model_rows strays;   /* Line and server name, where the crt-list
                                 * has one too many. */
};

struct model *model_create(void) MUST_USE RETURNS_NONNULL;
void model_free(struct model *);

/* Sets a row, or with NULL takes it away. */
void model_set(struct model *, enum model_map, const char *key,
               const char *value);
const char *model_get(const struct model *, enum model_map, const char *key);

void model_rows_add(struct model_rows *, const char *key, const char *value);
void model_rows_clear(struct model_rows *);
bool model_rows_equal(const struct model_rows *, const struct model_rows *);

/* Whether two have the same address and are spoken to in the same way. */
bool model_is_alike(const struct model_server *, const struct model_server *);

/* The slot, added where it is not there yet. */
struct model_slot *model_slot(struct model *, const char *name);

/* The file id of a certificate: 32 hex digits; the default one's is
 * MODEL_DEFAULT_CERT. */
#define MODEL_DEFAULT_CERT "default"
#define MODEL_ID_SIZE 33
void model_cert_id(const char *name, char out[MODEL_ID_SIZE]);
/* Of authorities and lists of what they took back, too. */
enum model_store { MODEL_STORE_CERT, MODEL_STORE_CA, MODEL_STORE_CRL };
enum model_store model_store(const char *id);
void model_set_sni(struct model *, const char *host, const char *lines);
struct model_cert *model_cert(struct model *, const char *id,
                              const char *name);
void model_slot_free(void *);    /* Of struct map. */
void model_cert_free(void *);
void model_drop_cert(struct model *, const char *id);
/* Whether servers may still use it: their options name it for as long as
 * HAProxy runs, even those of servers that are parked. */
bool model_is_held(const struct model *, const char *id);

#endif /* HAPROXY_MODEL_H */
