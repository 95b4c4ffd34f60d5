"""These tests use the harness of the end-to-end tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: takes half a minute or more; "
                            "make kube-slow runs these")
