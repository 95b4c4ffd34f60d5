#include "haproxy/proxy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "haproxy/capacity.h"
#include "haproxy/companion.h"
#include "haproxy/files.h"
#include "haproxy/inherit.h"
#include "haproxy/leftover.h"
#include "haproxy/listeners.h"
#include "haproxy/process.h"
#include "haproxy/reach.h"
#include "lib/base/backoff.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"

#define POLL_MS 50              /* While files or ports are waited for. */
#define IDLE_MS 1000            /* Between looks at the run directory. */
#define LOG_MAX (1 << 20)
#define LIVED_MS 5000           /* A death after that is no crash loop. */
#define BUSY_MS 500             /* While something is told or written. */
/* Without an answer on the runtime socket, which is there in a reload, too;
 * the driver would write all files anew after a second more. */
#define RUNTIME_MS 2000
/* On the master's, which is not while it loads the files. */
#define MASTER_MS 60000
/* Our own descriptors lie above those that HAProxy gets. */
#define OWN_FD_MIN 64

struct proxy {
    const struct proxy_options *options;
    int lock_fd;
    struct listeners listeners;
    char *socket;               /* The master's, as HAProxy's argument. */
    char *spec;                 /* Text of the listeners that are open. */
    int fds[LISTENERS_MAX];     /* -1: a twin of another. */
    pid_t master;               /* 0: not running. */
    int64_t started_ms;
    uint64_t restarts;
    bool is_status_old;         /* RUN/proxy.status could not be written. */
    struct backoff backoff;
    struct leftover left_over;  /* A master that another one replaces. */
    char *socket_paths[2];      /* The runtime socket and the master's. */
    struct reach reach[2];
    struct companion auth;
    sigset_t signals;
};

static char *
path_of(const struct proxy *p, const char *file)
{
    return xasprintf("%s/%s", p->options->run_dir, file);
}

/* Where it cannot be written, the next turn of the loop tries again. */
static void
write_status(struct proxy *p)
{
    AUTO_FREE char *path = path_of(p, PROCESS_STATUS);
    AUTO_BUF struct buf text = BUF_OWN;
    AUTO_ERR struct err *err = NULL;

    buf_printf(&text, "pid: %d\nmaster: %d\nrestarts: %llu\n", getpid(),
               p->master, (unsigned long long) p->restarts);
    err = files_put(path, text.data, text.size);
    if (err && !p->is_status_old) {
        log_warn("proxy", NULL, "%s", err_text(err));
    }
    p->is_status_old = err != NULL;
}

static struct err *
take_lock(struct proxy *p)
{
    AUTO_FREE char *path = path_of(p, PROCESS_LOCK);

    p->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (p->lock_fd < 0) {
        return err_errno(ERR_INVALID, errno, "open %s", path);
    }
    if (flock(p->lock_fd, LOCK_EX | LOCK_NB) < 0) {
        return err_new(ERR_CONFLICT, "another sallyport-proxy runs for %s",
                       p->options->run_dir);
    }
    return NULL;
}

/* --- Listeners --- */

static void
close_listeners(struct proxy *p)
{
    for (size_t i = 0; i < p->listeners.n; i++) {
        mem_closep(&p->fds[i]);
    }
    p->listeners.n = 0;
    free(p->spec);
    p->spec = NULL;
}

/* What HAProxy still holds from a parent before us is used again. */
static struct err *
open_listener(const struct proxy *p, const struct listener *l, int *out)
{
    *out = p->left_over.pid > 0
               ? inherit_listener(p->left_over.pid, l, OWN_FD_MIN) : -1;
    return *out < 0 ? listeners_open(l, OWN_FD_MIN, out) : NULL;
}

/* Opens what RUN/listeners says, if it says something new. */
static struct err *
open_listeners(struct proxy *p)
{
    AUTO_FREE char *path = path_of(p, PROCESS_LISTENERS);
    AUTO_BUF struct buf text = BUF_INIT(65536);
    struct err *err = files_get(path, 60000, &text);
    struct listeners wanted;

    if (!err) {
        err = listeners_read(buf_str(&text), &wanted);
    }
    if (err || str_eq(p->spec, buf_str(&text))) {
        return err;
    }
    close_listeners(p);
    for (size_t i = 0; i < wanted.n && !err; i++) {
        p->fds[i] = -1;
        if (wanted.items[i].twin < 0) {
            err = open_listener(p, &wanted.items[i], &p->fds[i]);
        }
        p->listeners.items[i] = wanted.items[i];
        p->listeners.n = i + 1;
    }
    if (err) {
        close_listeners(p);
    } else {
        p->spec = buf_take(&text);
    }
    return err;
}

/* --- HAProxy --- */

/* Between fork and exec. */
static NORETURN void
become_haproxy(const struct proxy *p, char *const argv[], pid_t parent)
{
    const struct listeners *l = &p->listeners;

    for (size_t i = 0; i < l->n; i++) {
        int from = p->fds[i];

        for (size_t j = 0; from < 0 && j < i; j++) {
            if (l->items[j].fd == l->items[i].twin) {
                from = p->fds[j];
            }
        }
        if (from < 0 || dup2(from, l->items[i].fd) < 0) {
            _exit(126);
        }
    }
    /* Without us nobody would start it again: it ends gracefully. */
    prctl(PR_SET_PDEATHSIG, SIGUSR1);
    if (getppid() != parent) {
        _exit(126);
    }
    sigprocmask(SIG_UNBLOCK, &p->signals, NULL);
    execv(argv[0], argv);
    _exit(127);
}

static void
start(struct proxy *p)
{
    AUTO_FREE char *binary = xstrdup(p->options->haproxy);
    AUTO_FREE char *config = path_of(p, PROCESS_CONFIG);
    AUTO_FREE char *socket = xstrdup(p->socket);
    char worker[] = "-W", master[] = "-S", file[] = "-f";
    char *const argv[] = { binary, worker, master, socket, file, config,
                           NULL };
    pid_t parent = getpid(), pid = fork();

    if (pid == 0) {
        become_haproxy(p, argv, parent);
    }
    if (pid < 0) {
        log_error("proxy", NULL, "fork: %s", strerror(errno));
        return;
    }
    p->master = pid;
    p->started_ms = clock_ms();
    reach_begin(&p->reach[0], p->socket_paths[0], RUNTIME_MS);
    reach_begin(&p->reach[1], p->socket_paths[1], MASTER_MS);
    write_status(p);
}

/* Workers that outlive their master are ours now (we reap for them): they
 * finish what they have and must not take new connections. */
static void
retire_orphans(const struct proxy *p)
{
    DIR *dir = opendir("/proc");
    const struct dirent *entry;

    while (dir && (entry = readdir(dir))) {
        uint64_t pid;

        if (parse_u64(entry->d_name, 1, INT32_MAX, &pid) &&
            (pid_t) pid != p->auth.pid &&
            leftover_parent((pid_t) pid) == getpid()) {
            kill((pid_t) pid, SIGUSR1);
        }
    }
    if (dir) {
        closedir(dir);
    }
}

/* True where the master was among the dead. */
static bool
reap(struct proxy *p)
{
    bool is_master = false;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        (void) companion_reaped(&p->auth, pid, clock_ms());
        if (pid == p->master) {
            is_master = true;
            p->master = 0;
            log_warn("proxy", NULL, "HAProxy ended: %s %d",
                     WIFSIGNALED(status) ? "signal" : "status",
                     WIFSIGNALED(status) ? WTERMSIG(status)
                                         : WEXITSTATUS(status));
        }
    }
    return is_master;
}

/* --- The loop --- */

static int
wait_signal(const struct proxy *p, int64_t ms)
{
    struct timespec timeout = { .tv_sec = ms / 1000,
                                .tv_nsec = ms % 1000 * 1000000 };

    return sigtimedwait(&p->signals, NULL, &timeout);
}

static bool
is_end(int signal)
{
    return signal == SIGTERM || signal == SIGINT;
}

/* Whatever writes to a file of ours does not fill the disk with it. */
static void
bound_log(void)
{
    struct stat st;

    if (fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode) &&
        st.st_size > LOG_MAX && ftruncate(STDERR_FILENO, 0) < 0) {
        return;
    }
}

/* Waits for haproxy.cfg and free ports; a signal that ends us, or 0. */
static int
wait_for_files(struct proxy *p)
{
    AUTO_FREE char *config = path_of(p, PROCESS_CONFIG);
    struct log_limit limit = { 0 };

    for (;;) {
        int signal;

        leftover_end(&p->left_over, p->socket);
        if (access(config, R_OK) == 0 &&
            !leftover_serves(&p->left_over, p->socket_paths[0])) {
            AUTO_ERR struct err *err = open_listeners(p);
            unsigned dropped;

            if (!err) {
                return 0;
            }
            if (log_limit(&limit, clock_ms(), 5000, &dropped)) {
                log_error("proxy", NULL, "%s", err_text(err));
            }
            if (p->left_over.pid == 0) {
                leftover_find(&p->left_over, p->socket);
            }
            leftover_force(&p->left_over);
        }
        signal = wait_signal(p, POLL_MS);
        if (is_end(signal)) {
            return signal;
        }
        (void) reap(p);
    }
}

static void
end_gracefully(struct proxy *p)
{
    int64_t deadline = clock_ms() + p->options->grace_ms;
    struct leftover telling = { .pid = p->master };
    int signal = 0;

    while (p->master > 0 && clock_ms() < deadline && signal != SIGINT) {
        leftover_tell(&telling);
        signal = wait_signal(p, POLL_MS);
        (void) reap(p);
    }
}

/* Ends HAProxy: gracefully at first, then with force. */
static void
stop(struct proxy *p, int signal)
{
    static const struct {
        int signal;
        int64_t ms;
    } forces[] = { { SIGTERM, 2000 }, { SIGKILL, 2000 } };

    close_listeners(p);
    if (signal == SIGTERM && p->master > 0) {
        log_info("proxy", NULL, "ending: requests in flight have %lld ms",
                 (long long) p->options->grace_ms);
        end_gracefully(p);
    }
    companion_stop(&p->auth);
    for (size_t i = 0; i < ARRAY_SIZE(forces) && p->master > 0; i++) {
        int64_t deadline = clock_ms() + forces[i].ms;

        kill(p->master, forces[i].signal);
        while (p->master > 0 && clock_ms() < deadline) {
            (void) wait_signal(p, POLL_MS);
            (void) reap(p);
        }
    }
}

/* The first death is answered at once, those in a row after a pause. */
static int
restart(struct proxy *p)
{
    int64_t pause = 0, deadline;

    if (clock_ms() - p->started_ms >= LIVED_MS) {
        backoff_reset(&p->backoff);
    } else {
        pause = backoff_fail(&p->backoff, backoff_random());
    }
    retire_orphans(p);
    p->restarts++;
    deadline = clock_ms() + pause;
    while (clock_ms() < deadline) {
        int signal = wait_signal(p, POLL_MS);

        (void) reap(p);
        if (is_end(signal)) {
            return signal;
        }
    }
    return wait_for_files(p);
}

/* What is written to a file that has no name any more nobody reads. */
static void
open_log_again(const struct proxy *p)
{
    AUTO_FREE char *path = path_of(p, PROCESS_LOG);
    AUTO_CLOSE int fd = -1;
    struct stat st;

    if (fstat(STDERR_FILENO, &st) < 0 || !S_ISREG(st.st_mode) ||
        st.st_nlink > 0) {
        return;
    }
    fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0) {
        log_warn("proxy", NULL, "%s: %s", path, strerror(errno));
    }
}

static struct err *
move_in_again(struct proxy *p)
{
    struct err *err = files_prepare(p->options->run_dir);

    mem_closep(&p->lock_fd);
    if (!err) {
        err = take_lock(p);
    }
    if (err) {
        mem_closep(&p->lock_fd);
    }
    return err;
}

/* The run directory was emptied: HAProxy serves on from what it has, but
 * nobody reaches its sockets, and a reload would find no file.  Another takes
 * over, on the same listeners, as soon as the driver has written all anew;
 * connections wait in the backlog meanwhile.  A signal that ends us, or 0. */
static int
begin_anew(struct proxy *p)
{
    struct err *err = move_in_again(p);
    bool is_taken = err && err_kind(err) == ERR_CONFLICT;
    int signal;

    if (err) {
        log_error("proxy", NULL, "%s was emptied: %s", p->options->run_dir,
                  err_text(err));
        err_free(err);
        return is_taken ? SIGTERM : 0;
    }
    open_log_again(p);
    log_error("proxy", NULL, "%s was emptied: HAProxy serves on, and another "
              "takes over when the files are there again",
              p->options->run_dir);
    write_status(p);
    signal = wait_for_files(p);
    if (!is_end(signal)) {
        p->left_over = (struct leftover) { .pid = p->master };
        p->master = 0;
    }
    return signal;
}

/* HAProxy serves on from what it has, and nobody can tell it anything: another
 * takes over, on the same listeners. */
static void
replace_unreachable(struct proxy *p)
{
    for (size_t i = 0; i < ARRAY_SIZE(p->reach) && p->master > 0; i++) {
        if (reach_is_lost(&p->reach[i], clock_ms())) {
            log_error("proxy", NULL, "HAProxy does not answer on %s any more: "
                      "another takes over", p->reach[i].path);
            p->left_over = (struct leftover) { .pid = p->master };
            p->master = 0;
        }
    }
}

static int
supervise(struct proxy *p)
{
    AUTO_FREE char *lock = path_of(p, PROCESS_LOCK);
    int signal = wait_for_files(p);
    bool is_busy;

    while (!is_end(signal)) {
        if (p->master == 0) {
            start(p);
        }
        leftover_end(&p->left_over, p->socket);
        leftover_hurry(&p->left_over, p->socket_paths[0]);
        companion_run(&p->auth, &p->signals, clock_ms());
        if (p->is_status_old) {
            write_status(p);
        }
        is_busy = p->is_status_old || p->left_over.pid > 0;
        signal = wait_signal(p, companion_wait(&p->auth, clock_ms(),
                                               is_busy ? BUSY_MS : IDLE_MS));
        bound_log();
        if (!is_end(signal) && !files_is_at(p->lock_fd, lock)) {
            signal = begin_anew(p);
            continue;
        }
        if (reap(p) || p->master == 0) {
            write_status(p);
            signal = is_end(signal) ? signal : restart(p);
        } else if (!is_end(signal)) {
            replace_unreachable(p);
        }
    }
    return signal;
}

static void
raise_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* In the environment of HAProxy, from its start over all reloads. */
static void
tell_capacity(void)
{
    unsigned threads = capacity_threads(), maxconn = capacity_maxconn();
    AUTO_FREE char *threads_text = xasprintf("%u", threads);
    AUTO_FREE char *maxconn_text = xasprintf("%u", maxconn);
    AUTO_BUF struct buf text = BUF_OWN;

    capacity_describe(threads, maxconn, &text);
    log_info("proxy", NULL, "without --threads and --maxconn: %s",
             buf_str(&text));
    (void) setenv(CAPACITY_THREADS, threads_text, 1);
    (void) setenv(CAPACITY_MAXCONN, maxconn_text, 1);
}

struct err *
proxy_run(const struct proxy_options *options)
{
    struct proxy p = { .options = options, .lock_fd = -1,
                       .backoff = BACKOFF_INIT(50, 5000) };
    struct err *err = take_lock(&p);

    companion_init(&p.auth, options->auth, options->run_dir);
    p.socket = xasprintf("unix@%s/master.sock,mode,600", options->run_dir);
    p.socket_paths[0] = path_of(&p, "haproxy.sock");
    p.socket_paths[1] = path_of(&p, "master.sock");

    if (!err) {
        sigemptyset(&p.signals);
        sigaddset(&p.signals, SIGCHLD);
        sigaddset(&p.signals, SIGTERM);
        sigaddset(&p.signals, SIGINT);
        sigaddset(&p.signals, SIGHUP);
        sigprocmask(SIG_BLOCK, &p.signals, NULL);
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        raise_descriptors();
        tell_capacity();
        leftover_find(&p.left_over, p.socket);
        if (p.left_over.pid > 0) {
            unlink(p.socket_paths[1]);  /* So that nobody reloads it. */
        }
        write_status(&p);
        stop(&p, supervise(&p));
        write_status(&p);
    }
    close_listeners(&p);
    mem_closep(&p.lock_fd);
    free(p.socket);
    free(p.socket_paths[0]);
    free(p.socket_paths[1]);
    return err;
}
