/* The model's verdicts on a batch of requests, for test_model.py.
 *
 * usage: verdicts DIR [flags of the rule set]
 *
 * Reads a request a line, fields by blanks, bytes in hex ("-" where there is
 * none, "." for no bytes): SCHEME VERSION METHOD TARGET HOST, and prints a verdict a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/scene.h"
#include "lib/base/flags.h"
#include "lib/base/mem.h"
#include "lib/kube/manifests.h"

enum { MAX_LINE = 1 << 17 };

static int
nibble(char c)
{
    const char *digits = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int) (at - digits) : 0;
}

/* NULL for "-"; '*has_nul' where a byte is NUL. */
static char *
decode(const char *hex, bool *has_nul)
{
    size_t n = strcmp(hex, ".") == 0 ? 0 : strlen(hex) / 2;
    char *out;

    if (strcmp(hex, "-") == 0) {
        return NULL;
    }
    out = xcalloc(n + 1, 1);
    for (size_t i = 0; i < n; i++) {
        out[i] = (char) (nibble(hex[2 * i]) << 4 | nibble(hex[2 * i + 1]));
        *has_nul = *has_nul || out[i] == '\0';
    }
    return out;
}

static void
print_port(const struct kube_port *port)
{
    if (port->name) {
        printf("%s\n", port->name);
    } else {
        printf("%d\n", (int) port->number);
    }
}

static void
print_row(const struct serve_row *row, enum serve_action action,
          const char *host)
{
    switch (action) {
    case SERVE_FORWARD:
        printf("backend %s/%s/", row->model->object->namespace,
               row->route.backend.service);
        print_port(&row->route.backend.port);
        return;
    case SERVE_HTTPS_REDIRECT:
        printf("308 %s\n", host);
        return;
    case SERVE_REDIRECT:
        printf("redirect %u %s\n", row->model->settings->redirect_code,
               row->model->settings->redirect_url);
        return;
    case SERVE_APP_ROOT:
        printf("redirect 302 %s\n", row->model->settings->app_root);
        return;
    case SERVE_OTHER_NAME:
        printf("308 %s\n", row->route.of);
        return;
    case SERVE_UNAVAILABLE:
        puts("unavailable");
        return;
    case SERVE_DEFAULT:
        puts("default");
        return;
    case SERVE_NOT_FOUND:
        puts("none");
        return;
    }
}

static void
judge_line(const struct lookup_world *world, char *line)
{
    char *save = NULL;
    const char *fields[5];
    bool has_nul = false;
    struct lookup_request request;
    struct lookup_answer answer;

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        fields[i] = strtok_r(i == 0 ? line : NULL, " \n", &save);
        if (!fields[i]) {
            puts("malformed");
            return;
        }
    }
    AUTO_FREE char *method = decode(fields[2], &has_nul);
    AUTO_FREE char *target = decode(fields[3], &has_nul);
    AUTO_FREE char *host = decode(fields[4], &has_nul);

    if (has_nul || !method || !target) {
        puts("refused 400");
        return;
    }
    request = (struct lookup_request) {
        .is_https = strcmp(fields[0], "https") == 0,
        .version = strcmp(fields[1], "10") == 0   ? 10
                   : strcmp(fields[1], "20") == 0 ? 20
                                                  : 11,
        .method = method, .target = target, .host = host,
    };
    lookup(world, &request, &answer);
    if (answer.status != 0) {
        printf("refused %u\n", answer.status);
    } else {
        print_row(answer.row, answer.action, answer.host);
    }
    lookup_fini(&answer);
}

static int
run(const char *dir, const struct ruleset *rules)
{
    AUTO(manifests_problems_fini) struct manifests_problems problems =
        MANIFESTS_PROBLEMS_INIT;
    AUTO_FREE char *line = xcalloc(MAX_LINE, 1);
    struct scene *scene = scene_new(rules);
    AUTO_ERR struct err *err = NULL;
    struct lookup_world world;

    manifests_read(&dir, 1, scene_add, scene, &problems);
    for (size_t i = 0; i < problems.all.n; i++) {
        AUTO_FREE char *text =
            manifests_problem_text(&problems.all.items[i]);

        fprintf(stderr, "%s\n", text);
    }
    err = scene_finish(scene, false);
    if (err) {
        fprintf(stderr, "verdicts: %s\n", err_text(err));
    }
    world = scene_world(scene);
    while (!err && fgets(line, MAX_LINE, stdin)) {
        judge_line(&world, line);
    }
    scene_free(scene);
    return err || problems.all.n > 0;
}

int
main(int argc, char **argv)
{
    struct ruleset rules = RULESET_INIT;
    struct flag flags[RULESET_MAX_FLAGS];
    size_t n = ruleset_flags(&rules, flags);
    struct err *err;
    int status;

    if (argc < 2) {
        fputs("usage: verdicts DIR [FLAGS]\n", stderr);
        return 2;
    }
    err = flags_parse(flags, n, argc - 1, argv + 1, NULL, NULL);
    if (!err) {
        err = ruleset_finish(&rules);
    }
    if (err) {
        fprintf(stderr, "verdicts: %s\n", err_text(err));
        err_free(err);
        return 2;
    }
    status = run(argv[1], &rules);
    ruleset_fini(&rules);
    return status;
}
