/* prober: does what it reads to an API server, and looks until the proxy
 * serves it.
 *
 * usage: prober API-PORT CA-FILE TOKEN HTTP-PORT HTTPS-PORT [WATCH-PATH]...
 *
 * Lines of standard input, fields separated by tabs:
 *
 *     METHOD  PATH  CONTENT-TYPE  BODY  HOST  WANT
 *
 * WANT is a status ("200"), "origin:X" (the header X-Origin of the answer),
 * "cert:CN" (the common name of the certificate for HOST), or "-": look for
 * nothing.  The body is "-" where there is none.  Answers "STATUS SENT
 * ANSWERED TOLD": the API server's status, and the microseconds until HOST was
 * served as wanted, from when the request was sent, from when it was answered,
 * and from when a watch of a WATCH-PATH told of the change, as it tells the
 * controller at the same time (0: nothing was looked for, or no path is
 * watched).  One that is not served within 60 s ends the program.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "tests/bench/cluster/peer.h"
#include "tests/bench/cluster/watcher.h"

#define MAX_ANSWER ((size_t) 1 << 20)
#define LOOK_US 100
#define DEADLINE_US (60 * INT64_C(1000000))

enum { METHOD, PATH, TYPE, BODY, HOST, WANT, N_FIELDS };

struct prober {
    uint16_t api, http, https;
    const char *token;
    bool is_watching;
    SSL_CTX *api_tls, *look_tls;
    SSL *ssl;                   /* To the API server, kept. */
    char answer[MAX_ANSWER + 1];
};

/* --- The API server --- */

/* True once the whole answer is there: a length, or the last chunk. */
static bool
is_whole(const char *answer, size_t size)
{
    const char *body = strstr(answer, "\r\n\r\n");
    const char *length = strcasestr(answer, "\r\ncontent-length:");

    if (!body) {
        return false;
    }
    if (length && length < body) {
        return size >= (size_t) (body + 4 - answer) +
                           strtoul(length + 17, NULL, 10);
    }
    return str_ends(answer, "\r\n0\r\n\r\n");
}

static int
ask_once(struct prober *p, const char *request)
{
    size_t size = 0;

    if (!p->ssl) {
        p->ssl = peer_dial_tls(p->api_tls, p->api, "kubernetes");
    }
    if (!p->ssl || SSL_write(p->ssl, request, (int) strlen(request)) <= 0) {
        return 0;
    }
    while (size < MAX_ANSWER) {
        int n = SSL_read(p->ssl, p->answer + size,
                         (int) (MAX_ANSWER - size));

        if (n <= 0) {
            return 0;
        }
        size += (size_t) n;
        p->answer[size] = '\0';
        if (is_whole(p->answer, size)) {
            return atoi(p->answer + strlen("HTTP/1.1 "));
        }
    }
    return 0;
}

static int
ask(struct prober *p, char *const fields[])
{
    const char *body = str_eq(fields[BODY], "-") ? "" : fields[BODY];
    AUTO_FREE char *request = xasprintf(
        "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAuthorization: Bearer %s\r\n"
        "Accept: application/json\r\nContent-Type: %s\r\n"
        "Content-Length: %zu\r\n\r\n%s", fields[METHOD], fields[PATH],
        (unsigned) p->api, p->token, fields[TYPE], strlen(body), body);
    int status = ask_once(p, request);

    if (status == 0) {
        /* A connection that was closed between two requests. */
        if (p->ssl) {
            peer_hang_up(p->ssl);
            p->ssl = NULL;
        }
        status = ask_once(p, request);
    }
    return status;
}

/* --- The proxy --- */

static bool
has_name(const SSL *ssl, const char *want)
{
    X509 *cert = SSL_get1_peer_certificate(ssl);
    char name[256] = "";

    if (cert) {
        X509_NAME_get_text_by_NID(X509_get_subject_name(cert),
                                  NID_commonName, name, sizeof name);
        X509_free(cert);
    }
    return str_eq(name, want);
}

static bool
serves_cert(const struct prober *p, const char *host, const char *want)
{
    SSL *ssl = peer_dial_tls(p->look_tls, p->https, host);
    bool is_right = ssl && has_name(ssl, want);

    if (ssl) {
        peer_hang_up(ssl);
    }
    return is_right;
}

static bool
serves(const struct prober *p, const char *host, const char *want)
{
    AUTO_FREE char *request =
        xasprintf("GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n",
                  host);
    AUTO_FREE char *origin = NULL;
    AUTO_CLOSE int fd = -1;
    char answer[4096];
    ssize_t n;

    if (str_starts(want, "cert:")) {
        return serves_cert(p, host, want + strlen("cert:"));
    }
    fd = peer_dial(p->http);
    if (fd < 0 ||
        send(fd, request, strlen(request), MSG_NOSIGNAL) < 0) {
        return false;
    }
    n = recv(fd, answer, sizeof answer - 1, 0);
    answer[n > 0 ? n : 0] = '\0';
    if (!str_starts(want, "origin:")) {
        return n > 12 && strncmp(answer + strlen("HTTP/1.1 "), want, 3) == 0;
    }
    origin = xasprintf("\r\nx-origin: %s\r\n", want + strlen("origin:"));
    return strcasestr(answer, origin) != NULL;
}

static void
look(const struct prober *p, const char *host, const char *want)
{
    int64_t deadline = peer_now_us() + DEADLINE_US;

    while (!serves(p, host, want)) {
        if (peer_now_us() > deadline) {
            fprintf(stderr, "%s %s: ", host, want);
            peer_fail("not served in time");
        }
        usleep(LOOK_US);
    }
}

/* When a watch told of what was just done; 0: nobody knows. */
static int64_t
told_us(const struct prober *p, char *const fields[])
{
    static const char mark[] = "\"resourceVersion\":\"";
    const char *at = strstr(p->answer, mark);
    const char *name = strrchr(fields[PATH], '/');
    AUTO_FREE char *version = NULL;

    if (!p->is_watching) {
        return 0;
    }
    if (str_eq(fields[METHOD], "DELETE") || !at) {
        return watcher_when_us("", name + 1);
    }
    at += strlen(mark);
    version = xstrndup(at, strcspn(at, "\""));
    return watcher_when_us(version, "");
}

static void
play(struct prober *p, char *line)
{
    char *fields[N_FIELDS];
    int64_t sent, answered, done, told = 0;
    int status;

    for (int i = 0; i < N_FIELDS; i++) {
        fields[i] = strsep(&line, "\t");
        if (!fields[i]) {
            peer_fail("a line with too few fields");
        }
    }
    sent = peer_now_us();
    status = ask(p, fields);
    answered = peer_now_us();
    if (!str_eq(fields[WANT], "-")) {
        look(p, fields[HOST], fields[WANT]);
        done = peer_now_us();
        told = told_us(p, fields);
    } else {
        done = answered;
    }
    printf("%d %" PRId64 " %" PRId64 " %" PRId64 "\n", status, done - sent,
           done - answered, told ? done - told : 0);
    fflush(stdout);
}

static void
watch_all(struct prober *p, char **paths)
{
    const struct watcher_server server = { .tls = p->api_tls,
                                           .port = p->api,
                                           .token = p->token };

    for (; *paths; paths++) {
        watcher_start(&server, *paths);
        p->is_watching = true;
    }
}

int
main(int argc, char **argv)
{
    static struct prober p;
    uint64_t api, http, https;
    char *line = NULL;
    size_t room = 0;

    if (argc < 6 || !parse_u64(argv[1], 1, 65535, &api) ||
        !parse_u64(argv[4], 0, 65535, &http) ||
        !parse_u64(argv[5], 0, 65535, &https)) {
        fprintf(stderr, "usage: prober API-PORT CA TOKEN HTTP-PORT "
                        "HTTPS-PORT [WATCH-PATH]...\n");
        return 2;
    }
    p.api = (uint16_t) api;
    p.http = (uint16_t) http;
    p.https = (uint16_t) https;
    p.token = argv[3];
    p.api_tls = SSL_CTX_new(TLS_client_method());
    p.look_tls = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(p.api_tls, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_file(p.api_tls, argv[2]) != 1) {
        peer_fail(argv[2]);
    }
    watch_all(&p, argv + 6);
    while (getline(&line, &room, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        play(&p, line);
    }
    free(line);
    return 0;
}
