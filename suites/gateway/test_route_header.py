"""HTTPRoute header matches."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import not_served, served_by


@pytest.fixture
def headers(crossing: Arrange) -> Routes:
    """A rule for one header, a rule for two at once, a rule for one or the other."""
    ready = {f"ready-{name}.example": name for name in ("one", "two", "three")}
    return crossing("route_header.yaml", ready=ready)


@feature("gw.route.header")
@pytest.mark.parametrize(
    ("sent", "backend"),
    [
        pytest.param({"version": "two"}, "two", id="one-header"),
        pytest.param({"VERSION": "two"}, "two", id="name-in-any-case"),
        pytest.param({"version": "two", "color": "orange"}, "three", id="both-headers-before-one"),
        pytest.param({"color": "blue"}, "one", id="this"),
        pytest.param({"color": "green"}, "one", id="or-that"),
        pytest.param({"version": "two", "color": "blue"}, "two", id="earlier-rule-of-a-tie"),
    ],
)
def test_a_rule_takes_requests_with_all_its_headers(headers: Routes, sent: dict[str, str], backend: str) -> None:
    """“Multiple match values are ANDed together, meaning, a request must match all the specified headers to select the
    route.” “Name is the name of the HTTP Header to be matched. Name matching MUST be case-insensitive.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L769
    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L614
    """
    served_by(headers.get("headers.example", headers=sent), headers.namespace, backend)


@feature("gw.route.header")
@pytest.mark.parametrize(
    "sent",
    [
        pytest.param({}, id="no-header"),
        pytest.param({"version": "one"}, id="another-value"),
        pytest.param({"version": "twofold"}, id="a-longer-value"),
        pytest.param({"version": "Two"}, id="value-in-another-case"),
        pytest.param({"color": "orange"}, id="one-of-two"),
    ],
)
def test_a_rule_takes_no_request_that_lacks_a_header(headers: Routes, sent: dict[str, str]) -> None:
    """“A request must match all the specified headers to select the route.” And: “When no rules matching a request have
    been successfully attached to the parent a request is coming from, a HTTP 404 status code MUST be returned.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L208
    """
    not_served(headers.get("headers.example", headers=sent), headers.namespace, status=404)
