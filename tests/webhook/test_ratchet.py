"""What exists stays alive: one row for each rule.

The object of before is whatever a cluster may hold that we never admitted:
bad annotations, a host of somebody else.  Each update is judged by the code
alone; that the API server does not even ask for most of them is shown by
tests/e2e/test_admission.py.
"""

import copy
import json

import pytest

from conftest import ingress, review

NGINX = "nginx.ingress.kubernetes.io/"
BAD = {NGINX + "proxy-read-timeout": "60s"}
NOW = "2026-01-01T00:00:00Z"


def change(obj, **fields):
    """A copy with metadata fields set, or spec's under "spec_"."""
    obj = copy.deepcopy(obj)
    for name, value in fields.items():
        part, _, rest = name.partition("_")
        where = obj["spec"] if part == "spec" else obj["metadata"]
        where[rest if part == "spec" else name] = value
    return obj


def annotated(obj, **more):
    return change(obj, annotations={**obj["metadata"].get("annotations", {}),
                                    **more})


bad = ingress(annotations=dict(BAD))
taken = ingress(ns="b", host="shop.example.com")    # a/shop has it.
foreign = ingress(class_name="nginx", annotations=dict(BAD))
good = ingress()
other_rule = copy.deepcopy(bad["spec"]["rules"][0])
other_rule["host"] = "more.example.com"

ROWS = [
    # name, old, new, operation, allowed, words among the warnings or message
    ("1 deletionTimestamp", bad,
     annotated(change(bad, deletionTimestamp=NOW), **{NGINX + "x": "\n"}),
     "UPDATE", True, None),
    ("1 finalizer removed while deleting, of an object that does not decode",
     bad, change(change(bad, deletionTimestamp=NOW), spec_rules=7,
                 finalizers=[]), "UPDATE", True, None),
    ("2 delete", bad, None, "DELETE", True, None),
    ("3 label of a bad object", bad, change(bad, labels={"a": "b"}),
     "UPDATE", True, None),
    ("3 foreign annotation of a bad object", bad,
     annotated(bad, **{"example.com/x": "y"}), "UPDATE", True, None),
    ("3 finalizer of a bad object", bad, change(bad, finalizers=["a/b"]),
     "UPDATE", True, None),
    ("3 owner of a bad object", bad,
     change(bad, ownerReferences=[{"kind": "X"}]), "UPDATE", True, None),
    ("4 an old bad annotation is a warning", bad,
     annotated(bad, **{NGINX + "proxy-send-timeout": "30"}), "UPDATE", True,
     "proxy-read-timeout"),
    ("4 another bad value of it is an error", bad,
     annotated(bad, **{NGINX + "proxy-read-timeout": "61s"}), "UPDATE", False,
     "proxy-read-timeout"),
    ("4 a new bad one beside it is an error", bad,
     annotated(bad, **{NGINX + "proxy-send-timeout": "30s"}), "UPDATE", False,
     "proxy-send-timeout"),
    ("4 an old conflict is a warning", taken,
     annotated(taken, **{NGINX + "proxy-send-timeout": "30"}), "UPDATE", True,
     "shop.example.com"),
    ("4 a rule that moves is no new finding", bad,
     change(bad, spec_rules=[other_rule, *bad["spec"]["rules"]]), "UPDATE",
     True, "proxy-read-timeout"),
    ("4 what was put right is not mentioned", bad, good, "UPDATE", True,
     None),
    ("5 away from our class", bad, change(bad, spec_ingressClassName="nginx"),
     "UPDATE", True, None),
    ("5 to our class is like a create", foreign,
     change(foreign, spec_ingressClassName="sallyport"), "UPDATE", False,
     "proxy-read-timeout"),
    ("5 of another class all along", foreign,
     annotated(foreign, **{NGINX + "proxy-send-timeout": "x"}), "UPDATE",
     True, None),
    ("6 Argo's tracking label", bad,
     change(bad, labels={"app.kubernetes.io/instance": "x"}), "UPDATE", True,
     None),
    ("6 Argo's tracking annotation", bad,
     annotated(bad, **{"argocd.argoproj.io/tracking-id": "x"}), "UPDATE",
     True, None),
    ("6 cert-manager's edit in place", bad,
     annotated(change(bad, spec_rules=[
         *bad["spec"]["rules"],
         {"host": "new.example.com", "http": {"paths": [
             {"path": "/.well-known/acme-challenge/token",
              "pathType": "ImplementationSpecific", "backend": {
                  "service": {"name": "web", "port": {"number": 80}}}}]}}]),
         **{"acme.cert-manager.io/http01-edit-in-place": "true"}),
     "UPDATE", True, "proxy-read-timeout"),
    ("an old object that cannot be read is none",
     change(bad, spec_rules=7), annotated(bad, **{NGINX + "x": "y"}),
     "UPDATE", False, "proxy-read-timeout"),
    ("the same object, new", None, bad, "CREATE", False,
     "proxy-read-timeout"),
]




@pytest.mark.parametrize("old,new,operation,allowed,words",
                         [row[1:] for row in ROWS],
                         ids=[row[0] for row in ROWS])
def test_rule(start, old, new, operation, allowed, words):
    webhook = start().wait_ready()
    body = review(operation=operation)
    named = (new or old)["metadata"]
    body["request"].update(object=new, oldObject=old, name=named["name"],
                           namespace=named["namespace"])
    answer = webhook.curl("/validate", json.dumps(body)).response
    told = " ".join(answer.get("warnings", []))
    if not allowed:
        told = answer["status"]["message"]
    assert answer["allowed"] is allowed, answer
    if words:
        assert words in told
    else:
        assert told == ""
