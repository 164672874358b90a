"""HTTPRoute time-outs."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.expectations import holds
from fixtures.gateway_features import supports
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import not_served, served_by

SET = 0.5
"""Seconds that the routes allow."""
SLOW = 2.5
"""Seconds that the backend takes where it is asked to: an answer before them was not waited for."""

KINDS = [
    pytest.param("request.example", id="request", marks=supports("HTTPRouteRequestTimeout")),
    pytest.param("backend.example", id="backend-request", marks=supports("HTTPRouteBackendTimeout")),
]


@pytest.fixture
def timed(crossing: Arrange) -> Routes:
    """A route with a time-out for the whole request, and one with a time-out for each to the backend."""
    return crossing("timeout.yaml", ready={"ready.example": "one"})


@feature("gw.timeout")
@pytest.mark.parametrize("host", KINDS)
def test_a_slow_answer_is_cut_off_in_time(timed: Routes, host: str) -> None:
    """“Request specifies the maximum duration for a gateway to respond to an HTTP request. If the gateway has not been
    able to respond before this deadline is met, the gateway MUST return a timeout error.” “BackendRequest specifies a
    timeout for an individual request from the gateway to a backend.” The error is 504.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L336
    https://gateway-api.sigs.k8s.io/geps/gep-1742/
    """
    seen = timed.get(host, f"/?delay={SLOW}s", timeout=4 * SLOW)
    not_served(seen, timed.namespace, status=504)
    holds(
        SET * 0.9 <= seen.seconds < SLOW,
        f"the answer after {SET:g} s, and before the backend's at {SLOW:g} s",
        f"it came after {seen.seconds:.2f} s",
        [seen],
    )


@feature("gw.timeout")
@pytest.mark.parametrize("host", KINDS)
def test_an_answer_within_the_time_is_served(timed: Routes, host: str) -> None:
    """“If the gateway has not been able to respond before this deadline is met”; a backend that answers at once is.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L336
    """
    served_by(timed.get(host), timed.namespace, "one")
