"""The model of the data path against the real HAProxy: a short run under a
fixed seed, and every difference there ever was.  "make model" runs longer."""

import json

import pytest

import model
import rig as rigs

CASES = sorted(model.CASES.glob("*.json"))


@pytest.fixture(scope="module")
def rig():
    made = rigs.Rig()
    yield made
    made.close()


@pytest.mark.parametrize("case", CASES, ids=[path.stem for path in CASES])
def test_case(rig, case):
    told = json.loads(case.read_text())
    assert model.compare(rig, told["ingresses"], [told["request"]]) == []


def test_random(rig):
    said = []
    assert model.run(rig, 3000, "check", said.append) == 0, "\n".join(said)
