#include "lib/kube/wire.h"

#include <assert.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/base/vec.h"
#include "lib/kube/creds.h"
#include "lib/kube/limits.h"

#define FLUSH_ROUNDS 4

struct wire {
    CURLM *multi;
    VEC(struct pollfd) fds;     /* What curl wants to know of. */
    int64_t now_ms;             /* Of the wire_run() we are in. */
    int64_t timer_ms;           /* When curl wants to run; INT64_MAX. */
    int64_t heard_ms;
    bool is_heard;              /* Since wire_flush() began. */
    size_t n_transfers;
};

struct transfer {
    struct wire *wire;
    struct transfer_spec spec;
    CURL *easy;
    struct curl_slist *headers;
    struct curl_slist *connect_to;
    int64_t heard_ms;
    bool is_refused;            /* 'body_cb' did not want more. */
    struct transfer_stranger stranger;  /* No URL: it goes to the server. */
    bool is_kept_off;           /* From an address, */
    bool is_let_through;        /* to another. */
    char why[CURL_ERROR_SIZE];
};

/* ---- what curl calls ---- */

static void
hear(struct transfer *t)
{
    t->heard_ms = t->wire->heard_ms = t->wire->now_ms;
    t->wire->is_heard = true;
}

static size_t
on_body(char *data, size_t size, size_t n, void *aux)
{
    struct transfer *t = aux;

    hear(t);
    if (!t->spec.body_cb(transfer_status(t), data, size * n, t->spec.aux)) {
        t->is_refused = true;
        /* Anything but the size given makes curl end the transfer. */
        return 0;
    }
    return size * n;
}

static size_t
on_header(char *data, size_t size, size_t n, void *aux)
{
    static const char name[] = "retry-after:";
    const size_t length = sizeof name - 1;
    struct transfer *t = aux;
    uint64_t seconds;

    hear(t);
    if (size * n > length && strncasecmp(data, name, length) == 0) {
        AUTO_FREE char *raw = xstrndup(data + length, size * n - length);
        AUTO_FREE char *value = str_trim(raw);

        /* A date is legal too, but no API server sends one. */
        if (parse_u64(value, 0, 86400, &seconds)) {
            t->spec.retry_after_cb((int64_t) seconds * 1000, t->spec.aux);
        }
    }
    return size * n;
}

static int
on_socket(CURL *easy, curl_socket_t fd, int what, void *aux, void *unused)
{
    struct wire *wire = aux;
    short events = 0;
    size_t i = 0;

    (void) easy;
    (void) unused;
    while (i < wire->fds.n && wire->fds.items[i].fd != fd) {
        i++;
    }
    if (what == CURL_POLL_REMOVE) {
        if (i < wire->fds.n) {
            VEC_REMOVE(&wire->fds, i);
        }
        return 0;
    }
    if (what & CURL_POLL_IN) {
        events |= POLLIN;
    }
    if (what & CURL_POLL_OUT) {
        events |= POLLOUT;
    }
    if (i < wire->fds.n) {
        wire->fds.items[i].events = events;
    } else {
        struct pollfd item = { .fd = fd, .events = events };

        VEC_PUSH(&wire->fds, item);
    }
    return 0;
}

static int
on_timer(CURLM *multi, long timeout_ms, void *aux)
{
    struct wire *wire = aux;

    (void) multi;
    wire->timer_ms = timeout_ms < 0 ? INT64_MAX : wire->now_ms + timeout_ms;
    return 0;
}

/* curl's own sockets leak into the children of the process.  Strangers are
 * judged here, by the address that is connected to: whatever their name says
 * to somebody else, or says next, does not matter. */
static curl_socket_t
on_open(void *aux, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *t = aux;

    (void) purpose;
    if (t->stranger.url &&
        !t->stranger.may_connect_cb(&address->addr, address->addrlen,
                                    t->spec.aux)) {
        t->is_kept_off = true;
        return CURL_SOCKET_BAD;
    }
    t->is_let_through = true;
    return socket(address->family, address->socktype | SOCK_CLOEXEC,
                  address->protocol);
}

/* A host that vanished never answers; the kernel gives up after this. */
static int
on_connect(void *aux, curl_socket_t fd, curlsocktype purpose)
{
    unsigned timeout_ms = KUBE_PROBE_AFTER_MS;

    (void) aux;
    (void) purpose;
    (void) setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms,
                      sizeof timeout_ms);
    return CURL_SOCKOPT_OK;
}

/* ---- a wire ---- */

struct wire *
wire_new(int64_t now_ms)
{
    static bool is_ready;
    struct wire *wire = xcalloc(1, sizeof *wire);

    if (!is_ready) {
        is_ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
        assert(is_ready);
    }
    wire->multi = curl_multi_init();
    assert(wire->multi);
    wire->now_ms = now_ms;
    wire->timer_ms = INT64_MAX;
    curl_multi_setopt(wire->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(wire->multi, CURLMOPT_SOCKETDATA, wire);
    curl_multi_setopt(wire->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(wire->multi, CURLMOPT_TIMERDATA, wire);
    curl_multi_setopt(wire->multi, CURLMOPT_PIPELINING,
                      (long) CURLPIPE_MULTIPLEX);
    return wire;
}

void
wire_free(struct wire *wire)
{
    assert(wire->n_transfers == 0);
    curl_multi_cleanup(wire->multi);
    VEC_FINI(&wire->fds);
    free(wire);
}

static void
drive(struct wire *wire, int64_t now_ms)
{
    AUTO_FREE struct pollfd *ready = NULL;
    size_t n = wire->fds.n;
    int running;

    wire->now_ms = now_ms;
    if (n > 0) {
        /* A copy: curl changes the set while it works. */
        ready = xmemdup(wire->fds.items, n * sizeof *ready);
        if (poll(ready, n, 0) <= 0) {
            n = 0;
        }
    }
    for (size_t i = 0; i < n; i++) {
        short events = ready[i].revents;
        int what = 0;

        if (events & POLLIN) {
            what |= CURL_CSELECT_IN;
        }
        if (events & POLLOUT) {
            what |= CURL_CSELECT_OUT;
        }
        if (events & (POLLERR | POLLHUP | POLLNVAL)) {
            what |= CURL_CSELECT_ERR;
        }
        if (what) {
            curl_multi_socket_action(wire->multi, ready[i].fd, what, &running);
        }
    }
    if (wire->timer_ms <= now_ms) {
        wire->timer_ms = INT64_MAX;
        curl_multi_socket_action(wire->multi, CURL_SOCKET_TIMEOUT, 0,
                                 &running);
    }
}

static struct err *
curl_error(const struct transfer *t, CURLcode code)
{
    AUTO_FREE char *quoted = NULL;
    enum err_kind kind = ERR_UNAVAILABLE;
    /* Words of a stranger may stand in the text of one transfer. */
    const char *why = t->why[0] && !t->stranger.url
                          ? t->why
                          : curl_easy_strerror(code);

    if (t->is_refused) {
        return err_new(ERR_LIMIT, "the answer is too large");
    }
    if (t->is_kept_off && !t->is_let_through) {
        return err_new(ERR_DENIED, "no address of it may be connected to");
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION ||
        code == CURLE_SSL_CERTPROBLEM || code == CURLE_SSL_CACERT_BADFILE) {
        kind = ERR_DENIED;
    }
    /* Names out of the server's certificate may stand in here. */
    if (str_has_control(why, strlen(why))) {
        quoted = str_quote(why);
        why = quoted;
    }
    return err_new(kind, "%s", why);
}

/* Tells of what curl has done with. */
static void
collect(struct wire *wire)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(wire->multi, &left))) {
        CURLcode code = message->data.result;
        struct transfer *t = NULL;

        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        t->spec.done_cb(code == CURLE_OK ? NULL : curl_error(t, code),
                        t->spec.aux);
    }
}

void
wire_run(struct wire *wire, int64_t now_ms)
{
    drive(wire, now_ms);
    collect(wire);
}

bool
wire_flush(struct wire *wire)
{
    int running = (int) wire->n_transfers;

    wire->is_heard = false;
    /* curl asks for several rounds where a request has a body. */
    for (int i = 0; i < FLUSH_ROUNDS && wire->timer_ms <= wire->now_ms; i++) {
        wire->timer_ms = INT64_MAX;
        curl_multi_socket_action(wire->multi, CURL_SOCKET_TIMEOUT, 0,
                                 &running);
    }
    return wire->is_heard || (size_t) running < wire->n_transfers;
}

void
wire_wait(const struct wire *wire, struct waits *w)
{
    for (size_t i = 0; i < wire->fds.n; i++) {
        waits_fd(w, wire->fds.items[i].fd, wire->fds.items[i].events);
    }
    waits_until(w, wire->timer_ms);
}

size_t
wire_n_transfers(const struct wire *wire)
{
    return wire->n_transfers;
}

int64_t
wire_heard_ms(const struct wire *wire)
{
    return wire->heard_ms;
}

/* ---- a transfer ---- */

static void
add_header(struct transfer *t, const char *name, const char *value)
{
    AUTO_FREE char *line = xasprintf("%s: %s", name, value);

    t->headers = curl_slist_append(t->headers, line);
    assert(t->headers);
}

static void
set_blob(CURL *easy, CURLoption option, const char *pem)
{
    struct curl_blob blob = { .flags = CURL_BLOB_COPY };

    if (pem) {
        blob.data = (void *) (uintptr_t) pem;
        blob.len = strlen(pem);
        curl_easy_setopt(easy, option, &blob);
    }
}

/* Where the certificate bears another name than the address: curl is given
 * the URL of that name, and told where such a host is to be found. */
static char *
server_url(struct transfer *t, const struct creds_view *view)
{
    AUTO_FREE char *host = NULL;
    AUTO_FREE char *port = NULL;
    AUTO_FREE char *url = NULL;
    CURLU *parts;

    if (!view->tls_server_name) {
        return xstrdup(view->server);
    }
    parts = curl_url();
    if (parts &&
        curl_url_set(parts, CURLUPART_URL, view->server, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
        curl_url_get(parts, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) ==
            CURLUE_OK &&
        curl_url_set(parts, CURLUPART_HOST, view->tls_server_name, 0) ==
            CURLUE_OK &&
        curl_url_get(parts, CURLUPART_URL, &url, 0) == CURLUE_OK) {
        AUTO_FREE char *authority = xasprintf("%s:%s", host, port);
        AUTO_FREE char *to = xasprintf("::%s", authority);
        size_t length = strlen(url);

        add_header(t, "Host", authority);
        t->connect_to = curl_slist_append(NULL, to);
        curl_easy_setopt(t->easy, CURLOPT_CONNECT_TO, t->connect_to);
        if (length > 0 && url[length - 1] == '/') {
            url[length - 1] = '\0';
        }
    }
    curl_url_cleanup(parts);
    return url ? xstrdup(url) : xstrdup(view->server);
}

static void
set_target(struct transfer *t, const struct creds_view *view)
{
    AUTO_FREE char *server = server_url(t, view);
    AUTO_FREE char *url = xasprintf("%s%s", server, t->spec.path);
    CURL *easy = t->easy;

    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https,http");
    curl_easy_setopt(easy, CURLOPT_PROXY,
                     view->proxy_url ? view->proxy_url : "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     t->spec.as_stream ? (long) CURL_HTTP_VERSION_2TLS
                                       : (long) CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long) CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, view->is_insecure ? 0L : 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, view->is_insecure ? 0L : 2L);
    set_blob(easy, CURLOPT_CAINFO_BLOB, view->ca_pem);
    set_blob(easy, CURLOPT_SSLCERT_BLOB, view->cert_pem);
    set_blob(easy, CURLOPT_SSLKEY_BLOB, view->key_pem);
    if (view->authorization) {
        add_header(t, "Authorization", view->authorization);
    }
}

static void
set_request(struct transfer *t)
{
    const struct transfer_spec *spec = &t->spec;
    CURL *easy = t->easy;

    curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    if (spec->content_type) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t) spec->size);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, spec->body);
        add_header(t, "Content-Type", spec->content_type);
        /* Without it curl asks for leave first when the body is large. */
        add_header(t, "Expect", "");
    }
    if (strcmp(spec->method, "GET") != 0) {
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, spec->method);
    }
    add_header(t, "Accept",
               t->stranger.url ? t->stranger.accept
               : spec->as_table
                   ? "application/json;as=Table;g=meta.k8s.io;v=v1"
                   : "application/json");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, spec->agent);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, t->headers);
}

static void
set_connection(struct transfer *t)
{
    CURL *easy = t->easy;

    curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->why);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t);
    curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, on_connect);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long) KUBE_CONNECT_MS);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPIDLE, 15L);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPINTVL, 5L);
}

/* Without quick exit a name that is still being looked up when the transfer
 * ends is waited for. */
static void
set_stranger(struct transfer *t)
{
    CURL *easy = t->easy;

    curl_easy_setopt(easy, CURLOPT_URL, t->stranger.url);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
                     (long) CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}

static struct transfer *
transfer_new(struct wire *wire, const struct transfer_spec *spec)
{
    struct transfer *t = xcalloc(1, sizeof *t);

    t->wire = wire;
    t->spec = *spec;
    t->heard_ms = wire->now_ms;
    t->easy = curl_easy_init();
    assert(t->easy);
    set_connection(t);
    return t;
}

static struct err *
begin(struct transfer *t, struct transfer **out)
{
    struct wire *wire = t->wire;
    CURLMcode code;

    set_request(t);
    code = curl_multi_add_handle(wire->multi, t->easy);
    wire->n_transfers++;
    if (code != CURLM_OK) {
        *out = NULL;
        transfer_free(t);
        return err_new(ERR_INTERNAL, "%s", curl_multi_strerror(code));
    }
    *out = t;
    return NULL;
}

struct err *
transfer_start(struct wire *wire, const struct creds_view *view,
               const struct transfer_spec *spec, struct transfer **out)
{
    struct transfer *t = transfer_new(wire, spec);

    set_target(t, view);
    return begin(t, out);
}

struct err *
transfer_start_stranger(struct wire *wire,
                        const struct transfer_stranger *stranger,
                        const struct transfer_spec *spec,
                        struct transfer **out)
{
    struct transfer *t = transfer_new(wire, spec);

    t->stranger = *stranger;
    set_stranger(t);
    return begin(t, out);
}

void
transfer_free(struct transfer *t)
{
    if (t) {
        curl_multi_remove_handle(t->wire->multi, t->easy);
        curl_easy_cleanup(t->easy);
        curl_slist_free_all(t->headers);
        curl_slist_free_all(t->connect_to);
        t->wire->n_transfers--;
        free(t);
    }
}

int
transfer_status(const struct transfer *t)
{
    long status = 0;

    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    return (int) status;
}

int64_t
transfer_heard_ms(const struct transfer *t)
{
    return t->heard_ms;
}

struct wire *
transfer_wire(const struct transfer *t)
{
    return t->wire;
}
