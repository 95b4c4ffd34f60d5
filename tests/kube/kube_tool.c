/* kube_tool: lib/kube under the hand of a test.
 *
 *     kube_tool KUBECONFIG [NAMESPACE]
 *
 * Watches every kind, prints each change of the cache as a line, and obeys
 * the commands of the table below, one per line of standard input.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/buf.h"
#include "lib/base/clock.h"
#include "lib/base/err.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/str.h"
#include "lib/kube/cache.h"
#include "lib/kube/client.h"
#include "lib/kube/creds.h"
#include "lib/kube/events.h"
#include "lib/kube/leader.h"
#include "lib/kube/status.h"

#define MAX_WORDS 16

struct tool {
    struct cache *cache;
    struct kube_client *client;
    struct status *status;
    struct events *events;
    struct leader *leader;
    bool was_leader;
    bool is_releasing;
    struct buf input;
    bool is_synced;
    bool is_done;
};

struct command {
    const char *name;
    int n_words;                /* At least, the name included. */
    void (*run)(struct tool *, char **words, int n_words);
};

static void
say_err(struct err *err)
{
    if (err) {
        printf("error %s\n", err_text(err));
        err_free(err);
    }
}

static void
run_follow(struct tool *tool, char **words, int n_words)
{
    enum kube_kind kind;

    (void) n_words;
    if (kube_kind_parse(words[1], &kind)) {
        say_err(kube_client_follow(tool->client, kind, words[2]));
    }
}

static void
run_unfollow(struct tool *tool, char **words, int n_words)
{
    enum kube_kind kind;

    (void) n_words;
    if (kube_kind_parse(words[1], &kind)) {
        kube_client_unfollow(tool->client, kind, words[2]);
    }
}

static void
run_asked(struct tool *tool, char **words, int n_words)
{
    enum kube_kind kind;

    (void) n_words;
    if (kube_kind_parse(words[1], &kind)) {
        printf("asked %d\n",
               kube_client_has_asked(tool->client, kind, words[2]));
    }
}

/* "have Kind key version" for all, in order, then "end". */
static void
run_dump(struct tool *tool, char **words, int n_words)
{
    (void) words;
    (void) n_words;
    for (int kind = 0; kind < KUBE_N_KINDS; kind++) {
        size_t n;
        AUTO_FREE const struct kube_object **all =
            cache_list(tool->cache, (enum kube_kind) kind, &n);

        for (size_t i = 0; i < n; i++) {
            printf("have %s %s %s\n", kube_kind_name(all[i]->kind),
                   all[i]->key, all[i]->resource_version);
        }
    }
    printf("end\n");
}

static void
run_counts(struct tool *tool, char **words, int n_words)
{
    struct kube_client_counts c = kube_client_counts(tool->client);

    (void) words;
    (void) n_words;
    printf("counts {\"lists\": %llu, \"relists\": %llu, \"watches\": %llu, "
           "\"failures\": %llu, \"events\": %llu, \"bad\": %llu, "
           "\"unauthorized\": %llu, \"failing\": %llu}\n",
           (unsigned long long) c.lists, (unsigned long long) c.relists,
           (unsigned long long) c.watches, (unsigned long long) c.failures,
           (unsigned long long) c.events, (unsigned long long) c.bad_objects,
           (unsigned long long) c.unauthorized,
           (unsigned long long) c.failing);
}

/* status KEY ADDRESS... */
static void
run_status(struct tool *tool, char **words, int n_words)
{
    const struct kube_object *o =
        cache_get(tool->cache, KUBE_INGRESS, words[1]);
    struct kube_address addresses[MAX_WORDS];
    size_t n = 0;

    for (int i = 2; i < n_words; i++) {
        bool is_ip = strspn(words[i], "0123456789.:") == strlen(words[i]);

        addresses[n++] = (struct kube_address) {
            .ip = is_ip ? words[i] : NULL,
            .hostname = is_ip ? NULL : words[i],
        };
    }
    if (o) {
        status_write(tool->status, o, addresses, n);
    }
}

static void
on_status(const char *key, enum status_result result, const struct err *err,
          void *aux)
{
    static const char *const names[] = { "written", "gone", "refused" };

    (void) aux;
    printf("status %s %s %s\n", key, names[result],
           err ? err_text(err) : "");
}

/* event KEY REASON NOTE */
static void
run_event(struct tool *tool, char **words, int n_words)
{
    const struct kube_object *o =
        cache_get(tool->cache, KUBE_INGRESS, words[1]);
    struct event event = {
        .regarding = o,
        .is_warning = true,
        .reason = words[2],
        .action = "Reconcile",
        .note = words[3],
    };

    (void) n_words;
    if (o) {
        events_emit(tool->events, &event, clock_ms(), clock_wall_us());
    }
}

/* lease NAMESPACE NAME IDENTITY */
static void
run_lease(struct tool *tool, char **words, int n_words)
{
    struct lease_spec spec = {
        .ns = words[1],
        .name = words[2],
        .identity = words[3],
    };

    (void) n_words;
    leader_free(tool->leader);
    tool->leader = leader_new(tool->client, &spec);
}

static void
run_release(struct tool *tool, char **words, int n_words)
{
    (void) words;
    (void) n_words;
    if (tool->leader) {
        leader_release(tool->leader);
        tool->is_releasing = true;
    }
}

static void
run_quit(struct tool *tool, char **words, int n_words)
{
    (void) words;
    (void) n_words;
    tool->is_done = true;
}

static const struct command commands[] = {
    { "follow", 3, run_follow },     { "unfollow", 3, run_unfollow },
    { "asked", 3, run_asked },       { "dump", 1, run_dump },
    { "counts", 1, run_counts },     { "status", 2, run_status },
    { "event", 4, run_event },       { "lease", 4, run_lease },
    { "release", 1, run_release },   { "quit", 1, run_quit },
};

static void
obey(struct tool *tool, char *line)
{
    char *words[MAX_WORDS] = { NULL };
    char *save = NULL;
    int n = 0;

    for (char *word = strtok_r(line, " ", &save); word && n < MAX_WORDS;
         word = strtok_r(NULL, " ", &save)) {
        words[n++] = word;
    }
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        if (n >= commands[i].n_words &&
            str_eq(words[0], commands[i].name)) {
            commands[i].run(tool, words, n);
            return;
        }
    }
    printf("error no such command\n");
}

static void
read_commands(struct tool *tool)
{
    const char *lf;
    size_t room;
    char *tail = buf_room(&tool->input, &room);
    ssize_t n = read(STDIN_FILENO, tail, room);

    if (n == 0) {
        tool->is_done = true;
    }
    if (n <= 0) {
        return;
    }
    buf_grow(&tool->input, (size_t) n);
    while ((lf = memchr(buf_str(&tool->input), '\n', tool->input.size))) {
        size_t length = (size_t) (lf - buf_str(&tool->input));
        AUTO_FREE char *line = xstrndup(buf_str(&tool->input), length);

        buf_drop(&tool->input, length + 1);
        obey(tool, line);
    }
}

static void
say_changes(struct tool *tool)
{
    struct cache_change change;

    while (cache_take_change(tool->cache, &change)) {
        printf("%s %s %s\n",
               !change.old ? "add" : change.new ? "change" : "remove",
               kube_kind_name(change.kind), change.key);
        cache_change_fini(&change);
    }
    if (!tool->is_synced && kube_client_is_synced(tool->client)) {
        tool->is_synced = true;
        printf("synced\n");
    }
}

static void
say_leader(struct tool *tool)
{
    bool is_held = leader_is_held(tool->leader, clock_ms());

    if (is_held != tool->was_leader) {
        printf("leader %d\n", is_held);
        tool->was_leader = is_held;
    }
    if (tool->is_releasing && leader_is_released(tool->leader)) {
        printf("released\n");
        tool->is_releasing = false;
    }
}

static void
run_all(struct tool *tool)
{
    int64_t now_ms = clock_ms();

    kube_client_run(tool->client, now_ms);
    say_changes(tool);
    status_run(tool->status, now_ms);
    events_run(tool->events, now_ms);
    if (tool->leader) {
        leader_run(tool->leader, now_ms, clock_wall_us());
        say_leader(tool);
    }
    kube_client_flush(tool->client);
}

static void
wait_all(struct tool *tool, struct waits *waits)
{
    waits_clear(waits);
    waits_fd(waits, STDIN_FILENO, POLLIN);
    kube_client_wait(tool->client, waits);
    status_wait(tool->status, waits);
    events_wait(tool->events, waits);
    if (tool->leader) {
        leader_wait(tool->leader, waits);
    }
    waits_block(waits);
}

static void
watch_all(struct tool *tool, const char *ns)
{
    for (int kind = 0; kind < KUBE_N_KINDS; kind++) {
        kube_client_watch(tool->client, (enum kube_kind) kind, ns,
                          kind == KUBE_SECRET ? "type=kubernetes.io/tls"
                                              : NULL);
    }
}

int
main(int argc, char **argv)
{
    struct tool tool = { .input = BUF_INIT(1 << 16) };
    struct waits waits;
    struct creds *creds;
    struct err *err;

    if (argc < 2) {
        return 2;
    }
    log_configure(LOG_DEBUG, LOG_TEXT);
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    err = creds_load_kubeconfig(argv[1], &creds);
    if (err) {
        say_err(err);
        return 1;
    }
    tool.cache = cache_new();
    tool.client = kube_client_new(creds, tool.cache);
    tool.status = status_new(tool.client, on_status, NULL);
    tool.events = events_new(tool.client, "sallyport.dev/test", "kube-tool");
    watch_all(&tool, argc > 2 ? argv[2] : NULL);
    fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK);
    waits_init(&waits);
    while (!tool.is_done) {
        run_all(&tool);
        wait_all(&tool, &waits);
        read_commands(&tool);
    }
    waits_fini(&waits);
    buf_fini(&tool.input);
    leader_free(tool.leader);
    events_free(tool.events);
    status_free(tool.status);
    kube_client_free(tool.client);
    cache_free(tool.cache);
    return 0;
}
