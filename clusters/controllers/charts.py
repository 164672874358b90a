"""What a controller's official Helm charts render to: `helm template`. Helm itself installs nothing.

The objects are applied by the same code as manifests are, so whoever reads a report can do the same with kubectl.
"""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from clusters import components
from clusters.addons.manifests import load_file
from clusters.components.catalogue import catalogue
from clusters.errors import ComponentError, UsageError
from clusters.images.names import HOSTS

from .description import Chart, ControllerDescription, describe, folder_of

OCI = "oci://"
COMPONENT = "component:"
SECONDS = 120.0
HOOK, WEIGHT = "helm.sh/hook", "helm.sh/hook-weight"
"""https://helm.sh/docs/topics/charts_hooks/"""
ORDER = {"pre-install": 0, "": 1, "post-install": 2}
SERVED = {
    "gateway.networking.k8s.io/v1": ["GatewayClass", "Gateway", "HTTPRoute", "GRPCRoute"],
    "gateway.networking.k8s.io/v1beta1": ["ReferenceGrant"],
    "networking.k8s.io/v1": ["Ingress", "IngressClass"],
    "policy/v1": ["PodDisruptionBudget"],
    "autoscaling/v2": ["HorizontalPodAutoscaler"],
}
"""What charts ask a cluster for (``.Capabilities.APIVersions``): without one, Helm knows no kinds."""


def check(name: str) -> None:
    """`ComponentError` where a repository of the controller's charts does not answer: asked once, known in seconds."""
    controller = describe(name)
    addresses = [address(chart) for chart in controller.charts if is_remote(chart)]
    if not addresses:
        return
    from clusters.components.web import Web, origin  # noqa: PLC0415 - its library takes a while

    with Web() as web:
        web.probe(addresses)
        silent = sorted({origin(one).split("/")[2] for one in addresses if not web.answers(one)})
    if silent:
        raise ComponentError(
            f"{controller.title} cannot be installed here: {' and '.join(silent)}, which has its Helm chart, does not "
            "answer.",
            "Run it where that answers, or name a copy of the chart in a folder of your own: repository in its "
            "controller.toml (docs/add-a-controller.md).",
        )


def components_of(controller: ControllerDescription) -> list[str]:
    """What rendering its charts takes: Helm, and the components that hold charts."""
    holders = [holder for holder, _ in map(held_by, controller.charts) if holder]
    return [*(["helm"] if controller.charts else []), *holders]


def held_by(chart: Chart) -> tuple[str, str]:
    """The component that has a chart, and the folder of it; empty where none does."""
    if not chart.repository.startswith(COMPONENT):
        return "", ""
    component, _, folder = chart.repository.removeprefix(COMPONENT).partition("/")
    return component, folder


def is_remote(chart: Chart) -> bool:
    return "://" in chart.repository


def address(chart: Chart) -> str:
    """What is asked whether it is there: of a registry, its API."""
    if not chart.repository.startswith(OCI):
        return chart.repository
    host = chart.repository.removeprefix(OCI).partition("/")[0]
    return f"https://{HOSTS.get(host, host)}/v2/"


@functools.cache
def rendered(name: str) -> list[dict[str, Any]]:
    """The objects of a controller's charts, in the order in which they are applied, each with its namespace.

    `ComponentError` with Helm's own words where it cannot render one.
    """
    controller = describe(name)
    if not controller.charts:
        return []
    helm = components.resolve(["helm"])["helm"]
    found: list[dict[str, Any]] = []
    if controller.namespace:
        found.append({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": controller.namespace}})
    for chart in controller.charts:
        with tempfile.TemporaryDirectory(prefix="roadtest-helm-") as place:
            output = template(helm, controller, chart, Path(place))
            found += in_order(objects(output), controller.namespace)
    return found


def template(helm: Path, controller: ControllerDescription, chart: Chart, place: Path) -> Path:
    """Have Helm render a chart into a file of a folder, which is all that it writes to."""
    values, output = place / "values.yaml", place / "rendered.yaml"
    values.write_text(yaml.safe_dump(chart.values), encoding="utf-8")
    command = [str(helm), "template", chart.release or controller.name, *source(controller, chart)]
    command += ["--namespace", controller.namespace, "--values", str(values), "--include-crds", "--skip-tests"]
    command += ["--kube-version", catalogue().components["kube-apiserver"].version]
    served = [name for version, kinds in SERVED.items() for name in (version, *(f"{version}/{kind}" for kind in kinds))]
    command += [word for name in served for word in ("--api-versions", name)]
    folders = {f"HELM_{what}_HOME": str(place / what.lower()) for what in ("CACHE", "CONFIG", "DATA")}
    environment = {**{k: v for k, v in os.environ.items() if k != "KUBECONFIG"}, **folders}
    try:
        with output.open("wb") as file:
            done = subprocess.run(
                command, stdout=file, stderr=subprocess.PIPE, env=environment, timeout=SECONDS, check=False
            )
        trouble = told(done.stderr.decode(errors="replace"), done.returncode) if done.returncode else ""
    except subprocess.TimeoutExpired:
        trouble = f"it took more than {SECONDS:g} s"
    if trouble:
        raise ComponentError(
            f"Helm cannot render the chart {chart.name} {chart.version} of {controller.title} from "
            f"{chart.repository}: {trouble.rstrip('.')}.",
            "Look at repository, name, version and values in its controller.toml.",
        )
    return output


def told(words: str, status: int) -> str:
    """Why Helm ended so: the line that it calls an error."""
    lines = [line.strip() for line in words.splitlines() if line.strip()]
    errors = [line.removeprefix("Error: ") for line in lines if line.startswith("Error: ")]
    return (errors or lines or [f"it ended with status {status}"])[-1]


def source(controller: ControllerDescription, chart: Chart) -> list[str]:
    """How Helm is told which chart is meant."""
    if chart.repository.startswith(OCI):
        return [f"{chart.repository}/{chart.name}", "--version", chart.version]
    if is_remote(chart):
        return [chart.name, "--repo", chart.repository, "--version", chart.version]
    holder, below = held_by(chart)
    if holder:
        return [str(components.resolve([holder])[holder] / below / chart.name)]
    folder = folder_of(controller.name) / chart.repository / chart.name
    if not (folder / "Chart.yaml").is_file():
        raise UsageError(
            f"The controller {controller.name} names a chart that is not there: {folder}.",
            "repository is an address, or a folder beside controller.toml that holds the chart's.",
        )
    return [str(folder)]


def objects(path: Path) -> Iterator[dict[str, Any]]:
    """What Helm wrote, lists taken apart."""
    for found in load_file(path):
        if found["kind"].endswith("List") and "items" in found:
            yield from found["items"]
        else:
            yield found


def in_order(every: Iterator[dict[str, Any]], namespace: str) -> list[dict[str, Any]]:
    """What an installation has, hooks before and after the rest; what is for upgrades, tests or removals is left out.

    Helm puts what names no namespace into the release's. Of an object that lies in none the API server drops it.
    """
    placed: list[tuple[int, int, dict[str, Any]]] = []
    for found in every:
        notes = found["metadata"].get("annotations") or {}
        hooks = [hook.strip() for hook in str(notes.get(HOOK, "")).split(",")]
        place = next((ORDER[hook] for hook in hooks if hook in ORDER), None)
        if place is None:
            continue
        found["metadata"].setdefault("namespace", namespace)
        placed.append((place, int(notes.get(WEIGHT, 0)), found))
    return [found for _, _, found in sorted(placed, key=lambda one: one[:2])]
