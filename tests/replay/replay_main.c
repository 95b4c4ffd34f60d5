/* replay: runs scripts, and sweeps faults over them.
 *
 * usage: replay [-v] [--sweep[=N]] SCRIPT...
 *
 * Prints one line per script; of a script that fails also what happened in
 * it.  Ends with 1 where one failed, with 2 where one cannot be read.
 *
 * --sweep runs each script again and again, breaking its first, second, ...
 * request (at most N of them, evenly spread; 40), once before the server has
 * done it and once after.  What the script expects of single moments is not
 * asked then; the properties are, and two minutes after the end HAProxy and
 * all statuses must be as without the fault.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "tests/replay/replay.h"
#include "tests/replay/script.h"

#define SWEEP_DEFAULT 40
#define CONVERGE_MS 120000
#define MAX_SCRIPT ((size_t) 1 << 20)
/* The end of a transcript says most. */
#define MAX_SHOWN ((size_t) 24 << 10)

struct options {
    bool verbose;
    uint64_t sweep;             /* 0: no sweep. */
    const char *dir;
};

static char *
read_file(const char *path)
{
    AUTO_BUF struct buf text = BUF_INIT(MAX_SCRIPT);
    FILE *file = fopen(path, "r");
    size_t n = 1;

    if (!file) {
        return NULL;
    }
    while (n > 0) {
        size_t room;
        char *at = buf_room(&text, &room);

        n = room ? fread(at, 1, room, file) : 0;
        buf_grow(&text, n);
    }
    fclose(file);
    return buf_take(&text);
}

static void
show(const struct replay *r)
{
    const char *text = buf_str(&r->transcript);
    size_t size = r->transcript.size;

    if (size > MAX_SHOWN) {
        text += size - MAX_SHOWN;
        text += strcspn(text, "\n");
        printf("...");
    }
    puts(text);
}

/* Everything that disturbs is taken away, and time passes. */
static void
converge(struct replay *r)
{
    r->no_compare = false;
    r->api.is_down = r->api.is_frozen = false;
    VEC_FINI(&r->api.rules);
    r->haproxy.is_held = r->haproxy.is_down = false;
    r->haproxy.n_failures = 0;
    fake_api_rival_left();
    if (!r->app) {
        replay_start(r);
    }
    if (!r->failure) {
        replay_advance(r, CONVERGE_MS);
    }
}

/* What must not depend on faults: rows but for the certificate made at
 * start, and statuses. */
static char *
result(const struct replay *r)
{
    AUTO_BUF struct buf dump = BUF_OWN;
    AUTO_BUF struct buf out = BUF_OWN;
    json_t *list = apiserver_list(&r->api.store, KUBE_INGRESS, NULL, NULL);
    const char *at;
    json_t *item;
    size_t i;

    plan_dump(r->haproxy.mirror, &dump);
    for (at = buf_str(&dump); *at; at += strcspn(at, "\n") + 1) {
        if (!str_starts(at, "cert \"\"")) {
            buf_printf(&out, "%.*s\n", (int) strcspn(at, "\n"), at);
        }
    }
    json_array_foreach(list, i, item) {
        json_t *balancer = json_object_get(json_object_get(item, "status"),
                                           "loadBalancer");
        json_t *list_of = json_object_get(balancer, "ingress");
        AUTO_FREE char *text = json_dumps(list_of, JSON_COMPACT);

        /* An empty list and none at all are the same. */
        buf_printf(&out, "status %s/%s %s\n",
                   apiserver_text(item, "metadata", "namespace"),
                   apiserver_text(item, "metadata", "name"),
                   json_array_size(list_of) ? text : "");
    }
    json_decref(list);
    return buf_take(&out);
}

static bool
run_once(const struct options *o, const char *path, const char *text)
{
    struct replay r;
    bool ok;

    replay_init(&r, path, o->dir);
    replay_script(&r, text);
    ok = !r.failure;
    if (!ok || o->verbose) {
        show(&r);
    }
    printf("%s %s (%" PRIu64 " turns, %" PRIu64 " compared, %" PRIu64
           " requests, %" PRIu64 " random changes)%s%s\n",
           ok ? "ok" : "FAILED", path, r.n_turns, r.n_compared,
           r.api.n_requests, r.n_churned, ok ? "" : "\n  ",
           ok ? "" : r.failure);
    replay_fini(&r);
    return ok;
}

/* ---- the sweep ---- */

struct swept {
    uint64_t n_requests;
    bool no_sweep;
    char *result;
    char *failure;
};

static void
run_swept(const struct options *o, const char *path, const char *text,
          uint64_t fail_at, enum fake_how how, struct swept *out)
{
    struct replay r;

    replay_init(&r, path, o->dir);
    r.no_expect = true;
    r.api.fail_at = fail_at;
    r.api.fail_how = how;
    replay_script(&r, text);
    *out = (struct swept) { .n_requests = r.api.n_requests,
                            .no_sweep = r.no_sweep };
    if (!r.failure) {
        converge(&r);
    }
    out->result = result(&r);
    out->failure = STEAL_PTR(r.failure);
    if (out->failure) {
        show(&r);
    }
    replay_fini(&r);
}

static void
swept_fini(struct swept *s)
{
    free(s->result);
    free(s->failure);
}

static bool
sweep_one(const struct options *o, const char *path, const char *text,
          uint64_t at, enum fake_how how, const struct swept *plain)
{
    struct swept one;
    bool ok;

    run_swept(o, path, text, at, how, &one);
    ok = !one.failure && str_eq(one.result, plain->result);
    if (!ok) {
        printf("FAILED %s: request %" PRIu64 " %s: %s\n", path, at,
               how == FAKE_RESET ? "broken" : "done, its answer lost",
               one.failure ? one.failure : "it does not converge");
    }
    if (!ok && !one.failure) {
        printf("--- without:\n%s--- with:\n%s", plain->result, one.result);
    }
    swept_fini(&one);
    return ok;
}

static bool
sweep(const struct options *o, const char *path, const char *text)
{
    struct swept plain;
    uint64_t n = 0, step;
    bool ok;

    run_swept(o, path, text, 0, FAKE_RESET, &plain);
    ok = !plain.failure;
    step = (plain.n_requests + o->sweep - 1) / o->sweep;
    for (uint64_t at = 1; ok && !plain.no_sweep && at <= plain.n_requests;
         at += step) {
        ok = sweep_one(o, path, text, at, FAKE_RESET, &plain) &&
             sweep_one(o, path, text, at, FAKE_LOST, &plain);
        n += 2;
    }
    printf("%s %s swept (%" PRIu64 " faults)%s%s\n", ok ? "ok" : "FAILED",
           path, n, plain.failure ? ": " : "",
           plain.failure ? plain.failure : "");
    swept_fini(&plain);
    return ok;
}

static bool
read_option(const char *arg, struct options *o)
{
    if (str_eq(arg, "-v")) {
        o->verbose = true;
        log_configure(LOG_DEBUG, LOG_TEXT);
        return true;
    }
    if (str_eq(arg, "--sweep")) {
        o->sweep = SWEEP_DEFAULT;
        return true;
    }
    return str_starts(arg, "--sweep=") &&
           parse_u64(arg + strlen("--sweep="), 1, 100000, &o->sweep);
}

int
main(int argc, char **argv)
{
    char dir[] = "/tmp/sallyport-replay-XXXXXX";
    AUTO_FREE char *kubeconfig = NULL;
    struct options options = { .dir = dir };
    int status = 0;

    setenv("POD_NAME", "replay", 1);
    unsetenv("POD_NAMESPACE");
    log_configure(LOG_ERROR, LOG_TEXT);
    if (!mkdtemp(dir)) {
        perror(dir);
        return 2;
    }
    kubeconfig = xasprintf("%s/kubeconfig", dir);
    for (int i = 1; i < argc && status != 2; i++) {
        AUTO_FREE char *text = NULL;
        bool ok;

        if (argv[i][0] == '-' && read_option(argv[i], &options)) {
            continue;
        }
        text = read_file(argv[i]);
        if (!text) {
            fprintf(stderr, "replay: cannot read %s\n", argv[i]);
            status = 2;
            break;
        }
        ok = options.sweep ? sweep(&options, argv[i], text)
                           : run_once(&options, argv[i], text);
        status = ok ? status : 1;
    }
    replay_forget_secrets();
    unlink(kubeconfig);
    rmdir(dir);
    return status;
}
