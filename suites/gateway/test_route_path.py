"""HTTPRoute path matches: Exact, PathPrefix, and which of them goes first."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import not_served, served_by


@pytest.fixture
def paths(crossing: Arrange) -> Routes:
    """Paths that overlap on one host, and paths that stand alone on another."""
    ready = {f"ready-{name}.example": name for name in ("one", "two", "three")}
    return crossing("route_path.yaml", ready=ready)


@feature("gw.route.path")
@pytest.mark.smoke
@pytest.mark.parametrize(
    ("path", "backend"),
    [
        pytest.param("/exact", "one", id="exact-takes-itself"),
        pytest.param("/prefix", "two", id="prefix-takes-itself"),
        pytest.param("/prefix/", "two", id="prefix-takes-its-slash"),
        pytest.param("/prefix/and/below", "two", id="prefix-takes-what-is-below"),
    ],
)
def test_a_path_takes_what_its_type_says(paths: Routes, path: str, backend: str) -> None:
    """Exact “matches the URL path exactly and with case sensitivity”. PathPrefix “matches based on a URL path prefix
    split by /. Matching is case-sensitive and done on a path element by element basis.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L500
    """
    served_by(paths.get("alone.example", path), paths.namespace, backend)


@feature("gw.route.path")
@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/exact/", id="exact-not-its-slash"),
        pytest.param("/exact/below", id="exact-not-what-is-below"),
        pytest.param("/Exact", id="exact-not-in-another-case"),
        pytest.param("/prefixed", id="prefix-not-a-longer-element"),
        pytest.param("/Prefix", id="prefix-not-in-another-case"),
        pytest.param("/", id="neither-the-root"),
    ],
)
def test_a_path_takes_nothing_else(paths: Routes, path: str) -> None:
    """“An exact path match on /abc will only match requests to /abc, NOT /abc/, /Abc, or /abcd.” “The paths /abc,
    /abc/, and /abc/def would all match the prefix /abc, but the path /abcd would not.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L500
    """
    not_served(paths.get("alone.example", path), paths.namespace)


@feature("gw.route.path")
@pytest.mark.parametrize(
    ("path", "backend"),
    [
        pytest.param("/", "one", id="root"),
        pytest.param("/shop", "three", id="exact-before-the-same-prefix"),
        pytest.param("/shop/", "two", id="prefix-where-exact-does-not-match"),
        pytest.param("/shop/cart", "three", id="longer-prefix-first"),
        pytest.param("/shop/cart/2", "three", id="longest-prefix-of-three"),
        pytest.param("/shop/cart/1", "one", id="exact-before-a-prefix"),
        pytest.param("/shopping", "one", id="the-shorter-prefix-for-another-element"),
    ],
)
def test_exact_goes_before_prefix_and_the_longer_before_the_shorter(paths: Routes, path: str, backend: str) -> None:
    """“Precedence must be given to the match having: "Exact" path match. "Prefix" path match with largest number of
    characters.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L184
    """
    served_by(paths.get("paths.example", path), paths.namespace, backend)
