"""What a route's status says, beside what is served."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from fixtures.catalogue import feature
from fixtures.convergence import await_value, converge
from fixtures.expectations import equal
from fixtures.gateway_status import of_route
from fixtures.observations import HttpObservation
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import not_served, served_by
from fixtures.timeouts import Timeout

SOUND = {"Accepted": ("True", "Accepted"), "ResolvedRefs": ("True", "ResolvedRefs")}
NO_SERVICE = {"Accepted": ("True", "Accepted"), "ResolvedRefs": ("False", "BackendNotFound")}
NO_KIND = {"Accepted": ("True", "Accepted"), "ResolvedRefs": ("False", "InvalidKind")}
DETACHED = {"Accepted": ("False", "NoMatchingParent")}


@pytest.fixture
def told(crossing: Arrange) -> Routes:
    """A valid route, routes without a backend, and one without a listener."""
    return crossing("status_truth.yaml", ready={"ready.example": "one"})


def conditions(routes: Routes, route: str, expected: dict[str, tuple[str, str]]) -> None:
    """The route's conditions, once it has them, are these; others are not looked at."""

    def read() -> dict[str, dict[str, str]]:
        return {kind: of_route(routes.namespace, route, kind) for kind in expected}

    seen = await_value(read, lambda every: all(every.values()), what=f"the route {route} to be judged")
    wanted = {kind: {"status": status, "reason": reason} for kind, (status, reason) in expected.items()}
    equal(f"the conditions of the route {route}", wanted, seen)


@feature("gw.status.truth")
@pytest.mark.parametrize(
    ("route", "path", "expected", "status"),
    [
        pytest.param("valid", "/", SOUND, 200, id="valid"),
        pytest.param("no-service", "/", NO_SERVICE, 500, id="missing-service"),
        pytest.param("no-kind", "/", NO_KIND, 500, id="unknown-kind"),
        pytest.param("half", "/served", NO_SERVICE, 200, id="half-with-its-service"),
        pytest.param("half", "/missing", NO_SERVICE, 500, id="half-without-its-service"),
        pytest.param("detached", "/", DETACHED, 404, id="detached"),
    ],
)
def test_a_routes_status_agrees_with_what_serves(
    told: Routes, route: str, path: str, expected: dict[str, tuple[str, str]], status: int
) -> None:
    """A backend that is of an unknown kind has the reason `InvalidKind`, one that does not exist `BackendNotFound`;
    then “500 status codes MUST be returned for requests that would have otherwise been routed to an invalid backend”.
    Without a listener the reason is `NoMatchingParent`, and nothing but 404 is answered.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L1831
    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L279
    """
    seen = told.get(f"{route}.example", path)
    if status == 200:
        served_by(seen, told.namespace, "one")
    else:
        not_served(seen, told.namespace, status=status)
    conditions(told, route, expected)


@feature("gw.status.truth")
def test_a_later_route_is_accepted_and_served(told: Routes, note: Callable[[str, object], None]) -> None:
    """Accepted: “the Route has been accepted by the Gateway”; it may be said before or after the first right answer,
    which is recorded. In the end both hold.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/shared_types.go#L340
    """
    told.settle()
    began = time.monotonic()
    first: dict[str, float] = {}
    told.arrange("status_truth_later.yaml")

    def look() -> list[HttpObservation]:
        seen = told.look("later.example")
        served = told.backend(seen) == "two"
        accepted = of_route(told.namespace, "later", "Accepted").get("status") == "True"
        for what, holds_now in (("served", served), ("accepted", accepted)):
            if holds_now:
                first.setdefault(what, time.monotonic() - began)
        return [seen]

    converge(look, lambda _: len(first) == 2, what="the route to be accepted and served", timeout=Timeout.ROUTES)
    served_by(told.get("later.example"), told.namespace, "two")
    conditions(told, "later", SOUND)
    for what, seconds in first.items():
        note(f"{what} after the route was applied", f"{seconds:.2f} s")
