"""Which of several HTTPRoute rules that match goes first."""

from __future__ import annotations

import time

import pytest

from fixtures.catalogue import feature
from fixtures.convergence import await_value
from fixtures.gateway_features import supports
from fixtures.routes import GATEWAYS, Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by
from fixtures.verdicts import ArrangementError

ATTEMPTS = 8
"""At making two routes within one second, the resolution of what the API keeps of their age."""
METHODS = supports("HTTPRouteMethodMatching")
QUERIES = supports("HTTPRouteQueryParamMatching")


@pytest.fixture
def overlapping(crossing: Arrange) -> Routes:
    """Pairs of rules, the one that must win after the one that would by the next criterion."""
    return crossing("route_precedence.yaml", ready={"ready.example": "one"})


def born(routes: Routes, name: str) -> str:
    """When a route was made, to the second."""
    found = routes.namespace.api.get(GATEWAYS, "HTTPRoute", name, routes.namespace.name) or {}
    return str(found["metadata"]["creationTimestamp"])


@pytest.fixture
def of_two_ages(crossing: Arrange) -> Routes:
    """Two routes for each of two hosts, all served: of those made later one has the name that comes first, one last."""
    made = crossing("route_precedence_older.yaml", ready={"ready-older.example": "two"})
    made.settle()
    if "ready-newer.example" not in made.ready:
        after = time.monotonic() + 1
        await_value(time.monotonic, lambda now: now > after, what="the second to be over")
        made.arrange("route_precedence_newer.yaml")
        made.ready["ready-newer.example"] = "one"
        made.settle(again=True)
    if born(made, "precedence-z-older") >= born(made, "precedence-a-newer"):
        raise ArrangementError("The API says that the route that was made first is not the older one.")
    return made


@pytest.fixture
def of_one_age(crossing: Arrange) -> Routes:
    """Two routes for one host that are of one age, as far as the API tells."""
    made = crossing("route_precedence_names.yaml", ready={"ready-name.example": "three"})
    for _ in range(ATTEMPTS):
        if born(made, "precedence-z-name") == born(made, "precedence-b-name"):
            return made
        made.remove()
        made.arrange("route_precedence_names.yaml")
    raise ArrangementError(f"Of {ATTEMPTS} times two routes were never made within one second.")


@feature("gw.route.precedence")
@pytest.mark.parametrize(
    ("host", "target", "headers"),
    [
        pytest.param("paths.example", "/exact/one", "ab", id="exact-before-prefix-with-headers"),
        pytest.param("paths.example", "/longer/path", "ab", id="longer-prefix-before-headers"),
        pytest.param("methods.example", "/method", "ab", id="method-before-headers", marks=METHODS),
        pytest.param("queries.example", "/header?a=1&b=1", "a", id="header-before-queries", marks=QUERIES),
        pytest.param("headers.example", "/count", "abc", id="more-headers"),
        pytest.param("queries.example", "/more-headers?a=1&b=1", "abc", id="headers-before-queries", marks=QUERIES),
        pytest.param("queries.example", "/count?a=1&b=1&c=1", "", id="more-queries", marks=QUERIES),
        pytest.param("headers.example", "/order", "ab", id="first-of-a-tie"),
    ],
)
def test_the_more_specific_match_goes_first(overlapping: Routes, host: str, target: str, headers: str) -> None:
    """“Precedence must be given to the match having: "Exact" path match. "Prefix" path match with largest number of
    characters. Method match. Largest number of header matches. Largest number of query param matches.” “If ties still
    exist within an HTTPRoute, matching precedence MUST be granted to the FIRST matching rule.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L178
    """
    seen = overlapping.get(host, target, headers=dict.fromkeys(headers, "1"))
    served_by(seen, overlapping.namespace, "two")


@feature("gw.route.precedence")
@pytest.mark.parametrize("host", ["name-first.example", "name-last.example"])
def test_the_older_of_two_routes_goes_first(of_two_ages: Routes, host: str) -> None:
    """“If ties still exist across multiple Routes, matching precedence MUST be determined in order of the following
    criteria, continuing on ties: The oldest Route based on creation timestamp.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L197
    """
    served_by(of_two_ages.get(host), of_two_ages.namespace, "two")


@feature("gw.route.precedence")
def test_of_routes_of_one_age_the_first_by_name_goes_first(of_one_age: Routes) -> None:
    """“The Route appearing first in alphabetical order by "{namespace}/{name}".”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L201
    """
    served_by(of_one_age.get("name.example"), of_one_age.namespace, "two")
