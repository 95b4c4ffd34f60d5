#include "tests/replay/responder.h"

#include "tests/unit/ocsp_maker.h"

#include "haproxy/pem.h"
#include "haproxy/plan_priv.h"
#include "lib/base/clock.h"
#include "lib/base/digest.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/base/x509_ocsp.h"
#include "lib/kube/fetch.h"
#include "tests/replay/fake_dataplane.h"

#define LIFE_S (INT64_C(7) * 86400)
#define URL "http://ocsp.test/"

static struct maker_cert authority;     /* Outlives scripts. */
static VEC(X509 *) certs;               /* By serial number, from 0 on. */
static const char *now_is = "down";

/* ---- certificates ---- */

json_t *
responder_secret(const char *key, const char *host, bool must_staple)
{
    const size_t length = strcspn(key, "/");
    AUTO_FREE char *ns = xstrndup(key, length);
    AUTO_FREE char *lines =
        xasprintf("subjectAltName=DNS:%s\nauthorityInfoAccess=OCSP;URI:" URL
                  "\n%s", host, must_staple ? "tlsfeature=status_request\n"
                                            : "");
    struct maker_cert made;
    X509 *chain[3] = { NULL };
    AUTO_FREE char *crt = NULL;
    AUTO_FREE char *private = NULL;
    AUTO_FREE char *crt64 = NULL;
    AUTO_FREE char *private64 = NULL;

    if (!authority.cert) {
        authority = maker_authority("authority");
    }
    made = maker_issue(host, &authority, (long) certs.n, lines);
    VEC_PUSH(&certs, made.cert);
    chain[0] = made.cert;
    chain[1] = authority.cert;
    crt = maker_pem(chain, NULL);
    private = maker_pem(chain + 2, made.key);
    EVP_PKEY_free(made.key);
    crt64 = digest_base64_encode(crt, strlen(crt));
    private64 = digest_base64_encode(private, strlen(private));
    return json_pack("{s:s, s:s, s:{s:s, s:s}, s:s, s:{s:s, s:s}}",
                     "apiVersion", "v1", "kind", "Secret", "metadata",
                     "namespace", ns, "name", key + length + 1, "type",
                     "kubernetes.io/tls", "data", "tls.crt", crt64, "tls.key",
                     private64);
}

const char *
responder_stapled(const char *key)
{
    const struct plan_cert *cert =
        map_get(plan_items(fake_dataplane_plan(), PLAN_SET_CERTS), key);
    AUTO_BUF struct buf pem = BUF_OWN;
    AUTO_BUF struct buf base64 = BUF_OWN;
    AUTO(x509_ocsp_fini) struct x509_ocsp ocsp = { .url = NULL };
    AUTO_FREE char *der = NULL;
    struct x509_ocsp_answer answer;
    AUTO_ERR struct err *err = NULL;
    size_t size;

    if (cert) {
        pem_text_read(cert->text, &pem);
    }
    if (!pem_response(buf_str(&pem), &base64) ||
        !digest_base64_decode(buf_str(&base64), base64.size, &der, &size)) {
        return "none";
    }
    x509_ocsp_read(buf_str(&pem), &ocsp);
    err = x509_ocsp_check(ocsp.certificates, der, size, clock_wall(),
                          &answer);
    return err                                  ? "bad"
           : answer.status == X509_OCSP_REVOKED ? "revoked"
                                                : "good";
}

/* ---- the responder ---- */

bool
responder_set(const char *how)
{
    static const char *const all[] = { "good",    "revoked", "unknown",
                                       "garbage", "down",    "hang" };

    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        if (strcmp(how, all[i]) == 0) {
            now_is = all[i];
            return true;
        }
    }
    return false;
}

void
responder_reset(void)
{
    now_is = "down";
}

/* The certificate that a question is about. */
static X509 *
asked_about(const void *question, size_t size)
{
    const unsigned char *at = question;
    OCSP_REQUEST *request = d2i_OCSP_REQUEST(NULL, &at, (long) size);
    OCSP_CERTID *id = OCSP_onereq_get0_id(OCSP_request_onereq_get0(request,
                                                                   0));
    ASN1_INTEGER *serial = NULL;
    X509 *cert;

    OCSP_id_get0_info(NULL, NULL, NULL, &serial, id);
    cert = certs.items[ASN1_INTEGER_get(serial)];
    OCSP_REQUEST_free(request);
    return cert;
}

static unsigned char *
answer_to(const void *question, size_t n, size_t *size)
{
    const int64_t now_s = clock_wall();
    const struct maker_answer answer = {
        .leaf = asked_about(question, n),
        .issuer = authority.cert,
        .signer = &authority,
        .status = str_eq(now_is, "good")      ? V_OCSP_CERTSTATUS_GOOD
                  : str_eq(now_is, "revoked") ? V_OCSP_CERTSTATUS_REVOKED
                                              : V_OCSP_CERTSTATUS_UNKNOWN,
        .from_s = now_s,
        .until_s = now_s + LIFE_S,
    };

    if (str_eq(now_is, "garbage")) {
        *size = strlen("garbage");
        return xmemdup("garbage", *size);
    }
    return maker_answer(&answer, size);
}

/* ---- fetch.h ---- */

struct fetch_call {
    struct fetch *fetch;
    char *question;
    size_t size;
    int64_t deadline_ms;
    fetch_done_fn *done;
    void *aux;
};

struct fetch {
    VEC(struct fetch_call *) calls;
};

struct fetch *
fetch_new(const char *agent)
{
    (void) agent;
    return xcalloc(1, sizeof(struct fetch));
}

static void
call_free(struct fetch_call *call)
{
    free(call->question);
    free(call);
}

void
fetch_free(struct fetch *f)
{
    for (size_t i = 0; f && i < f->calls.n; i++) {
        call_free(f->calls.items[i]);
    }
    if (f) {
        VEC_FINI(&f->calls);
        free(f);
    }
}

struct fetch_call *
fetch_send(struct fetch *f, const struct fetch_request *request)
{
    struct fetch_call *call = xcalloc(1, sizeof *call);

    assert(str_starts(request->url, "http://ocsp.test:80/"));
    call->fetch = f;
    call->question = xmemdup(request->body, request->size);
    call->size = request->size;
    call->deadline_ms = request->deadline_ms;
    call->done = request->done;
    call->aux = request->aux;
    VEC_PUSH(&f->calls, call);
    return call;
}

static void
take_out(struct fetch_call *call)
{
    struct fetch *f = call->fetch;
    size_t i = 0;

    while (f->calls.items[i] != call) {
        i++;
    }
    VEC_REMOVE(&f->calls, i);
}

void
fetch_cancel(struct fetch_call *call)
{
    if (call) {
        take_out(call);
        call_free(call);
    }
}

static void
finish(struct fetch_call *call, const char *why)
{
    AUTO_ERR struct err *err =
        why ? err_new(ERR_UNAVAILABLE, "%s", why) : NULL;
    AUTO_FREE unsigned char *der = NULL;
    struct fetch_answer answer = { .body = "", .err = err };

    if (!why) {
        der = answer_to(call->question, call->size, &answer.size);
        answer.status = 200;
        answer.body = (const char *) der;
    }
    take_out(call);
    call->done(&answer, call->aux);
    call_free(call);
}

void
fetch_run(struct fetch *f, int64_t now_ms)
{
    size_t i = 0;

    while (i < f->calls.n) {
        struct fetch_call *call = f->calls.items[i];

        if (!str_eq(now_is, "hang")) {
            finish(call, str_eq(now_is, "down") ? "no connection" : NULL);
        } else if (call->deadline_ms <= now_ms) {
            finish(call, "too late");
        } else {
            i++;
        }
    }
}

void
fetch_wait(struct fetch *f, struct waits *w)
{
    for (size_t i = 0; i < f->calls.n; i++) {
        waits_until(w, str_eq(now_is, "hang") ? f->calls.items[i]->deadline_ms
                                              : 0);
    }
}
