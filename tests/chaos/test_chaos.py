"""Random changes and faults under load: a few seeds.  "make chaos" runs more."""

import argparse

import pytest

import chaos

OPTIONS = argparse.Namespace(rounds=2, faults="", keep=False, verbose=False)


@pytest.mark.parametrize("seed", [1, 2])
def test_seed(seed):
    run = chaos.Run(seed, OPTIONS)
    is_good = run.run()
    run.tell()
    assert is_good, "\n".join(run.judge.problems[:20])
