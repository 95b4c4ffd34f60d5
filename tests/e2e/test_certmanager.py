"""Certificates by cert-manager, asked for on an Ingress that exists already.

Real are: API server and controller-manager, cert-manager's control loops and
its CRDs, the ACME server, the name server (filled by external-dns from our
status), webhook, reconciler and HAProxy on ports 80 and 443 of an address of
its own.  The solver's pod is cert-manager's own solver, run by the cluster's
node as a process in a network namespace that has the pod's address; there are
no images and no kubelet.
"""

import base64
import ipaddress

import pytest

import certmanager
from harness import Authority, http, wait_until
from kubecluster import dig
from objects import addresses, app, ingress, path, tls_secret

SOLVER = "acme.cert-manager.io/http01-solver=true"


@pytest.fixture
def edge(cluster, start_webhook, start_reconciler):
    """The reconciler on ports 80 and 443 of an address of the pods' range that
    no pod gets, and a webhook in front of every Ingress."""
    address = str(ipaddress.ip_network(cluster.setting("POD_CIDR"))[-2])
    webhook = start_webhook(host_policy="namespace").wait_ready()
    webhook.register(cluster)
    reconciler = start_reconciler(
        bind_address=address, http_port=80, https_port=443,
        publish_status_address=address).wait_ready()
    reconciler.address, reconciler.webhook = address, webhook
    return reconciler


@pytest.fixture
def dns_port(cluster):
    port = cluster.dns_up()
    try:
        yield port
    finally:
        cluster.dns_down()


@pytest.fixture
def cert_manager(cluster, processes, dns_port):
    with certmanager.controller(cluster, processes, dns_port) as process:
        yield process


def issuer(name, namespace, spec):
    return {"apiVersion": "cert-manager.io/v1", "kind": "Issuer",
            "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def answers(edge, host, tls=False, ca=None):
    return http(host, "/", tls=tls, address=edge.address, ca=ca)


def serve_plainly(cluster, edge, namespace, host):
    """An application and its Ingress, served by plain HTTP."""
    cluster.apply(app("web", namespace))
    cluster.apply(ingress("web", namespace, {host: [path("/", "web")]}))
    wait_until(lambda: addresses(cluster, "web", namespace) == [edge.address],
               30, "the address in status")
    wait_until(lambda: answers(edge, host).status == 200, 30, "an answer")


def ask_for_certificate(cluster, namespace, host):
    """What a user adds to that Ingress: an annotation and spec.tls."""
    cluster.apply(ingress("web", namespace, {host: [path("/", "web")]},
                          annotations={"cert-manager.io/issuer": "ours"},
                          tls={"web-tls": [host]}))


def check_served(edge, host, issuer_name, root):
    """By SNI, from the named issuer, and a client that trusts it is served."""
    def look():
        seen = certmanager.served(host, edge.address)
        assert issuer_name in seen["issuer"], seen
        assert seen["names"] == f"DNS:{host}"
        return seen
    seen = wait_until(look, 30, f"a certificate of {issuer_name}")
    answer = answers(edge, host, tls=True, ca=root)
    assert (answer.rc, answer.status) == (0, 200), answer
    return seen["serial"]


def check_renewal(cluster, edge, namespace, host, issuer_name, root):
    before = check_served(edge, host, issuer_name, root)
    certmanager.renew(cluster, "web-tls", namespace)

    def look():
        return certmanager.served(host, edge.address)["serial"] != before
    wait_until(look, 30, "the new certificate")
    check_served(edge, host, issuer_name, root)


def solvers(cluster, namespace):
    return cluster.get("ingress", namespace=namespace, selector=SOLVER)


def test_acme_http01_for_a_host_that_is_served(
        cluster, namespace, edge, dns_port, cert_manager, processes, authority,
        tmp_path):
    host = f"{namespace}.example.com"
    pebble = certmanager.Pebble(cluster, processes, authority, tmp_path,
                                dns_port)
    serve_plainly(cluster, edge, namespace, host)
    cluster.external_dns()
    assert dig(dns_port, host) == [edge.address]

    def open_account(name):
        cluster.apply(issuer("ours", namespace, {"acme": {
            "server": pebble.url,
            "caBundle": base64.b64encode(authority.crt.read_bytes()).decode(),
            "privateKeySecretRef": {"name": name},
            "solvers": [{"http01": {"ingress": {
                "ingressClassName": "sallyport"}}}]}}))
        certmanager.wait_ready(cluster, "issuer", "ours", namespace, 60)
        return cluster.get("issuer", "ours", namespace)["status"]["acme"]
    account = open_account("first")
    reloads = edge.metric("sallyport_haproxy_reloads_total")
    claimed = edge.webhook.metric("sallyport_claims_total", result="held")

    ask_for_certificate(cluster, namespace, host)
    # The solver is an Ingress of its own on the same host.
    solver = wait_until(lambda: solvers(cluster, namespace), 120,
                        "the solver's Ingress")[0]
    assert solver["spec"]["rules"][0]["host"] == host
    certmanager.wait_ready(cluster, "certificate", "web-tls", namespace)
    assert pebble.challenges(host) == 1
    check_served(edge, host, "Pebble Intermediate CA", pebble.root)

    # Pebble takes an old authorization once in a hundred times, whatever
    # PEBBLE_AUTHZREUSE says; another account has none.
    wait_until(lambda: open_account("second")["uri"] != account["uri"], 60,
               "another account")
    check_renewal(cluster, edge, namespace, host, "Pebble Intermediate CA",
                  pebble.root)
    assert pebble.challenges(host) == 2
    wait_until(lambda: not solvers(cluster, namespace), 60,
               "the end of the solvers")
    # Each solver's path was new, so it was claimed and then admitted.
    assert edge.webhook.metric("sallyport_claims_total",
                               result="held") >= claimed + 2
    assert edge.metric("sallyport_haproxy_reloads_total") == reloads


def test_ca_issuer_by_an_annotation(cluster, namespace, edge, cert_manager,
                                    tmp_path):
    host = f"{namespace}.example.com"
    ours = Authority(tmp_path / "issuing", "issuing authority")
    serve_plainly(cluster, edge, namespace, host)
    cluster.apply(tls_secret("ca", namespace, ours.crt, ours.key))
    cluster.apply(issuer("ours", namespace, {"ca": {"secretName": "ca"}}))
    certmanager.wait_ready(cluster, "issuer", "ours", namespace, 60)
    reloads = edge.metric("sallyport_haproxy_reloads_total")

    ask_for_certificate(cluster, namespace, host)
    certmanager.wait_ready(cluster, "certificate", "web-tls", namespace)
    check_served(edge, host, "issuing authority", ours.crt)
    check_renewal(cluster, edge, namespace, host, "issuing authority",
                  ours.crt)
    assert edge.metric("sallyport_haproxy_reloads_total") == reloads
