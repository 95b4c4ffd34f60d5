"""Keys of the controller's ConfigMap that are about all requests: each at run
time, a bad value keeps the last good one and is told of the ConfigMap, and
nothing is reloaded."""

import pytest

import rig
from rig import Echo, attempt, header, sent, until
from servers import Raw, says
from standalone import Standalone, check, config_map, ingress, service

HOST = "h.test"
TRUST = {"use-forwarded-headers": "true", "proxy-real-ip-cidr": "127.0.0.0/8"}
REAL_IP = {"enable-real-ip": "true", "proxy-real-ip-cidr": "127.0.0.0/8"}


@pytest.fixture(scope="module")
def world(haproxy_log):
    main = Echo("main")
    linked = Raw(says("200", "Link: </a.css>; rel=preload\r\n"))
    with Standalone("--configmap", "default/defaults",
                    "--access-log", haproxy_log[0],
                    services=[service("main", main.port),
                              service("linked", linked.port)]) as it:
        it.apply([ingress("one", HOST)])
        until(lambda: it.get().status == 200, "there")
        reloads = it.metric("sallyport_haproxy_reloads_total")
        yield it
        assert it.metric("sallyport_haproxy_reloads_total") == reloads
    main.close()
    linked.close()


def status(*headers, path="/"):
    return lambda w: w.get(path, headers=headers).status


def seen(name, *headers, path="/"):
    return lambda w: sent(w.get(path, headers=headers))[1].get(name)


def agent(value):
    return status(("User-Agent", value))


def referer(value):
    return status(("Referer", value))


XFF = ("X-Forwarded-For", "203.0.113.9, 192.0.2.7")
MINE = "127.0.0.1"

# keys, probe, without them, with them
CASES = [
    # Who the client is.
    ({"enable-real-ip": "true"}, seen("x-real-ip", XFF), MINE, MINE),
    (REAL_IP, seen("x-real-ip", XFF), MINE, "192.0.2.7"),
    (dict(REAL_IP, **{"proxy-real-ip-cidr": "10.0.0.0/8"}),
     seen("x-real-ip", XFF), MINE, MINE),
    (REAL_IP, seen("x-forwarded-proto", XFF, ("X-Forwarded-Proto", "https")),
     "http", "http"),
    (TRUST, seen("x-forwarded-proto", XFF, ("X-Forwarded-Proto", "https")),
     "http", "https"),
    (dict(REAL_IP, **{"forwarded-for-header": "X-Client"}),
     seen("x-real-ip", ("X-Client", "198.51.100.4")), MINE, "198.51.100.4"),
    (dict(TRUST, **{"forwarded-for-header": "CF-Connecting-IP"}),
     seen("x-real-ip", ("CF-Connecting-IP", "2001:db8::9"), XFF), MINE,
     "2001:db8::9"),
    # A line of the client before that of the load balancer.
    (dict(TRUST, **{"forwarded-for-header": "X-Client"}),
     seen("x-real-ip", ("X-Client", "198.51.100.9"),
          ("X-Client", "198.51.100.4")), MINE, "198.51.100.4"),
    # Only the header that was named is believed.
    (dict(TRUST, **{"forwarded-for-header": "X-Client"}),
     seen("x-real-ip", XFF, ("Not-X-Client", "198.51.100.9")), MINE, MINE),
    ({"forwarded-for-header": "X-Client"},
     seen("x-real-ip", ("X-Client", "198.51.100.9")), MINE, MINE),
    # What servers are told of it.
    (dict(TRUST, **{"compute-full-forwarded-for": "true"}),
     seen("x-forwarded-for", XFF), MINE,
     "203.0.113.9, 192.0.2.7, 127.0.0.1"),
    (dict(TRUST, **{"compute-full-forwarded-for": "true"}),
     seen("x-forwarded-for"), MINE, MINE),
    (dict(TRUST, **{"compute-full-forwarded-for": "true",
                    "proxy-real-ip-cidr": "10.0.0.0/8"}),
     seen("x-forwarded-for", XFF), MINE, MINE),
    # Of several hosts the first, which the client dialled; Host stays.
    (TRUST, seen("x-forwarded-host", XFF,
                 ("X-Forwarded-Host", "a.test:81, b.test")),
     HOST, "a.test:81"),
    (TRUST, seen("host", XFF, ("X-Forwarded-Host", "a.test")), HOST, HOST),
    (TRUST, seen("x-forwarded-host", XFF, ("X-Forwarded-Host", "")),
     HOST, HOST),
    # Who is refused.
    ({"block-cidrs": "192.0.2.0/24, 127.0.0.0/8"}, status(), 200, 403),
    ({"block-cidrs": "192.0.2.0/24,2001:db8::/32"}, status(), 200, 200),
    (dict(REAL_IP, **{"block-cidrs": "192.0.2.0/24"}), status(XFF), 200, 403),
    (dict(REAL_IP, **{"block-cidrs": "203.0.113.0/24"}), status(XFF), 200,
     200),
    ({"block-user-agents": "Bad Bot/1.0 (x; y)"},
     agent("bad bot/1.0 (x; y)"), 200, 403),
    ({"block-user-agents": "Bad Bot/1.0"}, agent("A Bad Bot/1.0"), 200, 200),
    ({"block-user-agents": "Bad Bot/1.0"}, agent("Bad Bot/1x0"), 200, 200),
    ({"block-user-agents": "curl, ~*^bad bot"}, agent("BAD BOT 2"), 200, 403),
    ({"block-user-agents": "curl, ~*^bad bot"}, agent("x bad bot"), 200, 200),
    ({"block-user-agents": "~Bot"}, agent("a bot"), 200, 200),
    ({"block-user-agents": "~Bot"}, agent("a Bot|b"), 200, 403),
    ({"block-user-agents": "~^$"}, status(), 200, 403),
    ({"block-user-agents": "~Bot"}, referer("Bot"), 200, 200),
    ({"block-referers": "~*://(www\\.)?spam\\.test/"},
     referer("http://WWW.spam.test/x"), 200, 403),
    ({"block-referers": "~*://(www\\.)?spam\\.test/"},
     referer("http://spam-test/"), 200, 200),
    # Whatever the path is written like.
    ({"block-user-agents": "x"},
     status(("User-Agent", "x"), path="/%61/..//"), 200, 403),
    # Headers.
    ({"enable-underscores-in-headers": "true"}, seen("x_a", ("X_A", "b")),
     None, "b"),
    ({"allow-backend-server-header": "true"},
     lambda w: header(w.get(), "server"), [], ["echo"]),
    ({"proxy-add-original-uri-header": "true"},
     seen("x-original-uri", path="/a//%62?c=d"), None, "/a//%62?c=d"),
    ({"generate-request-id": "false"},
     lambda w: (bool(seen("x-request-id")(w)),
                seen("x-request-id", ("X-Request-ID", "mine"))(w)),
     (True, "mine"), (False, "mine")),
]


@pytest.mark.parametrize("n", range(len(CASES)),
                         ids=["%d-%s" % (n, "+".join(c[0]))
                              for n, c in enumerate(CASES)])
def test_key(world, n):
    keys, probe, without, with_them = CASES[n]
    # Something else for all, so that it is seen when a change is in force.
    marks = config_map("marks", {"X-Mark": "m%d" % n, "Host": "left out"})

    def there(w):
        return header(w.get(headers=[("User-Agent", "probe")]), "x-mark")

    world.apply([ingress("one", HOST)])
    check(world, there, [], "before")
    assert probe(world) == without
    world.apply([ingress("one", HOST), marks, config_map("defaults", dict(
        keys, **{"add-headers": "default/marks"}))])
    if with_them != 403:
        check(world, there, ["m%d" % n], "with them")
        assert probe(world) == with_them
    check(world, probe, with_them, "with them")
    world.apply([ingress("one", HOST)])
    check(world, probe, without, "after")


def lines(log):
    out = []
    try:
        while True:
            out.append(log[1].recv(65536).decode("latin-1"))
    except BlockingIOError:
        return out


def test_skip_access_log_urls(world, haproxy_log):
    world.apply([ingress("one", HOST), config_map("defaults", {
        "skip-access-log-urls": "/healthz,~^/quiet/[0-9]+\\?,/with blank"})])
    urls = ["/healthz", "/healthz?x", "/quiet/12?y", "/quiet/x?y", "/loud"]

    def logged():
        lines(haproxy_log)
        for url in urls:
            assert world.get(url).status == 200
        got = []
        until(lambda: got.extend(lines(haproxy_log)) or
              any(" /loud " in one for one in got), "the last line")
        return [url for url in urls
                if any(" %s " % url in one for one in got)]

    until(lambda: logged() == ["/healthz?x", "/quiet/x?y", "/loud"], "quiet")
    world.apply([ingress("one", HOST)])
    until(lambda: logged() == urls, "all")


def test_headers_of_all(world):
    def probe(w):
        got = w.get()
        return (header(got, "x-all"), sent(got)[1].get("x-to"),
                header(got, "server"))

    more = config_map("more", {"X-All": "v"})
    to = config_map("to", {"X-To": "w"})
    world.apply([ingress("one", HOST)])
    check(world, probe, ([], None, []), "before")
    world.apply([ingress("one", HOST), more, to, config_map("defaults", {
        "add-headers": "default/more", "proxy-set-headers": "default/to"})])
    check(world, probe, (["v"], "w", []), "both")
    world.apply([ingress("one", HOST, to="linked")])
    check(world, lambda w: len(header(w.get(), "link")), 1, "shown")
    world.apply([ingress("one", HOST, to="linked"), config_map(
        "defaults", {"hide-headers": "Link, X-None"})])
    check(world, lambda w: len(header(w.get(), "link")), 0, "hidden")


def test_http_redirect_code(world):
    one = ingress("one", HOST, {"force-ssl-redirect": "true"})
    for data, want in (({}, 308), ({"http-redirect-code": "301"}, 301),
                       ({"http-redirect-code": "200"}, 301), ({}, 308)):
        world.apply([one, config_map("defaults", data)])
        check(world, lambda w: w.get().status, want, "redirect")


def test_no_tls_redirect_locations(world):
    paths = ("/", "Prefix"), ("/plain", "Prefix"), (
        "/.well-known/acme-challenge/token", "Exact")
    one = ingress("one", HOST, {"force-ssl-redirect": "true"}, paths=paths)

    def probe(w):
        return [w.get(path).status for path in
                ("/", "/plain/x", "/.well-known/acme-challenge/token")]

    for keys, want in (({}, [308, 308, 200]),
                       ({"no-tls-redirect-locations": "/plain,/other"},
                        [308, 200, 308]),
                       ({"no-tls-redirect-locations": "plain"},
                        [308, 200, 308]),
                       ({}, [308, 308, 200])):
        world.apply([one, config_map("defaults", keys)])
        if keys.get("no-tls-redirect-locations") == "plain":
            until(lambda: "data[no-tls-redirect-locations]" in world.text(),
                  "told")
        check(world, probe, want, keys)


# key, a good value, probe, what it sees, a bad value, what is told
BAD = [
    ("block-cidrs", "127.0.0.0/8", status(), 403, "127.0.0.0/33",
     "is not an address or network"),
    ("block-user-agents", "x", agent("x"), 403, "~*(",
     "missing closing parenthesis"),
    ("block-user-agents", "x", agent("x"), 403, "~", "has no expression"),
    ("block-user-agents", "x", agent("x"), 403, "a\nb", "line break"),
    ("enable-underscores-in-headers", "true", seen("x_a", ("X_A", "b")), "b",
     "yes", "is not a boolean"),
]


@pytest.mark.parametrize("n", range(len(BAD)),
                         ids=["%s-%r" % (b[0], b[4]) for b in BAD])
def test_a_bad_value_keeps_the_last_good_one(world, n):
    key, good, probe, want, bad, text = BAD[n]
    world.apply([ingress("one", HOST)])
    until(lambda: probe(world) != want and status()(world) == 200, "without")
    world.apply([ingress("one", HOST), config_map("defaults", {key: good})])
    check(world, probe, want, "good")
    said = world.text().count("the last good value stays")
    world.apply([ingress("one", HOST), ingress("two", "two%d.test" % n),
                 config_map("defaults", {key: bad})])
    until(lambda: world.text().count("the last good value stays") > said,
          "told")
    assert "default/defaults: Rejected: data[%s]" % key in world.text()
    assert text in world.text()
    assert probe(world) == want


def test_keys_that_are_not_ours_are_told(world):
    world.apply([ingress("one", HOST), config_map("defaults", {
        "http-snippet": "deny all;", "keep-alive": "75",
        "block-user-agent": "x", "enable-modsecurity": "false"})])
    for text in ("data[http-snippet]: it is refused: raw configuration",
                 "data[keep-alive]: it has no effect here: write --keep-alive",
                 'did you mean "block-user-agents"?'):
        until(lambda: text in world.text().replace('\\"', '"'), text)
    assert "data[enable-modsecurity]" not in world.text()


FORWARDED = [("X-Forwarded-For", "203.0.113.9, 192.0.2.7, 127.0.0.2"),
             ("X-Forwarded-Proto", "https")]


@pytest.mark.parametrize("data,want", [
    ({}, ("127.0.0.1", "http")),
    ({"use-forwarded-headers": "true"}, ("127.0.0.1", "http")),
    ({"use-forwarded-headers": "true", "proxy-real-ip-cidr": "10.0.0.0/8"},
     ("127.0.0.1", "http")),
    ({"proxy-real-ip-cidr": "127.0.0.0/8"}, ("127.0.0.1", "http")),
    ({"use-forwarded-headers": "true", "proxy-real-ip-cidr": "127.0.0.0/8"},
     ("192.0.2.7", "https")),
    ({"use-forwarded-headers": "true", "proxy-real-ip-cidr":
      "127.0.0.0/8,192.0.2.0/24"}, ("203.0.113.9", "https"))])
def test_use_forwarded_headers(world, data, want):
    """Whom the Service is told of; nobody is believed by accident."""
    def probe(w):
        headers = sent(w.get(headers=FORWARDED))[1]
        return headers["x-real-ip"], headers["x-forwarded-proto"]

    world.apply([ingress("one", HOST), config_map("defaults", data)])
    check(world, probe, want, "the address")
    # The same address is what lists ask about.
    world.apply([ingress("one", HOST, {"denylist-source-range": want[0]}),
                 config_map("defaults", data)])
    check(world, lambda w: w.get(headers=FORWARDED).status, 403, "denied")


def test_use_proxy_protocol(world):
    def ask(line):
        return rig.raw(world.http, line + b"GET / HTTP/1.1\r\nHost: h.test"
                       b"\r\nConnection: close\r\n\r\n")

    line = b"PROXY TCP4 192.0.2.9 192.0.2.1 1234 80\r\n"
    world.apply([ingress("one", HOST)])
    until(lambda: ask(b"").status == 200, "without")
    world.apply([ingress("one", HOST), config_map("defaults", {
        "use-proxy-protocol": "true", "proxy-real-ip-cidr": "127.0.0.1"})])
    until(lambda: ask(line).status == 200 and
          sent(ask(line))[1]["x-real-ip"] == "192.0.2.9", "with it")
    world.apply([ingress("one", HOST), config_map("defaults", {
        "use-proxy-protocol": "true", "proxy-real-ip-cidr": "10.0.0.1"})])
    until(lambda: ask(b"").status == 200, "others are served as they are")


def test_proxy_protocol_before_passthrough():
    """The door that looks at server names reads the PROXY protocol, too; what
    it does not pass through is told the client's address."""
    echo = Echo("main")
    with Standalone("--configmap", "default/defaults",
                    "--enable-ssl-passthrough",
                    services=[service("main", echo.port)]) as world:
        keys = config_map("defaults", {"use-proxy-protocol": "true",
                                       "proxy-real-ip-cidr": "127.0.0.1"})
        objects = [ingress("one", HOST), ingress("two", "pass.test", {
            "ssl-passthrough": "true"})]

        def ask(line, host):
            return rig.http1(None, "/", host, sock=world.tls(host, line))

        line = b"PROXY TCP4 192.0.2.9 192.0.2.1 1234 443\r\n"
        world.apply(objects)
        until(lambda: ask(b"", HOST).status == 200, "without it")
        world.apply(objects + [keys])
        until(lambda: attempt(lambda: sent(ask(line, HOST))[1]["x-real-ip"])
              == "192.0.2.9", "with it")
    echo.close()
