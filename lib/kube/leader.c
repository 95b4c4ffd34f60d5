#include "lib/kube/leader.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/answer.h"
#include "lib/kube/client.h"
#include "lib/kube/limits.h"

#define LOG_MS 60000

struct leader {
    struct kube_client *client;
    struct lease *lease;
    struct kube_call *call;
    char *subject;
    char *holder;               /* As it was last logged. */
    bool was_held;
    int64_t now_ms;
    struct log_limit limit;
};

struct leader *
leader_new(struct kube_client *client, const struct lease_spec *spec)
{
    struct leader *leader = xcalloc(1, sizeof *leader);

    leader->client = client;
    leader->lease = lease_new(spec);
    leader->subject = xasprintf("%s/%s", spec->ns, spec->name);
    return leader;
}

void
leader_free(struct leader *leader)
{
    if (leader) {
        kube_client_cancel(leader->call);
        lease_free(leader->lease);
        free(leader->subject);
        free(leader->holder);
        free(leader);
    }
}

static void
on_done(const struct http_response *response, void *aux)
{
    struct leader *leader = aux;
    AUTO_ERR struct err *err = answer_err(response);
    unsigned dropped;

    leader->call = NULL;
    /* 404 and 409 are the game itself. */
    if (err && err_kind(err) != ERR_GONE && err_kind(err) != ERR_CONFLICT &&
        log_limit(&leader->limit, leader->now_ms, LOG_MS, &dropped)) {
        log_warn("kube", leader->subject, "lease: %s", err_text(err));
    }
    lease_done(leader->lease, response, leader->now_ms,
               kube_client_random(leader->client));
}

static void
log_change(struct leader *leader)
{
    bool is_held = leader_is_held(leader, leader->now_ms);
    const char *holder = lease_holder(leader->lease);

    if (is_held != leader->was_held) {
        log_info("kube", leader->subject, "%s",
                 is_held ? "this process is the leader now"
                         : "this process is not the leader any more");
        leader->was_held = is_held;
    }
    if (holder && !str_eq(holder, leader->holder)) {
        AUTO_FREE char *quoted = str_quote(holder);

        if (!is_held && holder[0] != '\0') {
            log_info("kube", leader->subject, "the leader is %s", quoted);
        }
        free(leader->holder);
        leader->holder = xstrdup(holder);
    }
}

void
leader_run(struct leader *leader, int64_t now_ms, int64_t wall_us)
{
    struct lease_request due;

    leader->now_ms = now_ms;
    log_change(leader);
    if (!leader->call && lease_start(leader->lease, now_ms, wall_us, &due)) {
        struct http_request request = {
            .method = due.method,
            .path = due.path,
            .content_type = due.body ? "application/json" : NULL,
            .body = due.body,
            .size = due.body ? strlen(due.body) : 0,
            .deadline_ms = now_ms + KUBE_LEASE_REQUEST_MS,
            .done = on_done,
            .aux = leader,
        };

        leader->call = kube_client_request(leader->client, &request);
        free(due.path);
        free(due.body);
    }
}

void
leader_wait(struct leader *leader, struct waits *w)
{
    waits_until(w, lease_due_ms(leader->lease));
    if (leader->was_held) {
        waits_until(w, lease_expires_ms(leader->lease));
    }
    if (leader->was_held != leader_is_held(leader, leader->now_ms)) {
        waits_now(w);
    }
}

bool
leader_is_held(const struct leader *leader, int64_t now_ms)
{
    return lease_is_held(leader->lease, now_ms);
}

void
leader_release(struct leader *leader)
{
    lease_release(leader->lease);
}

bool
leader_is_released(const struct leader *leader)
{
    return lease_is_released(leader->lease);
}
