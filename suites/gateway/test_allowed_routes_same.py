"""allowedRoutes as it is by default: from the Gateway's own namespace."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from clusters.needs import Need
from fixtures.catalogue import feature
from fixtures.convergence import await_value, never
from fixtures.crossroads_plugin import GATEWAY
from fixtures.expectations import equal
from fixtures.gateway_status import of_route
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by
from fixtures.workloads import Namespace

WINDOW = 3.0
"""Seconds for which the neighbour's route must go unserved after the own one is served and both are judged."""


@pytest.fixture
def own(crossing: Arrange) -> Routes:
    """A route beside its Gateway."""
    return crossing("allowed_routes_same.yaml", ready={"same.example": "one"})


@pytest.fixture
def neighbour(own: Routes, routes_in: Arrange, make_namespace: Callable[..., Namespace]) -> Routes:
    """The same in another namespace than the Gateway's."""
    own.settle()
    made = routes_in(make_namespace("neighbour"), gateway=GATEWAY, gateway_namespace=own.namespace.name, ready={})
    made.arrange("allowed_routes_same_neighbour.yaml")
    return made


@feature("gw.allowed-routes.same")
@pytest.mark.needs(Need.LABELLED_NAMESPACES)
def test_only_routes_of_the_gateways_own_namespace_are_admitted(own: Routes, neighbour: Routes) -> None:
    """“Same: Only Routes in the same namespace may be used by this Gateway.” It is the default. Accepted is False with
    the reason NotAllowedByListeners “because the Gateway has no Listener whose allowedRoutes criteria permit the
    route”.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/gateway_types.go#L882
    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/shared_types.go#L370
    """
    told = [
        await_value(partial(of_route, routes.namespace, name, "Accepted"), bool, what=f"the route {name} to be judged")
        for routes, name in ((own, "same"), (neighbour, "neighbour"))
    ]
    served_by(own.get("same.example"), own.namespace, "one")
    never(
        lambda: [neighbour.get("neighbour.example")],
        lambda seen: neighbour.backend(seen[0]) != "",
        what="the neighbour's host to reach no backend",
        window=WINDOW,
    )
    equal("the own route's condition Accepted", {"status": "True", "reason": "Accepted"}, told[0])
    equal("the neighbour's condition Accepted", {"status": "False", "reason": "NotAllowedByListeners"}, told[1])
