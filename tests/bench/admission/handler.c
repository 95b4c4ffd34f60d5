/* handler: reviews handed to the webhook's handler, without HTTP and TLS, for
 * whoever counts instructions.
 *
 * usage: handler FOLDER KUBECONFIG INGRESSES REVIEWS
 *
 * FOLDER is generate.py's, KUBECONFIG api.py's; reviews are created, updated and refused 2 : 2 : 1,
 * and each verdict is checked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/waits.h"
#include "webhook/server.h"

#define MAX_REVIEW 65536

enum { CREATE, UPDATE, CONFLICT, N_KINDS };
static const char *const files[N_KINDS] = { "create.review", "update.review",
                                            "conflict.review" };
static const int mix[] = { CREATE, UPDATE, CREATE, UPDATE, CONFLICT };

static void
fail(const char *what)
{
    fprintf(stderr, "handler: %s\n", what);
    exit(1);
}

static size_t
read_review(const char *folder, const char *file, char *out)
{
    AUTO_FREE char *path = xasprintf("%s/%s", folder, file);
    FILE *f = fopen(path, "re");
    const size_t n = f ? fread(out, 1, MAX_REVIEW - 1, f) : 0;

    if (n == 0) {
        fail(path);
    }
    fclose(f);
    out[n] = '\0';
    return n;
}

/* A run of "#" is as many of the first of eight digits. */
static void
fill(const char *from, char *to, unsigned number)
{
    char digits[16];
    size_t n = 0;

    snprintf(digits, sizeof digits, "%08u", number % 100000000);
    for (; *from; from++, to++) {
        n = *from == '#' ? n : 0;
        *to = *from == '#' ? digits[n++ % 8] : *from;
    }
    *to = '\0';
}

static void
ask(struct server *server, const char *text, size_t size, bool is_allowed)
{
    const struct httpd_request request = {
        .method = "POST",
        .path = "/validate",
        .content_type = "application/json",
        .body = text,
        .body_size = size,
    };
    struct httpd_response response = { .status = 200, .body = BUF_OWN };

    server_answer(&request, &response, server);
    if (response.status != 200 ||
        (strstr(buf_str(&response.body), "\"allowed\":true") != NULL) !=
            is_allowed) {
        fail(buf_str(&response.body));
    }
    buf_fini(&response.body);
}

int
main(int argc, char **argv)
{
    static char texts[N_KINDS][MAX_REVIEW], review[MAX_REVIEW];
    const struct ruleset ruleset = RULESET_INIT;
    struct metrics *metrics = metrics_new();
    struct reserve *reserve = reserve_new(&ruleset);
    struct watch *watch = watch_new(&ruleset, reserve);
    struct server *server = server_new(watch, reserve, NULL, metrics);
    AUTO_ERR struct err *err = NULL;
    uint64_t n_ingresses, n_reviews;
    struct waits waits;

    if (argc != 5 || !parse_u64(argv[3], 1, 10000000, &n_ingresses) ||
        !parse_u64(argv[4], 1, 10000000, &n_reviews)) {
        fail("usage: handler FOLDER KUBECONFIG INGRESSES REVIEWS");
    }
    for (size_t i = 0; i < N_KINDS; i++) {
        read_review(argv[1], files[i], texts[i]);
    }
    err = watch_open_cluster(watch, argv[2]);
    if (err) {
        fail(err_text(err));
    }
    waits_init(&waits);
    while (!watch_is_synced(watch)) {
        watch_run(watch, clock_ms());
        waits_clear(&waits);
        watch_wait(watch, &waits);
        waits_block(&waits);
    }
    waits_fini(&waits);
    for (unsigned i = 0; i < n_reviews; i++) {
        const int kind = mix[i % ARRAY_SIZE(mix)];

        fill(texts[kind], review, kind == CREATE
                                      ? i
                                      : i % (unsigned) n_ingresses);
        ask(server, review, strlen(review), kind != CONFLICT);
    }
    server_free(server);
    watch_free(watch);
    reserve_free(reserve);
    metrics_free(metrics);
    return 0;
}
