"""sallyport audit: grouping, differences, counts, class nginx, exit status."""

import json

import pytest

from test_lint import NGINX, config_map, ingress, sallyport, service


@pytest.fixture
def audit(tmp_path):
    """audit(objects..., flags=()): exit status and JSON."""
    def run(*objects, flags=()):
        for i, one in enumerate(objects):
            (tmp_path / f"{i:03}.json").write_text(json.dumps(one))
        done = sallyport("audit", "-o", "json", "--manifests", tmp_path,
                         *flags)
        return done.returncode, json.loads(done.stdout)
    return run


def test_clean(audit):
    status, told = audit(ingress())
    assert status == 0
    assert told["counts"] == {
        "ingresses": 1, "namespaces": 1, "refused": 0, "clean": 1,
        "errors": 0, "warnings": 0, "differences": 0, "left_out": 0}
    assert told["ingresses"][0]["findings"] == []
    assert any("1m" in line for line in told["general"])


def test_refused(audit):
    status, told = audit(ingress(), ingress(name="bad", ns="b",
                                            host="10.0.0.1"))
    assert status == 1
    assert [(one["namespace"], one["name"], one["refused"])
            for one in told["ingresses"]] == [("a", "one", False),
                                              ("b", "bad", True)]
    assert told["counts"]["refused"] == 1
    assert told["counts"]["namespaces"] == 2


def test_the_controllers_own(audit, tmp_path):
    """With its flags: the ConfigMap is judged, and its keys are defaults."""
    far = ingress(annotations={NGINX + "auth-type": "basic",
                               NGINX + "auth-secret": "b/users",
                               "sallyport.dev/tls-protocols": "TLSv1.2"})
    flags = ("--configmap", "system/defaults", "--tls-profile=modern")
    good = config_map(**{"allow-cross-namespace-resources": "true"})
    bad = config_map(**{"hsts": "on", "ssl-protocols": "TLSv1.2"})
    status, told = audit(far, good)
    assert (status, told["counts"]["refused"]) == (1, 1)
    assert told["controller"] == []
    status, told = audit(far, good, flags=flags)
    assert (status, told["counts"]["refused"]) == (0, 0)
    assert [f["field"] for f in told["ingresses"][0]["findings"]] == [
        "metadata.annotations[sallyport.dev/tls-protocols]"]
    status, told = audit(ingress(), bad, flags=flags)
    assert (status, told["counts"]["refused"]) == (1, 0)
    assert (told["counts"]["errors"], told["counts"]["warnings"]) == (1, 1)
    assert [(f["severity"], f["object"], f["field"])
            for f in told["controller"]] == [
        ("error", "ConfigMap system/defaults", "data[hsts]"),
        ("warning", "ConfigMap system/defaults", "data[ssl-protocols]")]
    text = sallyport("audit", "--manifests", tmp_path, *flags).stdout
    assert text.startswith("controller\n  error: ConfigMap system/defaults: "
                           "data[hsts]: ")
    gone = sallyport("audit", "--manifests", tmp_path, "--configmap", "a/b")
    assert (gone.returncode, gone.stdout) == (2, "")
    assert gone.stderr == ('sallyport audit: no ConfigMap "a/b" in these '
                           'files\n')


def test_oldest_first(audit):
    """The younger one of two is told, whatever the order of the files."""
    _, told = audit(
        ingress(name="young", ns="a", created="2026-02-01T00:00:00Z"),
        ingress(name="old", ns="b", created="2026-01-01T00:00:00Z"))
    assert [one["name"] for one in told["ingresses"] if one["refused"]] == \
        ["young"]


def test_class_nginx_counts_as_ours(audit):
    """Whoever serves the class today."""
    status, told = audit(
        ingress(class_name="nginx"), ingress(name="other"),
        {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
         "metadata": {"name": "nginx"},
         "spec": {"controller": "k8s.io/ingress-nginx"}},
        flags=("--ingress-class", "nginx"))
    assert status == 0
    assert [one["name"] for one in told["ingresses"]] == ["one"]
    assert told["counts"]["left_out"] == 1


@pytest.mark.parametrize("annotations, path, kind, field, text", [
    ({}, "/my/", "Prefix", "spec.rules[0].http.paths[0].path",
     'redirected "/my" to "/my/" with 301; here the backend gets both'),
    ({}, "/my/", "Exact", "spec.rules[0].http.paths[0].path",
     "here only the latter"),
    ({NGINX + "use-regex": "true"}, "/v[0-9]+", "ImplementationSpecific",
     "spec.rules", "/foo took /foobar too"),
    ({NGINX + "proxy-body-size": "1m"}, "/", "Prefix",
     f"metadata.annotations[{NGINX}proxy-body-size]", "ingress-nginx: 1m"),
])
def test_differences(audit, annotations, path, kind, field, text):
    one = ingress(path=path, annotations=annotations)
    one["spec"]["rules"][0]["http"]["paths"][0]["pathType"] = kind
    status, told = audit(one)
    assert status == 0
    found = {d["field"]: d["message"]
             for d in told["ingresses"][0]["differences"]}
    assert text in found[field]


def test_text(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(ingress(host="10.0.0.1")))
    done = sallyport("audit", "--manifests", tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("namespace a\n  one: would be refused\n")
    assert "1 Ingress in 1 namespace: 1 would be refused" in done.stdout


def test_missing_service_of_a_known_namespace(audit):
    _, told = audit(ingress(service="gone"), service())
    assert "gone" in told["ingresses"][0]["findings"][0]["message"]


@pytest.mark.parametrize("args, text", [
    (("--kubeconfg", "x"), "did you mean --kubeconfig?"),
    (("-x",), "unknown flag -x"),
    (("-o",), "-o needs a value"),
    (("-o", "jsn"), "did you mean json?"),
    (("--kubeconfig", "/nonexistent"), "/nonexistent"),
    (("what",), 'unexpected argument "what"'),
    (("--manifests", "x", "--secrets"), "exclude each other"),
])
def test_usage(args, text):
    done = sallyport("audit", *args)
    assert done.returncode == 2
    assert text in done.stderr and done.stderr.count("\n") == 1


def test_no_cluster(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    done = sallyport("audit")
    assert done.returncode == 2
    assert "--kubeconfig FILE, or --manifests DIR" in done.stderr
