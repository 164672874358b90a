"""A controller is installed from its folder, and served once it has an address."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from clusters import controllers
from clusters.addons.api import ApiError, ClusterApi
from clusters.controllers import install
from clusters.controllers import manifests as of_folder
from clusters.controllers.manifests import manifests
from clusters.controllers.trouble import trouble
from clusters.errors import ClusterError, UsageError


class Api:
    """Remembers what is applied, and answers with what a test put in."""

    def __init__(self, **objects: dict[str, Any]) -> None:
        self.objects = objects
        self.applied: list[str] = []

    def apply(self, manifest: dict[str, Any]) -> dict[str, Any]:
        self.applied.append(f"{manifest['kind']} {manifest['metadata']['name']}")
        return manifest

    def get(self, path: str) -> dict[str, Any]:
        found = self.objects.get(path.partition("?")[0].split("/")[-1], self.objects.get(path.split("/")[-2]))
        if found is None:
            raise ApiError(404, path)
        return found


DEPLOYMENT = {
    "kind": "Deployment",
    "metadata": {"generation": 1},
    "spec": {"replicas": 1},
    "status": {"observedGeneration": 1, "readyReplicas": 1, "updatedReplicas": 1},
}


def api(**objects: dict[str, Any]) -> Any:
    return Api(**objects)


def served(*entries: dict[str, str]) -> ClusterApi:
    made: ClusterApi = api(deployments=DEPLOYMENT, services={"status": {"loadBalancer": {"ingress": list(entries)}}})
    return made


@pytest.mark.parametrize("name", [name for name in controllers.described() if controllers.describe(name).image])
def test_everything_that_a_controller_describes_is_in_its_manifests(name: str) -> None:
    made = {f"{found['kind']} {found['metadata']['name']}" for found in manifests(name)}
    description = controllers.describe(name)

    assert f"Namespace {description.namespace}" in made
    assert f"Service {description.service}" in made or not description.service
    assert all(f"Deployment {deployment}" in made for deployment in description.deployments)
    assert all(f"DaemonSet {daemonset}" in made for daemonset in description.daemonsets)


def test_the_definitions_of_its_kinds_come_before_its_manifests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file, kind in {"a.yaml": "Lamp", "b.yaml": "Fan"}.items():
        text = f"kind: CustomResourceDefinition\nmetadata: {{name: {kind}}}\n"
        (tmp_path / file).write_text(text, encoding="utf-8")
    monkeypatch.setattr(of_folder.components, "resolve", lambda names: dict.fromkeys(names, tmp_path))
    put = api()
    monkeypatch.setattr(of_folder, "describe", describing(["lamps/b.yaml"]))
    controllers.apply(put, "traefik")
    assert put.applied[:2] == ["CustomResourceDefinition Fan", "Namespace traefik"]

    monkeypatch.setattr(of_folder, "describe", describing(["lamps"]))
    assert controllers.components_of(["traefik", "traefik"]) == ["lamps"]
    assert [found["metadata"]["name"] for found in of_folder.definitions("traefik")] == ["Lamp", "Fan"]


def describing(definitions: list[str]) -> Callable[[str], controllers.ControllerDescription]:
    return lambda name: msgspec.structs.replace(controllers.describe(name), definitions=definitions)


def test_a_controller_that_is_none_is_told_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="There is no controller called 'squid'"):
        controllers.apply(api(), "squid")


def test_a_controller_is_waited_for_until_it_has_an_address() -> None:
    controllers.wait(served({"ip": "172.30.0.200"}), "traefik", seconds=1)
    with pytest.raises(ClusterError, match="getting an address did not happen"):
        controllers.wait(served(), "traefik", seconds=0.05)


def test_its_daemonsets_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    traefik = controllers.describe("traefik")
    daemons = msgspec.structs.replace(traefik, deployments=[], daemonsets=["envoy"], service="")
    monkeypatch.setattr(install, "describe", lambda name: daemons)
    status = {"observedGeneration": 1, "desiredNumberScheduled": 2, "numberReady": 2, "updatedNumberScheduled": 2}
    ready = {"kind": "DaemonSet", "metadata": {"generation": 1}, "status": status}
    controllers.wait(api(daemonsets=ready), "traefik", seconds=1)
    with pytest.raises(ClusterError, match="DaemonSet envoy of Traefik Proxy becoming Available did not happen"):
        controllers.wait(api(daemonsets={**ready, "status": {**status, "numberReady": 1}}), "traefik", seconds=0.05)


def test_an_address_may_be_a_name() -> None:
    assert install.address(served({"hostname": "lb.example.com"}), "traefik") == "lb.example.com"
    assert install.address(served(), "traefik") == ""


PODS = {
    "items": [
        {
            "metadata": {"name": "router-1"},
            "status": {
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": "False"}],
                "containerStatuses": [
                    {
                        "name": "router",
                        "ready": False,
                        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}},
                        "lastState": {"terminated": {"exitCode": 2, "reason": "Error"}},
                    },
                    {"name": "sidecar", "ready": True, "state": {"running": {}}},
                ],
            },
        },
        {
            "metadata": {"name": "router-2"},
            "status": {
                "phase": "Pending",
                "conditions": [
                    {"type": "Ready", "status": "False"},
                    {"type": "PodScheduled", "status": "False", "message": "0/2 nodes are available"},
                ],
            },
        },
        {"metadata": {"name": "done"}, "status": {"phase": "Succeeded"}},
    ]
}


def test_a_controller_that_never_gets_ready_says_why_with_its_last_lines() -> None:
    log = {"text": "2026-01-01T00:00:00Z starting\n2026-01-01T00:00:01Z unknown flag: --entrypoint\n"}
    never: ClusterApi = api(deployments={**DEPLOYMENT, "status": {}}, pods=PODS, log=log)
    with pytest.raises(ClusterError) as caught:
        controllers.wait(never, "traefik", seconds=0.05)
    assert str(caught.value).splitlines() == [
        "The Deployment traefik of Traefik Proxy becoming Available did not happen within 0.05 s. "
        "router-1, container router: CrashLoopBackOff: back-off 10s; it ended with status 2 (Error)",
        "  starting",
        "  unknown flag: --entrypoint",
        "router-2: not scheduled: 0/2 nodes are available",
    ]


def test_a_controller_without_pods_says_who_refuses_them() -> None:
    failing = {"type": "ReplicaFailure", "status": "True", "message": "pods is forbidden: exceeded quota"}
    listed = {"items": [{"metadata": {"name": "traefik"}, "status": {"conditions": [failing]}}]}
    assert trouble(api(pods={}, deployments=listed), "traefik").splitlines() == [
        "It has no pods.",
        "traefik: pods is forbidden: exceeded quota",
    ]
