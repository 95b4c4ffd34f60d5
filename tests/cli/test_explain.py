"""sallyport explain: annotations by name, and who answers a URL."""

import json

import pytest

from test_lint import NGINX, config_map, ingress, sallyport, service


@pytest.mark.parametrize("name", ["rewrite-target", NGINX + "rewrite-target",
                                  "sallyport.dev/rewrite-target"])
def test_annotation(name):
    done = sallyport("explain", name)
    assert done.returncode == 0
    assert done.stdout.startswith(NGINX + "rewrite-target\n")
    assert "supported: " in done.stdout and "value:" in done.stdout


def test_list():
    done = sallyport("explain")
    assert done.returncode == 0
    assert "  ssl-redirect " in done.stdout
    assert done.stdout.count("\n") > 100


def test_json():
    done = sallyport("explain", "-o", "json", "rewrite-target", "affinity")
    assert done.returncode == 0
    one, two = json.loads(done.stdout)
    assert one["name"] == NGINX + "rewrite-target"
    assert two["name"] == NGINX + "affinity"
    # What the text says, by members.
    text = sallyport("explain", "rewrite-target").stdout
    assert f"  {one['meaning']}\n" in text
    for label, member in (("supported", "support"), ("value", "value"),
                          ("reaches", "reaches"), ("a change", "change"),
                          ("risk", "risk")):
        assert f"  {label + ':':11}{one[member]}\n" in text, member
    assert one["default"] is None and one["protects"] is False


def test_json_of_all():
    everything = json.loads(sallyport("explain", "-o", "json").stdout)
    listed = [line.split()[0] for line in
              sallyport("explain").stdout.splitlines()
              if line.startswith("  ")]
    assert [one["name"].rpartition("/")[2] for one in everything] == listed
    refused = {one["name"]: one for one in everything}[
        NGINX + "configuration-snippet"]
    assert refused["support"] and refused["meaning"]


def test_typo():
    done = sallyport("explain", "rewrite-targte")
    assert done.returncode == 2
    assert done.stderr == ('sallyport explain: unknown annotation '
                           '"rewrite-targte": did you mean '
                           '"rewrite-target"?\n')


@pytest.fixture
def ask(tmp_path):
    """ask(url, objects..., flags=()): exit status and JSON."""
    def run(url, *objects, flags=()):
        for i, one in enumerate(objects):
            (tmp_path / f"{i:03}.json").write_text(json.dumps(one))
        done = sallyport("explain", "--url", url, "-o", "json",
                         "--manifests", tmp_path, *flags)
        return done.returncode, json.loads(done.stdout)
    return run


def reasons(told):
    return {o["ingress"]: o["why"] for o in told["others"]}


def test_longest(ask):
    status, told = ask("http://one.example.com/api/v1",
                       ingress(), ingress(name="api", path="/api"),
                       ingress(name="b", path="/b"))
    assert status == 0
    assert told["answer"] == "backend a/web port 80"
    assert told["by"] == {
        "namespace": "a", "ingress": "api", "type": "Prefix",
        "field": "spec.rules[0].http.paths[0]", "host": "one.example.com",
        "path": "/api"}
    assert reasons(told) == {"one": "matches, but a longer path wins",
                             "b": "the path does not match"}


def test_wildcard_is_not_asked(ask):
    _, told = ask("http://one.example.com/x", ingress(path="/x"),
                  ingress(name="wild", host="*.example.com"))
    assert reasons(told)["wild"] == \
        'not asked: "one.example.com" has rules of its own'


def test_loser_of_a_conflict(ask):
    _, told = ask("http://one.example.com/",
                  ingress(name="old", created="2026-01-01T00:00:00Z"),
                  ingress(name="new", created="2026-02-01T00:00:00Z",
                          service="other"))
    assert told["by"]["ingress"] == "old"
    assert "Ingress a/old has it" in reasons(told)["new"]


def tls(one):
    one["spec"]["tls"] = [{"hosts": ["one.example.com"], "secretName": "c"}]
    return one


@pytest.mark.parametrize("url, objects, status, answer", [
    ("http://one.example.com/a?b", [tls(ingress())], 0,
     "redirect 308 to https://one.example.com/a?b"),
    ("https://one.example.com/a", [tls(ingress())], 0,
     "backend a/web port 80"),
    ("http://ONE.example.com.:8080/%61/../x", [ingress(path="/x")], 0,
     "backend a/web port 80"),
    ("http://u:p@h@one.example.com?a#/b?c", [tls(ingress())], 0,
     "redirect 308 to https://one.example.com/?a"),
    ("http://one.example.com#/a", [tls(ingress())], 0,
     "redirect 308 to https://one.example.com/"),
    ("http://other.example.com/", [ingress()], 1,
     "no rule: the controller's default backend, or 404"),
    ("http://other.example.com/healthz?a", [ingress()], 1,
     "no rule: the controller's default backend, "
     "or 200 for load balancers that ask for it"),
    ("http://one.example.com/healthz", [ingress(path="/x")], 1,
     "no rule: the controller's default backend, or 404"),
    ("http://one.example.com/%00", [ingress()], 1,
     "refused with 400: this path is not acceptable"),
    ("http://a..b/", [ingress()], 1,
     "refused with 400: this Host is not acceptable"),
    ("http://one.example.com/", [ingress(service="gone"), service()], 0,
     "backend a/gone port 80 (the Service does not exist: 503)"),
    ("http://one.example.com/", [ingress(annotations={
        NGINX + "permanent-redirect": "https://x.test/"})], 0,
     "redirect 301 to https://x.test/"),
    ("http://one.example.com/", [ingress(annotations={
        NGINX + "whitelist-source-range": "nowhere"})], 1,
     "503: an annotation that protects this route cannot be honoured"),
    ("https://one.example.com/", [ingress(annotations={
        NGINX + "ssl-passthrough": "true"})], 0,
     "TLS is passed through to backend a/web port 80"),
])
def test_answers(ask, url, objects, status, answer):
    got, told = ask(url, *objects)
    assert (got, told["answer"]) == (status, answer)


def test_defaults_of_the_configmap(ask):
    """They change who answers: here nobody redirects."""
    objects = (tls(ingress()), config_map(**{"ssl-redirect": "false"}))
    url, flags = "http://one.example.com/", ("--configmap", "system/defaults")
    assert ask(url, *objects)[1]["answer"].startswith("redirect 308")
    assert ask(url, *objects, flags=flags)[1]["answer"] == \
        "backend a/web port 80"


def test_canary(ask):
    _, told = ask("http://one.example.com/", ingress(),
                  ingress(name="new", service="next", annotations={
                      NGINX + "canary": "true",
                      NGINX + "canary-weight": "10"}))
    assert told["answer"] == (
        "backend a/web port 80; some requests go to the canary backend "
        "a/next port 80 of Ingress a/new")


def test_forged_host(ask):
    status, told = ask("http://one.example.com/", ingress(),
                       flags=("--host", "one.example.com/evil"))
    assert (status, told["answer"]) == \
        (1, "refused with 400: this Host is not acceptable")


def test_method(ask):
    _, told = ask("http://one.example.com/", ingress(),
                  flags=("--method", "TRACE"))
    assert told["answer"] == "refused with 405: this method is not served"


@pytest.mark.parametrize("args, text", [
    (("--url", "ftp://x/"), "does not begin with http:// or https://"),
    (("--url", "http:///x"), "names no host"),
    (("--url", "http://u@/x"), "names no host"),
    (("--url", "http://#/x"), "names no host"),
    (("--url", "http://x/", "more"), 'unexpected argument "more"'),
    (("--ulr", "http://x/"), "did you mean --url?"),
    (("--url", "http://x/", "--kubeconfig", "x"), "exclude each other"),
    (("--url", "http://x/", "--secrets"), "exclude each other"),
    (("affinity",), "without --url: unknown flag --manifests"),
])
def test_usage(tmp_path, args, text):
    done = sallyport("explain", *args, "--manifests", tmp_path)
    assert done.returncode == 2
    assert text in done.stderr and done.stderr.count("\n") == 1


def test_text(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(ingress()))
    done = sallyport("explain", "--url", "http://one.example.com/x",
                     "--manifests", tmp_path)
    assert done.returncode == 0
    assert '  answer:  backend a/web port 80\n' in done.stdout
    assert '  by:      Ingress a/one, spec.rules[0].http.paths[0]: ' \
        'Prefix "/" on "one.example.com"\n' in done.stdout
