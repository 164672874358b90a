"""The filters RequestHeaderModifier and ResponseHeaderModifier."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.echo import echo_of
from fixtures.expectations import equal
from fixtures.gateway_features import supports
from fixtures.observations import HttpObservation
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by

CHANGED = "X-Changed"


@pytest.fixture
def changed(crossing: Arrange) -> Routes:
    """Rules that set, add and remove a header, and one that leaves all as it is."""
    return crossing("filter_header.yaml", ready={"ready.example": "one"})


def values(written: str) -> list[str]:
    """A header's values, whether they came on one line or on several."""
    return [part.strip() for part in written.split(",") if part.strip()]


def reached(seen: HttpObservation, header: str) -> list[str]:
    """The header's values as they reached the backend."""
    echo = echo_of(seen)
    return values(",".join(echo.headers.get(header, []))) if echo else []


@feature("gw.filter.header")
@pytest.mark.parametrize(
    ("path", "sent", "expected"),
    [
        pytest.param("/set", {}, ["ours"], id="set"),
        pytest.param("/set", {CHANGED: "theirs"}, ["ours"], id="set-overwrites"),
        pytest.param("/add", {}, ["ours"], id="add"),
        pytest.param("/add", {CHANGED: "theirs"}, ["theirs", "ours"], id="add-appends"),
        pytest.param("/remove", {CHANGED: "theirs"}, [], id="remove"),
        pytest.param("/remove", {CHANGED.lower(): "theirs"}, [], id="remove-in-any-case"),
        pytest.param("/", {CHANGED: "theirs"}, ["theirs"], id="no-filter"),
    ],
)
def test_a_request_header_is_changed(changed: Routes, path: str, sent: dict[str, str], expected: list[str]) -> None:
    """“Set overwrites the request with the given header (name, value) before the action.” “Add adds the given header(s)
    (name, value) to the request before the action. It appends to any existing values.” “Remove the given header(s) from
    the HTTP request before the action.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L1054
    """
    seen = changed.get("request.example", path, headers=sent)
    served_by(seen, changed.namespace, "one")
    equal(f"{CHANGED} at the backend", expected, reached(seen, CHANGED), [seen])


@feature("gw.filter.header")
def test_several_request_headers_are_changed_at_once(changed: Routes) -> None:
    """“HTTPHeaderFilter defines a filter that modifies the headers of an HTTP request or response.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L1048
    """
    sent = {"X-Set": "theirs", "X-Removed": "theirs", "X-Kept": "theirs"}
    seen = changed.get("request.example", "/all", headers=sent)
    served_by(seen, changed.namespace, "one")
    expected = {"X-Set": ["ours"], "X-Added": ["ours"], "X-Removed": [], "X-Gone": [], "X-Kept": ["theirs"]}
    equal("the headers at the backend", expected, {name: reached(seen, name) for name in expected}, [seen])


@feature("gw.filter.header")
@supports("HTTPRouteResponseHeaderModification")
@pytest.mark.parametrize(
    ("path", "answered", "expected"),
    [
        pytest.param("/set", "", ["ours"], id="set"),
        pytest.param("/set", "theirs", ["ours"], id="set-overwrites"),
        pytest.param("/add", "", ["ours"], id="add"),
        pytest.param("/remove", "theirs", [], id="remove"),
        pytest.param("/", "theirs", ["theirs"], id="no-filter"),
    ],
)
def test_a_response_header_is_changed(changed: Routes, path: str, answered: str, expected: list[str]) -> None:
    """“ResponseHeaderModifier defines a schema for a filter that modifies response headers.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L872
    """
    sent = {"X-Echo-Set-Header": f"{CHANGED}:{answered}"} if answered else {}
    seen = changed.get("response.example", path, headers=sent)
    served_by(seen, changed.namespace, "one")
    equal(f"{CHANGED} of the answer", expected, values(seen.headers.get(CHANGED.lower(), "")), [seen])
