"""sallyport lint: exit status, text, JSON, and who is judged.

SALLYPORT_BUILD names the folder of the binaries (build; build/asan for
sanitizers).
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("SALLYPORT_BUILD", ROOT / "build"))
NGINX = "nginx.ingress.kubernetes.io/"


def sallyport(*args, stdin=None):
    done = subprocess.run([BUILD / "sallyport", *map(str, args)], input=stdin,
                          capture_output=True, text=True, timeout=60)
    assert "Sanitizer" not in done.stderr, done.stderr
    return done


def ingress(name="one", ns="a", host="one.example.com", path="/",
            class_name="sallyport", annotations=None, service="web",
            created=None, deleted=False):
    meta = {"name": name, "namespace": ns}
    if annotations:
        meta["annotations"] = annotations
    if created:
        meta["creationTimestamp"] = created
    if deleted:
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    spec = {"rules": [{"host": host, "http": {"paths": [
        {"path": path, "pathType": "Prefix", "backend": {
            "service": {"name": service, "port": {"number": 80}}}}]}}]}
    if class_name:
        spec["ingressClassName"] = class_name
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": meta, "spec": spec}


def ingress_class(name="sallyport",
                  controller="sallyport.dev/ingress-controller"):
    return {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
            "metadata": {"name": name}, "spec": {"controller": controller}}


def service(name="web", ns="a"):
    return {"apiVersion": "v1", "kind": "Service",
            "metadata": {"name": name, "namespace": ns},
            "spec": {"ports": [{"port": 80}]}}


@pytest.fixture
def lint(tmp_path):
    """lint(objects..., flags=()): status and findings, by JSON."""
    def run(*objects, flags=()):
        for i, one in enumerate(objects):
            (tmp_path / f"{i:03}.json").write_text(json.dumps(one))
        done = sallyport("lint", "--format=json", *flags, tmp_path)
        return done.returncode, json.loads(done.stdout)
    return run


BAD_HOST = ingress(host="10.0.0.1")


def test_clean(lint):
    assert lint(ingress()) == (0, [])


def test_refused(lint):
    status, findings = lint(BAD_HOST)
    assert status == 1
    assert [f["severity"] for f in findings] == ["error"]
    assert findings[0].keys() == {"severity", "object", "field", "message"}
    assert findings[0]["object"] == "Ingress a/one"
    assert findings[0]["field"] == "spec.rules[0].host"
    assert "10.0.0.1" in findings[0]["message"]


def test_warnings_are_clean(lint):
    status, findings = lint(ingress(
        annotations={NGINX + "proxy-body-sise": "8m"}))
    assert status == 0
    assert [f["severity"] for f in findings] == ["warning"]


def test_text_says_where():
    text = f"---\n{json.dumps(BAD_HOST)}\n"
    done = sallyport("lint", "-", stdin=text)
    assert done.returncode == 1
    assert done.stdout.startswith("standard input:2: error: Ingress a/one: "
                                  "spec.rules[0].host: host \"10.0.0.1\"")
    assert done.stderr == "1 Ingress judged: 1 error, 0 warnings\n"


def test_several_paths(tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(json.dumps(ingress()))
    bad.write_text(json.dumps(ingress("bad", host="10.0.0.1")))
    assert sallyport("lint", good).returncode == 0
    assert sallyport("lint", good, bad).returncode == 1
    # A file that several of them lead to is read once.
    done = sallyport("lint", tmp_path, bad, f"{tmp_path}/./good.yaml", bad)
    assert (done.returncode, done.stderr) == \
        (1, "2 Ingresses judged: 1 error, 0 warnings\n")


def config_map(**data):
    return {"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "defaults", "namespace": "system"},
            "data": data}


def test_configmap(lint):
    """Its keys are defaults, and it is judged itself."""
    far = ingress(annotations={NGINX + "auth-type": "basic",
                               NGINX + "auth-secret": "b/users"})
    flags = ("--configmap", "system/defaults")
    good = config_map(**{"allow-cross-namespace-resources": "true"})
    bad = config_map(**{"hsts": "on", "hots": "true",
                        "host-owners": "no rule"})
    assert lint(far, good)[0] == 1
    assert lint(far, good, flags=flags) == (0, [])
    status, findings = lint(ingress(), bad, flags=flags)
    assert status == 1
    assert {(f["severity"], f["object"], f["field"]) for f in findings} == {
        ("error", "ConfigMap system/defaults", "data[hsts]"),
        ("error", "ConfigMap system/defaults", "data[host-owners]"),
        ("warning", "ConfigMap system/defaults", "data")}


# keys, those that are told of and how
NEEDS = [
    ({"use-forwarded-headers": "true"},
     [("error", "data[use-forwarded-headers]")]),
    ({"enable-real-ip": "true", "use-proxy-protocol": "true"},
     [("error", "data[enable-real-ip]"),
      ("error", "data[use-proxy-protocol]")]),
    ({"use-proxy-protocol": "true", "proxy-real-ip-cidr": "10.0.0.0/8"}, []),
    ({"use-proxy-protocol": "true", "proxy-real-ip-cidr": "0.0.0.0/0"},
     [("warning", "data[proxy-real-ip-cidr]")]),
    ({"proxy-real-ip-cidr": "0.0.0.0/0"}, []),
    ({"forwarded-for-header": "X-Client",
      "compute-full-forwarded-for": "true"},
     [("warning", "data[forwarded-for-header]"),
      ("warning", "data[compute-full-forwarded-for]")]),
    ({"forwarded-for-header": "X-Client", "enable-real-ip": "true",
      "compute-full-forwarded-for": "true",
      "proxy-real-ip-cidr": "10.0.0.1"}, []),
]


@pytest.mark.parametrize("n", range(len(NEEDS)))
def test_configmap_keys_that_need_others(lint, n):
    keys, want = NEEDS[n]
    _, found = lint(ingress(), config_map(**keys),
                    flags=("--configmap", "system/defaults"))
    assert sorted((f["severity"], f["field"]) for f in found) == sorted(want)


def secret(name, ns, crt, key="none"):
    return {"apiVersion": "v1", "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": {"name": name, "namespace": ns},
            "stringData": {"tls.crt": crt, "tls.key": key}}


def test_modern_profile(lint):
    """What counts for nothing is told where the controller's flag is given:
    on the Ingress, and on the ConfigMap."""
    objects = (ingress(annotations={"sallyport.dev/tls-protocols": "TLSv1.2"}),
               config_map(**{"ssl-ciphers": "ECDHE-RSA-AES128-GCM-SHA256",
                             "ssl-protocols": "TLSv1.3"}))
    flags = ("--configmap", "system/defaults")
    assert lint(*objects, flags=flags) == (0, [])
    status, found = lint(*objects, flags=(*flags, "--tls-profile=modern"))
    assert status == 0
    assert [(f["object"], f["field"]) for f in found] == [
        ("ConfigMap system/defaults", "data[ssl-ciphers]"),
        ("Ingress a/one",
         "metadata.annotations[sallyport.dev/tls-protocols]")]
    assert all("--tls-profile modern" in f["message"] for f in found)


def test_default_certificate(lint, tmp_path):
    """Judged where the files hold Secrets of its namespace, on itself."""
    flags = ("--default-ssl-certificate", "infra/cert")
    bad = secret("cert", "infra", "see vault")
    assert lint(ingress(), bad) == (0, [])
    status, found = lint(ingress(), bad, flags=flags)
    assert status == 0
    assert [(f["severity"], f["object"]) for f in found] == [
        ("warning", "Secret infra/cert")]
    assert "tls.crt has no PEM certificate" in found[0]["message"]
    done = sallyport("lint", *flags, tmp_path)
    assert done.stdout.startswith(f"{tmp_path}/001.json:1: warning: Secret "
                                  "infra/cert: ")
    assert lint(ingress(), secret("cert", "a", "x"), flags=flags) == (0, [])
    _, found = lint(ingress(), secret("other", "infra", "x"), flags=flags)
    assert ["does not exist" in f["message"] for f in found] == [True]
    for form in ("text", "github"):
        done = sallyport("lint", "-o", form, *flags, tmp_path)
        assert "Secret infra/cert" in done.stdout


def test_configmap_is_not_there(tmp_path):
    (tmp_path / "one.json").write_text(json.dumps(ingress()))
    done = sallyport("lint", "--configmap", "system/defaults", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ("sallyport lint: no ConfigMap "
                           '"system/defaults" in these files\n')


@pytest.mark.parametrize("class_name, annotation, judged", [
    ("sallyport", None, True),
    (None, None, True),
    (None, "sallyport", True),
    ("nginx", None, False),
    (None, "nginx", False),
    ("nginx", "sallyport", False),
])
def test_who_is_judged(lint, class_name, annotation, judged):
    annotations = ({"kubernetes.io/ingress.class": annotation}
                   if annotation else None)
    one = ingress(host="10.0.0.1", class_name=class_name,
                  annotations=annotations)
    assert lint(one)[0] == (1 if judged else 0)


def test_flags_of_class(lint):
    flag = "--watch-ingress-without-class=false"
    assert lint(ingress(host="10.0.0.1", class_name=None),
                flags=[flag]) == (0, [])
    nginx = ingress(host="10.0.0.1", class_name="nginx")
    assert lint(nginx)[0] == 0
    assert lint(nginx, flags=["--ingress-class=nginx"])[0] == 1
    # A class of that name in the files is asked who serves it.
    assert lint(nginx, ingress_class("nginx", "k8s.io/ingress-nginx"),
                flags=["--ingress-class=nginx"])[0] == 0
    assert lint(nginx, ingress_class("nginx", "k8s.io/ingress-nginx"),
                flags=["--ingress-class=nginx",
                       "--controller-class=k8s.io/ingress-nginx"])[0] == 1


def test_left_out_is_said(tmp_path):
    file = tmp_path / "x.json"
    file.write_text(json.dumps(ingress(class_name="nginx")))
    done = sallyport("lint", file)
    assert done.returncode == 0
    assert "0 Ingresses judged" in done.stderr
    assert "1 of another class or namespace left out" in done.stderr


def test_namespaces(lint):
    assert lint(BAD_HOST, flags=["--watch-namespace=b"])[0] == 0
    assert lint(BAD_HOST, flags=["--watch-namespace=b,a"])[0] == 1


def test_conflict_is_told_to_the_later_file(lint):
    status, findings = lint(ingress("first", "a"), ingress("second", "b"))
    assert status == 1
    assert [f["object"] for f in findings] == ["Ingress b/second"]
    assert ('host "one.example.com" and path "/" is already defined in '
            'ingress a/first') in findings[0]["message"]


def test_conflict_is_told_to_the_younger_one(lint):
    status, findings = lint(
        ingress("first", "a", created="2026-02-02T00:00:00Z"),
        ingress("second", "b", created="2026-01-01T00:00:00Z"))
    assert status == 1
    assert [f["object"] for f in findings] == ["Ingress a/first"]
    # With an age before without.
    status, findings = lint(
        ingress("first", "a"),
        ingress("second", "b", created="2026-01-01T00:00:00Z"))
    assert [f["object"] for f in findings] == ["Ingress a/first"]


@pytest.mark.parametrize("policy, status", [
    ("namespace", 1), ("path", 0), ("ingress", 1), ("none", 0)])
def test_host_policy(lint, policy, status):
    assert lint(ingress("first", "a", path="/a"),
                ingress("second", "b", path="/b"),
                flags=["--host-policy", policy])[0] == status


def test_being_deleted_owns_nothing(lint):
    assert lint(ingress("first", "a", deleted=True),
                ingress("second", "b"))[0] == 0


def test_canary_before_its_main(lint):
    canary = ingress("canary", annotations={NGINX + "canary": "true",
                                            NGINX + "canary-weight": "10"})
    status, findings = lint(canary, ingress("main"))
    assert status == 0
    assert not any("main" in f["message"] and f["severity"] == "error"
                   for f in findings)


def test_services_are_asked_for_only_where_there_are_any(lint):
    one = ingress(service="nosuch")
    assert lint(one) == (0, [])
    assert lint(one, service(ns="b")) == (0, [])
    status, findings = lint(one, service())
    assert status == 0
    assert ['Service "a/nosuch" does not exist' in f["message"]
            for f in findings] == [True]


@pytest.mark.parametrize("text, word", [
    ("{", "1"),
    ("kind: Ingress\nkind: Ingress\n", "2"),
    ("apiVersion: networking.k8s.io/v1\nkind: Ingress\n"
     "metadata: {name: x}\nspec: {rules: 7}\n", "spec.rules"),
])
def test_unreadable(tmp_path, text, word):
    file = tmp_path / "x.yaml"
    file.write_text(text)
    done = sallyport("lint", file)
    assert done.returncode == 2
    assert str(file) in done.stderr
    assert word in done.stderr


def test_unreadable_beside_refused(tmp_path):
    """What can be read is judged all the same; the status is 2."""
    (tmp_path / "a.json").write_text(json.dumps(BAD_HOST))
    (tmp_path / "b.json").write_text("{")
    done = sallyport("lint", "--format=json", tmp_path)
    assert done.returncode == 2
    assert len(json.loads(done.stdout)) == 1


@pytest.mark.parametrize("argv, status, word", [
    ((), 2, "which command?"),
    (("lnit", "x"), 2, 'did you mean "lint"?'),
    (("frobnicate",), 2, 'unknown command "frobnicate"'),
    (("lint",), 2, "which files or folders?"),
    (("lint", "/nonexistent/x"), 2, "/nonexistent/x"),
    (("lint", "--fromat=json", "x"), 2, "did you mean --format?"),
    (("lint", "--format=xml", "x"), 2, '"xml" is not one of text, json'),
    (("lint", "--host-policy=name", "x"), 2, "--host-policy"),
    (("lint", "--ingress-class=A B", "x"), 2, "--ingress-class"),
])
def test_wrong_usage(argv, status, word):
    done = sallyport(*argv)
    assert done.returncode == status
    assert word in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize("argv, word", [
    (("--help",), "usage: sallyport COMMAND"),
    (("help",), "usage: sallyport COMMAND"),
    (("lint", "--help"), "--host-policy"),
    (("version",), "sallyport "),
    (("--version",), "sallyport "),
])
def test_help(argv, word):
    done = sallyport(*argv)
    assert done.returncode == 0
    assert word in done.stdout
    assert done.stderr == ""


def test_the_examples():
    done = sallyport("lint", "--enable-ssl-passthrough", ROOT / "examples",
                     "--format=json")
    findings = json.loads(done.stdout)
    assert done.returncode == 1
    assert {f["object"] for f in findings
            if f["severity"] == "error"} == {
        f"Ingress team-a/{name}" for name in (
            "annotations", "host", "rewrite", "snippet")} | {
        "Ingress team-b/second"}


def test_lint_writes_to_a_full_disk():
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([BUILD / "sallyport", "lint", "-"],
                              input=json.dumps(BAD_HOST), stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 2
    assert "cannot write" in done.stderr


def test_github(tmp_path):
    """An annotation a finding, on the file's line, with syntax escaped."""
    (tmp_path / "a,b.json").write_text(json.dumps(BAD_HOST))
    done = sallyport("lint", "-o", "github", tmp_path)
    assert done.returncode == 1
    first = done.stdout.splitlines()[0]
    assert first.startswith(f"::error file={tmp_path}/a%2Cb.json,line=1::"
                            "Ingress a/one: spec.rules[0].host: ")
