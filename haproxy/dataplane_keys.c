/* Keys that nobody wants any more.  HAProxy keeps the certificate of a server
 * for as long as it has the server, and servers are never deleted, so its
 * content is replaced: by a pair made here that nobody trusts, once no
 * connection is left that could be made with it. */
#include "haproxy/dataplane_priv.h"

#include <stdlib.h>

#include "haproxy/pem.h"
#include "haproxy/servertls.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/x509.h"

#define LOOK_MS 1000
#define BLANK_NAME "Sallyport: a key that was taken back"
#define BLANK_DAYS 3650

void
dataplane_note_keys_(struct dataplane *dp, int64_t now_ms)
{
    if (map_size(dp->held.model->maps[MODEL_SERVER_TLS]) > 0 &&
        dp->keys_ms == 0) {
        dp->keys_ms = now_ms + LOOK_MS;
    }
}

/* Nobody wants it, and HAProxy cannot let go of it. */
static bool
is_leftover(const struct model *m, const char *id,
            const struct model_cert *cert)
{
    AUTO_FREE char *key = xasprintf("cert|%s", id);

    return model_store(id) == MODEL_STORE_CERT && !cert->is_blank &&
           !model_get(m, MODEL_META, key) && model_is_held(m, id);
}

/* Whether servers with these options are all parked and carry nothing. */
static bool
are_idle(struct apply *a, uint64_t tls)
{
    struct map_iter it = MAP_ITER;

    while (map_next(a->model->slots, &it)) {
        if (!apply_is_idle(a, it.key, tls)) {
            return false;
        }
    }
    return true;
}

static bool
is_unused(struct apply *a, const char *id)
{
    struct map_iter it = MAP_ITER;

    while (map_next(a->model->maps[MODEL_SERVER_TLS], &it)) {
        if (servertls_names(it.value, id) &&
            !are_idle(a, servertls_parse(it.key))) {
            return false;
        }
    }
    return true;
}

static struct err *
make_blank(struct dataplane *dp)
{
    struct x509_pair pair = { 0 };
    struct err *err;

    if (dp->blank) {
        return NULL;
    }
    err = x509_self_signed(BLANK_NAME, NULL, 0, clock_wall(), BLANK_DAYS,
                           &pair);
    if (!err) {
        dp->blank = pem_text_copy(pair.pem);
    }
    x509_pair_fini(&pair);
    return err;
}

/* False where some are still in use. */
static bool
blank_all(struct dataplane *dp, struct apply *a)
{
    struct map_iter it = MAP_ITER;
    bool is_done = true;

    while (!a->batch.err && map_next(a->model->certs, &it)) {
        struct model_cert *cert = it.value;

        if (!is_leftover(a->model, it.key, cert)) {
            continue;
        }
        if (!is_unused(a, it.key)) {
            is_done = false;
            continue;
        }
        a->batch.err = make_blank(dp);
        if (!a->batch.err && apply_blank(a, it.key, cert, dp->blank)) {
            cert->digest[0] = '\0';
            cert->is_blank = true;
        }
    }
    return is_done;
}

void
dataplane_run_keys_(struct dataplane *dp, const struct plan *plan,
                    int64_t now_ms)
{
    struct apply a = dataplane_apply_(dp, plan, now_ms);
    struct err *err;

    if (dp->state != DATAPLANE_UP || dp->must_observe || dp->keys_ms == 0 ||
        now_ms < dp->keys_ms) {
        return;
    }
    command_begin(&a.batch, a.socket);
    dp->keys_ms = blank_all(dp, &a) ? 0 : now_ms + LOOK_MS;
    err = command_end(&a.batch);
    metric_add(dp->commands, (int64_t) a.batch.n_commands);
    if (err) {
        dataplane_fail_(dp, err, "overwrite keys that nobody wants", now_ms);
    }
}
