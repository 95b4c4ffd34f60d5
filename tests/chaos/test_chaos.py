"""Random changes and faults under load: a few seeds.  "make chaos" runs more."""

import argparse

import pytest

import chaos
from apirun import ApiRun

OPTIONS = argparse.Namespace(rounds=2, faults="", keep=False, verbose=False)


@pytest.mark.parametrize("kind, seed", [
    (chaos.Run, 1), (chaos.Run, 2), (ApiRun, 1)])
def test_seed(kind, seed):
    run = kind(seed, OPTIONS)
    is_good = run.run()
    run.tell()
    assert is_good, "\n".join(run.judge.problems[:20])
