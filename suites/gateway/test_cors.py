"""The filter CORS."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.expectations import equal, holds
from fixtures.gateway_features import supports
from fixtures.observations import HttpObservation
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by

pytestmark = supports("HTTPRouteCORS")
SHOP = "https://shop.test"
ALLOW = "access-control-allow"


@pytest.fixture
def cors(crossing: Arrange) -> Routes:
    """Rules for one origin and for all below it, without credentials and with them."""
    return crossing("cors.yaml", ready={"ready.example": "one"})


def listed(seen: HttpObservation, header: str) -> set[str]:
    """A header's parts, in lower case."""
    return {part.strip().lower() for part in seen.headers.get(header, "").split(",") if part.strip()}


def preflight(cors: Routes, path: str, origin: str) -> HttpObservation:
    """What a browser asks before a request of another origin."""
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-wanted"}
    return cors.get("cors.example", path, headers=asked, method="OPTIONS")


@feature("gw.cors")
@pytest.mark.parametrize("origin", [SHOP, "https://a.b.shop.test"], ids=["exact", "wildcard"])
def test_a_preflight_of_an_allowed_origin_is_answered(cors: Routes, origin: str) -> None:
    """“If the request `Origin` matches the configured allowed origins, the gateway must return the given `Origin`.”
    “The status code of a successful response to a "preflight" request is always an OK status (i.e., 204 or 200).”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L1403
    https://gateway-api.sigs.k8s.io/geps/gep-1767/
    """
    seen = preflight(cors, "/listed", origin)
    holds(seen.status in {200, 204}, "the preflight to be answered with 200 or 204", f"HTTP {seen.status}", [seen])
    told = {
        "origin": seen.headers.get(f"{ALLOW}-origin"),
        "methods": listed(seen, f"{ALLOW}-methods"),
        "headers": listed(seen, f"{ALLOW}-headers"),
        "age": seen.headers.get("access-control-max-age"),
        "credentials": seen.headers.get(f"{ALLOW}-credentials"),
    }
    expected = {
        "origin": origin,
        "methods": {"get", "put"},
        "headers": {"x-wanted", "x-other"},
        "age": "600",
        "credentials": None,
    }
    equal("what the answer allows", expected, told, [seen])


@feature("gw.cors")
@pytest.mark.parametrize("origin", ["https://other.test", "http://shop.test"], ids=["another-host", "another-scheme"])
def test_a_preflight_of_another_origin_is_allowed_nothing(cors: Routes, origin: str) -> None:
    """“If the request `Origin` does not match the configured allowed origins, the gateway returns 204/200 response but
    doesn't set the relevant cross-origin response headers. Alternatively, the gateway responds with 403 status.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L1413
    """
    seen = preflight(cors, "/listed", origin)
    holds(seen.status in {200, 204, 403}, "the preflight to be answered with 200, 204 or 403", f"{seen.status}", [seen])
    equal("the origin that is allowed", None, seen.headers.get(f"{ALLOW}-origin"), [seen])


@feature("gw.cors")
def test_an_actual_request_is_served_and_its_answer_shared(cors: Routes) -> None:
    """“The gateway sets the response header `Access-Control-Allow-Origin` to the same value as the `Origin` header
    provided by the client.” “When an HTTP header name is specified using the `exposeHeaders` field, this additional
    header will be exposed as part of the response to the client.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L1420
    """
    seen = cors.get("cors.example", "/listed", headers={"Origin": SHOP})
    served_by(seen, cors.namespace, "one")
    equal("the origin that is allowed", SHOP, seen.headers.get(f"{ALLOW}-origin"), [seen])
    equal("the headers that are exposed", {"x-shown"}, listed(seen, "access-control-expose-headers"), [seen])


@feature("gw.cors")
def test_credentials_are_allowed_where_the_rule_says_so(cors: Routes) -> None:
    """“When set to true, the gateway will include the `Access-Control-Allow-Credentials` response header with value
    true (case-sensitive).”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/httproute_types.go#L1443
    """
    seen = cors.get("cors.example", "/credentials", headers={"Origin": SHOP})
    served_by(seen, cors.namespace, "one")
    equal("whether credentials are allowed", "true", seen.headers.get(f"{ALLOW}-credentials"), [seen])
