"""The tests of HAProxy, and the authorities of clients that two of them use."""

import os
import shutil
import socket
import sys
import tempfile

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

import pki  # noqa: E402

# These wait longest, so they begin: whole files go to whoever is free, and the
# last one should be short.
LONGEST = ["test_unanswered.py", "test_driver_life.py", "test_upstream_tls.py",
           "test_dialect.py", "test_caps.py", "test_annotations_more.py",
           "test_users.py", "test_ocsp.py", "test_tls.py",
           "test_certificates.py"]


def pytest_collection_modifyitems(items):
    place = {name: n for n, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


@pytest.fixture(scope="module")
def deaf():
    """A port that takes no connection: its queue is full."""
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen(0)
    fill = []
    for _ in range(4):
        c = socket.socket()
        c.setblocking(False)
        c.connect_ex(s.getsockname())
        fill.append(c)
    yield s.getsockname()[1]
    for c in fill + [s]:
        c.close()


@pytest.fixture(scope="module")
def haproxy_log():
    """What HAProxy logs: the path of a datagram socket, and our end."""
    folder = tempfile.mkdtemp(prefix="sp-log-")
    path = folder + "/log"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(path)
        s.setblocking(False)
        yield path, s
    os.unlink(path)
    os.rmdir(folder)


@pytest.fixture(scope="module")
def folder():
    made = tempfile.mkdtemp(prefix="sp-")
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def ours(folder):
    return pki.Authority(folder, "ours", "/CN=Authority")


@pytest.fixture(scope="module")
def theirs(folder):
    """Another tenant's, with the very same subject."""
    return pki.Authority(folder, "theirs", "/CN=Authority")


@pytest.fixture(scope="module")
def good(ours):
    return ours.issue("good", "/O=Org/CN=alice")


@pytest.fixture(scope="module")
def forged(theirs):
    return theirs.issue("forged", "/O=Org/CN=alice")
