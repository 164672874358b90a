"""A canary by header."""

from __future__ import annotations

import pytest

from clusters.needs import Need
from fixtures.catalogue import feature
from fixtures.controllers import Controller
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by

READY = {"ready-stable.example": "stable", "ready-canary.example": "canary"}
REQUESTS = 20
"""A header decides for every request: one exception among these is one too many."""


@pytest.fixture(
    params=[
        pytest.param("by-httproute", marks=pytest.mark.needs(Need.GATEWAY)),
        pytest.param("by-ingress", marks=pytest.mark.needs(Need.CANARY_INGRESS)),
    ]
)
def canaries(request: pytest.FixtureRequest, routes: Arrange, controller: Controller) -> Routes:
    """Canaries that a header calls, with weights that would decide otherwise."""
    if request.param == "by-httproute":
        controller.canary_by_gateway()
        return routes("header_by_httproute.yaml", gateway="edge", ready=READY)
    claim = controller.canary_by_ingress()
    return routes("header_by_ingress.yaml", class_name=claim.class_name, ready=READY)


@feature("can.header")
@pytest.mark.parametrize(
    ("host", "header", "backend"),
    [
        pytest.param("none.example", "always", "canary", id="always-although-weight-0"),
        pytest.param("all.example", "never", "stable", id="never-although-weight-100"),
        pytest.param("none.example", "", "stable", id="no-header-weight-0"),
        pytest.param("all.example", "", "canary", id="no-header-weight-100"),
        pytest.param("none.example", "sometimes", "stable", id="another-word-weight-0"),
        pytest.param("all.example", "sometimes", "canary", id="another-word-weight-100"),
        pytest.param("value.example", "blue", "canary", id="the-value"),
        pytest.param("value.example", "green", "stable", id="another-value"),
        pytest.param("value.example", "always", "stable", id="always-is-no-value"),
    ],
)
def test_the_header_decides_before_the_weight(canaries: Routes, host: str, header: str, backend: str) -> None:
    """“When the request header is set to always, it will be routed to the canary. When the header is set to never, it
    will never be routed to the canary. For any other value, the header will be ignored and the request compared against
    the other canary rules by precedence.” “Canary rules are evaluated in order of precedence: canary-by-header ->
    canary-by-cookie -> canary-weight.”

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary
    https://gateway-api.sigs.k8s.io/guides/traffic-splitting/
    """
    sent = {"X-Canary": header} if header else {}
    for _ in range(REQUESTS):
        served_by(canaries.get(host, headers=sent), canaries.namespace, backend)
