/* sallyport-reconciler: flags, signals, the loop; nothing else. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/timeslice.h"
#include "reconciler/app.h"

/* HAProxy may finish what it serves for this long when we are stopped. */
#define GRACE_MS 240000

/* The path of sallyport-proxy, which is installed beside us. */
static char *
find_proxy(void)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    char *slash;

    if (n < 0) {
        return xstrdup("sallyport-proxy");
    }
    self[n] = '\0';
    slash = strrchr(self, '/');
    *slash = '\0';
    return xasprintf("%s/sallyport-proxy", self);
}

/* SIGTERM and SIGINT end everything; SIGHUP ends us and leaves HAProxy to
 * the next reconciler (an upgrade); SIGUSR1 asks for a self-check. */
static int
open_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The signal that came, 0: none. */
static int
read_signal(int fd)
{
    struct signalfd_siginfo info;

    if (read(fd, &info, sizeof info) != (ssize_t) sizeof info) {
        return 0;
    }
    return (int) info.ssi_signo;
}

static int
loop(struct app *app, int signal_fd)
{
    struct waits waits;
    int signo = 0;

    waits_init(&waits);
    for (;;) {
        signo = read_signal(signal_fd);
        if (signo == SIGUSR1) {
            app_ask_selfcheck(app);
        } else if (signo != 0) {
            break;
        }
        app_run(app, clock_ms());
        waits_clear(&waits);
        waits_fd(&waits, signal_fd, POLLIN);
        app_wait(app, &waits);
        waits_block(&waits);
    }
    waits_fini(&waits);
    return signo;
}

int
main(int argc, char **argv)
{
    AUTO_FREE char *proxy = find_proxy();
    struct config config;
    struct app *app;
    struct err *err;
    int signal_fd, signo;
    bool told;

    mem_settle();
    err = config_parse(argc, argv, &config, &told);
    if (err) {
        fprintf(stderr, "sallyport-reconciler: %s\n", err_text(err));
        err_free(err);
        return 2;
    }
    if (told) {
        config_fini(&config);
        return 0;
    }
    log_configure((enum log_level) config.log_level,
                  (enum log_format) config.log_format);
    signal_fd = open_signals();
    err = app_new(&config, proxy, &app);
    if (err) {
        log_error("reconciler", NULL, "%s", err_text(err));
        err_free(err);
        config_fini(&config);
        return 1;
    }
    /* The threads that print metrics are there already, and not meant. */
    timeslice_shorten();
    signo = loop(app, signal_fd);
    log_info("reconciler", NULL, "stopping on signal %d", signo);
    app_stop(app, signo != SIGHUP && config.haproxy[0] != '\0', GRACE_MS);
    app_free(app);
    close(signal_fd);
    config_fini(&config);
    return 0;
}
