"""A canary by cookie, and the order of header, cookie and weight."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.routes import Routes
from fixtures.served import served_by

from .conftest import Canaries

REQUESTS = 20
"""A cookie decides for every request: one exception among these is one too many."""


@pytest.fixture
def canaries(put_canaries: Canaries) -> Routes:
    """Canaries that a cookie calls, some of them a header before it."""
    return put_canaries("cookie")


@feature("can.cookie")
@pytest.mark.parametrize(
    ("host", "cookies", "backend"),
    [
        pytest.param("none.example", "canary=always", "canary", id="always-although-weight-0"),
        pytest.param("all.example", "canary=never", "stable", id="never-although-weight-100"),
        pytest.param("none.example", "canary=sometimes", "stable", id="another-word-weight-0"),
        pytest.param("all.example", "canary=sometimes", "canary", id="another-word-weight-100"),
        pytest.param("none.example", "a=b; canary=always; c=d", "canary", id="among-others"),
        pytest.param("none.example", "not-canary=always", "stable", id="another-cookie"),
        pytest.param("none.example", "canary=always-not", "stable", id="a-longer-word"),
    ],
)
def test_the_cookie_decides_before_the_weight(canaries: Routes, host: str, cookies: str, backend: str) -> None:
    """“When the cookie value is set to always, it will be routed to the canary. When the cookie is set to never, it
    will never be routed to the canary. For any other value, the cookie will be ignored and the request compared against
    the other canary rules by precedence.”

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary
    """
    for _ in range(REQUESTS):
        served_by(canaries.get(host, headers={"Cookie": cookies}), canaries.namespace, backend)


@feature("can.order")
@pytest.mark.parametrize(
    ("host", "header", "cookie", "backend"),
    [
        pytest.param("order-none.example", "always", "never", "canary", id="always-before-never"),
        pytest.param("order-all.example", "never", "always", "stable", id="never-before-always"),
        pytest.param("order-none.example", "sometimes", "always", "canary", id="cookie-always-before-weight-0"),
        pytest.param("order-all.example", "sometimes", "never", "stable", id="cookie-never-before-weight-100"),
        pytest.param("order-none.example", "sometimes", "sometimes", "stable", id="weight-0-last"),
        pytest.param("order-all.example", "sometimes", "sometimes", "canary", id="weight-100-last"),
    ],
)
def test_the_header_goes_before_the_cookie_and_the_cookie_before_the_weight(
    canaries: Routes, host: str, header: str, cookie: str, backend: str
) -> None:
    """“Canary rules are evaluated in order of precedence. Precedence is as follows: canary-by-header ->
    canary-by-cookie -> canary-weight.” HTTPRoute: “If ties still exist within an HTTPRoute, matching precedence MUST be
    granted to the FIRST matching rule (in list order) with a match meeting the above criteria.”

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary
    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L204
    """
    sent = {"X-Canary": header, "Cookie": f"canary={cookie}"}
    for _ in range(REQUESTS):
        served_by(canaries.get(host, headers=sent), canaries.namespace, backend)
