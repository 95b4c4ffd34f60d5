"""What every end-to-end test needs: commands, processes that are certain to
end, waiting on a condition, HTTP requests by curl, certificates by openssl.

Nothing here knows Kubernetes (kubecluster.py does) or Sallyport (daemons.py does).
"""

import ctypes
from http import client as http_client
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))

from ports import free_port  # noqa: E402,F401


class Result(NamedTuple):
    rc: int
    out: str
    err: str


def run(argv, input=None, timeout=60, env=None, cwd=None):
    """Runs a command to its end and returns its exit status and output."""
    done = subprocess.run([str(a) for a in argv], input=input, text=True,
                          capture_output=True, timeout=timeout, env=env,
                          cwd=cwd)
    return Result(done.returncode, done.stdout, done.stderr)


def check(argv, **options):
    """Like run(), but a command that fails fails the test; returns stdout."""
    result = run(argv, **options)
    shown = " ".join(str(a) for a in argv)
    assert result.rc == 0, f"{shown}: exit {result.rc}\n{result.err}"
    return result.out


def wait_until(condition, timeout, what, interval=0.05):
    """Returns the first true value of condition(), asked again and again.

    An AssertionError of the condition counts as "not yet"; the last one is told
    when the time is over.  What takes long is asked for less and less often,
    down to every four intervals.
    """
    deadline = time.monotonic() + timeout
    pause = interval
    while True:
        last = None
        try:
            last = condition()
            if last:
                return last
        except AssertionError as error:
            last = error
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout} s: {what}; "
                                 f"last seen: {last!r}")
        time.sleep(pause)
        pause = min(pause * 1.2, interval * 4)


def documents(text):
    """All that are in a text of YAML, by libyaml: the parser in Python takes
    seconds for what a chart makes."""
    return [one for one in yaml.load_all(text, yaml.CSafeLoader) if one]


_figures = []


def tell(figure):
    """A figure that the run ends with, whether it was captured or not."""
    _figures.append(figure)


def told():
    """The figures since the last call."""
    figures = list(_figures)
    _figures.clear()
    return figures


def stays(condition, seconds, what, interval=0.05):
    """Fails at the first false value of condition() within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        assert value, f"did not stay so for {seconds} s: {what}; {value!r}"
        time.sleep(interval)


# ---- processes ----

_libc = ctypes.CDLL(None)
PR_SET_PDEATHSIG = 1


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _living():
    """(id, id of the group) of every process that has not ended."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            stat = (entry / "stat").read_bytes()
        except OSError:
            continue
        state, _, group = stat.rpartition(b")")[2].split()[:3]
        if state not in (b"Z", b"X"):
            yield int(entry.name), int(group)


def _group(leader):
    return [pid for pid, group in _living() if group == leader]


class Process:
    """A process with its output in a file.  stop() leaves nothing of it."""

    def __init__(self, name, argv, log, env=None, cwd=None):
        self.name = name
        self.log = Path(log)
        self.argv = [str(a) for a in argv]
        with self.log.open("ab") as output:
            self.popen = subprocess.Popen(
                self.argv, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=_die_with_parent, cwd=cwd,
                env={**os.environ, **(env or {})})

    @property
    def pid(self):
        return self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def signal(self, number):
        if self.alive():
            self.popen.send_signal(number)

    def wait(self, timeout=15):
        """Waits for the process to end by itself; returns its exit status."""
        return self.popen.wait(timeout)

    def kill(self):
        """SIGKILL, as the kernel's OOM killer would; waits for the end."""
        self.signal(signal.SIGKILL)
        return self.popen.wait(15)

    def stop(self, timeout=15):
        """SIGTERM, then SIGKILL for it and whatever is left in its group."""
        self.signal(signal.SIGTERM)
        try:
            self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        else:
            wait_until(lambda: not _group(self.pid), 15,
                       f"the end of the group of {self.name}")
        return self.popen.wait(15)

    def text(self):
        return self.log.read_text(errors="replace")

    def wait_log(self, pattern, timeout=10):
        """Waits for a line that the regular expression finds."""
        def look():
            found = re.search(pattern, self.text(), re.M)
            assert found or self.alive(), (
                f"{self.name} ended with {self.popen.returncode}:\n"
                f"{self.text()[-2000:]}")
            return found
        return wait_until(look, timeout, f"{pattern!r} in {self.log}")


class Processes:
    """All processes of one test (or of the session): stop() ends them."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.all = []

    def start(self, argv, name=None, env=None, cwd=None):
        name = name or Path(str(argv[0])).name
        log = self.directory / f"{name}-{len(self.all)}.log"
        return self.add(Process(name, argv, log, env, cwd))

    def add(self, process):
        self.all.append(process)
        return process

    def stop(self):
        failures = []
        for process in reversed(self.all):
            try:
                process.stop()
            except Exception as error:  # the others must be stopped as well
                failures.append(f"{process.name}: {error}")
        assert not failures, failures


def processes_naming(text):
    """Ids of the processes that have 'text' in their command line."""
    wanted = str(text).encode()
    found = []
    for pid, _ in _living():
        try:
            line = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        if wanted in line and pid != os.getpid():
            found.append(pid)
    return found


def kill_processes_naming(directory, timeout=10):
    """Ends what a stopped daemon left behind on purpose in its own folder."""
    for pid in processes_naming(directory):
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    wait_until(lambda: not processes_naming(directory), timeout,
               f"end of all processes of {directory}")


# ---- HTTP ----

class Answer(NamedTuple):
    """What a client saw.  'rc' is curl's exit status, status 0 no answer at
    all."""
    rc: int
    error: str
    status: int
    version: str
    headers: list
    body: bytes
    seconds: float

    def header(self, name):
        """The first value of that header, or None."""
        values = self.header_all(name)
        return values[0] if values else None

    def header_all(self, name):
        return [v for n, v in self.headers if n.lower() == name.lower()]

    @property
    def text(self):
        return self.body.decode(errors="replace")

    def json(self):
        return json.loads(self.body)


def _parse_headers(text):
    """The headers of the last of the answers in 'text' (redirects, 100)."""
    blocks = [b for b in re.split(r"\r?\n\r?\n", text) if b.strip()]
    lines = blocks[-1].splitlines()[1:] if blocks else []
    return [(n.strip(), v.strip()) for n, _, v in
            (line.partition(":") for line in lines)]


def http(host, path="/", port=None, tls=False, address="127.0.0.1",
         method=None, headers=(), body=None, ca=None, certificate=None,
         http2=None, timeout=10, arguments=()):
    """One request to address:port as a client asks who believes that DNS says
    so: Host, SNI and certificate check go by 'host', without a port in Host.

    headers: "Name: value" strings.  ca: file the server's certificate is
    checked against (not checked without).  certificate: (crt, key) of the
    client.  http2: True or False to insist.  arguments: further ones of curl.
    """
    port = port or (443 if tls else 80)
    where = f"[{address}]" if ":" in address else address
    argv = ["curl", "-sS", "--noproxy", "*", "--path-as-is", "--max-time",
            str(timeout), "--connect-to", f"::{where}:{port}", "-D",
            "/dev/stderr", "-w", "%{stderr}\n%{json}"]
    if tls:
        argv += ["--cacert", str(ca)] if ca else ["-k"]
    if certificate:
        argv += ["--cert", str(certificate[0]), "--key", str(certificate[1])]
    if http2 is not None:
        h2 = "--http2" if tls else "--http2-prior-knowledge"
        argv += [h2 if http2 else "--http1.1"]
    if method:
        argv += ["-X", method] if method != "HEAD" else ["-I"]
    for line in headers:
        argv += ["-H", line]
    if body is not None:
        argv += ["--data-binary", "@-"]
        body = body.encode() if isinstance(body, str) else body
    argv += [str(a) for a in arguments]
    argv.append(f"{'https' if tls else 'http'}://{host}{path}")
    done = subprocess.run(argv, input=body, capture_output=True,
                          timeout=timeout + 10)
    head, _, facts = done.stderr.decode(errors="replace").rpartition("\n{")
    facts = json.loads("{" + facts)
    return Answer(done.returncode, facts["errormsg"] or "",
                  facts["http_code"], facts["http_version"],
                  _parse_headers(head) if facts["http_code"] else [],
                  done.stdout, facts["time_total"])


def ask(port, path, timeout=10):
    """GET from a server on loopback, as a probe does it: without a curl."""
    begun = time.monotonic()
    connection = http_client.HTTPConnection("127.0.0.1", port,
                                            timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, http_client.HTTPException) as error:
        return Answer(7, str(error), 0, "", [], b"",
                      time.monotonic() - begun)
    finally:
        connection.close()
    return Answer(0, "", answer.status, "1.1", answer.getheaders(), body,
                  time.monotonic() - begun)


def served_certificate(name, port, address="127.0.0.1", timeout=10):
    """The leaf certificate (PEM) that is served for an SNI name (None: no
    SNI)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((address, port), timeout) as plain:
        with context.wrap_socket(plain, server_hostname=name) as secure:
            return ssl.DER_cert_to_PEM_cert(secure.getpeercert(True))


# ---- certificates ----

class Authority:
    """A certificate authority in a folder.  All keys are P-256."""

    def __init__(self, directory, name="test authority"):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.crt = self.directory / "ca.crt"
        self.key = self.directory / "ca.key"
        check(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
               "ec_paramgen_curve:P-256", "-nodes", "-keyout", self.key,
               "-out", self.crt, "-days", "30", "-subj", f"/CN={name}"])

    def issue(self, name, hosts=(), usage="serverAuth", days=30,
              subject=None):
        """Files (certificate, key) for the given DNS names and addresses."""
        crt = self.directory / f"{name}.crt"
        key = self.directory / f"{name}.key"
        csr = self.directory / f"{name}.csr"
        check(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
               "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
               csr, "-subj", subject or f"/CN={name}"])
        lines = [f"extendedKeyUsage={usage}"]
        if hosts:
            lines.append("subjectAltName=" + ",".join(
                ("IP:" if re.fullmatch(r"[0-9.]+|.*:.*", h) else "DNS:") + h
                for h in hosts))
        extensions = self.directory / f"{name}.ext"
        extensions.write_text("\n".join(lines) + "\n")
        check(["openssl", "x509", "-req", "-in", csr, "-days", days,
               "-sha256", "-CA", self.crt, "-CAkey", self.key,
               "-CAcreateserial", "-out", crt, "-extfile", extensions])
        csr.unlink()
        extensions.unlink()
        return crt, key
