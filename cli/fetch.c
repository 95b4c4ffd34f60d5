#include "cli/fetch.h"

#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/base/waits.h"
#include "lib/kube/creds.h"
#include "lib/kube/http.h"

#define DEADLINE_MS 10000
#define MAX_ANSWER ((size_t) 256 << 20)

struct fetched {
    struct buf *out;
    struct err *err;
    bool is_done;
};

static void
take_answer(const struct http_response *response, void *aux)
{
    struct fetched *f = aux;

    f->is_done = true;
    if (response->err) {
        f->err = err_new(ERR_GONE, "%s", err_text(response->err));
    } else if (response->status != 200) {
        AUTO_FREE char *body = str_trim(response->body);
        AUTO_FREE char *quoted = str_quote(body);

        f->err = err_new(ERR_GONE, "answers %d %s", response->status, quoted);
    } else {
        buf_put(f->out, response->body, response->size);
    }
}

struct err *
fetch(const char *server, const char *path, struct buf *out)
{
    struct fetched fetched = { .out = out };
    AUTO_CREDS struct creds *creds = NULL;
    struct err *err = creds_load_server(server, &creds);
    struct http_request request = {
        .method = HTTP_GET,
        .path = path,
        .max_body = MAX_ANSWER,
        .deadline_ms = clock_ms() + DEADLINE_MS,
        .done = take_answer,
        .aux = &fetched,
    };
    struct waits waits;
    struct http *http;

    if (err) {
        return err;
    }
    http = http_new(creds, "sallyport");
    http_send(http, &request);
    waits_init(&waits);
    for (;;) {
        http_run(http, clock_ms());
        if (fetched.is_done) {
            break;
        }
        waits_clear(&waits);
        http_wait(http, &waits);
        waits_until(&waits, clock_ms() + DEADLINE_MS);
        waits_block(&waits);
    }
    waits_fini(&waits);
    http_free(http);
    return err_wrap(fetched.err, "%s%s", server, path);
}
