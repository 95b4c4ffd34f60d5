#include "haproxy/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "haproxy/files.h"
#include "haproxy/hapsock.h"
#include "lib/base/clock.h"
#include "lib/base/mem.h"
#include "lib/base/parse.h"
#include "lib/base/str.h"
#include "lib/base/timeslice.h"

bool
process_is_held(const char *run_dir)
{
    AUTO_FREE char *path = xasprintf("%s/%s", run_dir, PROCESS_LOCK);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 &&
           errno == EWOULDBLOCK;
}

static uint64_t
number_of(const char *text, const char *name)
{
    AUTO_FREE char *value = reply_value(text, name);
    uint64_t n;

    return value && parse_u64(value, 0, UINT32_MAX, &n) ? n : 0;
}

struct err *
process_status(const char *run_dir, struct process_status *out)
{
    AUTO_FREE char *path = xasprintf("%s/%s", run_dir, PROCESS_STATUS);
    AUTO_BUF struct buf text = BUF_INIT(4096);
    struct err *err = files_get(path, 4000, &text);

    *out = (struct process_status) { 0 };
    if (!err) {
        out->pid = number_of(buf_str(&text), "pid");
        out->master = number_of(buf_str(&text), "master");
        out->restarts = number_of(buf_str(&text), "restarts");
    }
    return err;
}

/* --- Start and stop --- */

/* In the grandchild, where only calls that are safe between fork and exec are
 * made: nothing of ours but the log stays open. */
static NORETURN void
become_proxy(char *const argv[], int log)
{
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    timeslice_restore();
    if (null < 0 || dup2(null, 0) < 0 || dup2(log, 1) < 0 ||
        dup2(log, 2) < 0) {
        _exit(127);
    }
    execv(argv[0], argv);
    _exit(127);
}

/* sallyport-auth lies where sallyport-proxy does. */
static char *
auth_beside(const char *proxy)
{
    const char *slash = strrchr(proxy, '/');

    return xasprintf("--auth=%.*ssallyport-auth",
                     slash ? (int) (slash + 1 - proxy) : 0, proxy);
}

char *
process_last_line(const char *run_dir)
{
    AUTO_FREE char *path = xasprintf("%s/%s", run_dir, PROCESS_LOG);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
    char text[1024];
    char *line;
    struct stat st;
    ssize_t n;

    if (fd < 0 || fstat(fd, &st) < 0) {
        return NULL;
    }
    n = pread(fd, text, sizeof text - 1,
              st.st_size < (off_t) sizeof text
                  ? 0
                  : st.st_size - (off_t) sizeof text + 1);
    while (n > 0 && text[n - 1] == '\n') {
        n--;
    }
    if (n <= 0) {
        return NULL;
    }
    text[n] = '\0';
    line = strrchr(text, '\n');
    return str_quote(line ? line + 1 : text);
}

/* Twice forked, so that nobody waits for it and it is nobody's child. */
struct err *
process_start(const char *run_dir, const char *proxy, const char *haproxy)
{
    AUTO_FREE char *path = xasprintf("%s/%s", run_dir, PROCESS_LOG);
    AUTO_CLOSE int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC,
                              0600);
    AUTO_FREE char *run_copy = xstrdup(run_dir);
    AUTO_FREE char *proxy_copy = xstrdup(proxy);
    AUTO_FREE char *haproxy_copy = xstrdup(haproxy);
    AUTO_FREE char *auth = auth_beside(proxy);
    char flag[] = "--haproxy";
    char *const argv[] = { proxy_copy, run_copy, flag, haproxy_copy, auth,
                           NULL };
    int status;
    pid_t pid;

    if (log < 0) {
        return err_errno(ERR_INVALID, errno, "open %s", path);
    }
    if (access(proxy, X_OK) < 0) {
        return err_errno(ERR_INVALID, errno, "run %s", proxy);
    }
    if (access(haproxy, X_OK) < 0) {
        return err_errno(ERR_INVALID, errno, "run %s", haproxy);
    }
    pid = fork();
    if (pid < 0) {
        return err_errno(ERR_UNAVAILABLE, errno, "fork");
    }
    if (pid == 0) {
        pid_t second;

        setsid();
        second = fork();
        if (second == 0) {
            become_proxy(argv, log);
        }
        _exit(second < 0 ? 1 : 0);
    }
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return err_errno(ERR_INTERNAL, errno, "wait");
        }
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0
               ? NULL
               : err_new(ERR_UNAVAILABLE, "%s did not start", proxy);
}

static bool
wait_released(const char *run_dir, int64_t deadline_ms)
{
    while (process_is_held(run_dir)) {
        if (clock_ms() >= deadline_ms) {
            return false;
        }
        (void) poll(NULL, 0, 20);
    }
    return true;
}

void
process_stop(const char *run_dir, int64_t grace_ms)
{
    struct process_status status;
    AUTO_ERR struct err *err = process_status(run_dir, &status);

    /* The lock shows that the pid is still the one that wrote it. */
    if (err || status.pid == 0 || !process_is_held(run_dir)) {
        return;
    }
    kill((pid_t) status.pid, SIGTERM);
    if (!wait_released(run_dir, clock_ms() + grace_ms)) {
        kill((pid_t) status.pid, SIGINT);
        (void) wait_released(run_dir, clock_ms() + 5000);
    }
}

/* --- Reload --- */

static struct err *
ask_master(const char *run_dir, const char *command, struct buf *answer)
{
    AUTO_FREE char *path = xasprintf("%s/master.sock", run_dir);

    return hapsock_call_master(path, command, answer);
}

/* One whose parent was killed leaves, and would begin anew with a reload. */
static struct err *
ask_lasting_master(const char *run_dir, const char *command,
                   struct buf *answer)
{
    return process_is_held(run_dir)
               ? ask_master(run_dir, command, answer)
               : err_new(ERR_UNAVAILABLE, "HAProxy leaves: its parent is "
                         "gone");
}

struct err *
process_reload_prepare(const char *run_dir, struct process_reload *out)
{
    AUTO_BUF struct buf before = BUF_INIT(65536);
    struct reply_proc proc;
    struct err *err = ask_lasting_master(run_dir, "show proc", &before);

    *out = (struct process_reload) { 0 };
    if (!err) {
        err = reply_proc(buf_str(&before), &proc);
    }
    if (!err) {
        out->before = proc.reloads;
        out->old_worker = proc.worker;
    }
    return err_wrap(err, "reload");
}

/* 2.6 answers nothing; later ones tell at once, and "show proc" tells the same
 * afterwards. */
struct err *
process_reload_begin(const char *run_dir)
{
    AUTO_BUF struct buf answer = BUF_INIT((size_t) 1 << 20);

    return err_wrap(ask_lasting_master(run_dir, "reload", &answer),
                    "reload");
}

/* While the master executes itself again nobody listens: still pending. */
enum process_result
process_reload_look(const char *run_dir, const struct process_reload *r)
{
    AUTO_BUF struct buf answer = BUF_INIT(65536);
    AUTO_ERR struct err *err = ask_master(run_dir, "show proc", &answer);
    AUTO_ERR struct err *bad = NULL;
    struct reply_proc proc;

    if (err) {
        return PROCESS_PENDING;
    }
    bad = reply_proc(buf_str(&answer), &proc);
    if (bad || proc.reloads == r->before) {
        return PROCESS_PENDING;
    }
    if (proc.failed > 0) {
        return PROCESS_FAILED;
    }
    return proc.worker != 0 && proc.worker != r->old_worker
               ? PROCESS_DONE : PROCESS_PENDING;
}
