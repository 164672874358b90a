"""An HTTP listener with a hostname."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.expectations import equal
from fixtures.routes import GATEWAYS, Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import not_served, served_by


@pytest.fixture
def listener(routes: Arrange) -> Routes:
    """A listener for one hostname; its route names no hostname of its own."""
    return routes("http_listener.yaml", gateway="edge", ready={"listener.example": "echo"})


@feature("gw.listener.http")
@pytest.mark.smoke
def test_an_http_listener_serves_the_route_attached_to_it(listener: Routes) -> None:
    """“Listeners define logical endpoints that are bound on this Gateway's addresses.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/gateway_types.go#L74
    """
    served_by(listener.get("listener.example"), listener.namespace, "echo")


@feature("gw.listener.http")
@pytest.mark.parametrize("host", ["another.example", "below.listener.example"], ids=["another", "below-it"])
def test_an_http_listener_serves_its_own_hostname_only(listener: Routes, host: str) -> None:
    """“Hostname specifies the virtual hostname to match for protocol types that define this concept.” A route that
    names no hostname is served for the listener's.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/gateway_types.go#L372
    """
    not_served(listener.get(host), listener.namespace)


@feature("gw.listener.http")
def test_a_serving_listener_says_so(listener: Routes) -> None:
    """“AttachedRoutes represents the total number of Routes that have been successfully attached to this Listener.” And
    a listener that serves has the conditions Accepted, ResolvedRefs and Programmed.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/gateway_types.go#L1388
    """
    served_by(listener.get("listener.example"), listener.namespace, "echo")
    gateway = listener.namespace.api.get(GATEWAYS, "Gateway", "edge", listener.namespace.name) or {}
    (status,) = gateway["status"]["listeners"]
    conditions = {part["type"]: part["status"] for part in status["conditions"]}
    wanted = dict.fromkeys(("Accepted", "ResolvedRefs", "Programmed"), "True")
    equal("the listener's conditions", wanted, {key: conditions.get(key) for key in wanted})
    equal("the number of routes attached to the listener", 1, status["attachedRoutes"])
