#include "haproxy/dataplane_priv.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "haproxy/files.h"
#include "haproxy/pem.h"
#include "lib/base/digest_raw.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/x509.h"
#include "lib/base/x509_bundle.h"

static struct err *
put_config(struct dataplane *dp, const struct model *m, bool is_muxed)
{
    AUTO_FREE char *path = xasprintf("%s/%s", dp->layout.run_dir,
                                     PROCESS_CONFIG);
    AUTO_BUF struct buf text = BUF_OWN;
    struct err *err =
        layout_render(&dp->layout, dp->held.slots, m, is_muxed, &text);

    return err ? err : files_put(path, buf_str(&text), text.size);
}

bool
dataplane_is_muxed_(const struct dataplane *dp, const struct model *m)
{
    return dp->layout.passthrough && map_size(m->maps[MODEL_SNI]) > 0;
}

static struct err *
put_listeners(struct dataplane *dp)
{
    AUTO_FREE char *path = xasprintf("%s/%s", dp->layout.run_dir,
                                     PROCESS_LISTENERS);
    AUTO_BUF struct buf text = BUF_OWN;

    listeners_write(&dp->layout.listeners, &text);
    return files_put(path, buf_str(&text), text.size);
}

struct err *
dataplane_read_response(const struct dataplane *dp, const char *name,
                        struct buf *out)
{
    AUTO_FREE char *path = NULL;
    char id[MODEL_ID_SIZE];

    model_cert_id(name, id);
    path = files_response(dp->layout.run_dir, id);
    return files_get(path, out->limit, out);
}

static struct err *
put_maps(const char *dir, const struct model *m,
         const struct dataplane_touched *t)
{
    struct err *err = NULL;

    for (size_t i = 0; i < MODEL_MAPS && !err; i++) {
        if (t->maps[i]) {
            err = files_put_map(dir, m, i);
        }
    }
    for (size_t i = 0; i < 2 && !err; i++) {
        if (t->lists[i]) {
            err = files_put_list(dir, m, i);
        }
    }
    return err;
}

/* In the order of files.h, after the certificates.  The very first haproxy.cfg
 * comes last: sallyport-proxy starts HAProxy as soon as it is there. */
struct err *
dataplane_put_files_(struct dataplane *dp, const struct model *m,
                     const struct dataplane_touched *t)
{
    const char *dir = dp->layout.run_dir;
    AUTO_FREE char *config = xasprintf("%s/%s", dir, PROCESS_CONFIG);
    bool is_first = t->config && access(config, F_OK) < 0;
    struct err *err = t->certs ? files_put_crt_list(dir, m) : NULL;

    if (!err && t->config) {
        err = files_put_scripts(dir);
    }
    if (!err && t->config) {
        err = files_put_unanswered(dir);
    }
    if (!err && t->config && !is_first) {
        err = put_config(dp, m, dataplane_is_muxed_(dp, m));
    }
    if (!err) {
        err = put_maps(dir, m, t);
    }
    if (!err && is_first) {
        err = put_config(dp, m, dataplane_is_muxed_(dp, m));
    }
    return err;
}

void
dataplane_mark_all_(struct dataplane_touched *t)
{
    memset(t->maps, true, sizeof t->maps);
    memset(t->lists, true, sizeof t->lists);
    t->config = t->certs = true;
}

/* A worker that starts has no stream in any slot: quarantine is over where no
 * file gives the slot to its old owner, and a slot that is released now is free
 * at once, for the next one who asks.  So nobody gets what the files of before
 * have for somebody else: a HAProxy that begins while we write, or after we
 * died of it, may read some of these and some of those. */
static void
assign_anew(struct dataplane *dp, struct plan *plan)
{
    struct diff_released released = { 0 };
    size_t lacking;

    slots_clear_saved(dp->held.slots);
    slots_drop_idle_classes(dp->held.slots);
    dataplane_grow_files_(dp, plan);
    diff_assign(plan, dp->held.slots, true, &released, &lacking);
    for (size_t i = 0; i < released.slots.n; i++) {
        slots_release(dp->held.slots, released.slots.items[i], 0);
        slots_clear(dp->held.slots, released.slots.items[i]);
    }
    if (lacking > 0) {
        log_error("haproxy", NULL, "%zu backends have no slot: over %d of "
                  "one class or over %d classes", lacking,
                  PROGRAM_SPARES_MAX, PROGRAM_CLASSES_MAX);
    }
    VEC_FINI(&released.slots);
}

/* Takes 'err', NULL: it is good. */
static void
note_trial(struct dataplane *dp, const char *name, const char *id,
           const struct plan_cert *cert, struct err *err)
{
    if (err) {
        AUTO_FREE char *shown = str_quote(name);

        log_error("haproxy", NULL, "certificate %s is not installed: %s",
                  shown, err_text(err));
        free(map_put(dp->refused, id, xstrdup(cert->digest)));
        err_free(err);
    } else {
        free(map_remove(dp->refused, id));
    }
}

/* HAProxy does not start over one bad pair in a file, so each that it has not
 * taken before, and that nobody vouches for, is tried here first. */
static void
try_cert(struct dataplane *dp, const char *name, const struct plan_cert *cert)
{
    AUTO_BUF struct buf certificates = BUF_OWN;
    AUTO_BUF struct buf key = BUF_SECRET(BUF_OWN_MAX);
    AUTO_BUF struct buf pem = BUF_SECRET(BUF_OWN_MAX);
    struct x509_pair pair = { 0 };
    const struct model_cert *held;
    char id[MODEL_ID_SIZE];
    struct err *err;

    model_cert_id(name, id);
    held = map_get(dp->held.model->certs, id);
    if ((held && str_eq(held->digest, cert->digest)) ||
        str_eq(map_get(dp->refused, id), cert->digest)) {
        return;
    }
    if (pem_text_is_vouched(cert->text)) {
        note_trial(dp, name, id, cert, NULL);
        return;
    }
    pem_text_read(cert->text, &pem);
    if (model_store(id) != MODEL_STORE_CERT) {
        err = model_store(id) == MODEL_STORE_CA
                  ? x509_read_authorities(buf_str(&pem), pem.size, NULL)
                  : x509_read_crls(buf_str(&pem), pem.size, NULL);
        note_trial(dp, name, id, cert, err);
        return;
    }
    pem_split(buf_str(&pem), &certificates, &key);
    err = x509_read(buf_str(&certificates), certificates.size, buf_str(&key),
                    key.size, &pair);
    note_trial(dp, name, id, cert, err);
    x509_pair_fini(&pair);
}

static struct err *
try_certs(struct dataplane *dp, const struct plan *plan)
{
    const struct map *certs = plan_items(plan, PLAN_SET_CERTS);
    struct map_iter it = MAP_ITER;

    while (map_next(certs, &it)) {
        try_cert(dp, it.key, it.value);
    }
    if (!map_get(certs, "")) {
        return err_new(ERR_INVALID, "there is no default certificate");
    }
    return map_get(dp->refused, MODEL_DEFAULT_CERT)
               ? err_new(ERR_INVALID, "the default certificate is bad")
               : NULL;
}

struct err *
dataplane_write_all_(struct dataplane *dp, struct plan *plan)
{
    struct dataplane_touched all;
    struct want want;
    struct model *m;
    uint64_t stamp;
    struct err *err;

    dataplane_end_mirror_(dp);
    digest_random(&stamp, sizeof stamp);
    snprintf(dp->stamp, sizeof dp->stamp, "%016llx",
             (unsigned long long) stamp);
    err = try_certs(dp, plan);
    if (err) {
        return err;
    }
    assign_anew(dp, plan);
    want = dataplane_want_(dp, plan);
    m = want_model(&want);
    model_set(m, MODEL_META, WANT_META_EDITION, dp->layout.edition);
    model_set(m, MODEL_META, WANT_META_STAMP, dp->stamp);
    model_set(m, MODEL_META, WANT_META_EDGE,
              dataplane_is_muxed_(dp, m) ? "muxed" : "direct");
    dataplane_mark_all_(&all);
    err = put_listeners(dp);
    if (!err) {
        err = files_put_certs(dp->layout.run_dir, m, dp->written);
    }
    if (!err) {
        err = dataplane_put_files_(dp, m, &all);
    }
    if (!err) {
        files_drop_certs(dp->layout.run_dir, m, dp->written);
    }
    model_free(m);
    return err_wrap(err, "write %s", dp->layout.run_dir);
}
