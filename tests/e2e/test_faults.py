"""Things break in the middle of traffic: what fails, and what it becomes."""

import json
import os
import select
import signal
import socket
import threading

from harness import free_port, processes_naming, tell, wait_until
from load import Load
from objects import app, ingress, path


class Wire:
    """A TCP relay that can be cut: all connections reset, the port open."""

    def __init__(self, host, port):
        self.target = (host, port)
        self.port = free_port()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.pairs = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.target)
            except OSError:
                return
            self.pairs.append((near, far))
            threading.Thread(target=self._relay, args=(near, far),
                             daemon=True).start()

    @staticmethod
    def _relay(near, far):
        try:
            while True:
                for one in select.select([near, far], [], [])[0]:
                    data = one.recv(65536)
                    if not data:
                        return
                    (far if one is near else near).sendall(data)
        except OSError:
            return
        finally:
            near.close()
            far.close()

    def cut(self):
        """Resets what is open; returns how many connections that were."""
        # Whoever comes back meanwhile is the next cut's.
        pairs, self.pairs = self.pairs, []
        open_ones = [p for p in pairs if p[0].fileno() >= 0]
        for pair in open_ones:
            for one in pair:
                try:
                    one.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue
        return len(open_ones)

    def close(self):
        self.listener.close()
        self.cut()


def converges(cluster, r, namespace, tag):
    """A change made now is served, and the self-check finds all equal."""
    host = f"{tag}.{namespace}.example.com"
    cluster.apply(ingress(tag, namespace, {host: [path("/", "web")]}))
    wait_until(lambda: r.request(host).status == 200, 60, f"{host} served")

    def check():
        before = r.metric("sallyport_selfchecks_total")
        r.process.signal(signal.SIGUSR1)
        wait_until(lambda: r.metric("sallyport_selfchecks_total") > before,
                   10, "a self-check")
        different = r.metric("sallyport_selfchecks_total",
                             result="different")
        assert different == 0, r.process.text()[-3000:]
    check()


def start(cluster, namespace, start_reconciler, **flags):
    host = f"{namespace}.example.com"
    cluster.apply(app("web", namespace, replicas=2))
    cluster.apply(ingress("web", namespace, {host: [path("/", "web")]}))
    r = start_reconciler(**flags).wait_ready()
    wait_until(lambda: r.request(host).status == 200, 20, "first answer")
    return host, r


def test_watch_is_cut(cluster, namespace, start_reconciler, tmp_path,
                      identities):
    config = json.loads(cluster.service_account_kubeconfig(
        "sallyport-reconciler", "sallyport-system",
        tmp_path / "direct").read_text())
    server = config["clusters"][0]["cluster"]["server"]
    host, port = server.removeprefix("https://").split(":")
    wire = Wire(host, int(port))
    config["clusters"][0]["cluster"]["server"] = \
        f"https://127.0.0.1:{wire.port}"
    cut_config = tmp_path / "cut"
    cut_config.write_text(json.dumps(config))
    try:
        web, r = start(cluster, namespace, start_reconciler,
                       kubeconfig=cut_config,
                       election_namespace="sallyport-system")
        with Load(web, port=r.http_port) as load:
            load.wait_more(100)
            for i in range(3):
                assert wire.cut() > 0
                converges(cluster, r, namespace, f"cut{i}")
            load.wait_more(100)
        tell(f"watch cut three times: {load}")
        assert load.failures == []
    finally:
        wire.close()


def test_api_server_restarts(cluster, namespace, start_reconciler):
    web, r = start(cluster, namespace, start_reconciler)
    with Load(web, port=r.http_port) as load:
        load.wait_more(100)
        cluster.kill_apiserver()
        load.wait_more(200)
        cluster.restart_apiserver()
        converges(cluster, r, namespace, "back")
        load.wait_more(100)
    tell(f"API server killed and started again: {load}")
    assert load.failures == []
    assert r.metric("sallyport_haproxy_reloads_total") == 0


def test_reconciler_is_killed(cluster, namespace, start_reconciler):
    web, r = start(cluster, namespace, start_reconciler)
    with Load(web, port=r.http_port) as load:
        load.wait_more(100)
        for i in range(2):
            r.kill()
            load.wait_more(100)
            r.start().wait_ready()
            converges(cluster, r, namespace, f"again{i}")
        load.wait_more(100)
    tell(f"reconciler killed twice: {load}")
    assert load.failures == []
    assert r.metric("sallyport_haproxy_reloads_total") == 0
    # The killed one holds the Lease for a while yet; the tests after this one
    # need not wait for that.
    cluster.delete("lease", "sallyport-sallyport", "sallyport-system")


def worker_pid(r):
    """HAProxy's worker: the one whose parent is an HAProxy of this run dir."""
    ours = {}
    for pid in processes_naming(r.run_dir / "haproxy.cfg"):
        with open(f"/proc/{pid}/stat", "rb") as stat:
            ours[pid] = int(stat.read().rsplit(b")", 1)[1].split()[1])
    workers = [pid for pid, parent in ours.items() if parent in ours]
    assert len(workers) == 1, ours
    return workers[0]


def test_worker_is_killed(cluster, namespace, start_reconciler):
    """Only what was in flight in it fails: listeners are held outside."""
    web, r = start(cluster, namespace, start_reconciler)
    with Load(web, port=r.http_port, threads=4, keep=False) as load:
        load.wait_more(100)
        os.kill(worker_pid(r), signal.SIGKILL)
        load.wait_more(200)
        wait_until(r.is_ready, 20, "ready again")
        converges(cluster, r, namespace, "after")
        settled = len(load.failures)
        load.wait_more(100)
    tell(f"worker killed: {load}; failed: {load.failures}")
    assert len(load.failures) == settled <= 4, load.failures
