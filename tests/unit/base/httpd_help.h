/* What the tests of the HTTP server share: one on a free port, which echoes,
 * and requests by libcurl.  Files are in a folder of the test's. */
#ifndef TESTS_UNIT_BASE_HTTPD_HELP_H
#define TESTS_UNIT_BASE_HTTPD_HELP_H

#include <arpa/inet.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include "lib/base/httpd.h"
#include "lib/base/mem.h"

/* Bytes: more than two sockets take. */
#define LONG_ANSWER ((size_t) 32 << 20)

static char folder[] = "/tmp/sallyport-httpd-XXXXXX";
static struct httpd *server;
static uint16_t port;
static atomic_uint n_handled;

static inline void
free_port(void)
{
    const struct sockaddr_in any = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    struct sockaddr_in got;
    socklen_t size = sizeof got;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    assert_int_equal(bind(fd, (const struct sockaddr *) &any, sizeof any), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *) &got, &size), 0);
    port = ntohs(got.sin_port);
    close(fd);
}

static inline char *
file_in(const char *name)
{
    return xasprintf("%s/%s", folder, name);
}

static inline void
echo(const struct httpd_request *request, struct httpd_response *response,
     void *aux)
{
    (void) aux;
    atomic_fetch_add(&n_handled, 1);
    if (strcmp(request->path, "/busy") == 0) {
        response->status = 503;
        response->retry_after = "1";
    } else if (strcmp(request->path, "/post") == 0) {
        response->status = 405;
        response->allow = "POST";
    }
    buf_printf(&response->body, "%s %s %s %zu %.8s", request->method,
               request->path,
               request->content_type ? request->content_type : "-",
               request->body_size, request->body);
    if (strcmp(request->path, "/long") == 0) {
        char line[4096];

        memset(line, 'l', sizeof line);
        for (size_t i = 0; i < LONG_ANSWER / sizeof line; i++) {
            buf_put(&response->body, line, sizeof line);
        }
    }
}

static inline void
start(const char *stem, const char *client_ca)
{
    AUTO_FREE char *address = NULL;
    AUTO_FREE char *crt = stem ? xasprintf("%s/%s.crt", folder, stem) : NULL;
    AUTO_FREE char *key = stem ? xasprintf("%s/%s.key", folder, stem) : NULL;
    AUTO_FREE char *ca = client_ca ? file_in(client_ca) : NULL;
    struct httpd_options options = {
        .threads = 2,
        .max_connections = 20,
        .max_body = 100000,
        .max_bodies = 150000,
        .idle_timeout_s = 120,
        .head_timeout_s = 1,
        .certificate_file = crt,
        .key_file = key,
        .client_ca_file = ca,
        .handler = echo,
    };
    struct err *err;

    free_port();
    address = xasprintf("127.0.0.1:%u", port);
    options.address = address;
    err = httpd_start(&options, &server);
    if (err) {
        fail_msg("%s", err_text(err));
    }
}

static inline int
stop(void **state)
{
    (void) state;
    httpd_stop(server);
    server = NULL;
    return 0;
}

/* One request by libcurl; answers "STATUS body" and the headers. */
struct reply {
    struct buf text;
    struct buf headers;
    CURLcode code;
};

static inline size_t
take(char *data, size_t size, size_t n, void *aux)
{
    buf_put(aux, data, size * n);
    return size * n;
}

static inline void
reply_fini(struct reply *reply)
{
    buf_fini(&reply->text);
    buf_fini(&reply->headers);
}

struct ask {
    const char *path;
    const char *method;
    size_t body_size;
    const char *header;         /* One more, or NULL. */
    const char *ca;             /* TLS: the CA file's name. */
    const char *client;         /* TLS: stem of the client's pair. */
    long tls;                   /* CURLOPT_SSLVERSION. */
};

static inline struct reply
request(const struct ask *ask)
{
    struct reply reply = { .text = BUF_OWN, .headers = BUF_OWN };
    AUTO_FREE char *url = xasprintf("http%s://localhost:%u%s",
                                    ask->ca ? "s" : "", port, ask->path);
    AUTO_FREE char *body = xcalloc(1, ask->body_size + 1);
    AUTO_FREE char *ca = ask->ca ? file_in(ask->ca) : NULL;
    AUTO_FREE char *crt =
        ask->client ? xasprintf("%s/%s.crt", folder, ask->client) : NULL;
    AUTO_FREE char *key =
        ask->client ? xasprintf("%s/%s.key", folder, ask->client) : NULL;
    AUTO_BUF struct buf got = BUF_OWN;
    struct curl_slist *headers = NULL;
    CURL *curl = curl_easy_init();
    long status = 0;

    memset(body, 'x', ask->body_size);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 20L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &got);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, &reply.headers);
    if (ask->body_size > 0) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long) ask->body_size);
        headers = curl_slist_append(headers, "Content-Type: text/x");
    }
    if (ask->header) {
        headers = curl_slist_append(headers, ask->header);
    }
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (ask->method) {
        curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, ask->method);
    }
    if (ca) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
        curl_easy_setopt(curl, CURLOPT_SSLVERSION, ask->tls);
    }
    if (crt) {
        curl_easy_setopt(curl, CURLOPT_SSLCERT, crt);
        curl_easy_setopt(curl, CURLOPT_SSLKEY, key);
    }
    reply.code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (reply.code == CURLE_OK) {
        buf_printf(&reply.text, "%ld %s", status, buf_str(&got));
    } else {
        buf_printf(&reply.text, "failed");
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return reply;
}

static inline void
want_reply(const struct ask *ask, const char *want)
{
    AUTO(reply_fini) struct reply reply = request(ask);

    assert_string_equal(buf_str(&reply.text), want);
}

#endif /* TESTS_UNIT_BASE_HTTPD_HELP_H */
