"""The tables of docs/operations.md are those of the code and of the chart."""

import importlib.machinery
import importlib.util
import pathlib
import re
import sys

import yaml

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.dont_write_bytecode = True
loader = importlib.machinery.SourceFileLoader("tables",
                                              str(TOP / "docs" / "tables"))
spec = importlib.util.spec_from_loader("tables", loader)
tables = importlib.util.module_from_spec(spec)
loader.exec_module(tables)


def test_they_are_up_to_date():
    assert tables.main(["tables", "--check"]) == 0, "make docs"


def test_no_metric_of_the_code_is_missed():
    """Whatever way a file registers it."""
    named = set()
    for room in ("haproxy", "lib", "reconciler", "webhook"):
        for file in (TOP / room).rglob("*.c"):
            named |= set(re.findall(r'"(sallyport_[a-z_]+)"',
                                    file.read_text()))
    found = tables.metrics()
    assert named == set(found)
    assert all(text for _, text, _ in found.values())


def test_each_value_has_a_meaning():
    rows = list(tables.values_table())
    assert len(rows) > 100
    assert any("| `controller.service.type` | `LoadBalancer` | LoadBalancer, "
               "NodePort or ClusterIP |" in row for row in rows)


def test_a_stale_page_is_told():
    text = tables.PAGE.read_text()
    stale = text.replace("| Reviews answered. |", "| Old words. |")
    assert stale != text
    assert tables.updated(stale) == text


def test_the_chart_is_of_this_version():
    chart = yaml.safe_load((TOP / "manifests" / "helm" / "sallyport" /
                            "Chart.yaml").read_text())
    version = (TOP / "lib" / "base" / "version.h").read_text()
    assert f'"{chart["appVersion"]}"' in version


def test_each_alert_says_what_to_do():
    alerts = yaml.safe_load((TOP / "manifests" / "helm" / "sallyport" /
                             "files" / "alerts.yaml").read_text())
    names = [rule["alert"] for group in alerts["groups"]
             for rule in group["rules"]]
    rows = re.findall(r"^\| (Sallyport\w+) \|", tables.PAGE.read_text(), re.M)
    assert sorted(names) == sorted(rows)
