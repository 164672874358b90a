"""allowedRoutes with a namespace selector."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from clusters.needs import Need
from fixtures.api import Object
from fixtures.catalogue import feature
from fixtures.convergence import await_value, never
from fixtures.expectations import equal
from fixtures.routes import GATEWAYS, Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by
from fixtures.workloads import Namespace

WINDOW = 3.0
"""Seconds for which the refused route must go unserved after the admitted one is served."""
ADMITTED = {"roadtest.example/admitted": "yes"}


@pytest.fixture
def tenants(routes_in: Arrange, namespace: Namespace, make_namespace: Callable[..., Namespace]) -> dict[str, Routes]:
    """A Gateway that admits by label, and two namespaces with a route to it: one with the label, one without."""
    routes_in(namespace, gateway="edge", ready={}).arrange("allowed_routes_gateway.yaml")
    made = {}
    for name, labels, ready in (("with-label", ADMITTED, {"routed.example": "echo"}), ("without-label", {}, {})):
        tenant = make_namespace(name, labels=labels)
        made[name] = routes_in(tenant, gateway="edge", gateway_namespace=namespace.name, ready=ready)
        made[name].arrange("allowed_routes_route.yaml", change=lambda found: with_parent(found, namespace.name))
    return made


def with_parent(found: Object, namespace: str) -> Object:
    for parent in found["spec"].get("parentRefs", []):
        parent["namespace"] = namespace
    return found


def accepted(routes: Routes) -> dict[str, str]:
    """What the route's one parent says about accepting it; empty while it says nothing."""
    found = routes.namespace.api.get(GATEWAYS, "HTTPRoute", "to-echo", routes.namespace.name) or {}
    parents = (found.get("status") or {}).get("parents") or []
    conditions = [part for parent in parents for part in parent.get("conditions") or [] if part["type"] == "Accepted"]
    return {key: conditions[0][key] for key in ("status", "reason")} if conditions else {}


@feature("gw.allowed-routes.selector")
@pytest.mark.needs(Need.LABELLED_NAMESPACES)
def test_only_routes_from_namespaces_with_the_label_are_admitted(tenants: dict[str, Routes]) -> None:
    """“Selector: Routes in namespaces selected by the selector may be used by this Gateway.” Accepted is False with the
    reason NotAllowedByListeners “because the Gateway has no Listener whose allowedRoutes criteria permit the route”.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/gateway_types.go#L880
    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/shared_types.go#L370
    """
    admitted, refused = tenants["with-label"], tenants["without-label"]
    told = [
        await_value(partial(accepted, routes), bool, what=f"the route of {routes.namespace.name} to be judged")
        for routes in (admitted, refused)
    ]
    served_by(admitted.get("routed.example"), admitted.namespace, "echo")
    never(
        lambda: [refused.get("routed.example")],
        lambda seen: refused.backend(seen[0]) != "",
        what="the refused route's host to reach no backend",
        window=WINDOW,
    )
    equal("the admitted route's condition Accepted", {"status": "True", "reason": "Accepted"}, told[0])
    equal("the refused route's condition Accepted", {"status": "False", "reason": "NotAllowedByListeners"}, told[1])
