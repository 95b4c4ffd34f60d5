"""What manifests/ makes of itself: by kustomize, and by helm."""

import functools
import json
import os
import re
import subprocess

import yaml

import daemons
from harness import ROOT, documents, run

CHART = ROOT / "manifests" / "helm" / "sallyport"
PRESETS = ROOT / "manifests" / "presets"
NAMESPACE = "sallyport-system"
# What Helm must add, and kustomize has no use for.
HELM_LABELS = {"app.kubernetes.io/managed-by", "app.kubernetes.io/version",
               "helm.sh/chart"}


def preset_values(name):
    """The values of the chart for a preset of kustomize, or of a case."""
    return CHART / "ci" / f"{name}-values.yaml"


def components():
    """{name: folder} of all kustomize components."""
    return {"configmaps": ROOT / "manifests" / "configmaps",
            **{one.name: one for one in sorted(PRESETS.iterdir())}}


def kustomized(directory, *folders):
    """The base with components, as a kustomization of a user's has them."""
    directory.mkdir(exist_ok=True)
    # Components are named by relative paths.
    up = "../" * (len(directory.resolve().parts) - 1)
    (directory / "kustomization.yaml").write_text(yaml.safe_dump({
        "resources": [up + str(daemons.MANIFESTS)[1:]],
        "components": [up + str(one)[1:] for one in folders]}))
    return daemons.kustomize(directory)


def helm(program, *arguments, home="/nonexistent", **options):
    """rc, out, err of helm without anybody's settings; what it keeps between
    two calls is in 'home'."""
    settings = {name: value for name, value in os.environ.items()
                if not name.startswith(("HELM_", "XDG_", "KUBE"))}
    return run([program, *arguments], env={**settings, "HOME": str(home)},
               **options)


def values_flags(values):
    return [f"--values={file}" for file in values]


def render(program, release="sallyport", namespace=NAMESPACE, values=()):
    """rc, out, err of `helm template`."""
    return helm(program, "template", release, CHART, "--namespace", namespace,
                *values_flags(values))


@functools.cache
def _text(program, release, namespace, values):
    result = render(program, release, namespace, values)
    assert result.rc == 0, result.err
    return result.out


def rendered(program, release="sallyport", namespace=NAMESPACE, values=()):
    """The objects, the caller's own; files of values stay as they are."""
    return documents(_text(program, release, namespace, tuple(values)))


def key(one):
    return (one["kind"], one["metadata"].get("namespace"),
            one["metadata"]["name"])


def pod_of(one):
    return one.get("spec", {}).get("template", {}).get("spec") or {}


def containers(one):
    pod = pod_of(one)
    return pod.get("containers", []) + pod.get("initContainers", [])


def port_names(spec):
    """Of a pod's containers, or of a Service."""
    return {port["name"] for part in (spec, *spec.get("containers", []))
            for port in part.get("ports", [])}


def _sorted(values):
    return sorted(values, key=lambda one: json.dumps(one, sort_keys=True))


def comparable(one):
    """Without Helm's labels; flags and rules, whose order means nothing, in
    order."""
    labels = one["metadata"]["labels"]
    for label in HELM_LABELS & set(labels):
        del labels[label]
    for container in containers(one):
        container["args"] = _sorted(container["args"])
    for rule in one.get("rules", []):
        for member in rule:
            rule[member] = _sorted(rule[member])
    if "rules" in one:
        one["rules"] = _sorted(one["rules"])
    return one


def by_key(found):
    """{key: object}; no two objects may have one key."""
    keys = [key(one) for one in found]
    assert len(set(keys)) == len(keys), keys
    return {key(one): comparable(one) for one in found}


def refusal(program, arguments):
    """What a daemon says of its flags, "" where it takes them: it is given no
    cluster, so it ends with 1 (2 is a wrong flag)."""
    done = subprocess.run(
        [daemons.BUILD / program, *arguments,
         "--kubeconfig=/nonexistent/kubeconfig"],
        capture_output=True, text=True, timeout=30)
    assert done.returncode in (1, 2), done
    assert done.returncode == 2 or "/nonexistent/kubeconfig" in done.stderr, \
        done
    return done.stderr if done.returncode == 2 else ""


def without_run_dir(arguments):
    return [one for one in arguments if not one.startswith("--run-dir")]


def metric_names(expression):
    """Names of ours in an expression; of a histogram without its suffix."""
    return {re.sub(r"_(bucket|sum|count)$", "", name)
            for name in re.findall(r"\bsallyport_\w+", expression)}
