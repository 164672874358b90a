"""The filter URLRewrite."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.echo import echo_of
from fixtures.expectations import equal
from fixtures.gateway_features import supports
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by

REWRITTEN = "rewritten.test"


@pytest.fixture
def rewrites(crossing: Arrange) -> Routes:
    """Rules that rewrite the host, the whole path, and prefixes of the path."""
    return crossing("filter_rewrite.yaml", ready={"ready.example": "one"})


def reaches_as(rewrites: Routes, host: str, path: str, expected: tuple[str, str]) -> None:
    seen = rewrites.get(host, path)
    served_by(seen, rewrites.namespace, "one")
    echo = echo_of(seen)
    equal("host and path at the backend", expected, (echo.host, echo.path) if echo else None, [seen])


@feature("gw.filter.rewrite")
@supports("HTTPRouteHostRewrite")
def test_a_rewrite_replaces_the_host(rewrites: Routes) -> None:
    """“Hostname is the value to be used to replace the Host header value during forwarding.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L1306
    """
    reaches_as(rewrites, "host.example", "/a/b?c=d", (REWRITTEN, "/a/b?c=d"))


@feature("gw.filter.rewrite")
@supports("HTTPRoutePathRewrite")
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        pytest.param("/full", "/fixed/target", id="full"),
        pytest.param("/full/and/below", "/fixed/target", id="full-below"),
        pytest.param("/foo/bar", "/xyz/bar", id="prefix"),
        pytest.param("/foo", "/xyz", id="prefix-alone"),
        pytest.param("/foo/", "/xyz/", id="prefix-and-slash"),
        pytest.param("/foo/bar?c=d", "/xyz/bar?c=d", id="prefix-before-a-query"),
        pytest.param("/slash/bar", "/xyz/bar", id="replacement-with-slash"),
        pytest.param("/none/bar", "/bar", id="nothing-instead"),
        pytest.param("/none/", "/", id="nothing-instead-and-slash"),
        pytest.param("/none", "/", id="nothing-instead-alone"),
        pytest.param("/root/", "/", id="root-instead-and-slash"),
        pytest.param("/root", "/", id="root-instead-alone"),
    ],
)
def test_a_rewrite_replaces_the_path(rewrites: Routes, path: str, expected: str) -> None:
    """“ReplacePrefixMatch specifies the value with which to replace the prefix match of a request during a rewrite or
    redirect.” The rows are those of the specification's table.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L1188
    """
    reaches_as(rewrites, "path.example", path, (rewrites.host("path.example"), expected))


@feature("gw.filter.rewrite")
@supports("HTTPRouteHostRewrite", "HTTPRoutePathRewrite")
def test_a_rewrite_replaces_host_and_path_at_once(rewrites: Routes) -> None:
    """“HTTPURLRewriteFilter defines a filter that modifies a request during forwarding”: by its hostname and its path.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L1300
    """
    reaches_as(rewrites, "path.example", "/both/a", (REWRITTEN, "/xyz/a"))
