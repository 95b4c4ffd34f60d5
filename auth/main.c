/* sallyport-auth: verifies passwords for HAProxy. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "auth/pool.h"
#include "auth/server.h"
#include "lib/base/descriptors.h"
#include "lib/base/flags.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"

#define THREADS_DEFAULT_MAX 4

static volatile sig_atomic_t is_ending;

static void
end(int signal)
{
    (void) signal;
    is_ending = 1;
}

static int
usage_error(const char *text)
{
    fprintf(stderr, "sallyport-auth: %s\n", text);
    return 2;
}

/* Two at least, so that no group has all. */
static unsigned
default_threads(void)
{
    cpu_set_t set;
    int n = 2;

    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        n = CPU_COUNT(&set);
    }
    return n < 2 ? 2 : n > THREADS_DEFAULT_MAX ? THREADS_DEFAULT_MAX
                                               : (unsigned) n;
}

static void
catch_signals(void)
{
    struct sigaction action = { .sa_handler = end };

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

int
main(int argc, char **argv)
{
    uint64_t threads = default_threads(), client_uid = geteuid();
    const struct flag flags[] = {
        { .name = "threads", .value_name = "N", .kind = FLAG_NUMBER,
          .out = &threads, .min = 1, .max = POOL_THREADS_MAX,
          .doc = "threads that verify passwords" },
        { .name = "client-uid", .value_name = "UID", .kind = FLAG_NUMBER,
          .out = &client_uid, .min = 0, .max = UINT32_MAX - 1,
          .doc = "the user that HAProxy runs as (our own)" },
    };
    AUTO_FREE char *tables = NULL, *dir = NULL, *path = NULL, *stats = NULL;
    AUTO_ERR struct err *err = NULL;
    struct server_options options;
    int status;
    const char *run_dir = flags_run_dir(
        flags, ARRAY_SIZE(flags), argc, argv, "sallyport-auth",
        "usage: sallyport-auth RUN-DIR [flags]\n\n"
        "Verifies passwords of RUN-DIR/tables for the HAProxy that asks "
        "over\nRUN-DIR/auth/auth.sock; RUN-DIR/auth/stats tells how it "
        "fares.\n", &status);

    if (!run_dir) {
        return status;
    }
    tables = xasprintf("%s/tables", run_dir);
    dir = xasprintf("%s/auth", run_dir);
    path = xasprintf("%s/auth.sock", dir);
    stats = xasprintf("%s/stats", dir);
    if (mkdir(dir, 0750) < 0 && errno != EEXIST) {
        AUTO_FREE char *text = xasprintf("the folder of the socket cannot be "
                                         "made: %s: %s", dir,
                                         strerror(errno));

        return usage_error(text);
    }
    err = descriptors_want(SERVER_DESCRIPTORS);
    if (err) {
        return usage_error(err_text(err));
    }
    catch_signals();
    options = (struct server_options) {
        .socket_path = path,
        .tables_dir = tables,
        .stats_path = stats,
        .client_uid = (uid_t) client_uid,
        .threads = (unsigned) threads,
    };
    err = server_run(&options, &is_ending);
    if (err) {
        log_error("auth", NULL, "%s", err_text(err));
        return 1;
    }
    return 0;
}
