"""How soon a new HTTPRoute and a new Gateway are in force, and whether their status tells the truth."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from clusters.provider import Cluster
from fixtures.api import Object
from fixtures.catalogue import feature
from fixtures.controllers import Controller
from fixtures.gateway_truth import GatewayWatch
from fixtures.grounds import connection
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.status_truth import CHANGES, accepted_by, follow, tell
from fixtures.workloads import Namespace


@pytest.fixture
def shop(routes: Arrange) -> Routes:
    """A backend that is served already."""
    return routes("propagation.yaml", gateway="edge", ready={"ready.example": "web"})


def made(shop: Routes, number: int) -> Object:
    """One like that which serves it, for another host."""
    made = shop.object("propagation.yaml", "HTTPRoute", "ready")
    made["metadata"]["name"] = f"made-{number}"
    made["spec"]["hostnames"] = [f"made-{number}.example"]
    return made


@feature("gw.propagation")
def test_a_new_route_is_served_and_its_status_says_so(
    shop: Routes, controller: Controller, note: Callable[[str, object], None]
) -> None:
    """“This condition indicates whether the route has been accepted or rejected by a Gateway, and why.” When, and
    whether before or after the first right answer, is told and not judged.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/shared_types.go#L343
    """
    shop.settle()
    accepted = accepted_by(controller.gateway().controller)
    hosts = [f"made-{number}.example" for number in range(CHANGES)]
    tell([follow(shop, made(shop, number), host, "web", accepted) for number, host in enumerate(hosts)], note)


@feature("gw.propagation")
def test_a_new_gateway_serves_when_it_is_programmed(
    namespace: Namespace,
    routes_in: Arrange,
    controller: Controller,
    cluster: Cluster,
    note: Callable[[str, object], None],
) -> None:
    """“This condition indicates whether a Gateway has generated some configuration that is assumed to be ready soon in
    the underlying data plane.” That it becomes True, and that the Gateway serves then, is judged. When each is so, and
    which comes first, is told: status and answers are looked at beside each other from before the Gateway is made.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/gateway_types.go#L1131
    """
    shop = routes_in(namespace, gateway="edge", ready={})  # what it serves is what is timed
    api = connection(cluster.kubeconfig)
    with GatewayWatch(api, shop, controller, note, gateway="edge", host="ready.example", backend="web"):
        shop.arrange("propagation.yaml")
        shop.gateway_address()
        shop.await_backend("ready.example", "web")
