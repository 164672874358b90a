"""A controller is installed from its folder, and served once it has an address."""

from __future__ import annotations

from typing import Any

import pytest

from clusters import controllers
from clusters.addons.api import ClusterApi
from clusters.controllers import install
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
        return self.objects[path.split("/")[-2]]


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


@pytest.mark.parametrize("name", controllers.described())
def test_everything_that_a_controller_describes_is_in_its_manifests(name: str) -> None:
    put = api()
    controllers.apply(put, name)
    description = controllers.describe(name)

    assert f"Namespace {description.namespace}" in put.applied
    assert f"Service {description.service}" in put.applied
    assert all(f"Deployment {deployment}" in put.applied for deployment in description.deployments)


def test_a_controller_that_is_none_is_told_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="There is no controller called 'squid'"):
        controllers.apply(api(), "squid")


def test_a_controller_is_waited_for_until_it_has_an_address() -> None:
    controllers.wait(served({"ip": "172.30.0.200"}), "traefik", seconds=1)
    with pytest.raises(ClusterError, match="getting an address did not happen"):
        controllers.wait(served(), "traefik", seconds=0.05)


def test_an_address_may_be_a_name() -> None:
    assert install.address(served({"hostname": "lb.example.com"}), "traefik") == "lb.example.com"
    assert install.address(served(), "traefik") == ""
