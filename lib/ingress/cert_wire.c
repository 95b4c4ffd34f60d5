#include "lib/ingress/cert_wire.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/digest.h"
#include "lib/base/jx.h"
#include "lib/base/jx_plain.h"
#include "lib/base/map.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define BEGIN "{\"secret\":\""
#define MAX_LINE ((size_t) 64 << 10)
/* A problem is a sentence of ours, a type what a tenant wrote. */
#define MAX_TEXT 1000
#define MAX_S INT64_C(253402300799)     /* The end of the year 9999. */
/* Namespaces whose shard is noted, 8 bytes each. */
#define N_RECENT 4096

static const struct {
    unsigned note;
    const char *word;
} notes[] = {
    { X509_REORDERED, "reordered" },   { X509_COPIES, "copies" },
    { X509_STRANGERS, "strangers" },   { X509_IS_CA, "ca" },
    { X509_NOT_SERVER, "not-server" }, { X509_BAD_NAMES, "bad-names" },
    { X509_MORE_NAMES, "more-names" }, { X509_RSA, "rsa" },
    { X509_MUST_STAPLE, "must-staple" },
    { X509_NO_RESPONDER, "no-responder" }, { X509_LONE, "lone" },
};

static size_t
shard_of(const char *ns, size_t length)
{
    char hex[DIGEST_HEX_SIZE];

    _Static_assert(CERT_WIRE_SHARDS == 16, "a hex digit tells the shard");
    digest_sha256_hex(ns, length, hex);
    return (size_t) (hex[0] <= '9' ? hex[0] - '0' : hex[0] - 'a' + 10);
}

size_t
cert_wire_shard(const char *ns)
{
    return shard_of(ns, strlen(ns));
}

/* The name of a shard; 'ns' and '/' in front of it, or NULL twice. */
static char *
name_of(const char *ns, const char *slash, const char *class, size_t shard)
{
    char room[STR_DIGITS_SIZE];

    return str_concat(ns, slash, "sallyport-", class, "-certificates-",
                      str_digits(shard, room));
}

char *
cert_wire_name(const char *class, size_t shard)
{
    return name_of(NULL, NULL, class, shard);
}

/* --- Writing --- */

static json_t *
names_of(const struct cert_facts *f)
{
    json_t *names = json_array();

    for (size_t i = 0; i < f->n_names && i < CERT_WIRE_MAX_NAMES; i++) {
        json_array_append_new(names, json_string(f->names[i]));
    }
    return names;
}

static json_t *
notes_of(const struct cert_facts *f)
{
    json_t *words = json_array();
    unsigned all = f->notes;

    if (f->n_names > CERT_WIRE_MAX_NAMES) {
        all |= X509_MORE_NAMES;
    }
    for (size_t i = 0; i < ARRAY_SIZE(notes); i++) {
        if (all & notes[i].note) {
            json_array_append_new(words, json_string(notes[i].word));
        }
    }
    return words;
}

static void
set_certificate(const struct cert_facts *f, json_t *line)
{
    json_t *words = notes_of(f);

    json_object_set_new(line, "names", names_of(f));
    if (f->n_addresses > 0) {
        json_object_set_new(line, "addresses",
                            json_integer((json_int_t) f->n_addresses));
    }
    json_object_set_new(line, "from", json_integer(f->not_before));
    json_object_set_new(line, "to", json_integer(f->not_after));
    if (f->chain_not_after != 0) {
        json_object_set_new(line, "chain", json_integer(f->chain_not_after));
    }
    if (json_array_size(words) > 0) {
        json_object_set(line, "notes", words);
    }
    json_decref(words);
}

void
cert_wire_put(const char *name, const struct cert_facts *f, struct buf *out)
{
    AUTO_JSON json_t *line = json_object();
    char *text;

    json_object_set_new(line, "secret", json_string(name));
    if (f->other_type) {
        json_object_set_new(line, "type", json_string(f->other_type));
    }
    if (f->problem) {
        json_object_set_new(line, "problem", json_string(f->problem));
    }
    if (f->is_served) {
        set_certificate(f, line);
    }
    text = json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII);
    buf_puts(out, text);
    buf_putc(out, '\n');
    free(text);
}

/* --- Reading --- */

/* Order of the line at 's', which ends before 'end', and a name. */
static int
compare_line(const char *s, const char *end, const char *name)
{
    const size_t length = sizeof BEGIN - 1;
    const char *quote;
    int order;

    if ((size_t) (end - s) < length || memcmp(s, BEGIN, length) != 0) {
        return 1;               /* The line that something is left out. */
    }
    s += length;
    quote = memchr(s, '"', (size_t) (end - s));
    if (!quote) {
        return 1;
    }
    order = strncmp(s, name, (size_t) (quote - s));
    return order != 0 ? order : name[quote - s] == '\0' ? 0 : -1;
}

/* The line of a name, or NULL; '*size' is without the line feed. */
static const char *
find_line(const char *lines, const char *name, size_t *size)
{
    const char *low = lines;
    const char *high = lines + strlen(lines);

    while (low < high) {
        const char *s = low + (high - low) / 2;
        const char *end;
        int order;

        while (s > low && s[-1] != '\n') {
            s--;
        }
        end = memchr(s, '\n', (size_t) (high - s));
        end = end ? end : high;
        order = compare_line(s, end, name);
        if (order == 0) {
            *size = (size_t) (end - s);
            return s;
        }
        if (order < 0) {
            low = end < high ? end + 1 : high;
        } else {
            high = s;
        }
    }
    return NULL;
}

static bool
is_printable(const char *s)
{
    return strlen(s) <= MAX_TEXT && !str_has_control(s, strlen(s));
}

static void
read_names(struct jx *jx, json_t *line, struct cert_facts *out)
{
    json_t *all = jx_array(jx, line, "names", JX_REQUIRED);
    size_t i;
    json_t *item;

    if (json_array_size(all) > CERT_WIRE_MAX_NAMES) {
        jx_fail(jx, "names", "are too many");
        return;
    }
    out->names = xcalloc(json_array_size(all), sizeof *out->names);
    json_array_foreach(all, i, item)
    {
        const char *name = json_string_value(item);

        if (!name || !is_printable(name)) {
            jx_fail(jx, "names", "are no names");
            return;
        }
        out->names[out->n_names++] = xstrdup(name);
    }
}

static void
read_notes(struct jx *jx, json_t *line, struct cert_facts *out)
{
    size_t i;
    json_t *item;

    json_array_foreach(jx_array(jx, line, "notes", JX_OPTIONAL), i, item)
    {
        for (size_t k = 0; k < ARRAY_SIZE(notes); k++) {
            if (str_eq(json_string_value(item), notes[k].word)) {
                out->notes |= notes[k].note;
            }
        }
    }
}

static char *
read_text(struct jx *jx, json_t *line, const char *name)
{
    const char *text = jx_text(jx, line, name, JX_OPTIONAL);

    if (text && !is_printable(text)) {
        jx_fail(jx, name, "is no text of ours");
        text = NULL;
    }
    return text ? xstrdup(text) : NULL;
}

static struct err *
read_line(const char *text, size_t size, struct cert_facts *out)
{
    struct jx jx = JX_INIT;
    AUTO_JSON json_t *line = jx_plain_load(text, size);
    struct err *err =
        line ? NULL : jx_load(text, size, MAX_LINE, &line);

    if (err) {
        return err;
    }
    out->other_type = read_text(&jx, line, "type");
    out->is_missing = out->other_type != NULL;
    out->problem = read_text(&jx, line, "problem");
    out->is_served = json_object_get(line, "to") != NULL;
    if (out->is_served) {
        read_names(&jx, line, out);
        read_notes(&jx, line, out);
        out->n_addresses =
            (size_t) jx_int(&jx, line, "addresses", 0, 1000000, 0);
        out->not_before = jx_int(&jx, line, "from", -MAX_S, MAX_S, 0);
        out->not_after = jx_int(&jx, line, "to", -MAX_S, MAX_S, 0);
        out->chain_not_after = jx_int(&jx, line, "chain", -MAX_S, MAX_S, 0);
    }
    return jx_take_err(&jx);
}

bool
cert_wire_get(const char *lines, const char *state, const char *name,
              struct cert_facts *out)
{
    AUTO_ERR struct err *err = NULL;
    const char *line;
    size_t size = 0;

    memset(out, 0, sizeof *out);
    line = lines ? find_line(lines, name, &size) : NULL;
    if (!line) {
        out->is_missing = str_eq(state, CERT_WIRE_WHOLE) &&
                          !(lines && str_ends(lines, CERT_WIRE_REST));
        return out->is_missing;
    }
    err = read_line(line, size, out);
    if (err) {
        cert_facts_fini(out);
    }
    return !err;
}

/* --- A cache as a source --- */

/* A digest costs many times what the hash of a map does, and the namespaces
 * of the moment are asked for again and again.  So their shards are noted:
 * such a hash, with the shard in place of its last bits.  Nobody can choose
 * two names that share the others. */
static size_t
recent_shard(const char *ns, size_t length)
{
    static _Atomic uint64_t recent[N_RECENT];
    const uint64_t hash = map_hash_bytes(ns, length);
    _Atomic uint64_t *place =
        &recent[hash / CERT_WIRE_SHARDS % N_RECENT];
    uint64_t note = atomic_load_explicit(place, memory_order_relaxed);

    if (note / CERT_WIRE_SHARDS != hash / CERT_WIRE_SHARDS) {
        note = hash - hash % CERT_WIRE_SHARDS + shard_of(ns, length);
        atomic_store_explicit(place, note, memory_order_relaxed);
    }
    return (size_t) (note % CERT_WIRE_SHARDS);
}

static bool
get_published(const struct cert_cache *c, const char *key,
              struct cert_facts *room)
{
    const size_t length = strcspn(key, "/");
    AUTO_FREE char *shard_key =
        name_of(c->ns, "/", c->class, recent_shard(key, length));
    const struct kube_object *shard =
        cache_get(c->cache, KUBE_CONFIG_MAP, shard_key);
    const struct kube_pairs *data = shard ? &shard->config_map.data : NULL;
    AUTO_FREE char *ns = data ? xstrndup(key, length) : NULL;

    return data && cert_wire_get(kube_pair(data, ns),
                                 kube_pair(data, CERT_WIRE_STATE),
                                 key + length + 1, room);
}

static const struct cert_facts *
get_facts(const char *key, struct cert_facts *room, void *aux)
{
    const struct cert_cache *c = aux;

    if (!cache_is_watched(c->cache, KUBE_SECRET)) {
        /* No ConfigMap at all: nothing is published. */
        return c->ns && cache_count(c->cache, KUBE_CONFIG_MAP) > 0 &&
                       get_published(c, key, room)
                   ? room
                   : NULL;
    }
    if (!cache_is_synced(c->cache, KUBE_SECRET)) {
        return NULL;
    }
    cert_read(cache_get(c->cache, KUBE_SECRET, key), room, NULL);
    return room;
}

struct cert_source
cert_cache_source(struct cert_cache *c)
{
    return (struct cert_source) { .get = get_facts, .aux = c };
}
