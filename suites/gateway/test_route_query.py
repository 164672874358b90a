"""HTTPRoute query parameter matches."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.gateway_features import supports
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import not_served, served_by

pytestmark = supports("HTTPRouteQueryParamMatching")


@pytest.fixture
def queries(crossing: Arrange) -> Routes:
    """A rule for one parameter, a rule for two at once, a rule for one or the other."""
    return crossing("route_query.yaml", ready={"ready.example": "one"})


@feature("gw.route.query")
@pytest.mark.parametrize(
    ("query", "backend"),
    [
        pytest.param("animal=whale", "one", id="one-parameter"),
        pytest.param("size=large&animal=whale&depth=1", "one", id="among-others"),
        pytest.param("animal=dolphin&color=blue", "two", id="both-before-one"),
        pytest.param("color=blue&animal=dolphin", "two", id="in-any-order"),
        pytest.param("animal=dolphin&color=green", "three", id="this"),
        pytest.param("shade=dark", "three", id="or-that"),
    ],
)
def test_a_rule_takes_requests_with_all_its_parameters(queries: Routes, query: str, backend: str) -> None:
    """“Multiple match values are ANDed together, meaning, a request must match all the specified query parameters to
    select the route.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L779
    """
    served_by(queries.get("query.example", f"/?{query}"), queries.namespace, backend)


@feature("gw.route.query")
@pytest.mark.parametrize(
    "path",
    [
        pytest.param("/", id="no-parameter"),
        pytest.param("/?animal=shark", id="another-value"),
        pytest.param("/?animal=whales", id="a-longer-value"),
        pytest.param("/?animal=", id="no-value"),
        pytest.param("/?Animal=whale", id="name-in-another-case"),
        pytest.param("/?animal=dolphin", id="one-of-two"),
        pytest.param("/animal=whale", id="in-the-path"),
    ],
)
def test_a_rule_takes_no_request_that_lacks_a_parameter(queries: Routes, path: str) -> None:
    """“Name is the name of the HTTP query param to be matched. This must be an exact string match.” And: “When no rules
    matching a request have been successfully attached to the parent a request is coming from, a HTTP 404 status code
    MUST be returned.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L685
    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L208
    """
    not_served(queries.get("query.example", path), queries.namespace, status=404)
