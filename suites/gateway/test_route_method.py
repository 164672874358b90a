"""HTTPRoute method matches."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.gateway_features import supports
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import not_served, served_by

pytestmark = supports("HTTPRouteMethodMatching")


@pytest.fixture
def methods(crossing: Arrange) -> Routes:
    """A rule for POST, one for GET, and one for PATCH below a path."""
    return crossing("route_method.yaml", ready={"ready.example": "one"})


@feature("gw.route.method")
@pytest.mark.parametrize(
    ("method", "path", "backend"),
    [
        pytest.param("POST", "/", "one", id="post"),
        pytest.param("GET", "/", "two", id="get"),
        pytest.param("GET", "/below", "two", id="get-below-anothers-path"),
        pytest.param("PATCH", "/below/it", "three", id="patch-and-path"),
    ],
)
def test_a_rule_takes_requests_with_its_method(methods: Routes, method: str, path: str, backend: str) -> None:
    """“When specified, this route will be matched only if the request has the specified method.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L791
    """
    served_by(methods.get("method.example", path, method=method), methods.namespace, backend)


@feature("gw.route.method")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        pytest.param("PUT", "/", id="another"),
        pytest.param("HEAD", "/", id="head-is-not-get"),
        pytest.param("PATCH", "/", id="right-one-on-another-path"),
    ],
)
def test_a_rule_takes_no_request_with_another_method(methods: Routes, method: str, path: str) -> None:
    """“This route will be matched only if the request has the specified method.” And: “When no rules matching a request
    have been successfully attached to the parent a request is coming from, a HTTP 404 status code MUST be returned.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L208
    """
    not_served(methods.get("method.example", path, method=method), methods.namespace, status=404)
