"""What the webhook does while it judges, told by the kernel (strace)."""

import collections
import json
import re
import subprocess
import threading
import time

import pytest

from conftest import ingress, review, until

NGINX = "nginx.ingress.kubernetes.io/"
TRACED = "%file,%process,%network,open_by_handle_at,memfd_create,ptrace"

# A judging thread moves bytes of connections that were opened to it.
ANSWERING = {"accept4", "accept", "recvfrom", "recvmsg", "sendto", "sendmsg",
             "shutdown", "getsockname", "getpeername", "setsockopt",
             "getsockopt"}
# The loop looks whether its certificate files have changed, and nothing else;
# but for the folder that stands in for an API server here, which is read again
# now and then.
LOOKING = {"stat", "newfstatat", "statx"}
READING = LOOKING | {"open", "openat", "access", "faccessat", "faccessat2",
                     "readlink", "inotify_add_watch"}
OPENED = re.compile(r'\(\d+, ""')      # Of a file that is open.
# glibc asks the kernel's policy, once, before it gives memory of a thread
# back: a fixed path that no review has a part in.
GLIBC = '"/proc/sys/vm/overcommit_memory", O_RDONLY|O_CLOEXEC'

LINE = re.compile(r"(\d+) +(\d+\.\d+) (<\.\.\. )?(\w+)(.*)")
UNFINISHED = " <unfinished ...>"


def calls(log):
    """Thread, time, name and the rest of each call.  One that another thread's
    call came into is written in two lines: its arguments, then its result."""
    begun = {}
    for match in filter(None, map(LINE.match, log.splitlines())):
        thread, at, resumed, name, rest = match.groups()
        if rest.endswith(UNFINISHED):
            begun[thread] = at, rest.removesuffix(UNFINISHED)
            continue
        if resumed:
            at, arguments = begun.pop(thread)
            rest = arguments + rest.removeprefix(" resumed>")
        yield int(thread), float(at), name, rest


def test_a_call_in_two_lines_is_one():
    log = ('7  1.5 openat(AT_FDCWD, "/a" <unfinished ...>\n'
           '8  1.6 sendmsg(3) = 1\n7  1.7 <... openat resumed>) = 3\n')
    assert list(calls(log)) == [(8, 1.6, "sendmsg", "(3) = 1"),
                                (7, 1.5, "openat", '(AT_FDCWD, "/a") = 3')]


def can_trace():
    try:
        return subprocess.run(["strace", "-f", "-o", "/dev/null", "true"],
                              capture_output=True, timeout=20).returncode == 0
    except OSError:
        return False


def hostile():
    """Bodies that would like to be more than judged."""
    wishes = [
        review(name="../../etc/passwd"),
        review(ns="a/../../proc/self/environ"),
        review(host="metadata.google.internal"),
        review(host="$(touch /tmp/owned).example.com"),
        review(service="../../../etc/shadow"),
        review(annotations={NGINX + "auth-url": "http://169.254.169.254/"}),
        review(annotations={NGINX + "auth-tls-secret": "kube-system/admin"}),
        review(annotations={NGINX + "auth-secret": "/etc/shadow"}),
        review(annotations={NGINX + "configuration-snippet":
                            "ssl_engine /tmp/evil.so; include /etc/passwd;"}),
        review(annotations={NGINX + "mirror-target": "file:///etc/passwd"}),
        review(annotations={NGINX + "rewrite-target": "/$1" * 50,
                            NGINX + "use-regex": "true"}),
        review(annotations={NGINX + "whitelist-source-range":
                            "attacker.example.com"}),
        review(annotations={"x\n": "y\0"}),
    ]
    regex = ingress(annotations={NGINX + "use-regex": "true"})
    regex["spec"]["rules"][0]["http"]["paths"][0].update(
        path="/(a+)+(b|b)*$", pathType="ImplementationSpecific")
    slow = review()
    slow["request"]["object"] = regex
    return [json.dumps(w) for w in [*wishes, slow]] + [
        "{" * 5000, "[]", "\0", json.dumps({"kind": "AdmissionReview"})]


@pytest.mark.skipif(not can_trace(), reason="the kernel lets nobody trace")
def test_no_review_opens_connects_or_starts_anything(start, tmp_path):
    log = tmp_path / "strace"
    webhook = start(wrapper=("strace", "-D", "-f", "-ttt", "-s", "200", "-o",
                             log, "-e", f"trace={TRACED}"))
    webhook.wait_ready()
    webhook.review()                    # Whatever is done once, is done.
    begun = time.time()
    answered = []

    def burst(i):
        for n, body in enumerate(hostile() * 2):
            path = "/validate" if (n + i) % 3 else "/mutate"
            answer = webhook.curl(path, body)
            answered.append(answer.status if answer else 0)
    threads = [threading.Thread(target=burst, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended = time.time()
    assert set(answered) <= {200, 400}, collections.Counter(answered)
    assert answered.count(200) >= len(answered) * 2 // 3
    main = webhook.process.pid
    until(lambda: log.exists(), "a trace")
    webhook.stop()
    until(lambda: f"{main} " in (text := log.read_text()) and
               "+++ exited" in text.splitlines()[-1], "the end of the trace")

    seen = collections.Counter()
    strange = []
    for thread, at, name, rest in calls(log.read_text()):
        if not begun <= at <= ended:
            continue
        if thread == main:
            is_right = (
                name in LOOKING and ("tls.crt" in rest or "tls.key" in rest)
                or name in READING and (str(tmp_path / "manifests") in rest
                                        or OPENED.match(rest)))
        else:
            is_right = name in ANSWERING or GLIBC in rest
        seen[name] += 1
        if not is_right:
            strange.append((thread, name, rest))
    print(f"{len(answered)} reviews; calls: {dict(seen)}")
    assert strange == []
    # The trace was one: connections were taken and answered.
    assert seen["accept4"] >= len(answered)
    assert seen["sendto"] + seen["sendmsg"] >= len(answered)
