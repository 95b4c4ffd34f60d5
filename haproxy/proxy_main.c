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
    AUTO_FREE char *run_dir = NULL;
    AUTO_ERR struct err *err = NULL;
    struct proxy_options options;
    int status;
    const char *given = flags_run_dir(
        flags, ARRAY_SIZE(flags), argc, argv, "sallyport-proxy",
        "usage: sallyport-proxy RUN-DIR [flags]\n\n"
        "Holds the listeners of the HAProxy in RUN-DIR and keeps it "
        "running.\n", &status);

    if (!given) {
        return status;
    }
    err = files_prepare(given);
    if (err) {
        return usage_error(err_text(err));
    }
    run_dir = realpath(given, NULL);
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
