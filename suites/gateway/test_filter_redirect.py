"""The filter RequestRedirect."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest

from fixtures.catalogue import feature
from fixtures.expectations import equal
from fixtures.gateway_features import supports
from fixtures.observations import HttpObservation
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import not_served

SCHEME, PORT, PATH = (supports(f"HTTPRoute{part}Redirect") for part in ("Scheme", "Port", "Path"))
USUAL = {"http": 80, "https": 443}


@pytest.fixture
def redirects(crossing: Arrange) -> Routes:
    """A rule for each part of a URL that a redirect may change."""
    return crossing("filter_redirect.yaml", ready={"ready.example": "one"})


def location(seen: HttpObservation, asked: str) -> str:
    """Where a redirect leads, with the port and path that its Location only implies."""
    parts = urlsplit(urljoin(asked, seen.headers.get("location", "")))
    return f"{parts.scheme}://{parts.hostname}:{parts.port or USUAL.get(parts.scheme)}{parts.path}"


def leads_to(redirects: Routes, host: str, path: str, status: int, expected: str) -> None:
    seen = redirects.get(host, path)
    not_served(seen, redirects.namespace, status=status)
    equal(f"where {path} is redirected to", expected, location(seen, redirects.url(host, path)), [seen])


@feature("gw.filter.redirect")
@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/hostname", 302, id="without-a-status"),
        pytest.param("/permanent/a", 301, id="301"),
        pytest.param("/temporary/a/b", 302, id="302"),
    ],
)
def test_a_redirect_leads_to_its_host(redirects: Routes, path: str, status: int) -> None:
    """“Hostname is the hostname to be used in the value of the `Location` header in the response.” “Path … When empty,
    the request path is used as-is.” “StatusCode is the HTTP status code to be used in response.” It is 302 by default.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L1229
    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L1276
    """
    leads_to(redirects, "redirect.example", path, status, f"http://elsewhere.test:80{path}")


@feature("gw.filter.redirect")
@pytest.mark.parametrize(
    ("part", "path", "expected"),
    [
        pytest.param("scheme", "/scheme/a", "https://{host}:443/scheme/a", id="scheme", marks=SCHEME),
        pytest.param("port", "/port/a", "http://{host}:8083/port/a", id="port", marks=PORT),
        pytest.param("full", "/full/a", "http://{host}:80/fixed/target", id="full-path", marks=PATH),
        pytest.param("prefix", "/prefix/a/b", "http://{host}:80/new/a/b", id="prefix", marks=PATH),
        pytest.param("prefix", "/prefix", "http://{host}:80/new", id="prefix-alone", marks=PATH),
    ],
)
def test_a_redirect_changes_a_part(redirects: Routes, part: str, path: str, expected: str) -> None:
    """“Scheme is the scheme to be used in the value of the `Location` header”; then “the redirect port MUST be the
    well-known port associated with the redirect scheme”. “Port is the port to be used in the value of the `Location`
    header.” “Path defines parameters used to modify the path of the incoming request.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L1207
    """
    host = f"{part}.example"
    leads_to(redirects, host, path, 302, expected.format(host=redirects.host(host)))


@feature("gw.filter.redirect")
@supports("HTTPRouteSchemeRedirect", "HTTPRoutePortRedirect", "HTTPRoutePathRedirect")
def test_a_redirect_changes_all_parts_at_once(redirects: Routes) -> None:
    """“HTTPRequestRedirect defines a filter that redirects a request.” Its parts do not exclude one another.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L1207
    """
    leads_to(redirects, "everything.example", "/everything/a", 301, "https://elsewhere.test:8443/new/a")


@feature("gw.filter.redirect")
@pytest.mark.parametrize(
    "status", [pytest.param(code, marks=supports(f"HTTPRoute{code}RedirectStatusCode")) for code in (303, 307, 308)]
)
def test_a_redirect_has_its_extended_status(redirects: Routes, status: int) -> None:
    """“Support: statusCode 301 and 302 are Core; all others are Extended.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L1285
    """
    leads_to(redirects, f"status-{status}.example", "/a", status, "http://elsewhere.test:80/a")
