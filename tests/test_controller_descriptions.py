"""A controller's description and its manifests must say the same, or a suite would look in the wrong place."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import yaml

from clusters.controllers import description, folders, needed
from clusters.controllers.description import ControllerDescription, describe, described, folder_of


def objects(name: str) -> list[dict[str, Any]]:
    paths = sorted((folder_of(name) / "manifests").glob("*.yaml"))
    return [found for path in paths for found in yaml.safe_load_all(path.read_text(encoding="utf-8")) if found]


def of_kind(name: str, kind: str) -> dict[str, dict[str, Any]]:
    return {found["metadata"]["name"]: found for found in objects(name) if found["kind"] == kind}


@pytest.fixture(params=described())
def controller(request: pytest.FixtureRequest) -> ControllerDescription:
    return describe(request.param)


@pytest.fixture(params=[name for name in described() if describe(name).image])
def with_manifests(request: pytest.FixtureRequest) -> ControllerDescription:
    """Its objects are files of its folder: not a chart's, and not of a cluster that somebody else has."""
    return describe(request.param)


def test_its_name_is_its_folders(controller: ControllerDescription) -> None:
    assert folder_of(controller.name).name == controller.name


def test_it_runs_the_image_that_it_names(with_manifests: ControllerDescription) -> None:
    controller = with_manifests
    deployments = of_kind(controller.name, "Deployment")
    assert set(controller.deployments) <= set(deployments)
    assert set(controller.daemonsets) <= set(of_kind(controller.name, "DaemonSet"))
    images = {
        container["image"]
        for deployment in deployments.values()
        for container in deployment["spec"]["template"]["spec"]["containers"]
    }
    assert controller.image in images


def test_its_load_balancer_opens_the_ports_that_it_claims(with_manifests: ControllerDescription) -> None:
    controller = with_manifests
    if not controller.service:
        assert controller.ingress is None, "Ingress traffic must enter somewhere"
        return
    service = of_kind(controller.name, "Service")[controller.service]
    assert service["spec"]["type"] == "LoadBalancer"
    assert service["metadata"]["namespace"] == controller.namespace
    ports = {port["port"] for port in service["spec"]["ports"]}
    for claim in (controller.ingress, controller.gateway):
        if claim is not None:
            assert {claim.http_port, claim.https_port} <= ports


def test_its_classes_name_it(with_manifests: ControllerDescription) -> None:
    controller = with_manifests
    ingress_classes = of_kind(controller.name, "IngressClass")
    if controller.ingress is not None:
        assert ingress_classes[controller.ingress.class_name]["spec"]["controller"] == controller.ingress.controller
    if controller.canary.ingress is not None:
        assert controller.canary.ingress.class_name in ingress_classes
    if controller.gateway is not None:
        gateway_class = of_kind(controller.name, "GatewayClass")[controller.gateway.class_name]
        assert gateway_class["spec"]["controllerName"] == controller.gateway.controller


def test_what_it_says_of_itself_has_a_public_source(controller: ControllerDescription) -> None:
    said = [controller.ingress, controller.gateway, controller.canary.ingress, controller.canary.gateway]
    said += [controller.client_identity, controller.proxy_protocol, controller.restart, controller.admin]
    said += [*controller.refusals, *controller.deviations, *controller.charts]
    for claim in said:
        assert claim is None or claim.source.startswith("https://")


@pytest.mark.parametrize("name", [one for one in described() if folders.is_own(one)])
def test_it_says_where_its_metrics_are(name: str) -> None:
    """What we install has them on a port that its manifests open; of what others install nobody knows how it is set."""
    controller = describe(name)
    if controller.existing_only:
        assert controller.admin is None
        return
    assert controller.admin is not None
    assert controller.admin.metrics.startswith("/")
    if controller.image:
        workloads = [*of_kind(name, "Deployment").values(), *of_kind(name, "DaemonSet").values()]
        containers = [one for workload in workloads for one in workload["spec"]["template"]["spec"]["containers"]]
        ports = {port["containerPort"] for one in containers for port in one.get("ports", [])}
        assert (controller.admin.metrics_port or controller.admin.port) in ports


def test_traefiks_entry_points_listen_on_the_ports_of_its_listeners() -> None:
    """Traefik attaches a listener only to an entry point of the same port."""
    traefik = describe("traefik")
    assert traefik.gateway is not None
    arguments = of_kind("traefik", "Deployment")["traefik"]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert f"--entrypoints.web.address=:{traefik.gateway.http_port}" in arguments
    assert f"--entrypoints.websecure.address=:{traefik.gateway.https_port}" in arguments


def test_it_has_one_way_to_a_cluster(controller: ControllerDescription) -> None:
    """Manifests or charts, or it says why an existing cluster must have it, which the main job then leaves alone."""
    ways = [bool(controller.image), bool(controller.charts), bool(controller.existing_only)]
    assert ways.count(True) == 1
    if controller.charts:
        assert controller.namespace
        assert controller.deployments
    assert controller.ingress or controller.gateway
    assert not (controller.verified and controller.existing_only)


def test_what_is_made_here_and_was_never_run_is_listed_so(monkeypatch: pytest.MonkeyPatch) -> None:
    never = msgspec.structs.replace(describe("traefik"), verified="")
    monkeypatch.setattr(description, "described", lambda: ["traefik"])
    monkeypatch.setattr(description, "describe", lambda name: never)
    assert description.not_verified() == {"traefik": description.NOT_RUN}


def test_we_know_how_to_make_every_image_of_it(with_manifests: ControllerDescription) -> None:
    assert needed([with_manifests.name]).names == [] or not folders.is_own(with_manifests.name)


UNSAID = {"istio-from-source": ["gw.proxy-protocol"]}
"""Its documentation tells how (gatewayTopology.proxyProtocol), and its folder does not yet."""


@pytest.mark.parametrize("name", [name for name in described() if describe(name).verified])
def test_what_a_folder_that_is_verified_does_not_claim_it_denies(name: str) -> None:
    """Or what is behind it is skipped, as what nobody has looked up."""
    one = describe(name)
    parts = (
        (one.ingress, "can.weight", "by-ingress", one.canary.ingress),
        (one.gateway, "can.weight", "by-httproute", one.canary.gateway),
        (one.ingress, "ing.grpc", "", one.ingress and one.ingress.grpc),
        (one.ingress, "ing.client-ip", "", one.client_identity),
        (one.gateway, "gw.client-ip", "", one.client_identity),
        (one.ingress, "ing.proxy-protocol", "", one.proxy_protocol),
        (one.gateway, "gw.proxy-protocol", "", one.proxy_protocol),
    )
    unsaid = [feature for api, feature, way, part in parts if api and not part and not one.refusal(feature, way)]
    assert unsaid == UNSAID.get(name, [])
