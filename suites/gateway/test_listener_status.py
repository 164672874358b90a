"""What a Gateway says of listeners that cannot serve."""

from __future__ import annotations

import pytest

from fixtures.api import Object
from fixtures.catalogue import feature
from fixtures.convergence import await_value
from fixtures.expectations import equal
from fixtures.gateway_status import condition, gateway, listeners
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by

HTTP_ROUTE = "gateway.networking.k8s.io/HTTPRoute"


@pytest.fixture
def some_bad(routes: Arrange) -> Routes:
    """A listener that serves, beside one of an unknown protocol and two for unknown kinds of routes."""
    return routes("listener_status.yaml", gateway="edge", ready={"good.example": "echo"})


def told(routes: Routes, name: str) -> Object:
    """A listener's status, once there is one."""
    what = f"the listener {name} to be judged"
    return await_value(lambda: listeners(routes.namespace, "edge").get(name) or {}, bool, what=what)


def kinds(status: Object) -> list[str]:
    """The kinds that a listener says it supports."""
    group = "gateway.networking.k8s.io"
    return [f"{kind.get('group', group)}/{kind['kind']}" for kind in status.get("supportedKinds") or []]


@feature("gw.listener.status")
def test_a_good_listener_serves_beside_bad_ones_and_says_so(some_bad: Routes) -> None:
    """“SupportedKinds is the list indicating the Kinds supported by this listener. This MUST represent the kinds
    supported by an implementation for that Listener configuration.” What says that it is programmed serves.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/gateway_types.go#L1373
    """
    served_by(some_bad.get("good.example"), some_bad.namespace, "echo")
    status = told(some_bad, "good")
    wanted = dict.fromkeys(("Accepted", "ResolvedRefs", "Programmed"), "True")
    said = {kind: condition(status.get("conditions"), kind).get("status") for kind in wanted}
    equal("the good listener's conditions", wanted, said)
    equal("that it supports HTTPRoutes", True, HTTP_ROUTE in kinds(status))
    equal("the routes attached to it", 1, status["attachedRoutes"])


@feature("gw.listener.status")
def test_a_listener_of_an_unknown_protocol_is_not_accepted(some_bad: Routes) -> None:
    """“If an implementation does not support a specified protocol, it MUST set the "Accepted" condition to False for
    the affected Listener with a reason of "UnsupportedProtocol".”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/gateway_types.go#L485
    """
    accepted = condition(told(some_bad, "protocol-of-nobody").get("conditions"), "Accepted")
    equal("its condition Accepted", {"status": "False", "reason": "UnsupportedProtocol"}, accepted)


@feature("gw.listener.status")
@pytest.mark.parametrize(
    ("name", "supported"),
    [
        pytest.param("kind-of-nobody", [], id="unknown-kind"),
        pytest.param("one-kind-of-two", [HTTP_ROUTE], id="unknown-kind-and-a-known-one"),
    ],
)
def test_a_listener_for_an_unknown_kind_says_so(some_bad: Routes, name: str, supported: list[str]) -> None:
    """“If kinds are specified in Spec that are not supported, they MUST NOT appear in this list and an implementation
    MUST set the "ResolvedRefs" condition to "False" with the "InvalidRouteKinds" reason. If both valid and invalid
    Route kinds are specified, the implementation MUST reference the valid Route kinds that have been specified.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/gateway_types.go#L1377
    """
    status = told(some_bad, name)
    resolved = condition(status.get("conditions"), "ResolvedRefs")
    equal("its condition ResolvedRefs", {"status": "False", "reason": "InvalidRouteKinds"}, resolved)
    equal("the kinds that it supports", supported, kinds(status))


@feature("gw.listener.status")
def test_a_gateway_with_bad_listeners_says_so(some_bad: Routes) -> None:
    """ListenersNotValid: “This reason is used with the "Accepted" condition when one or more Listeners have an invalid
    or unsupported configuration and cannot be configured on the Gateway.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/gateway_types.go#L1256
    """
    some_bad.get("good.example")
    accepted = condition(gateway(some_bad.namespace, "edge").get("status", {}).get("conditions"), "Accepted")
    equal("the Gateway's condition Accepted", {"status": "True", "reason": "ListenersNotValid"}, accepted)
