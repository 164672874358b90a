"""pathType: Prefix: the published table of the Ingress documentation, row by row."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import not_served, served_by


@pytest.fixture
def prefix(crossing: Arrange) -> Routes:
    """A host for each row's set of paths; backend two and three belong to the longer paths of a row."""
    ready = {f"ready-{name}.example": name for name in ("one", "two", "three")}
    return crossing("path_prefix.yaml", gateway="", ready=ready)


@feature("ing.path.prefix")
@pytest.mark.parametrize(
    ("host", "path", "backend"),
    [
        pytest.param("root.example", "/", "one", id="root-takes-root"),
        pytest.param("root.example", "/any/path", "one", id="root-takes-all-paths"),
        pytest.param("foo.example", "/foo", "one", id="foo-takes-foo", marks=pytest.mark.smoke),
        pytest.param("foo.example", "/foo/", "one", id="foo-takes-foo-slash"),
        pytest.param("foo-slash.example", "/foo", "one", id="foo-slash-takes-foo"),
        pytest.param("foo-slash.example", "/foo/", "one", id="foo-slash-takes-foo-slash"),
        pytest.param("aaa-bbb.example", "/aaa/bbb", "one", id="aaa-bbb-takes-itself"),
        pytest.param("aaa-bbb-slash.example", "/aaa/bbb", "one", id="trailing-slash-is-ignored"),
        pytest.param("aaa-bbb.example", "/aaa/bbb/", "one", id="trailing-slash-is-matched"),
        pytest.param("aaa-bbb.example", "/aaa/bbb/ccc", "one", id="aaa-bbb-takes-what-is-below"),
        pytest.param("api.example", "/api", "one", id="api-takes-api"),
        pytest.param("api.example", "/api/", "one", id="api-takes-api-slash"),
        pytest.param("api.example", "/api/users", "one", id="api-takes-api-users"),
        pytest.param("api.example", "/api/v1/users", "one", id="api-takes-api-v1-users"),
    ],
)
def test_a_prefix_takes_itself_and_what_is_below(prefix: Routes, host: str, path: str, backend: str) -> None:
    """“Prefix: Matches based on a URL path prefix split by /. Matching is case sensitive and done on a path element by
    element basis.”

    https://kubernetes.io/docs/concepts/services-networking/ingress/#examples
    """
    served_by(prefix.get(host, path), prefix.namespace, backend)


@feature("ing.path.prefix")
@pytest.mark.parametrize(
    ("host", "path"),
    [
        pytest.param("aaa-bb.example", "/aaa/bbb", id="aaa-bb-not-aaa-bbb"),
        pytest.param("aaa-bbb.example", "/aaa/bbbxyz", id="aaa-bbb-not-aaa-bbbxyz"),
        pytest.param("aaa.example", "/ccc", id="aaa-not-ccc"),
        pytest.param("api.example", "/apis", id="api-not-apis"),
        pytest.param("api.example", "/application", id="api-not-application"),
        pytest.param("api.example", "/API", id="api-not-capital-api"),
    ],
)
def test_a_prefix_takes_whole_path_elements_only(prefix: Routes, host: str, path: str) -> None:
    """“If the last element of the path is a substring of the last element in request path, it is not a match (for
    example: /foo/bar matches /foo/bar/baz, but does not match /foo/barbaz).”

    https://kubernetes.io/docs/concepts/services-networking/ingress/#path-types
    """
    not_served(prefix.get(host, path), prefix.namespace)


@feature("ing.path.prefix")
@pytest.mark.parametrize(
    ("host", "path", "backend"),
    [
        pytest.param("two.example", "/aaa/ccc", "two", id="aaa-before-root"),
        pytest.param("three.example", "/aaa/bbb", "three", id="aaa-bbb-before-aaa-before-root"),
        pytest.param("three.example", "/ccc", "one", id="root-takes-the-rest"),
        pytest.param("mixed.example", "/foo", "two", id="exact-before-prefix"),
        pytest.param("mixed.example", "/foo/bar", "one", id="prefix-where-exact-does-not-match"),
    ],
)
def test_the_longest_path_wins_and_exact_before_prefix(prefix: Routes, host: str, path: str, backend: str) -> None:
    """“Precedence will be given first to the longest matching path. If two paths are still equally matched, precedence
    will be given to paths with an exact path type over prefix path type.”

    https://kubernetes.io/docs/concepts/services-networking/ingress/#multiple-matches
    """
    served_by(prefix.get(host, path), prefix.namespace, backend)
