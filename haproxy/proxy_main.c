/* sallyport-proxy: holds HAProxy's listeners and keeps it running. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "haproxy/files.h"
#include "haproxy/proxy.h"
#include "lib/base/flags.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

static int
usage_error(const char *text)
{
    fprintf(stderr, "sallyport-proxy: %s\n", text);
    return 2;
}

int
main(int argc, char **argv)
{
    const char *haproxy = "/usr/sbin/haproxy";
    const char *auth = NULL;
    uint64_t grace_s = 60;
    const struct flag flags[] = {
        { .name = "haproxy", .value_name = "PATH", .kind = FLAG_TEXT,
          .out = &haproxy, .doc = "the HAProxy binary" },
        { .name = "auth", .value_name = "PATH", .kind = FLAG_TEXT,
          .out = &auth, .doc = "the sallyport-auth to keep running, too "
                               "(none: it has a container of its own)" },
        { .name = "grace", .value_name = "SECONDS", .kind = FLAG_NUMBER,
          .out = &grace_s, .min = 0, .max = 86400,
          .doc = "at SIGTERM, time for requests in flight" },
    };
    AUTO_FREE const char **rest = xcalloc((size_t) argc, sizeof *rest);
    AUTO_FREE char *run_dir = NULL;
    AUTO_ERR struct err *err = NULL;
    struct proxy_options options;
    size_t n_rest = 0;

    if (flags_want_help(argc, argv)) {
        puts("usage: sallyport-proxy RUN-DIR [flags]\n\n"
             "Holds the listeners of the HAProxy in RUN-DIR and keeps it "
             "running.\n");
        flags_print(flags, ARRAY_SIZE(flags));
        return 0;
    }
    err = flags_parse(flags, ARRAY_SIZE(flags), argc, argv, rest, &n_rest);
    if (err) {
        return usage_error(err_text(err));
    }
    if (n_rest != 1) {
        return usage_error("one run directory is needed");
    }
    err = files_prepare(rest[0]);
    if (err) {
        return usage_error(err_text(err));
    }
    run_dir = realpath(rest[0], NULL);
    if (!run_dir) {
        return usage_error("the run directory is not there");
    }
    options = (struct proxy_options) {
        .run_dir = run_dir,
        .haproxy = haproxy,
        .auth = auth,
        .grace_ms = (int64_t) grace_s * 1000,
    };
    if (access(haproxy, X_OK) < 0) {
        return usage_error("the HAProxy binary cannot be run");
    }
    err = proxy_run(&options);
    if (err) {
        log_error("proxy", NULL, "%s", err_text(err));
        return 1;
    }
    return 0;
}
