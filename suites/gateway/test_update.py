"""Routes that change while requests come in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from fixtures.api import Object
from fixtures.catalogue import feature
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.steady import Stream, no_loss
from fixtures.timeouts import Timeout
from fixtures.under_load import UNRELATED, unrelated

SteadyRoute = Callable[..., AbstractContextManager[Stream]]
MANIFEST, HOST = "update.yaml", "shop.example"


@pytest.fixture
def shop(crossing: Arrange) -> Routes:
    """One route, and another backend that it could lead to."""
    return crossing(MANIFEST, ready={HOST: "one"})


def led_to(shop: Routes, backend: str, *more: Object) -> Object:
    """The route, leading to a backend, with further rules."""
    changed = shop.object(MANIFEST, "HTTPRoute", "shop")
    changed["spec"]["rules"][0]["backendRefs"][0]["name"] = backend
    changed["spec"]["rules"] += more
    return changed


@feature("gw.update.zero-loss")
def test_a_rule_that_comes_and_goes_costs_no_request(shop: Routes, steady_route: SteadyRoute) -> None:
    """“BackendRefs defines the backend(s) where matching requests should be sent.” A rule that stays sends them there
    all the time.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L265
    """
    new = {
        "matches": [{"path": {"type": "PathPrefix", "value": "/new"}}],
        "backendRefs": [{"name": "two", "port": 80}],
    }
    with steady_route(shop, HOST) as stream:
        stream.await_answers(25)
        stream.mark("a rule is added")
        shop.apply(led_to(shop, "one", new))
        shop.await_backend(HOST, "two", "/new")
        stream.mark("the rule is removed")
        shop.apply(led_to(shop, "one"))
        shop.await_backend(HOST, "one", "/new")
        stream.await_answers(25)
    no_loss(stream, "while a rule was added and removed")


@feature("gw.update.zero-loss")
def test_a_rule_that_is_led_to_another_backend_loses_no_request(shop: Routes, steady_route: SteadyRoute) -> None:
    """“BackendRefs defines the backend(s) where matching requests should be sent”: one or the other, at every moment.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L265
    """
    with steady_route(shop, HOST) as stream:
        stream.await_answers(25)
        for backend in ("two", "one"):
            stream.mark(f"the rule is led to {backend}")
            shop.apply(led_to(shop, backend))
            shop.await_backend(HOST, backend)
        stream.await_answers(25)
    no_loss(stream, "while the rule's backend was another, and the first again")


@pytest.mark.disturbs  # a controller that takes its time for so many has none left for others
@feature("gw.update.zero-loss")
def test_hundreds_of_unrelated_routes_cost_no_request(shop: Routes, steady_route: SteadyRoute) -> None:
    """“Hostnames defines a set of hostnames that should match against the HTTP Host header to select a HTTPRoute used
    to process the request”, and no other.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L62
    """
    with steady_route(shop, HOST) as stream:
        stream.await_answers(25)
        stream.mark(f"{UNRELATED} unrelated HTTPRoutes are added")
        with unrelated(shop, led_to(shop, "two")) as last:
            shop.await_backend(last, "two", timeout=Timeout.MANY_ROUTES)
            stream.mark("they are removed")
        shop.await_nobody(last, what="the last of them to be served no more", timeout=Timeout.MANY_ROUTES)
        stream.mark("the last of them is served no more")
        stream.await_answers(25)
    no_loss(stream, f"while {UNRELATED} unrelated HTTPRoutes were added and removed")
