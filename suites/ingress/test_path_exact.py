"""pathType: Exact."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import not_served, served_by


@pytest.fixture
def exact(crossing: Arrange) -> Routes:
    """A host for each Exact path."""
    return crossing("path_exact.yaml", gateway="", ready={"ready.example": "one"})


@feature("ing.path.exact")
@pytest.mark.smoke
@pytest.mark.parametrize(
    ("host", "path"),
    [("foo.example", "/foo"), ("foo-slash.example", "/foo/"), ("api.example", "/api")],
    ids=["foo", "foo-slash", "api"],
)
def test_an_exact_path_takes_itself(exact: Routes, host: str, path: str) -> None:
    """“Exact: Matches the URL path exactly and with case sensitivity.”

    https://kubernetes.io/docs/concepts/services-networking/ingress/#path-types
    """
    served_by(exact.get(host, path), exact.namespace, "one")


@feature("ing.path.exact")
@pytest.mark.parametrize(
    ("host", "path"),
    [
        pytest.param("foo.example", "/bar", id="foo-not-bar"),
        pytest.param("foo.example", "/foo/", id="foo-not-foo-slash"),
        pytest.param("foo-slash.example", "/foo", id="foo-slash-not-foo"),
        pytest.param("foo.example", "/Foo", id="foo-not-capital-foo"),
        pytest.param("api.example", "/api/", id="api-not-api-slash"),
        pytest.param("api.example", "/api/users", id="api-not-api-users"),
        pytest.param("api.example", "/api/v1", id="api-not-api-v1"),
        pytest.param("api.example", "/apis", id="api-not-apis"),
    ],
)
def test_an_exact_path_takes_nothing_else(exact: Routes, host: str, path: str) -> None:
    """“Exact /foo: /bar No; /foo/ No. Exact /foo/: /foo No.”

    https://kubernetes.io/docs/concepts/services-networking/ingress/#examples
    """
    not_served(exact.get(host, path), exact.namespace)
