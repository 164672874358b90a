"""Rules that change while requests come in."""

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
    """One rule, and another backend that it could lead to."""
    return crossing(MANIFEST, gateway="", ready={HOST: "one"})


def led_to(shop: Routes, backend: str, *more: Object) -> Object:
    """The rule, leading to a backend, with further paths."""
    changed = shop.object(MANIFEST, "Ingress", "shop")
    paths = changed["spec"]["rules"][0]["http"]["paths"]
    paths[0]["backend"]["service"]["name"] = backend
    paths += more
    return changed


@feature("ing.update.zero-loss")
def test_a_path_that_comes_and_goes_costs_no_request(shop: Routes, steady_route: SteadyRoute) -> None:
    """“Both the host and path must match the content of an incoming request before the load balancer directs traffic to
    the referenced Service.” A rule that stays does so all the time.

    https://kubernetes.io/docs/concepts/services-networking/ingress/#ingress-rules
    """
    new = {"path": "/new", "pathType": "Prefix", "backend": {"service": {"name": "two", "port": {"number": 80}}}}
    with steady_route(shop, HOST) as stream:
        stream.await_answers(25)
        stream.mark("a path is added")
        shop.apply(led_to(shop, "one", new))
        shop.await_backend(HOST, "two", "/new")
        stream.mark("the path is removed")
        shop.apply(led_to(shop, "one"))
        shop.await_backend(HOST, "one", "/new")
        stream.await_answers(25)
    no_loss(stream, "while a path was added and removed")


@feature("ing.update.zero-loss")
def test_a_rule_that_is_led_to_another_backend_loses_no_request(shop: Routes, steady_route: SteadyRoute) -> None:
    """“HTTP (and HTTPS) requests to the Ingress that match the host and path of the rule are sent to the listed
    backend”: to one or the other, at every moment.

    https://kubernetes.io/docs/concepts/services-networking/ingress/#ingress-rules
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
@feature("ing.update.zero-loss")
def test_hundreds_of_unrelated_rules_cost_no_request(shop: Routes, steady_route: SteadyRoute) -> None:
    """“If a host is provided (for example, foo.bar.com), the rules apply to that host”, and to no other.

    https://kubernetes.io/docs/concepts/services-networking/ingress/#ingress-rules
    """
    with steady_route(shop, HOST) as stream:
        stream.await_answers(25)
        stream.mark(f"{UNRELATED} unrelated Ingresses are added")
        with unrelated(shop, led_to(shop, "two")) as last:
            shop.await_backend(last, "two", timeout=Timeout.MANY_ROUTES)
            stream.mark("they are removed")
        shop.await_nobody(last, what="the last of them to be served no more", timeout=Timeout.MANY_ROUTES)
        stream.mark("the last of them is served no more")
        stream.await_answers(25)
    no_loss(stream, f"while {UNRELATED} unrelated Ingresses were added and removed")
