"""One real node with its control plane: etcd, API server, controller-manager,
scheduler, containerd, kubelet and kube-proxy.

tests/node/run has made the namespaces this lives in; addresses are free to
choose, and nothing is kept.
"""

import base64
import json
from pathlib import Path

import harness
import kubecluster
from harness import check, run, wait_until

NODE = "192.0.2.1"
BALANCER = "192.0.2.80"
PODS = "10.244.0.0/24"
SERVICES = "10.96.0.0/16"
SERVER = f"https://{NODE}:6443"
ETCD = "http://127.0.0.1:2379"
READY_SECONDS = 120

# restrict_oom_score_adj: where root has no CAP_SYS_RESOURCE the score of a
# process cannot be lowered, and every pod would fail.
CONTAINERD = """
version = 2
root = "{dir}/ctd/root"
state = "{dir}/ctd/state"
[grpc]
  address = "{dir}/ctd/c.sock"
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "localhost/pause:1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{dir}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "native"
"""

NETWORK = {
    "cniVersion": "1.0.0", "name": "pods", "plugins": [
        {"type": "bridge", "bridge": "cni0", "isGateway": True,
         "ipMasq": True, "hairpinMode": True,
         "ipam": {"type": "host-local", "ranges": [[{"subnet": PODS}]],
                  "routes": [{"dst": "0.0.0.0/0"}]}},
        {"type": "portmap", "capabilities": {"portMappings": True}}]}


class RealNode(kubecluster.Kubectl):
    def __init__(self, directory, images, cgroup):
        self.directory = Path(directory)
        self.images, self.cgroup = images, cgroup
        self.kube = kubecluster.program("kube")
        self.node = kubecluster.program("node")
        self.kubeconfig = self.directory / "admin.kubeconfig"
        self.processes = harness.Processes(self.directory)

    def kubectl(self, *arguments, input=None, timeout=60):
        return run([self.kube, "kubectl", "--kubeconfig", self.kubeconfig,
                    "--cache-dir", self.directory / "kubectl", *arguments],
                   input=input, timeout=timeout)

    def _start(self, program, part, *flags):
        return self.processes.start([program, part, *flags], name=part)

    def up(self):
        self._keys()
        self._start(self.kube, "etcd", "--data-dir", self.directory / "etcd",
                    "--unsafe-no-fsync", "--listen-client-urls", ETCD,
                    "--advertise-client-urls", ETCD)
        apiserver = self._apiserver()
        self._until("a ready API server", apiserver, lambda: self.kubectl(
            "get", "--raw", "/readyz").rc == 0)
        self._start(
            self.kube, "kube-controller-manager", "--kubeconfig",
            self.kubeconfig, "--leader-elect=false",
            "--use-service-account-credentials",
            "--service-account-private-key-file", self.pki / "sa.key",
            "--root-ca-file", self.authority.crt)
        self._start(self.node, "kube-scheduler", "--kubeconfig",
                    self.kubeconfig, "--leader-elect=false")
        self._containerd()
        self._proxy()
        kubelet = self._kubelet()
        self._until("a ready node", kubelet, lambda: self.ready("node", "node"))
        return self

    def down(self):
        """Pods first: their processes are children of nobody here."""
        for part in self.processes.all:
            if part.name in ("kubelet", "kube-scheduler",
                             "kube-controller-manager"):
                part.stop()
        for task in self.ctr("tasks", "ls", "-q").out.split():
            self.ctr("tasks", "rm", "-f", task)
        self.processes.stop()
        for line in reversed(Path("/proc/mounts").read_text().splitlines()):
            mount = line.split()[1]
            if mount.startswith(f"{self.directory}/"):
                run(["umount", "-l", mount])

    def ctr(self, *arguments):
        return run(["ctr", "-a", self.directory / "ctd" / "c.sock", "-n",
                    "k8s.io", *arguments], timeout=300)

    def ready(self, kind, name, namespace=None):
        found = self.get(kind, name, namespace)
        return found and any(
            one["type"] == "Ready" and one["status"] == "True"
            for one in found["status"].get("conditions", []))

    def _until(self, what, part, condition):
        def look():
            assert part.alive(), f"{part.name} ended:\n{part.text()[-2000:]}"
            return condition()
        wait_until(look, READY_SECONDS, what, interval=0.3)

    # ---- keys ----

    def _keys(self):
        self.pki = self.directory / "pki"
        self.authority = harness.Authority(self.pki, "node test")
        issue = self.authority.issue
        self.serving = issue("kube-apiserver", [
            "localhost", "kubernetes.default.svc", "127.0.0.1", "10.96.0.1",
            NODE])
        self.admin = issue("admin", usage="clientAuth",
                           subject="/O=system:masters/CN=admin")
        self.kubelet = issue("kubelet", ["node", NODE],
                             usage="clientAuth,serverAuth",
                             subject="/O=system:nodes/CN=system:node:node")
        check(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
               "ec_paramgen_curve:P-256", "-out", self.pki / "sa.key"])
        check(["openssl", "pkey", "-in", self.pki / "sa.key", "-pubout",
               "-out", self.pki / "sa.pub"])
        self._kubeconfig(self.kubeconfig, self.admin)
        self._kubeconfig(self.directory / "kubelet.kubeconfig", self.kubelet)

    def _kubeconfig(self, path, pair):
        crt, key, ca = (base64.b64encode(Path(one).read_bytes()).decode()
                        for one in (*pair, self.authority.crt))
        path.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {
                "server": SERVER, "certificate-authority-data": ca}}],
            "users": [{"name": "user", "user": {
                "client-certificate-data": crt, "client-key-data": key}}],
            "contexts": [{"name": "test", "context": {
                "cluster": "test", "user": "user"}}]}))
        path.chmod(0o600)

    # ---- the parts ----

    def _apiserver(self):
        crt, key = self.serving
        client, client_key = self.admin
        return self._start(
            self.kube, "kube-apiserver", "--etcd-servers", ETCD,
            "--bind-address", NODE, "--secure-port", "6443",
            "--advertise-address", NODE, "--tls-cert-file", crt,
            "--tls-private-key-file", key, "--client-ca-file",
            self.authority.crt, "--authorization-mode", "Node,RBAC",
            "--enable-admission-plugins", "NodeRestriction",
            "--allow-privileged", "--service-cluster-ip-range", SERVICES,
            "--service-account-issuer", "https://kubernetes.default.svc",
            "--service-account-key-file", self.pki / "sa.pub",
            "--service-account-signing-key-file", self.pki / "sa.key",
            "--kubelet-preferred-address-types", "InternalIP",
            "--kubelet-client-certificate", client,
            "--kubelet-client-key", client_key)

    def _containerd(self):
        (self.directory / "cni").mkdir()
        (self.directory / "ctd").mkdir()
        network = json.loads(json.dumps(NETWORK))
        network["plugins"][0]["ipam"]["dataDir"] = str(self.directory / "ipam")
        (self.directory / "cni" / "10-pods.conflist").write_text(
            json.dumps(network))
        config = self.directory / "ctd" / "config.toml"
        config.write_text(CONTAINERD.format(dir=self.directory))
        containerd = self.processes.start(
            ["containerd", "--config", config], name="containerd")
        self._until("an answer of containerd", containerd,
                    lambda: self.ctr("version").rc == 0)
        imported = self.ctr("images", "import", self.images)
        assert imported.rc == 0, imported.err

    def _proxy(self):
        config = self.directory / "proxy.json"
        config.write_text(json.dumps({
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration", "mode": "iptables",
            "clientConnection": {"kubeconfig": str(self.kubeconfig)},
            "clusterCIDR": PODS, "hostnameOverride": "node",
            "conntrack": {"maxPerCore": 0}}))
        self._start(self.node, "kube-proxy", "--config", config)

    def _kubelet(self):
        crt, key = self.kubelet
        config = self.directory / "kubelet.json"
        config.write_text(json.dumps({
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {
                "anonymous": {"enabled": False}, "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(self.authority.crt)}},
            "authorization": {"mode": "Webhook"},
            "cgroupDriver": "cgroupfs", "cgroupRoot": self.cgroup,
            "failSwapOn": False, "failCgroupV1": False,
            "containerRuntimeEndpoint":
                f"unix://{self.directory}/ctd/c.sock",
            "tlsCertFile": str(crt), "tlsPrivateKeyFile": str(key),
            "podLogsDir": str(self.directory / "logs"),
            "volumePluginDir": str(self.directory / "plugins"),
            # What is watched, Secrets among it, is in pods at once.
            "configMapAndSecretChangeDetectionStrategy": "Watch",
            "syncFrequency": "5s",
            "evictionHard": {"memory.available": "100Mi",
                             "nodefs.available": "1%",
                             "imagefs.available": "1%"}}))
        return self._start(
            self.node, "kubelet", "--config", config, "--kubeconfig",
            self.directory / "kubelet.kubeconfig", "--hostname-override",
            "node", "--root-dir", self.directory / "kubelet", "--node-ip",
            NODE)
