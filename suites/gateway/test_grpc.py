"""GRPCRoute: calls by service and by method."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.catalogue import feature
from fixtures.expectations import equal, holds
from fixtures.gateway_features import supports
from fixtures.observations import GrpcObservation
from fixtures.probes import grpc
from fixtures.routes_plugin import Arrange
from fixtures.vantages import Vantage

pytestmark = supports("GRPCRoute")
UNIMPLEMENTED = 12
Call = Callable[[str, str], GrpcObservation]


@pytest.fixture
def call(crossing: Arrange, client_1: Vantage) -> Call:
    """Call a method of a host, once the routes are served."""
    routes = crossing("grpc.yaml", ready={"ready.example": "one"})

    def one(host: str, method: str) -> GrpcObservation:
        return grpc(client_1, routes.url(host).rstrip("/"), method, address=routes.address)

    return one


@feature("gw.grpc.service-method")
@pytest.mark.parametrize(
    ("host", "method", "backend"),
    [
        pytest.param("both.example", "Echo", "grpc-one", id="service-and-method"),
        pytest.param("both.example", "EchoTwo", "grpc-two", id="service-and-another-method"),
        pytest.param("service.example", "Echo", "grpc-two", id="service-alone"),
        pytest.param("service.example", "EchoTwo", "grpc-two", id="service-alone-any-method"),
    ],
)
def test_a_call_reaches_the_backend_of_its_service_and_method(call: Call, host: str, method: str, backend: str) -> None:
    """“Service: Value of the service to match against. If left empty or omitted, will match any service. Method: Value
    of the method to match against. If left empty or omitted, will match all services.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/grpcroute_types.go#L352
    """
    seen = call(host, method)
    equal("the status of the call and the backend that answered", (0, backend), (seen.status, seen.service), [seen])


@feature("gw.grpc.service-method")
def test_a_call_of_another_method_reaches_no_backend(call: Call) -> None:
    """“When no rules matching a request have been successfully attached to the parent a request is coming from, a HTTP
    404 status code MUST be returned” for HTTP; a gRPC client reads that as UNIMPLEMENTED.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/grpcroute_types.go#L301
    https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
    """
    seen = call("both.example", "EchoThree")
    refused = seen.http_status == 404 or seen.status == UNIMPLEMENTED
    holds(
        seen.answered and not seen.service and refused,
        "the call to be answered with HTTP 404 or UNIMPLEMENTED by no backend",
        f"{seen.outcome}: HTTP {seen.http_status}, status {seen.status}, backend {seen.service or 'none'}",
        [seen],
    )


@feature("gw.grpc.service-method")
def test_a_method_alone_is_recorded(call: Call, note: Callable[[str, object], None]) -> None:
    """“Support: Core (Exact with service and method specified). … Implementation-specific (Exact with method specified
    but no service specified)”: recorded, and judged only in that it harms no other route.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/grpcroute_types.go#L342
    """
    seen = call("method.example", "EchoTwo")
    note("a rule for a method of any service", f"HTTP {seen.http_status}, backend {seen.service or 'none'}")
    equal("the backend of another host", "grpc-one", call("both.example", "Echo").service)
