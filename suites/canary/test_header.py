"""A canary by header."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.routes import Routes
from fixtures.served import served_by

from .conftest import BY_INGRESS, Canaries

REQUESTS = 20
"""A header decides for every request: one exception among these is one too many."""


@pytest.fixture
def canaries(put_canaries: Canaries) -> Routes:
    """Canaries that a header calls, with weights that would decide otherwise."""
    return put_canaries("header")


def reaches(canaries: Routes, host: str, header: str, backend: str) -> None:
    sent = {"X-Canary": header} if header else {}
    for _ in range(REQUESTS):
        served_by(canaries.get(host, headers=sent), canaries.namespace, backend)


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
    reaches(canaries, host, header, backend)


@feature("can.header-value")
@pytest.mark.parametrize(
    ("header", "backend"),
    [
        pytest.param("blue", "canary", id="the-value"),
        pytest.param("green", "stable", id="another-value"),
        pytest.param("bluefish", "stable", id="a-longer-value"),
        pytest.param("always", "stable", id="always-is-no-value"),
    ],
)
def test_one_value_of_the_header_calls_the_canary(canaries: Routes, header: str, backend: str) -> None:
    """“When the request header is set to this value, it will be routed to the canary. For any other header value, the
    header will be ignored and the request compared against the other canary rules by precedence.”

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary
    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L769
    """
    reaches(canaries, "value.example", header, backend)


@feature("can.header-pattern")
@pytest.mark.parametrize(
    ("header", "backend"),
    [
        pytest.param("blue-7", "canary", id="a-match"),
        pytest.param("blue-42", "canary", id="another-match"),
        pytest.param("blue-", "stable", id="too-short"),
        pytest.param("dark-blue-7", "stable", id="not-at-the-start"),
        pytest.param("always", "stable", id="always-is-no-match"),
        pytest.param("", "stable", id="no-header"),
    ],
)
def test_a_pattern_of_the_header_calls_the_canary(canaries: Routes, header: str, backend: str) -> None:
    """“This works the same way as canary-by-header-value except it does PCRE Regex matching.”

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary
    https://gateway-api.sigs.k8s.io/reference/api-spec/main/spec/#headermatchtype (implementation-specific)
    """
    reaches(canaries, "pattern.example", header, backend)


@feature("can.header-pattern")
@BY_INGRESS
@pytest.mark.parametrize(
    ("header", "backend"),
    [pytest.param("blue", "canary", id="the-value"), pytest.param("green-7", "stable", id="a-match")],
)
def test_a_value_goes_before_a_pattern(canaries: Routes, header: str, backend: str) -> None:
    """“Note that when canary-by-header-value is set this annotation will be ignored.” An HTTPRoute's match has either.

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary
    """
    reaches(canaries, "value-first.example", header, backend)
