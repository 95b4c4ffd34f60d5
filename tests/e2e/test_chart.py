"""The Helm chart and the presets: one set of objects, which the API server
takes, and flags that the daemons take."""

import base64
import json
import os

import pytest
import yaml

import certmanager
import daemons
import installs
import kubecluster
from harness import check, run

COMPONENTS = sorted(installs.components())
CASES = ["default", "internal", "everything", "bare", "no-webhook",
         "files", *COMPONENTS]
# Each kind of object, and each field of theirs that a value adds.
OF_THE_SERVER = ["default", "internal", "everything", "bare", "host-ports",
                 "host-network", "cert-manager", "watch-namespace"]
CRDS = {"certificates.cert-manager.io", "issuers.cert-manager.io"}


@pytest.fixture(scope="module")
def helm(cluster):
    return cluster.program("helm")


def values_of(case):
    return () if case == "default" else (installs.preset_values(case),)


def release_of(case):
    """A second release has a name and a namespace of its own."""
    return ("internal", "ingress-internal") if case == "internal" else \
        ("sallyport", installs.NAMESPACE)


def case_objects(helm, case):
    release, namespace = release_of(case)
    return installs.rendered(helm, release, namespace, values_of(case))


def differences(left, right):
    return {key: (left.get(key), right.get(key))
            for key in {*left, *right} if left.get(key) != right.get(key)}


def test_defaults_are_the_base(helm, tmp_path):
    """All but the Namespace, which `helm install --create-namespace` makes."""
    base = installs.by_key(installs.kustomized(tmp_path / "k"))
    del base["Namespace", None, installs.NAMESPACE]
    assert differences(base, installs.by_key(installs.rendered(helm))) == {}


@pytest.mark.parametrize("name", COMPONENTS)
def test_values_are_the_preset(helm, tmp_path, name):
    base = installs.by_key(installs.kustomized(
        tmp_path / "k", installs.components()[name]))
    del base["Namespace", None, installs.NAMESPACE]
    chart = installs.by_key(case_objects(helm, name))
    assert differences(base, chart) == {}
    assert differences(chart, installs.by_key(installs.rendered(helm))) != {}


def test_presets_go_together(tmp_path):
    """In either order, so that no patch misses its object in silence."""
    folders = [installs.components()[name] for name in
               ("configmaps", "host-ports", "cert-manager", "secure")]
    one, two = (installs.by_key(installs.kustomized(tmp_path / name, *which))
                for name, which in (("a", folders), ("b", folders[::-1])))
    assert differences(one, two) == {}
    arguments = installs.containers(
        one["DaemonSet", installs.NAMESPACE, "sallyport"])[0]["args"]
    for flag in ("--watch-configmaps", "--enforce-host-policy",
                 "--webhook-certificates=none",
                 "--publish-node-addresses=sallyport-reconciler"):
        assert flag in arguments


def install_crds(cluster):
    wanted = [one for one in certmanager.crds(cluster)
              if one["metadata"]["name"] in CRDS]
    assert len(wanted) == len(CRDS)
    certmanager.install(cluster, wanted)


def dry_run(cluster, found):
    """The real server validates them; their namespaces are there."""
    wanted = {one["metadata"].get("namespace") for one in found} - {None}
    for namespace in wanted:
        if not cluster.get("namespace", namespace):
            cluster.create_namespace(namespace)
    cluster.dry_run(found)


@pytest.mark.parametrize("case", OF_THE_SERVER)
def test_the_api_server_takes_the_chart(cluster, identities, helm, case):
    found = case_objects(helm, case)
    foreign = [one for one in found
               if one["apiVersion"].startswith("monitoring.coreos.com/")]
    assert {one["kind"] for one in foreign} == (
        {"ServiceMonitor", "PrometheusRule"} if case == "everything"
        else set())
    if any("cert-manager.io" in one["apiVersion"] for one in found):
        install_crds(cluster)
    dry_run(cluster, [one for one in found if one not in foreign])


@pytest.mark.parametrize("case", CASES)
def test_daemons_take_the_flags(helm, tmp_path, case):
    seen = 0
    for one in case_objects(helm, case):
        for container in installs.containers(one):
            program = container["command"][0]
            arguments = installs.without_run_dir(container["args"])
            if program == "sallyport-auth":
                continue
            if program == "sallyport-proxy":
                flags = run([daemons.BUILD / program, tmp_path, *arguments[1:],
                             "--haproxy=/nonexistent"])
                assert "the HAProxy binary cannot be run" in flags.err
            else:
                if program == "sallyport-reconciler":
                    arguments.append(f"--run-dir={tmp_path}")
                assert installs.refusal(program, arguments) == ""
            seen += 1
    assert seen == (2 if case == "no-webhook" else 3)


def dialled(found):
    """{name: port} that clients dial: of the node, else of the Service, else
    what a Service made elsewhere is taken to have."""
    pod = next(installs.pod_of(one) for one in found
               if any(c["name"] == "haproxy" for c in installs.containers(one)))
    ports = next(c["ports"] for c in pod["containers"]
                 if c["name"] == "haproxy")
    own = {port["name"]: port.get("hostPort") or
           pod.get("hostNetwork") and port["containerPort"] for port in ports}
    for one in found:
        if one["kind"] != "Service":
            continue
        for port in one["spec"]["ports"]:
            if port["name"] in own and not own[port["name"]]:
                own[port["name"]] = port["port"]
    return {name: port or {"http": 80, "https": 443}[name]
            for name, port in own.items() if name != "http3"}


@pytest.mark.parametrize("case", CASES)
def test_clients_are_told_the_ports_they_dial(helm, case):
    """Not those that a pod listens on, which nobody else can reach."""
    found = case_objects(helm, case)
    ports = dialled(found)
    flags = {flag for one in found for c in installs.containers(one)
             if c["name"] == "reconciler" for flag in c["args"]}
    for name in ("http", "https"):
        assert f"--public-{name}-port={ports[name]}" in flags


def test_a_wrong_flag_would_be_told():
    assert "--thrads" in installs.refusal("sallyport-reconciler",
                                          ["--thrads=4"])


def test_two_releases_live_together(helm):
    """Nothing has one name, in the same namespace neither, and no selector of
    one finds pods of the other."""
    first = installs.rendered(helm)
    names = {installs.key(one) for one in first}
    for namespace in ("ingress-internal", installs.NAMESPACE):
        second = installs.rendered(helm, "internal", namespace,
                                   values_of("internal"))
        assert not names & {installs.key(one) for one in second}
        text = json.dumps(second)
        for name in ('"sallyport-webhook"', "sallyport-system/sallyport\"",
                     '"sallyport-reconciler"'):
            # The programs are called so, too.
            assert name not in text.replace('"command": ["sallyport-', "")
        for one in second:
            selector = one.get("spec", {}).get("selector") or \
                one.get("spec", {}).get("podSelector") or {}
            labels = selector.get("matchLabels", selector)
            if labels:
                assert labels["app.kubernetes.io/instance"] == "internal"


def is_selected(labels, selector):
    return selector.items() <= labels.items()


@pytest.mark.parametrize("case", CASES)
def test_whoever_selects_finds(helm, case):
    """Services, NetworkPolicies, budgets and monitors mean what is there, and
    each port that they name."""
    found = case_objects(helm, case)
    workloads = [one["spec"]["template"] for one in found
                 if installs.pod_of(one)]
    services = [one for one in found if one["kind"] == "Service"]
    for one in found:
        kind, spec = one["kind"], one.get("spec", {})
        if kind == "Service":
            selector, among = spec["selector"], workloads
            named = {port["targetPort"] for port in spec["ports"]}
        elif kind == "NetworkPolicy":
            selector, among = spec["podSelector"]["matchLabels"], workloads
            named = {port["port"] for rule in spec["ingress"]
                     for port in rule["ports"]}
        elif kind == "PodDisruptionBudget":
            selector, among = spec["selector"]["matchLabels"], workloads
            named = set()
        elif kind == "ServiceMonitor":
            selector, among = spec["selector"]["matchLabels"], services
            named = {endpoint["port"] for endpoint in spec["endpoints"]}
        else:
            continue
        met = [it for it in among
               if is_selected(it["metadata"]["labels"], selector)]
        assert len(met) == 1, (kind, selector)
        assert named <= installs.port_names(met[0]["spec"]), (kind, named)


def pods(found):
    for one in found:
        if installs.pod_of(one):
            yield {"apiVersion": "v1", "kind": "Pod", "metadata": {
                "name": one["metadata"]["name"],
                "namespace": one["metadata"]["namespace"]},
                "spec": installs.pod_of(one)}


def test_pods_meet_the_restricted_standard(cluster, identities, helm):
    """Pod Security admission judges them in the base's own Namespace; ports
    of nodes are what it forbids."""
    for case in ("default", "host-ports"):
        for pod in pods(case_objects(helm, case)):
            answer = cluster.api.create(pod, dryRun="All")
            forbidden = case == "host-ports" and \
                pod["metadata"]["name"] == "sallyport"
            assert (answer.status == 403) == forbidden, answer
            assert ("hostPort" in answer.message) == forbidden, answer


def without(values, path):
    """A copy without what stands at the path; None where nothing does."""
    if not isinstance(values, dict) or path[0] not in values:
        return None
    rest = {name: one for name, one in values.items() if name != path[0]}
    if len(path) == 1:
        return rest
    inner = without(values[path[0]], path[1:])
    return None if inner is None else {**rest, path[0]: inner}


def test_each_value_does_something(helm, tmp_path):
    """Some case has it, and is another without it."""
    file = tmp_path / "values.yaml"
    given = {case: yaml.safe_load(installs.preset_values(case).read_text())
             for case in CASES if case != "default"}
    whole = {case: installs.render(helm, values=values_of(case)).out
             for case in given}
    for text in check([installs.ROOT / "docs" / "tables",
                       "--values"]).split():
        path, matters = text.split("."), False
        for case, values in given.items():
            rest = without(values, path)
            if rest is None or matters:
                continue
            file.write_text(yaml.safe_dump(rest))
            result = installs.render(helm, values=[file])
            matters = result.rc != 0 or result.out != whole[case]
        assert matters, text


WRONG = [
    ("controller: {replicaCounts: 3}", "replicaCounts"),
    ("controller: {hostPolicy: all}", "hostPolicy"),
    ("controller: {watchNamespaces: team-a}", "watchNamespaces"),
    ("controller: {defaultSSLCertificate: wildcard}", "defaultSSLCertificate"),
    ("controller: {admissionWebhooks: {failurePolicy: fail}}",
     "failurePolicy"),
    ("controller: {graceSeconds: 241}", "graceSeconds"),
    ("controller: {preStopSeconds: 60}", "terminationGracePeriodSeconds"),
    ("tcp: {9000: a/b}", "tcp"),
]


@pytest.mark.parametrize("text,name", WRONG)
def test_a_wrong_value_is_refused(helm, tmp_path, text, name):
    file = tmp_path / "values.yaml"
    file.write_text(text)
    result = installs.render(helm, values=[file])
    assert result.rc == 1 and name in result.err, result


def test_the_schema_knows_each_value_and_no_other():
    values = yaml.safe_load((installs.CHART / "values.yaml").read_text())
    schema = json.loads(
        (installs.CHART / "values.schema.json").read_text())

    def compare(part, node, path):
        if "properties" not in part or not isinstance(node, dict) or not node:
            return
        if path.endswith("resources") or ".resources." in path + ".":
            if "requests" in part["properties"]:
                return
        assert part["additionalProperties"] is False, path
        assert set(part["properties"]) - {"global"} == set(node), path
        for name, value in node.items():
            compare(part["properties"][name], value, f"{path}.{name}")
    compare(schema, values, "")


def test_roles_of_some_namespaces_suffice(cluster, identities, helm, namespace,
                                          tmp_path, start_reconciler,
                                          start_webhook):
    """Both daemons of a release that watches one namespace get ready under
    the roles the chart gives them, and can read no Secret elsewhere."""
    release, own = f"r-{namespace}", f"{namespace}-own"
    file = tmp_path / "values.yaml"
    file.write_text(yaml.safe_dump(
        {"controller": {"watchNamespaces": [namespace]}}))
    cluster.create_namespace(own)
    found = installs.rendered(helm, release, own, [file])
    cluster.apply([one for one in found if
                   one["kind"] in daemons.IDENTITY_KINDS])
    name = f"{release}-sallyport"
    flags = {"ingress_class": name, "watch_namespace": namespace,
             "configmap": f"{own}/{name}"}
    configs = {}
    for daemon in ("reconciler", "webhook"):
        configs[daemon] = tmp_path / f"{daemon}.kubeconfig"
        cluster.service_account_kubeconfig(f"{name}-{daemon}", own,
                                           configs[daemon])
        for where, answer in ((namespace, daemon == "reconciler"),
                              ("default", False)):
            assert cluster.api.may(f"{own}:{name}-{daemon}", "list",
                                   "secrets", None, where) == answer, \
                (daemon, where)
    try:
        reconciler = start_reconciler(
            kubeconfig=configs["reconciler"], election_namespace=own,
            publish_certificates=True, **flags)
        webhook = start_webhook(
            kubeconfig=configs["webhook"], claims_namespace=own,
            certificates_namespace=own, **flags)
        reconciler.wait_ready()
        webhook.wait_ready()
        assert reconciler.metric("sallyport_kube_failures_total") == 0
    finally:
        for one in found:
            if one["kind"] in ("ClusterRole", "ClusterRoleBinding",
                               "IngressClass"):
                cluster.delete(one["kind"], one["metadata"]["name"])
        cluster.delete("namespace", own, wait=False)


def test_certificates_by_hand(cluster, helm, namespace, tmp_path):
    """manifests/webhook-certificate for a release: what its webhook mounts is
    what both configurations trust."""
    name = f"{namespace}-sallyport"
    found = installs.rendered(helm, namespace, namespace, values_of("files"))
    hooks = [one for one in found
             if one["kind"].endswith("WebhookConfiguration")]
    cluster.apply(hooks)
    try:
        check([installs.ROOT / "manifests" / "webhook-certificate",
               "--kubeconfig", cluster.kubeconfig],
              env={**os.environ, "NAMESPACE": namespace, "NAME": name,
                   "PATH": kubecluster.path_with_kubectl(tmp_path)})
        bundles = {webhook["clientConfig"]["caBundle"] for one in hooks
                   for webhook in cluster.get(
                       one["kind"], one["metadata"]["name"])["webhooks"]}
    finally:
        for one in hooks:
            cluster.delete(one["kind"], one["metadata"]["name"])
    assert len(bundles) == 1
    mounted = next(volume["secret"]["secretName"]
                   for one in found for volume in
                   installs.pod_of(one).get("volumes", [])
                   if "secret" in volume)
    data = cluster.get("secret", mounted, namespace)["data"]
    for file, text in (("ca", bundles.pop()), ("leaf", data["tls.crt"])):
        (tmp_path / file).write_bytes(base64.b64decode(text))
    service = hooks[0]["webhooks"][0]["clientConfig"]["service"]
    check(["openssl", "verify", "-CAfile", tmp_path / "ca", "-purpose",
           "sslserver", "-verify_hostname",
           f"{service['name']}.{namespace}.svc", tmp_path / "leaf"])


def test_alerts_name_metrics_that_exist(helm):
    """Each expression, as Prometheus' own parser would read the names."""
    rule = next(one for one in case_objects(helm, "everything")
                if one["kind"] == "PrometheusRule")
    tables = run([daemons.ROOT / "docs" / "tables", "--metrics"])
    known = set(tables.out.split())
    alerts = [a for group in rule["spec"]["groups"] for a in group["rules"]]
    assert len(alerts) > 10
    for alert in alerts:
        names = installs.metric_names(alert["expr"])
        assert names and names <= known, (alert["alert"], names - known)
        assert alert["annotations"]["summary"]
