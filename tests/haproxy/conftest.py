"""The tests of HAProxy, and the authorities of clients that two of them use."""

import os
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import pki  # noqa: E402


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
