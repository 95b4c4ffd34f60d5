#include "haproxy/prove.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"

#define H PROVE_HOST
#define ANSWER_MAX 65536
#define FROM_ANYONE "TCP4 198.51.100.1 127.0.0.1"

enum where { BOTH, ONLY_HTTP, ONLY_HTTPS };

/* One request and what must come of it. */
struct proof {
    const char *host;       /* NULL: no Host at all. */
    const char *request;    /* "METHOD TARGET", HTTP/1.1 is added. */
    const char *headers;    /* Lines with CRLF, or NULL. */
    const char *body;       /* NULL: none. */
    const char *from;       /* PROXY protocol; NULL: FROM_ANYONE. */
    int status;
    const char *want;       /* In the answer, or NULL. */
    enum where where;
};

#define LABEL(name) "http://" H "/=" name "\r\n"

static const struct proof proofs[] = {
    /* The key: Exact over Prefix, element by element. */
    { .host = H, .request = "GET /", .status = 302, .want = LABEL("root") },
    { .host = H, .request = "GET /a/b", .status = 302,
      .want = LABEL("exact") },
    { .host = H, .request = "GET /a/b/", .status = 302,
      .want = LABEL("prefix") },
    { .host = H, .request = "GET /a/b/c?x", .status = 302,
      .want = LABEL("prefix") },
    { .host = H, .request = "GET /a/bc", .status = 302,
      .want = LABEL("root") },
    { .host = "PROOF.invalid.:80", .request = "GET /a/b", .status = 302,
      .want = LABEL("exact") },
    { .host = "any." H, .request = "GET /x", .status = 302,
      .want = LABEL("wild") },
    { .host = "own." H, .request = "GET /x", .status = 404,
      .want = "default backend" },
    { .host = "own." H, .request = "GET /p/x", .status = 302,
      .want = LABEL("own") },
    { .host = H, .request = "GET /gone", .status = 503 },
    { .host = H, .request = "GET /tls/%2f?q=1", .status = 308,
      .want = "/tls/%2f?q=1\r\n" },
    /* The Host guard. */
    { .host = H "/a/b", .request = "GET /", .status = 400 },
    { .host = H "/a/b/\001", .request = "GET /", .status = 400 },
    { .host = H "," H, .request = "GET /", .status = 400 },
    { .host = "*." H, .request = "GET /", .status = 400 },
    { .host = NULL, .request = "GET /", .status = 400 },
    /* The canonical path, one normaliser at a time. */
    { .host = H, .request = "GET /%61/b", .status = 302,
      .want = LABEL("exact") },
    { .host = H, .request = "GET //a//b", .status = 302,
      .want = LABEL("exact") },
    { .host = H, .request = "GET /a/./b", .status = 302,
      .want = LABEL("exact") },
    { .host = H, .request = "GET /x/../a/b", .status = 302,
      .want = LABEL("exact") },
    { .host = H, .request = "GET /x/%2e%2E/a%2fb", .status = 302,
      .want = LABEL("exact") },
    { .host = H, .request = "GET /a/b/..%2F..", .status = 302,
      .want = LABEL("root") },
    { .host = H, .request = "GET /a/b/\001", .status = 400 },
    { .host = H, .request = "GET /a/b/%01", .status = 400 },
    { .host = H, .request = "GET /a%zz", .status = 400 },
    { .host = H, .request = "GET /a%5cb", .status = 400 },
    { .host = H, .request = "GET /a\\b", .status = 400 },
    { .host = H ":80", .request = "CONNECT " H ":80", .status = 405 },
    /* The chooser. */
    { .host = "re." H, .request = "GET /R12/x", .status = 302,
      .want = LABEL("regex") },
    { .host = "re." H, .request = "GET /x/r1", .status = 404,
      .want = "default backend" },
    { .host = H, .request = "GET /r12", .status = 302,
      .want = LABEL("root") },
    /* Policy. */
    { .host = H, .request = "GET /deny", .from = "TCP4 192.0.2.127 127.0.0.1",
      .status = 403 },
    { .host = H, .request = "GET /deny", .from = "TCP4 192.0.2.128 127.0.0.1",
      .status = 200 },
    { .host = H, .request = "GET /deny", .from = "TCP6 2001:db8::1 ::1",
      .status = 403 },
    { .host = H, .request = "GET /deny", .from = "TCP4 32.1.13.184 127.0.0.1",
      .status = 200 },
    { .host = H, .request = "GET /deny",
      .from = "TCP6 ::ffff:192.0.2.1 ::1", .status = 403 },
    { .host = H, .request = "GET /allow", .from = "TCP4 192.0.2.7 127.0.0.1",
      .status = 200 },
    { .host = H, .request = "GET /allow", .from = "TCP4 192.0.2.70 127.0.0.1",
      .status = 403 },
    { .host = H, .request = "GET /x/..//allow", .status = 403 },
    { .host = H, .request = "POST /body", .headers = "Content-Length: 5\r\n",
      .body = "12345", .status = 413 },
    { .host = H, .request = "OPTIONS /cors",
      .headers = "Origin: https://a.good.invalid\r\n", .status = 204,
      .want = "https://a.good.invalid" },
    { .host = H, .request = "OPTIONS /cors",
      .headers = "Origin: https://a.b.good.invalid\r\n", .status = 200 },
    { .host = H, .request = "GET /strip/%2561/x?q", .status = 200,
      .want = "\n/%2561/x\n" },
    /* What is not there protects. */
    { .host = H, .request = "GET /gap/all", .status = 503 },
    { .host = H, .request = "GET /gap/id", .status = 503 },
    { .host = H, .request = "GET /gap/deny", .status = 403 },
    { .host = H, .request = "GET /gap/allow", .status = 403 },
    { .host = H, .request = "GET /gap/auth", .status = 503 },
    { .host = H, .request = "GET /gap/ask", .status = 503 },
    { .host = H, .request = "GET /gap/body", .status = 413 },
    { .host = H, .request = "GET /gap/rps", .status = 503 },
    { .host = H, .request = "GET /gap/rpm", .status = 503 },
    { .host = H, .request = "GET /gap/connections", .status = 503 },
    /* The name of the handshake; without TLS there is none. */
    { .host = H, .request = "GET /sni", .status = 421,
      .where = ONLY_HTTPS },
    { .host = H, .request = "GET /sni", .status = 503, .where = ONLY_HTTP },
};

/* -- One exchange ------------------------------------------------------- */

static struct err *
wait_for(int fd, short events, int64_t deadline_ms)
{
    for (;;) {
        struct pollfd p = { .fd = fd, .events = events };
        int64_t left = deadline_ms - clock_ms();
        int n = left <= 0 ? 0 : poll(&p, 1, (int) (left > 60000 ? 60000
                                                                : left));

        if (n > 0) {
            return NULL;
        }
        if (n == 0 && clock_ms() >= deadline_ms) {
            return err_new(ERR_UNAVAILABLE, "no answer in time");
        }
        if (n < 0 && errno != EINTR) {
            return err_errno(ERR_UNAVAILABLE, errno, "poll");
        }
    }
}

static struct err *
connect_to(const char *path, int *fdp)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    AUTO_CLOSE int fd = socket(AF_UNIX,
                               SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    *fdp = -1;
    if (fd < 0) {
        return err_errno(ERR_UNAVAILABLE, errno, "socket");
    }
    if (strlen(path) >= sizeof to.sun_path) {
        return err_new(ERR_INVALID, "%s is too long for a socket", path);
    }
    memcpy(to.sun_path, path, strlen(path) + 1);
    if (connect(fd, (const struct sockaddr *) &to, sizeof to) < 0) {
        return err_errno(ERR_UNAVAILABLE, errno, "connect to %s", path);
    }
    *fdp = STEAL_FD(fd);
    return NULL;
}

/* HAProxy may answer before it has read all; then the rest cannot be sent. */
static struct err *
send_all(int fd, const struct buf *request, int64_t deadline_ms)
{
    size_t done = 0;

    while (done < request->size) {
        ssize_t n = send(fd, request->data + done, request->size - done,
                         MSG_NOSIGNAL);

        if (n >= 0) {
            done += (size_t) n;
        } else if (errno == EAGAIN) {
            struct err *err = wait_for(fd, POLLOUT, deadline_ms);

            if (err) {
                return err;
            }
        } else if (errno == EPIPE || errno == ECONNRESET) {
            return NULL;
        } else if (errno != EINTR) {
            return err_errno(ERR_UNAVAILABLE, errno, "send");
        }
    }
    return NULL;
}

static struct err *
read_all(int fd, struct buf *answer, int64_t deadline_ms)
{
    for (;;) {
        size_t room;
        char *tail = buf_room(answer, &room);
        ssize_t n;

        if (room == 0) {
            return err_new(ERR_LIMIT, "an answer over %d bytes", ANSWER_MAX);
        }
        n = recv(fd, tail, room, 0);
        if (n > 0) {
            buf_grow(answer, (size_t) n);
        } else if (n == 0 || errno == ECONNRESET) {
            return NULL;
        } else if (errno == EAGAIN) {
            struct err *err = wait_for(fd, POLLIN, deadline_ms);

            if (err) {
                return err;
            }
        } else if (errno != EINTR) {
            return err_errno(ERR_UNAVAILABLE, errno, "receive");
        }
    }
}

static struct err *
exchange(const char *path, const struct proof *proof, struct buf *answer,
         int64_t deadline_ms)
{
    AUTO_BUF struct buf request = BUF_OWN;
    AUTO_CLOSE int fd = -1;
    struct err *err;

    buf_printf(&request, "PROXY %s 1 1\r\n%s HTTP/1.1\r\n",
               proof->from ? proof->from : FROM_ANYONE, proof->request);
    if (proof->host) {
        buf_printf(&request, "Host: %s\r\n", proof->host);
    }
    buf_printf(&request, "%sConnection: close\r\n\r\n%s",
               proof->headers ? proof->headers : "",
               proof->body ? proof->body : "");
    err = connect_to(path, &fd);
    if (!err) {
        err = send_all(fd, &request, deadline_ms);
    }
    if (!err) {
        err = read_all(fd, answer, deadline_ms);
    }
    return err;
}

/* -- Judging ------------------------------------------------------------ */

/* The status of "HTTP/1.x NNN ...", 0 where there is none. */
static int
status_of(const char *answer)
{
    int status = 0;

    if (!str_starts(answer, "HTTP/1.") || strlen(answer) < 12) {
        return 0;
    }
    for (const char *p = answer + 9; p < answer + 12; p++) {
        if (*p < '0' || *p > '9') {
            return 0;
        }
        status = 10 * status + (*p - '0');
    }
    return status;
}

static struct err *
judge(const struct proof *proof, const char *answer)
{
    int status = status_of(answer);
    bool is_right = status == proof->status &&
                    (!proof->want || strstr(answer, proof->want));
    AUTO_FREE char *request = str_quote(proof->request);
    AUTO_FREE char *host = str_quote(proof->host ? proof->host : "");
    AUTO_FREE char *got = str_quote(answer);
    AUTO_FREE char *want = str_quote(proof->want ? proof->want : "");

    if (is_right) {
        return NULL;
    }
    return err_new(ERR_PROTOCOL, "%s for Host %s must be answered %d%s%s, "
                   "not %s", request, host, proof->status,
                   proof->want ? " with " : "", proof->want ? want : "",
                   got);
}

struct err *
prove_run(const char *run_dir, bool is_https, int64_t deadline_ms)
{
    AUTO_FREE char *path = xasprintf("%s/proof-%s.sock", run_dir,
                                     is_https ? "https" : "http");

    for (size_t i = 0; i < ARRAY_SIZE(proofs); i++) {
        AUTO_BUF struct buf answer = BUF_INIT(ANSWER_MAX);
        struct err *err;

        if (proofs[i].where == (is_https ? ONLY_HTTP : ONLY_HTTPS)) {
            continue;
        }
        err = exchange(path, &proofs[i], &answer, deadline_ms);
        if (err) {
            err = err_wrap(err, "%s", proofs[i].request);
        } else {
            err = judge(&proofs[i], buf_str(&answer));
        }
        if (err) {
            return err_wrap(err, "the program's proof over %s",
                            is_https ? "https" : "http");
        }
    }
    return NULL;
}
