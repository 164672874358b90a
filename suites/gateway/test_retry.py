"""HTTPRoute retries (experimental)."""

from __future__ import annotations

import secrets

import pytest

from fixtures.api import REFUSED, Api
from fixtures.catalogue import feature
from fixtures.gateway_features import supports
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import not_served, served_by

DEFINITION = ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "httproutes.gateway.networking.k8s.io")
CHANNEL = "gateway.networking.k8s.io/channel"

pytestmark = supports("HTTPRouteRetry")


@pytest.fixture
def retried(crossing: Arrange, api: Api) -> Routes:
    """A route that has requests tried twice more where they end in 500 or 503."""
    try:
        defined = api.get(*DEFINITION, "") or {}
    except REFUSED:
        defined = {}
    if ((defined.get("metadata") or {}).get("annotations") or {}).get(CHANNEL) != "experimental":
        pytest.skip("retries are of the experimental channel, and this cluster has the standard channel's definitions")
    return crossing("retry.yaml", ready={"ready.example": "one"})


def flaky(failures: int, status: int) -> str:
    """A path at which the backend fails so many times before it answers."""
    return f"/retry/?uuid={secrets.token_hex(8)}&succeedAfter={failures}&responseCode={status}"


@feature("gw.retry")
@pytest.mark.parametrize(
    ("failures", "status"),
    [
        pytest.param(0, 500, id="not-needed"),
        pytest.param(1, 500, id="once"),
        pytest.param(2, 503, id="as-often-as-allowed"),
    ],
)
def test_a_failed_request_is_tried_again(retried: Routes, failures: int, status: int) -> None:
    """“Codes defines the HTTP response status codes for which a backend request should be retried.” “Attempts specifies
    the maximum number of times an individual request from the gateway to a backend should be retried.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L391
    https://gateway-api.sigs.k8s.io/geps/gep-1731/
    """
    served_by(retried.get("retry.example", flaky(failures, status)), retried.namespace, "one")


@feature("gw.retry")
@pytest.mark.parametrize(
    ("failures", "status"),
    [pytest.param(3, 500, id="too-many-failures"), pytest.param(1, 404, id="a-status-that-is-not-named")],
)
def test_a_request_is_tried_no_more_often_than_allowed(retried: Routes, failures: int, status: int) -> None:
    """“If the maximum number of retries has been attempted without a successful response from the backend, the Gateway
    MUST return an error.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L400
    """
    seen = retried.get("retry.example", flaky(failures, status))
    not_served(seen, retried.namespace, status=status)
