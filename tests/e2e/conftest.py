"""Fixtures of the end-to-end tests.

SALLYPORT_CLUSTER=DIR uses the cluster that `tests/cluster/cluster up DIR` has
started, and leaves it running: the fast way to work on one test.
"""

import itertools
import os

import pytest

import daemons
import harness
import kubecluster

_numbers = itertools.count(1)
_shown = pytest.StashKey()
FIGURE = "figure"
# The files that take longest.  Workers take files in this order, so that none
# is left alone with one of these in the end.
LONGEST = {"test_certmanager", "test_cluster", "test_certificates",
           "test_chart", "test_claims", "test_helm"}


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    """One cluster for all tests.  Tests keep apart by namespace."""
    given = os.environ.get("SALLYPORT_CLUSTER")
    if given:
        cluster = kubecluster.Cluster(given)
        if not cluster.running():
            pytest.exit(f"no cluster in SALLYPORT_CLUSTER={given}", 4)
        yield cluster
        return
    missing = kubecluster.build()
    if missing:
        pytest.exit(missing, kubecluster.GO_IS_MISSING)
    yield kubecluster.shared(tmp_path_factory.mktemp("cluster"))


@pytest.fixture
def kubectl(cluster):
    """kubectl(*args, input=None): rc, out, err."""
    return cluster.kubectl


@pytest.fixture
def apply(cluster):
    """apply(yaml, namespace=None): must be accepted."""
    return cluster.apply


@pytest.fixture
def namespace(cluster):
    """The name of a namespace of the test's own."""
    name = f"test-{os.getpid()}-{next(_numbers)}"
    cluster.create_namespace(name)
    harness.wait_until(
        lambda: cluster.get("serviceaccount", "default", name), 20,
        f"default service account of {name}")
    yield name
    cluster.delete("namespace", name, wait=False)


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    """A certificate authority: issue(name, hosts) gives (crt, key) files."""
    return harness.Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def processes(request, tmp_path):
    """The test's processes: all are stopped after it, whatever happens."""
    processes = harness.Processes(tmp_path)
    request.node.stash[_shown] = processes
    try:
        yield processes
    finally:
        processes.stop()


@pytest.fixture
def start_process(processes):
    """start_process(argv, name=None, env=None): a harness.Process."""
    return processes.start


@pytest.fixture(scope="session")
def identities(cluster):
    """The cluster, with the service accounts and roles of manifests/."""
    daemons.install_identities(cluster)
    return cluster


@pytest.fixture
def start_reconciler(request, processes, tmp_path):
    """start_reconciler(**flags): a daemons.Reconciler, started, not yet ready.

    Without kubeconfig= or manifests= it runs under its own service account.
    """
    started = []

    def start(**flags):
        if not {"kubeconfig", "manifests"} & set(flags):
            flags["kubeconfig"], flags["election_namespace"] = \
                daemons.kubeconfig_for(request.getfixturevalue("identities"),
                                       "sallyport-reconciler", tmp_path)
        started.append(daemons.Reconciler(processes, **flags))
        return started[-1].start()
    try:
        yield start
    finally:
        for reconciler in started:
            reconciler.remove()


@pytest.fixture
def start_webhook(request, processes, tmp_path, authority):
    """start_webhook(**flags): a daemons.Webhook, started, not yet ready nor
    registered (register() does that; it is undone after the test)."""
    started = []

    def start(**flags):
        if not {"kubeconfig", "manifests"} & set(flags):
            flags["kubeconfig"], _ = daemons.kubeconfig_for(
                request.getfixturevalue("identities"), "sallyport-webhook",
                tmp_path)
        started.append(daemons.Webhook(processes, authority, **flags))
        return started[-1].start()
    try:
        yield start
    finally:
        for webhook in started:
            webhook.unregister()


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.stem not in LONGEST)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    # Properties of a report reach the end of the run from any worker.
    report.user_properties += [(FIGURE, one) for one in harness.told()]
    processes = item.stash.get(_shown, None)
    if report.failed and processes:
        for process in processes.all:
            report.sections.append((f"end of {process.log}",
                                    process.text()[-4000:]))


def pytest_terminal_summary(terminalreporter):
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", []):
                if name == FIGURE:
                    terminalreporter.write_line(value)
