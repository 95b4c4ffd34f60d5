"""Fixtures of the end-to-end tests.

SALLYPORT_CLUSTER=DIR uses the cluster that `tests/cluster/cluster up DIR` has
started, and leaves it running: the fast way to work on one test.
"""

import itertools
import os

import pytest

import harness
import kubecluster

_numbers = itertools.count(1)
_shown = pytest.StashKey()


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
    cluster = kubecluster.Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        yield cluster.up()
    finally:
        cluster.down()


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
    cluster.kubectl_ok("create", "namespace", name)
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


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    processes = item.stash.get(_shown, None)
    if report.failed and processes:
        for process in processes.all:
            report.sections.append((f"end of {process.log}",
                                    process.text()[-4000:]))
