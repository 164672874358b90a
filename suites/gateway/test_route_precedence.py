"""Which of several HTTPRoute rules that match goes first."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.gateway_features import supports
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by

METHODS = supports("HTTPRouteMethodMatching")
QUERIES = supports("HTTPRouteQueryParamMatching")


@pytest.fixture
def overlapping(crossing: Arrange) -> Routes:
    """Pairs of rules, the one that must win after the one that would by the next criterion."""
    return crossing("route_precedence.yaml", ready={"ready.example": "one"})


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
