"""The example of the README in a real cluster: applied, changed, deleted."""

import yaml

from harness import ROOT, served_certificate, wait_until
from objects import app, tls_secret

EXAMPLES = ROOT / "examples"
HOST = "public.example.com"
GAMMA = "gamma.public.example.com"


def example(namespace):
    """The Ingresses of examples/, in our namespace."""
    objects = list(yaml.safe_load_all((EXAMPLES / "shop.yaml").read_text()))
    for one in objects:
        one["metadata"]["namespace"] = namespace
    return objects


def is_by(answer, name):
    return answer.header("X-Echo-Name") == name


def test_example(cluster, identities, namespace, authority, start_reconciler,
                 start_webhook):
    public = authority.issue(f"public-{namespace}", [HOST])
    gamma = authority.issue(f"gamma-{namespace}", [GAMMA])
    start_webhook().wait_ready().register(identities)
    r = start_reconciler(
        enable_ssl_passthrough=True,
        publish_status_address="192.0.2.10",
        default_backend_service=f"{namespace}/default-backend").wait_ready()
    for kind in ("alpha", "beta", "default-backend"):
        cluster.apply(app(kind, namespace, replicas=2))
    cluster.apply([tls_secret("public", namespace, *public),
                   tls_secret("gamma", namespace, *gamma)])
    cluster.apply(app("gamma", namespace, tls=True, annotations={
        "pods.sallyport.dev/tls-secret": "gamma"}))
    result = cluster.try_apply(example(namespace))
    assert result.rc == 0, result.err

    def served(host, path, name, tls=True):
        return lambda: is_by(r.request(host, path, tls=tls), name)

    wait_until(served(HOST, "/alpha", "alpha"), 20, "alpha")
    wait_until(served(HOST, "/beta/x", "beta"), 10, "beta")
    wait_until(served(GAMMA, "/", "gamma"), 10, "gamma through TLS")
    wait_until(served(HOST, "/wrong", "default-backend"), 10, "/wrong")
    wait_until(served("nobody.example.com", "/", "default-backend", False),
               10, "an unknown host")
    answer = r.request(HOST, "/alpha")
    assert answer.status == 308
    assert answer.header("Location") == \
        f"https://{HOST}:{r.https_port}/alpha"
    wait_until(lambda: served_certificate(HOST, r.https_port).split() ==
               public[0].read_text().split(), 10, "the Secret's certificate")
    assert served_certificate(GAMMA, r.https_port).split() == \
        gamma[0].read_text().split()
    assert r.metric("sallyport_haproxy_reloads_total") == 0

    # Endpoints: gone ones get nothing more, new ones do.
    def pods():
        return {r.request(HOST, "/alpha", tls=True).header("X-Echo-Pod")
                for _ in range(8)}
    wait_until(lambda: len(pods()) == 2, 10, "both pods of alpha")
    cluster.scale("alpha", namespace, 3)
    wait_until(lambda: len(pods()) == 3, 10, "the third pod of alpha")
    cluster.scale("alpha", namespace, 1)
    wait_until(lambda: len(pods()) == 1, 15, "one pod of alpha")

    # Deleted: the default backend has it.
    cluster.delete("ingress", "public", namespace)
    wait_until(served(HOST, "/alpha", "default-backend"), 10, "the end")
    assert r.metric("sallyport_haproxy_reloads_total") == 0
    before = r.metric("sallyport_selfchecks_total", result="equal")
    r.process.signal(10)    # SIGUSR1
    wait_until(lambda: r.metric("sallyport_selfchecks_total",
                                result="equal") > before, 10, "a self-check")
