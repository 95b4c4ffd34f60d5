/* constant: the webhook's HTTP server, answering every request alike.
 *
 * usage: constant HOST:PORT CERTIFICATE KEY
 *
 * What the admission benchmark holds the webhook against: the same server,
 * TLS, caps and threads, and no judging.  Ends with SIGTERM.
 */
#include <signal.h>
#include <stdio.h>

#include "lib/base/httpd.h"
#include "webhook/limits.h"

#define THREADS 4

static void
answer(const struct httpd_request *request, struct httpd_response *response,
       void *aux)
{
    static const char text[] =
        "{\"apiVersion\":\"admission.k8s.io/v1\","
        "\"kind\":\"AdmissionReview\",\"response\":{\"uid\":"
        "\"705ab4f5-6393-11e8-b7cc-000000000000\",\"allowed\":true}}";

    (void) request;
    (void) aux;
    response->content_type = "application/json";
    buf_puts(&response->body, text);
}

int
main(int argc, char **argv)
{
    struct httpd_options options = {
        .threads = THREADS,
        .max_connections = WEBHOOK_MAX_CONNECTIONS,
        .max_body = WEBHOOK_MAX_REVIEW,
        .max_bodies = WEBHOOK_MAX_REVIEWS,
        .idle_timeout_s = WEBHOOK_IDLE_S,
        .handler = answer,
    };
    AUTO_ERR struct err *err = NULL;
    struct httpd *httpd;
    sigset_t set;
    int which;

    if (argc != 4) {
        fputs("usage: constant HOST:PORT CERTIFICATE KEY\n", stderr);
        return 2;
    }
    options.address = argv[1];
    options.certificate_file = argv[2];
    options.key_file = argv[3];
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    err = httpd_start(&options, &httpd);
    if (err) {
        fprintf(stderr, "constant: %s\n", err_text(err));
        return 1;
    }
    sigwait(&set, &which);
    httpd_stop(httpd);
    return 0;
}
