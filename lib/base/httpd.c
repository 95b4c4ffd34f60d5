#include "lib/base/httpd.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <microhttpd.h>

#include "lib/base/clock.h"
#include "lib/base/httpd_peers.h"
#include "lib/base/httpd_send.h"
#include "lib/base/httpd_tls.h"
#include "lib/base/listen.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"

#define MODULE "httpd"

/* Of one connection: request line, headers and read buffer together. */
#define MAX_CONNECTION_MEMORY ((size_t) 32 << 10)
#define MAX_RESPONSE ((size_t) 64 << 20)
/* A body that has begun: silence, and the whole of it. */
#define UPLOAD_IDLE_S 10u
#define UPLOAD_MS (30 * 1000)
/* From the head of a request to the end of its answer. */
#define REQUEST_MS (60 * 1000)
#define STOP_S 5

struct httpd {
    struct MHD_Daemon *daemon;
    httpd_handler_fn *handler;
    void *aux;
    size_t max_body;
    size_t max_bodies;
    unsigned idle_timeout_s;
    unsigned head_timeout_s;
    struct peers peers;
    char *files[IDENTITY_N_FILES];      /* As there; or NULL. */
    struct identity_stamp stamps[IDENTITY_N_FILES];
    atomic_size_t bodies;       /* Bytes promised by running requests. */
    atomic_bool is_draining;
    pthread_mutex_t lock;       /* Guards the three below. */
    pthread_cond_t idle;
    struct identity *identity;
    unsigned n_running;
};

struct connection {
    struct httpd *httpd;
    struct peer peer;
    struct identity *identity;
    bool is_verified;           /* The client's certificate was good. */
    gnutls_session_t held;      /* As in httpd_send.h. */
};

struct request {
    struct httpd *httpd;
    struct buf body;
    size_t reserved;
    int64_t deadline_ms;
    bool is_answered;
};

/* ---- Certificates ---- */

static struct err *
load_identity(struct httpd *httpd)
{
    struct identity *fresh;
    struct identity *old;
    struct err *err = identity_load(httpd->files[0], httpd->files[1],
                                    httpd->files[2], &fresh);

    if (err) {
        return err;
    }
    pthread_mutex_lock(&httpd->lock);
    old = httpd->identity;
    httpd->identity = fresh;
    pthread_mutex_unlock(&httpd->lock);
    identity_unref(old);
    return NULL;
}

struct err *
httpd_reload(struct httpd *httpd)
{
    struct identity_stamp stamps[IDENTITY_N_FILES];
    struct err *err;

    if (!httpd->files[0]) {
        return NULL;
    }
    /* A missing file is named by load_identity().  The stamps are taken
     * before the files are read: a change in between is read again. */
    if (identity_stamps(httpd->files, stamps) &&
        identity_same_stamps(stamps, httpd->stamps)) {
        return NULL;
    }
    err = load_identity(httpd);
    if (!err) {
        memcpy(httpd->stamps, stamps, sizeof stamps);
    }
    return err;
}

int64_t
httpd_not_after(struct httpd *httpd)
{
    int64_t not_after = 0;

    pthread_mutex_lock(&httpd->lock);
    if (httpd->identity) {
        not_after = httpd->identity->not_after;
    }
    pthread_mutex_unlock(&httpd->lock);
    return not_after;
}

static struct connection *
find_connection(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info = mhd ? MHD_get_connection_info(
        mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT) : NULL;

    return info ? info->socket_context : NULL;
}

/* Called once per handshake; libmicrohttpd keeps its connection as the
 * session's pointer.  Asking for the client's certificate here and not by
 * libmicrohttpd's own trust option lets the client CA be reloaded too. */
static int
choose_certificate(gnutls_session_t session, const gnutls_datum_t *cas UNUSED,
                   int n_cas UNUSED,
                   const gnutls_pk_algorithm_t *algorithms UNUSED,
                   int n_algorithms UNUSED, gnutls_pcert_st **certificates,
                   unsigned *n_certificates, gnutls_privkey_t *key)
{
    struct connection *c = find_connection(gnutls_session_get_ptr(session));

    if (!c) {
        return -1;
    }
    if (!c->identity) {
        pthread_mutex_lock(&c->httpd->lock);
        c->identity = identity_ref(c->httpd->identity);
        pthread_mutex_unlock(&c->httpd->lock);
    }
    if (c->identity->client_ca) {
        gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
    }
    *certificates = c->identity->certificates;
    *n_certificates = c->identity->n_certificates;
    *key = c->identity->key;
    return 0;
}

/* True where the client may speak: no CA is asked for, or its certificate is
 * from that CA.  Verified once per connection. */
static bool
is_client_known(struct MHD_Connection *mhd)
{
    struct connection *c = find_connection(mhd);
    const union MHD_ConnectionInfo *info;

    if (!c || c->is_verified || !c->httpd->files[2]) {
        return c != NULL;
    }
    info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
    if (!info || !c->identity) {
        return false;
    }
    c->is_verified = identity_knows_peer(c->identity, info->tls_session);
    return c->is_verified;
}

/* ---- Requests ---- */

/* NULL, and no request will be answered, where nothing is known of it. */
static struct connection *
add_connection(struct httpd *httpd, struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    const union MHD_ConnectionInfo *from =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct connection *c;

    if (!fd || !from) {
        return NULL;
    }
    c = xcalloc(1, sizeof *c);
    c->httpd = httpd;
    peers_add(&httpd->peers, &c->peer, fd->connect_fd, from->client_addr);
    return c;
}

static void
note_connection(void *aux, struct MHD_Connection *mhd, void **context,
                enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = add_connection(aux, mhd);
    } else if (*context) {
        struct connection *c = *context;

        /* libmicrohttpd closes the socket after this. */
        peers_remove(&c->httpd->peers, &c->peer);
        identity_unref(c->identity);
        free(c);
        *context = NULL;
    }
}

static void
give_back_body(struct request *request, struct connection *c)
{
    struct httpd *httpd = request->httpd;

    if (request->reserved > 0) {
        if (c) {
            peers_give_back(&httpd->peers, &c->peer);
        }
        atomic_fetch_sub(&httpd->bodies, request->reserved);
        request->reserved = 0;
        buf_fini(&request->body);
    }
}

static void
note_completed(void *aux, struct MHD_Connection *mhd, void **context,
               enum MHD_RequestTerminationCode code)
{
    struct request *request = *context;
    struct connection *c = find_connection(mhd);
    struct httpd *httpd = aux;

    (void) code;
    if (!request) {
        return;
    }
    *context = NULL;
    if (c) {
        if (!httpd_send_held(&c->held)) {
            peers_cut(&c->peer);
        }
        peers_end(&httpd->peers, &c->peer);
    }
    give_back_body(request, c);
    free(request);
    pthread_mutex_lock(&httpd->lock);
    if (--httpd->n_running == 0) {
        pthread_cond_signal(&httpd->idle);
    }
    pthread_mutex_unlock(&httpd->lock);
}

/* Hands an answer to libmicrohttpd; takes its body.  That of the request is
 * given back before anything is sent: whoever has the answer may ask again,
 * and one that does not read holds no more than that. */
static enum MHD_Result
send_response(struct request *request, struct MHD_Connection *mhd,
              struct httpd_response *answer)
{
    struct connection *c = find_connection(mhd);

    request->is_answered = true;
    give_back_body(request, c);
    return httpd_send(mhd, answer,
                      atomic_load(&request->httpd->is_draining),
                      c ? &c->held : NULL);
}

static enum MHD_Result
refuse(struct request *request, struct MHD_Connection *mhd, unsigned status,
       const char *text)
{
    struct httpd_response answer = {
        .status = status,
        .content_type = "text/plain; charset=utf-8",
        .retry_after = status == 503 ? "1" : NULL,
    };

    buf_init(&answer.body, MAX_RESPONSE);
    buf_puts(&answer.body, text);
    buf_putc(&answer.body, '\n');
    return send_response(request, mhd, &answer);
}

static const char *
get_header(struct MHD_Connection *mhd, const char *name)
{
    return MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, name);
}

/* One address may promise half of all bodies, as it may have half of the
 * connections; one body always. */
static size_t
max_of_one(const struct httpd *httpd)
{
    const size_t half = httpd->max_bodies / 2;

    return half > httpd->max_body ? half : httpd->max_body;
}

/* The headers are here, the body is not: everything that can be refused
 * without reading it is refused now. */
static enum MHD_Result
begin_request(struct request *request, struct MHD_Connection *mhd)
{
    struct httpd *httpd = request->httpd;
    struct connection *c = find_connection(mhd);
    const char *length = get_header(mhd, "Content-Length");
    uint64_t size = 0;

    if (!is_client_known(mhd)) {
        return refuse(request, mhd, 403,
                      "a client certificate from the configured CA is "
                      "required");
    }
    if (get_header(mhd, "Transfer-Encoding")) {
        return refuse(request, mhd, 411, "send a Content-Length");
    }
    if (length && !parse_u64(length, 0, UINT64_MAX, &size)) {
        return refuse(request, mhd, 400, "Content-Length is not a number");
    }
    if (size > httpd->max_body) {
        return refuse(request, mhd, 413, "the body is too large");
    }
    request->reserved = (size_t) size;
    if (atomic_fetch_add(&httpd->bodies, request->reserved) +
                request->reserved >
            httpd->max_bodies ||
        !c ||
        !peers_begin(&httpd->peers, &c->peer, request->reserved,
                     max_of_one(httpd))) {
        return refuse(request, mhd, 503, "too many bodies at once");
    }
    if (size > 0) {
        buf_init(&request->body, request->reserved);
        request->deadline_ms = clock_ms() + UPLOAD_MS;
        MHD_set_connection_option(mhd, MHD_CONNECTION_OPTION_TIMEOUT,
                                  UPLOAD_IDLE_S);
    }
    return MHD_YES;
}

static enum MHD_Result
finish_request(struct request *request, struct MHD_Connection *mhd,
               const char *path, const char *method)
{
    struct httpd *httpd = request->httpd;
    const struct httpd_request in = {
        .method = method,
        .path = path,
        .content_type = get_header(mhd, "Content-Type"),
        .body = buf_str(&request->body),
        .body_size = request->body.size,
    };
    struct httpd_response answer = {
        .status = 200,
        .content_type = "text/plain; charset=utf-8",
    };

    if (request->reserved > 0) {
        MHD_set_connection_option(mhd, MHD_CONNECTION_OPTION_TIMEOUT,
                                  httpd->idle_timeout_s);
    }
    buf_init(&answer.body, MAX_RESPONSE);
    httpd->handler(&in, &answer, httpd->aux);
    return send_response(request, mhd, &answer);
}

/* libmicrohttpd calls this for the headers, for every piece of the body, and
 * once more at the end. */
static enum MHD_Result
answer_request(void *aux, struct MHD_Connection *mhd, const char *path,
               const char *method, const char *version, const char *piece,
               size_t *piece_size, void **context)
{
    struct request *request = *context;

    (void) version;
    if (!request) {
        struct httpd *httpd = aux;

        request = xcalloc(1, sizeof *request);
        request->httpd = httpd;
        *context = request;
        pthread_mutex_lock(&httpd->lock);
        httpd->n_running++;
        pthread_mutex_unlock(&httpd->lock);
        return begin_request(request, mhd);
    }
    if (request->is_answered) {
        *piece_size = 0;
        return MHD_YES;
    }
    if (*piece_size > 0) {
        buf_put(&request->body, piece, *piece_size);
        *piece_size = 0;
        return request->body.overflowed ||
                       clock_ms() > request->deadline_ms
                   ? MHD_NO
                   : MHD_YES;
    }
    return finish_request(request, mhd, path, method);
}

/* ---- Start and stop ---- */

static void PRINTF(2, 0)
log_library(void *aux, const char *fmt, va_list args)
{
    char line[512];
    size_t length;

    (void) aux;
    if (!log_enabled(LOG_DEBUG)) {
        return;
    }
    vsnprintf(line, sizeof line, fmt, args);
    length = strlen(line);
    while (length > 0 && line[length - 1] == '\n') {
        line[--length] = '\0';
    }
    log_debug(MODULE, NULL, "libmicrohttpd: %s", line);
}

static struct MHD_Daemon *
start_daemon(struct httpd *httpd, const struct httpd_options *options, int fd)
{
    const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC |
                           MHD_USE_ERROR_LOG |
                           (httpd->files[0] ? MHD_USE_TLS : 0);
    unsigned threads = options->threads > 0 ? options->threads : 1;
    struct MHD_OptionItem extra[4];
    static char priorities[] = TLS_PRIORITIES;
    size_t n = 0;

    if (threads > 1) {
        extra[n++] = (struct MHD_OptionItem) {
            MHD_OPTION_THREAD_POOL_SIZE, (intptr_t) threads, NULL
        };
    }
    if (httpd->files[0]) {
        extra[n++] = (struct MHD_OptionItem) {
            MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *) choose_certificate
        };
        extra[n++] = (struct MHD_OptionItem) {
            MHD_OPTION_HTTPS_PRIORITIES, 0, priorities
        };
    }
    extra[n] = (struct MHD_OptionItem) { MHD_OPTION_END, 0, NULL };
    return MHD_start_daemon(
        flags, 0, NULL, NULL, answer_request, httpd,
        MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
        MHD_OPTION_LISTEN_SOCKET, fd,
        MHD_OPTION_CONNECTION_LIMIT, options->max_connections,
        MHD_OPTION_PER_IP_CONNECTION_LIMIT,
        options->max_connections / 2 + 1,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, MAX_CONNECTION_MEMORY,
        MHD_OPTION_CONNECTION_TIMEOUT, options->idle_timeout_s,
        MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_NOTIFY_CONNECTION, note_connection, httpd,
        MHD_OPTION_NOTIFY_COMPLETED, note_completed, httpd,
        MHD_OPTION_ARRAY, extra, MHD_OPTION_END);
}

static void
httpd_free(struct httpd *httpd)
{
    identity_unref(httpd->identity);
    for (size_t i = 0; i < IDENTITY_N_FILES; i++) {
        free(httpd->files[i]);
    }
    peers_fini(&httpd->peers);
    pthread_cond_destroy(&httpd->idle);
    pthread_mutex_destroy(&httpd->lock);
    free(httpd);
}

static struct httpd *
httpd_new(const struct httpd_options *options)
{
    const char *const files[IDENTITY_N_FILES] = {
        options->certificate_file,
        options->key_file,
        options->client_ca_file,
    };
    struct httpd *httpd = xcalloc(1, sizeof *httpd);
    pthread_condattr_t monotonic;

    for (size_t i = 0; i < IDENTITY_N_FILES; i++) {
        httpd->files[i] = files[i] ? xstrdup(files[i]) : NULL;
    }
    httpd->handler = options->handler;
    httpd->aux = options->aux;
    httpd->max_body = options->max_body;
    httpd->max_bodies = options->max_bodies;
    httpd->idle_timeout_s = options->idle_timeout_s;
    httpd->head_timeout_s = options->head_timeout_s;
    peers_init(&httpd->peers);
    pthread_mutex_init(&httpd->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&httpd->idle, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return httpd;
}

struct err *
httpd_start(const struct httpd_options *options, struct httpd **out)
{
    AUTO_CLOSE int fd = -1;
    struct httpd *httpd;
    sigset_t all, old;
    struct err *err;

    *out = NULL;
    if (!options->certificate_file != !options->key_file ||
        (options->client_ca_file && !options->certificate_file)) {
        return err_new(ERR_INVALID,
                       "a certificate file and a key file go together");
    }
    httpd = httpd_new(options);
    err = httpd_reload(httpd);
    if (!err) {
        err = listen_on(options->address, &fd);
    }
    if (err) {
        httpd_free(httpd);
        return err;
    }
    /* Signals are the owner's; the pool inherits this mask. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    httpd->daemon = start_daemon(httpd, options, fd);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!httpd->daemon) {
        httpd_free(httpd);
        return err_new(ERR_INTERNAL, "libmicrohttpd does not start on %s",
                       options->address);
    }
    (void) STEAL_FD(fd);    /* libmicrohttpd's now. */
    *out = httpd;
    return NULL;
}

void
httpd_sweep(struct httpd *httpd)
{
    if (httpd->head_timeout_s > 0) {
        peers_sweep(&httpd->peers, httpd->head_timeout_s * INT64_C(1000),
                    REQUEST_MS);
    }
}

void
httpd_drain(struct httpd *httpd)
{
    atomic_store(&httpd->is_draining, true);
}

void
httpd_stop(struct httpd *httpd)
{
    struct timespec until;
    int fd;
    int code = 0;

    if (!httpd) {
        return;
    }
    httpd_drain(httpd);
    fd = MHD_quiesce_daemon(httpd->daemon);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += STOP_S;
    pthread_mutex_lock(&httpd->lock);
    while (httpd->n_running > 0 && code == 0) {
        code = pthread_cond_timedwait(&httpd->idle, &httpd->lock, &until);
    }
    pthread_mutex_unlock(&httpd->lock);
    MHD_stop_daemon(httpd->daemon);
    mem_closep(&fd);
    httpd_free(httpd);
}
