#include "reconciler/stapler_priv.h"

#include <stdlib.h>
#include <string.h>

#include "haproxy/pem.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define AGENT "sallyport-ocsp"
#define MIME_QUESTION "application/ocsp-request"
#define MIME_ANSWER "application/ocsp-response"
/* Failures in a row before the first of a certificate without a response is
 * told of; one that must have a response is told of at once. */
#define PATIENCE 3

/* ---- What is told ---- */

static char *
sentence(const struct item *item)
{
    const int64_t life = item->answer.until - item->answer.from;
    const int64_t left = item->answer.until - item->stapler->now_s;
    char until[CLOCK_SECONDS_SIZE];

    if (item->has_answer && item->answer.status == X509_OCSP_REVOKED) {
        return xasprintf("the certificate in Secret \"%s\" is revoked, says "
                         "the OCSP responder: clients refuse it; issue "
                         "another one", item->key);
    }
    if (item->has_answer && item->n_failed > 0 && left < life / 4) {
        clock_format_seconds(item->answer.until, until);
        return xasprintf("the OCSP response for the certificate in Secret "
                         "\"%s\" ends at %s, and there is no newer one: %s",
                         item->key, until, item->why);
    }
    if (!item->has_answer &&
        item->n_failed >= (item->must_have ? 1 : PATIENCE)) {
        return xasprintf("there is no OCSP response for the certificate in "
                         "Secret \"%s\"%s: %s", item->key,
                         item->must_have ? ", and clients refuse it without "
                                           "(must-staple)" : "", item->why);
    }
    return NULL;
}

/* Tells the engine what goes with the certificate: 'der' NULL is nothing. */
static void
staple(const struct item *item, const void *der, size_t size)
{
    AUTO_BUF struct buf block = BUF_OWN;
    AUTO_FREE char *said = sentence(item);

    if (der) {
        pem_add_response(der, size, &block);
    }
    engine_staple(item->stapler->engine, item->key, item->fingerprint,
                  der ? buf_str(&block) : NULL, said);
}

/* The same response, and what is said now. */
static void
say(const struct item *item)
{
    AUTO_FREE char *said = sentence(item);

    engine_say_of_staple(item->stapler->engine, item->key, item->fingerprint,
                         said);
}

/* ---- Answers ---- */

static int64_t
at_least(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Half of its life; of what is older already, half of what is left. */
static int64_t
refresh_s(const struct x509_ocsp_answer *a, int64_t now_s)
{
    int64_t due_s = a->from + (a->until - a->from) / 2;

    if (due_s <= now_s) {
        due_s = now_s + (a->until - now_s) / 2;
    }
    due_s = at_least(due_s, now_s + STAPLER_RETRY_MIN_S);
    return due_s < now_s + STAPLER_FRESH_MAX_S ? due_s
                                               : now_s + STAPLER_FRESH_MAX_S;
}

static void
accept(struct item *item, const struct x509_ocsp_answer *answer,
       const void *der, size_t size)
{
    item->answer = *answer;
    item->has_answer = true;
    item->n_failed = 0;
    free(STEAL_PTR(item->why));
    backoff_reset(&item->backoff);
    item->due_s = refresh_s(answer, item->stapler->now_s);
    staple(item, der, size);
}

static void
fail(struct item *item, enum end end, const char *why)
{
    struct stapler *st = item->stapler;

    metric_add(st->ends[end], 1);
    free(item->why);
    item->why = xasprintf(
        "responder %s:%u: %s%s", item->ocsp.host, item->ocsp.port, why,
        end == END_FORBIDDEN ? "; whoever runs the controller can name it in "
                               "ocsp-responders of its ConfigMap" : "");
    item->due_s = st->now_s + backoff_fail(&item->backoff, backoff_random());
    if (item->n_failed++ == 0) {
        log_warn("ocsp", item->key, "%s", item->why);
    }
    say(item);
}

/* Verified, and not an older one than is served: on the way somebody might
 * replay what was said before a certificate was revoked. */
static struct err *
check(const struct item *item, const void *der, size_t size,
      struct x509_ocsp_answer *out)
{
    struct err *err = x509_ocsp_check(item->ocsp.certificates, der, size,
                                      item->stapler->now_s, out);

    if (!err && item->has_answer && out->from < item->answer.from) {
        err = err_new(ERR_PROTOCOL, "the answer is older than the last one");
    }
    return err;
}

static void
take(struct item *item, const struct fetch_answer *got)
{
    AUTO_ERR struct err *err = NULL;
    struct x509_ocsp_answer answer;

    if (got->status != 200) {
        AUTO_FREE char *why =
            xasprintf("it answers with status %d", got->status);

        fail(item, END_UNREACHED, why);
        return;
    }
    err = check(item, got->body, got->size, &answer);
    if (err) {
        fail(item, END_INVALID, err_text(err));
    } else if (answer.status == X509_OCSP_UNKNOWN) {
        fail(item, END_UNKNOWN, "it does not know the certificate");
    } else {
        metric_add(item->stapler->ends[answer.status == X509_OCSP_REVOKED
                                           ? END_REVOKED : END_GOOD], 1);
        accept(item, &answer, got->body, got->size);
    }
}

static void
on_done(const struct fetch_answer *got, void *aux)
{
    struct item *item = aux;
    struct stapler *st = item->stapler;

    item->call = NULL;
    item->space->n_calls--;
    st->n_calls--;
    if (!got->err) {
        take(item, got);
    } else {
        enum err_kind kind = err_kind(got->err);

        fail(item, kind == ERR_DENIED  ? END_FORBIDDEN
                   : kind == ERR_LIMIT ? END_INVALID
                                       : END_UNREACHED,
             err_text(got->err));
    }
    st->next_s = 0;
}

/* ---- Questions ---- */

/* Named by the administrator, as "host:port", or "host" for the usual
 * ports. */
static bool
is_named(const struct stapler *st, const struct x509_ocsp *ocsp)
{
    const struct annot_value *list =
        engine_global(st->engine, GLOBAL_OCSP_RESPONDERS);
    AUTO_FREE char *whole = xasprintf("%s:%u", ocsp->host, ocsp->port);

    for (size_t i = 0; list && i < list->list.n; i++) {
        const char *one = list->list.items[i];

        if (strcmp(one, whole) == 0 ||
            (strcmp(one, ocsp->host) == 0 &&
             (ocsp->port == 80 || ocsp->port == 443))) {
            return true;
        }
    }
    return false;
}

/* Anybody's certificate may name any host: without the administrator's word
 * only what the whole Internet can ask is asked, on the ports of the web.
 * Which address that is, fetch.h judges. */
static bool
may_ask(const struct x509_ocsp *ocsp, bool is_trusted)
{
    return is_trusted || ocsp->port == 80 || ocsp->port == 443;
}

void
stapler_ask_(struct item *item)
{
    struct stapler *st = item->stapler;
    const bool is_trusted = is_named(st, &item->ocsp);
    AUTO_BUF struct buf question = BUF_OWN;
    AUTO_ERR struct err *err = NULL;
    struct fetch_request request = {
        .url = item->ocsp.url,
        .accept = MIME_ANSWER,
        .content_type = MIME_QUESTION,
        .max_body = X509_OCSP_MAX,
        .deadline_ms = st->now_ms + STAPLER_DEADLINE_MS,
        .is_trusted = is_trusted,
        .done = on_done,
        .aux = item,
    };

    if (!may_ask(&item->ocsp, is_trusted)) {
        fail(item, END_FORBIDDEN, "its port is neither 80 nor 443");
        return;
    }
    err = x509_ocsp_ask(item->ocsp.certificates, &question);
    if (err) {
        fail(item, END_INVALID, err_text(err));
        return;
    }
    request.body = buf_str(&question);
    request.size = question.size;
    if (!st->fetch) {
        st->fetch = fetch_new(AGENT);
    }
    item->call = fetch_send(st->fetch, &request);
    item->space->n_calls++;
    st->n_calls++;
}

/* ---- Time, and what was there before ---- */

void
stapler_adopt_(struct item *item)
{
    AUTO_BUF struct buf der = BUF_INIT(X509_OCSP_MAX);
    struct x509_ocsp_answer answer;
    AUTO_ERR struct err *err = dataplane_read_response(
        item->stapler->dataplane, item->key, &der);

    if (!err) {
        err = check(item, buf_str(&der), der.size, &answer);
    }
    if (!err && answer.status != X509_OCSP_UNKNOWN) {
        accept(item, &answer, buf_str(&der), der.size);
    }
}

/* Out of date, or of the future since the clock was set back. */
static bool
is_over(const struct x509_ocsp_answer *answer, int64_t now_s)
{
    return answer->until <= now_s || answer->from > now_s + X509_OCSP_SKEW_S;
}

void
stapler_expire_(struct item *item)
{
    const int64_t now_s = item->stapler->now_s;

    if (item->has_answer && is_over(&item->answer, now_s)) {
        item->has_answer = false;
        item->due_s = item->n_failed ? item->due_s : now_s;
        staple(item, NULL, 0);
    }
    if (item->due_s > now_s + STAPLER_FRESH_MAX_S) {
        item->due_s = now_s;
    }
}
