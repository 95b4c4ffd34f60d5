"""At most one, through any number of replicas: three webhooks, two API servers
on one etcd, and pairs of creates at the same instant.

CLAIMS_PAIRS says how many pairs of each kind (10; `make claims` asks for 200).
"""

import collections
import http.client
import http.server
import itertools
import json
import os
import ssl
import threading
import time
from urllib.parse import urlparse

import pytest

from harness import wait_until
from objects import ingress, path

PAIRS = int(os.environ.get("CLAIMS_PAIRS", "10"))
REPLICAS = 3
SYSTEM = "sallyport-system"
SELECTOR = "labelSelector=sallyport.dev%2Fclaim"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{SYSTEM}/leases"

_numbers = itertools.count(1)


class Balancer:
    """What a Service is, but for each review: the next one goes to the next
    webhook, whatever connections the API servers keep.  While 'in_pairs' a
    review waits (shortly) for a second one: then both are judged at the same
    instant."""

    def __init__(self, authority, ports):
        crt, key = authority.issue(f"balancer-{ports[0]}",
                                   ["127.0.0.1", "localhost"])
        turns = itertools.cycle(ports)
        turn = threading.Lock()
        trust = ssl.create_default_context(cafile=authority.crt)
        local = threading.local()

        def backend(port):
            known = local.__dict__.setdefault("known", {})
            if port not in known:
                known[port] = http.client.HTTPSConnection(
                    "127.0.0.1", port, context=trust, timeout=30)
            return known[port]

        self.in_pairs = False
        self.met = threading.Condition()
        self.n_waiting = 0
        meet = self._meet

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                meet()
                with turn:
                    port = next(turns)
                to = backend(port)
                to.request("POST", self.path, body,
                           {"Content-Type": "application/json"})
                answer = to.getresponse()
                text = answer.read()
                self.send_response(answer.status)
                for name in ("Content-Type", "Retry-After"):
                    if answer.headers[name]:
                        self.send_header(name, answer.headers[name])
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0),
                                                      Handler)
        self.server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(crt, key)
        self.server.socket = context.wrap_socket(
            self.server.socket, server_side=True,
            do_handshake_on_connect=False)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever,
                         daemon=True).start()

    def _meet(self):
        with self.met:
            if not self.in_pairs:
                return
            if self.n_waiting:
                self.n_waiting = 0
                self.met.notify_all()
                return
            self.n_waiting = 1
            if not self.met.wait_for(lambda: not self.n_waiting, 0.5):
                self.n_waiting = 0

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Api:
    """One connection to one API server, as cluster-admin."""

    def __init__(self, cluster, url):
        pki = cluster.directory / "pki"
        context = ssl.create_default_context(cafile=cluster.ca)
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        at = urlparse(url)
        self.connection = http.client.HTTPSConnection(
            at.hostname, at.port, context=context, timeout=30)

    def __call__(self, method, where, body=None, kind="application/json"):
        self.connection.request(method, where, json.dumps(body) if body
                                else None, {"Content-Type": kind})
        answer = self.connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")

    def must(self, *arguments, **options):
        status, document = self(*arguments, **options)
        assert status < 300, document
        return document

    def create(self, obj, query=""):
        ns = obj["metadata"]["namespace"]
        return self("POST", "/apis/networking.k8s.io/v1/namespaces/"
                            f"{ns}/ingresses{query}", obj)


@pytest.fixture(scope="module")
def urls(cluster):
    yield cluster.setting("SERVER"), cluster.second_apiserver()
    cluster.stop_second_apiserver()


@pytest.fixture
def apis(cluster, urls):
    return [Api(cluster, url) for url in urls]


@pytest.fixture
def doors(identities, start_webhook, urls, authority):
    """Three webhooks behind one address."""
    webhooks = [start_webhook() for _ in range(REPLICAS)]
    balancer = Balancer(authority, [one.port for one in webhooks])
    for one in webhooks:
        one.wait_ready()
    webhooks[0].port = balancer.port
    webhooks[0].register(identities)
    webhooks[0].balancer = balancer
    yield webhooks
    webhooks[0].unregister()
    balancer.close()


@pytest.fixture
def spaces(cluster, namespace):
    """Two namespaces."""
    other = f"{namespace}-b"
    cluster.create_namespace(other)
    yield namespace, other
    cluster.delete("namespace", other, wait=False)


def at_once(apis, pair):
    """Both creates at the same instant, through one API server each."""
    barrier = threading.Barrier(2)
    answers = [None, None]

    def create(i):
        barrier.wait()
        answers[i] = apis[i].create(pair[i])
    threads = [threading.Thread(target=create, args=(i,)) for i in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def leases(api):
    return api.must("GET", f"{LEASES}?{SELECTOR}")["items"]


def held(api, holder):
    """The claims of an Ingress, "namespace/name"."""
    return [one for one in leases(api)
            if one["spec"]["holderIdentity"] == holder]


def age(api, claims, seconds):
    """As if they had been made so long ago."""
    made = time.strftime("%Y-%m-%dT%H:%M:%S.000000Z",
                         time.gmtime(time.time() - seconds))
    for one in claims:
        api.must("PATCH", f"{LEASES}/{one['metadata']['name']}",
                 {"spec": {"renewTime": made}},
                 kind="application/merge-patch+json")


def remove(api, namespace, name):
    """The Ingress is gone when this returns."""
    where = f"/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses"
    api.must("DELETE", f"{where}/{name}")
    wait_until(lambda: api("GET", f"{where}/{name}")[0] == 404, 20,
               f"the end of {namespace}/{name}")


def orphans(api, namespaces):
    """Claims held from these namespaces whose holder does not exist."""
    there = {f"{one['metadata']['namespace']}/{one['metadata']['name']}"
             for one in api.must("GET",
                                 "/apis/networking.k8s.io/v1/ingresses")
             ["items"]}
    return [one["spec"]["holderIdentity"] for one in leases(api)
            if one["spec"]["holderIdentity"].split("/")[0] in namespaces
            and one["spec"]["holderIdentity"] not in there]


def new_host(a, b, n):
    return [ingress(f"x{n}", ns, {f"new-{n}.{a}.test": [path("/", ns)]})
            for ns in (a, b)]


def new_path(a, b, n):
    return [ingress(f"{who}{n}", a, {f"owned.{a}.test": [path(f"/{n}", who)]})
            for who in ("p", "q")]


def wildcard(a, b, n):
    return [ingress(f"w{n}", a, {f"*.w{n}.{a}.test": [path("/", "w")]}),
            ingress(f"e{n}", b, {f"a.w{n}.{a}.test": [path("/", "e")]})]


def crosswise(a, b, n):
    hosts = [f"one-{n}.{a}.test", f"two-{n}.{a}.test"]
    return [ingress(f"c{n}", ns, {host: [path("/", ns)] for host in order})
            for ns, order in ((a, hosts), (b, hosts[::-1]))]


def generated(a, b, n):
    pair = [ingress("x", ns, {f"gen-{n}.{a}.test": [path("/", ns)]})
            for ns in (a, b)]
    for one in pair:
        del one["metadata"]["name"]
        one["metadata"]["generateName"] = f"g{n}-"
    return pair


def pairs_of(kind, doors, spaces, apis):
    """Exactly one of each pair is admitted; prints what it took."""
    def total(name, **labels):
        return [int(one.metric(name, **labels)) for one in doors]
    results = ("held", "lost", "failed")
    reviews = total("sallyport_admission_requests_total")
    claims = {one: sum(total("sallyport_claims_total", result=one))
              for one in results}
    outcomes = collections.Counter()
    slowest = 0.0
    for _ in range(PAIRS):
        begun = time.monotonic()
        answers = at_once(apis, kind(*spaces, next(_numbers)))
        slowest = max(slowest, time.monotonic() - begun)
        statuses = tuple(sorted(status for status, _ in answers))
        outcomes[statuses] += 1
        assert statuses == (201, 403), [
            document.get("message") for _, document in answers]
    spread = [after - before for before, after in zip(
        reviews, total("sallyport_admission_requests_total"))]
    claims = {one: sum(total("sallyport_claims_total", result=one)) -
              claims[one] for one in results}
    print(f"{kind.__name__}: {dict(outcomes)}, slowest pair {slowest:.3f} s, "
          f"reviews per replica {spread}, claims {claims}")
    assert all(spread), "every replica must have been asked"
    assert claims["failed"] == 0


def test_pairs(doors, spaces, apis):
    status, document = apis[0].create(
        ingress("owner", spaces[0],
                {f"owned.{spaces[0]}.test": [path("/", "owner")]}))
    assert status == 201, document
    doors[0].balancer.in_pairs = True
    for kind in (new_host, new_path, wildcard, crosswise, generated):
        pairs_of(kind, doors, spaces, apis)
    # What was lost is given back at once, not by the collector.
    wait_until(lambda: not orphans(apis[0], spaces), 60,
               "no claim without Ingress")


def test_many_on_one_host(doors, spaces, apis):
    """Two Ingresses of one namespace on one new host are no conflict; neither
    are twins."""
    a = spaces[0]
    for n in range(PAIRS):
        host = f"shared-{n}.{a}.test"
        answers = at_once(apis, [
            ingress(f"s{n}", a, {host: [path("/", "s")]}),
            ingress(f"t{n}", a, {host: [path("/t", "t")]})])
        assert [status for status, _ in answers] == [201, 201], answers
        answers = at_once(apis, [
            ingress(f"twin{n}-{i}", a, {f"twin-{n}.{a}.test":
                                        [path("/", "s")]}) for i in "ab"])
        assert [status for status, _ in answers] == [201, 201], answers


def test_what_costs_a_write(doors, spaces, apis):
    a, b = spaces
    host = f"cost.{a}.test"

    def mine():
        return {one["metadata"]["name"]: one["metadata"]["resourceVersion"]
                for one in leases(apis[0])
                if one["spec"]["holderIdentity"].startswith(f"{a}/")}
    obj = ingress("cost", a, {host: [path("/", "s")]})
    status, _ = apis[0].create(obj, "?dryRun=All")
    assert status == 201 and not mine()
    status, _ = apis[0].create(obj)
    first = mine()
    assert status == 201 and len(first) == 2        # the host, and its key
    where = f"/apis/networking.k8s.io/v1/namespaces/{a}/ingresses/cost"

    def patch(spec):
        apis[1].must("PATCH", where, {"spec": spec},
                     kind="application/merge-patch+json")

    def rules(*paths):
        return {"rules": [{"host": host, "http": {"paths": list(paths)}}]}
    wait_until(lambda: all(one.metric("sallyport_webhook_ingresses") >= 1
                           for one in doors), 20, "all replicas know it")
    patch(rules(path("/", "another")))
    assert mine() == first
    patch(rules(path("/", "another"), path("/more", "s")))
    assert len(mine()) == 3


def test_claims_follow_their_ingress(doors, spaces, apis, start_reconciler):
    """A host is free as soon as its Ingress is gone; claims that nobody backs
    are collected."""
    a, b = spaces
    # What the tests before left, thousands after 200 pairs, would come first.
    apis[0].must("DELETE", f"{LEASES}?{SELECTOR}")
    for name in ("before", "gone"):
        obj = ingress(name, a, {f"{name}.{a}.test": [path("/", "s")]})
        assert apis[0].create(obj)[0] == 201
    # Nobody sees that one go, so its claims count only once they are old.
    remove(apis[1], a, "before")
    claims = held(apis[0], f"{a}/before")
    assert len(claims) == 2
    age(apis[0], claims, 61)
    reconciler = start_reconciler().wait_ready()
    wait_until(lambda: reconciler.metric("sallyport_leader") == 1, 40,
               "a leader")
    wait_until(lambda: not held(apis[0], f"{a}/before"), 30,
               "old claims are collected")
    claims = held(apis[0], f"{a}/gone")
    assert len(claims) == 2
    # Young, but no longer so young that its create could be under way.
    age(apis[0], claims, 10)
    remove(apis[1], a, "gone")
    wait_until(lambda: not held(apis[0], f"{a}/gone"), 20,
               "its claims are collected")
    wait_until(lambda: apis[0].create(
        ingress("next", b, {f"gone.{a}.test": [path("/", "s")]}))[0] == 201,
        20, "another namespace gets the host")


def test_an_old_claim_is_nobodys(doors, spaces, apis):
    """Without any reconciler: a claim older than a minute whose Ingress is
    not there stands in nobody's way; a young one does, for now."""
    a, b = spaces
    host = f"old.{a}.test"
    assert apis[0].create(ingress("old", a, {host: [path("/", "s")]}))[0] \
        == 201
    remove(apis[0], a, "old")
    obj = ingress("new", b, {host: [path("/", "s")]})
    begun = time.monotonic()

    def refused_for_now():
        status, document = apis[1].create(obj)
        assert status == 403, document
        return "try again in a minute" in document["message"]
    wait_until(refused_for_now, 20, "the young claim stands")
    print(f"refused after {time.monotonic() - begun:.2f} s")
    age(apis[0], held(apis[0], f"{a}/old"), 61)
    status, document = apis[1].create(obj)
    assert status == 201, document


@pytest.mark.parametrize("choice,status", [("deny", 503), ("admit", 201)])
def test_claims_cannot_be_written(identities, start_webhook, spaces, urls,
                                  cluster, choice, status):
    webhook = start_webhook(claims_namespace="not-there",
                            claims_on_failure=choice).wait_ready()
    webhook.register(identities)
    api = Api(cluster, urls[0])
    begun = time.monotonic()
    got, document = api.create(
        ingress("x", spaces[0], {f"x.{spaces[0]}.test": [path("/", "s")]}))
    assert time.monotonic() - begun < 5
    assert got == status, document
    if status == 503:
        assert "could not be written" in document["message"]
        assert document["details"]["retryAfterSeconds"] == 1
