"""The chart under helm itself, from the package to the end of a release."""

import base64
import contextlib
import copy

import pytest
import yaml

import certmanager
import installs
from harness import wait_until
from test_chart import differences

CASES = sorted(file.name.removesuffix("-values.yaml")
               for file in (installs.CHART / "ci").iterdir())
# A release goes through these one after the other, and back.  What the first
# has is ready without a load balancer.
FIRST = {"controller": {"service": {"type": "ClusterIP"},
                        "config": {"proxy-body-size": "8m"}}}
# Annotations that controllers of the cluster write.
FOREIGN = ("meta.helm.sh/", "deployment.kubernetes.io/",
           "deprecated.daemonset.template.")
ALLOCATED = ("clusterIP", "clusterIPs", "healthCheckNodePort")
MONITORING = {"ServiceMonitor": "servicemonitors",
              "PrometheusRule": "prometheusrules"}


@pytest.fixture(scope="module")
def program(cluster):
    return cluster.program("helm")


@pytest.fixture(scope="module")
def package(program, tmp_path_factory):
    """What people get: the folder without what .helmignore names."""
    folder = tmp_path_factory.mktemp("package")
    made = installs.helm(program, "package", installs.CHART,
                         "--destination", folder)
    assert made.rc == 0, made.err
    found, = folder.iterdir()
    return found


@pytest.mark.parametrize("case", [None, *CASES])
def test_lint(program, case):
    values = [installs.preset_values(case)] if case else []
    said = installs.helm(program, "lint", "--strict", installs.CHART,
                         *installs.values_flags(values))
    assert said.rc == 0 and "0 chart(s) failed" in said.out, said
    assert "WARNING" not in said.out + said.err, said


def test_the_package_is_the_chart(program, package):
    values = installs.values_flags([installs.preset_values("everything")])
    one, two = (installs.helm(program, "template", "sallyport", chart, *values)
                for chart in (package, installs.CHART))
    assert one.rc == 0 and one.out == two.out, one.err


def crd(group, kind, plural):
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {"group": group, "scope": "Namespaced",
                 "names": {"kind": kind, "plural": plural,
                           "singular": kind.lower()},
                 "versions": [{
                     "name": "v1", "served": True, "storage": True,
                     "schema": {"openAPIV3Schema": {
                         "type": "object",
                         "x-kubernetes-preserve-unknown-fields": True}}}]}}


@pytest.fixture
def kinds_of_others(cluster):
    """Those the chart has objects of: cert-manager's, and names of the
    Prometheus operator's."""
    stand_ins = [crd("monitoring.coreos.com", kind, plural)
                 for kind, plural in MONITORING.items()]
    certmanager.install(cluster, [
        *(one for one in certmanager.crds(cluster)
          if one["spec"]["names"]["kind"] in ("Certificate", "Issuer")),
        *stand_ins])
    yield
    for one in stand_ins:
        cluster.delete("crd", one["metadata"]["name"])


def bare(one):
    """What an object says without what the cluster adds to each."""
    one = copy.deepcopy(one)
    one.pop("status", None)
    meta, spec = one["metadata"], one.get("spec", {})
    one["metadata"] = {
        "name": meta["name"], "namespace": meta.get("namespace"),
        "labels": meta["labels"],
        "annotations": {name: value for name, value in
                        meta.get("annotations", {}).items()
                        if not name.startswith(FOREIGN)}}
    if one["kind"] == "Service":
        for name in ALLOCATED:
            spec.pop(name, None)
        for port in spec["ports"]:
            port.pop("nodePort", None)
    for webhook in one.get("webhooks", []):
        webhook["clientConfig"].pop("caBundle", None)
    return one


class Release:
    """One release, by helm; what it should be, by a dry run of creation
    before there is any of it."""

    def __init__(self, cluster, program, package, namespace, home):
        self.cluster, self.program, self.package = cluster, program, package
        self.name = self.namespace = namespace
        self.home = home
        self.kinds = set()

    def run(self, *arguments):
        return installs.helm(
            self.program, "--kubeconfig", self.cluster.kubeconfig,
            "--namespace", self.namespace, *arguments, home=self.home,
            timeout=180)

    def must(self, *arguments):
        result = self.run(*arguments)
        assert result.rc == 0, (arguments, result.err)
        return result.out

    def fresh(self, values):
        """{key: object} as the server would have them of a first install."""
        made = installs.rendered(self.program, self.name, self.namespace,
                                 values)
        for namespace in {one["metadata"].get("namespace") for one in made}:
            if namespace and not self.cluster.get("namespace", namespace):
                self.cluster.create_namespace(namespace)
        found = {installs.key(one): bare(
            self.cluster.api.create(one, dryRun="All").must())
            for one in made}
        self.kinds |= {(one["kind"], one["apiVersion"]) for one in made}
        return self.without_scaled(found)

    @staticmethod
    def without_scaled(found):
        """How many pods there are is the autoscaler's where there is one."""
        if any(kind == "HorizontalPodAutoscaler" for kind, *_ in found):
            for (kind, *_), one in found.items():
                if kind == "Deployment":
                    one["spec"].pop("replicas")
        return found

    def live(self):
        """{key: object} of all that carries the release's label."""
        found = {}
        for kind, version in self.kinds:
            group, _, version = version.rpartition("/")
            for one in self.cluster.api.list(
                    f"{kind}.{version}.{group}" if group else kind,
                    labelSelector="app.kubernetes.io/managed-by=Helm,"
                    f"app.kubernetes.io/instance={self.name}"):
                one = {"kind": kind, "apiVersion":
                       f"{group}/{version}" if group else version, **one}
                found[installs.key(one)] = bare(one)
        return self.without_scaled(found)

    def revisions(self):
        said = yaml.safe_load(self.must("history", self.name, "-o", "json"))
        return [(one["revision"], one["status"]) for one in said]

    def bundles(self):
        """{(kind, name of its configuration): the CAs its webhooks trust}."""
        return {(kind, one["metadata"]["name"]):
                {webhook["clientConfig"].get("caBundle")
                 for webhook in one["webhooks"]}
                for kind in ("ValidatingWebhookConfiguration",
                             "MutatingWebhookConfiguration")
                for one in self.cluster.api.list(
                    kind, labelSelector="app.kubernetes.io/instance="
                    f"{self.name}")}


@pytest.fixture
def release(cluster, program, package, namespace, tmp_path):
    one = Release(cluster, program, package, namespace, tmp_path / "home")
    yield one
    with contextlib.suppress(AssertionError):
        one.must("uninstall", one.name, "--ignore-not-found")


def trust(release, bundle):
    """What the reconciler writes of its own CA, into all of them."""
    for kind, name in release.bundles():
        count = len(release.cluster.get(kind, name)["webhooks"])
        release.cluster.patch(kind, name, None, [
            {"op": "add", "path": f"/webhooks/{number}/clientConfig/caBundle",
             "value": bundle} for number in range(count)])
    return release.bundles()


def test_a_release_from_install_to_uninstall(
        kinds_of_others, release, authority, tmp_path):
    """Each upgrade leaves what a first install with its values would: no
    object of the last one is left, no field stays.  Going back too.  What the
    reconciler wrote into its webhooks outlives them all."""
    first = tmp_path / "first.yaml"
    first.write_text(yaml.safe_dump(FIRST))
    steps = [[first], [], *([installs.preset_values(case)]
                            for case in CASES)]
    fresh = [release.fresh(values) for values in steps]
    assert any(one != fresh[0] for one in fresh[1:])

    said = release.must("install", release.name, release.package,
                        "--create-namespace", "--wait",
                        *installs.values_flags(steps[0]))
    assert f"ingressClassName: {release.name}-sallyport" in said
    assert differences(release.live(), fresh[0]) == {}
    bundle = base64.b64encode(authority.crt.read_bytes()).decode()
    kept = 0

    for values, wanted in zip(steps[1:], fresh[1:]):
        trusted = trust(release, bundle)
        release.must("upgrade", release.name, release.package,
                     "--reset-values", "--history-max=0", *installs.values_flags(values))
        assert differences(release.live(), wanted) == {}, values
        for webhook, bundles in release.bundles().items():
            assert webhook not in trusted or bundles == {bundle}, values
            kept += webhook in trusted
    assert kept > len(CASES) / 2

    wrong = release.run("upgrade", release.name, release.package, "--set",
                        "controller.replicaCounts=3")
    assert wrong.rc == 1 and "replicaCounts" in wrong.err
    release.must("rollback", release.name, "1", "--wait")
    assert differences(release.live(), fresh[0]) == {}
    assert release.revisions()[-1] == (len(steps) + 1, "deployed")

    release.must("uninstall", release.name, "--wait")
    wait_until(lambda: release.live() == {}, 60, "the end of the release")
