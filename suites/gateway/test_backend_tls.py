"""BackendTLSPolicy: a Gateway speaks TLS with a backend, and verifies who it is."""

from __future__ import annotations

from functools import partial

import pytest

from fixtures.api import Object
from fixtures.catalogue import feature
from fixtures.certificates import Authority, secret_of
from fixtures.convergence import await_value
from fixtures.echo import echo_of
from fixtures.expectations import equal, holds
from fixtures.gateway_features import supports
from fixtures.routes import GATEWAYS, Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import not_served, served_by

NAME = "backend.internal.test"
SERVER_ERROR = range(500, 600)


@pytest.fixture
def encrypted(routes: Arrange) -> Routes:
    """One backend that speaks TLS, behind three policies; one of them is right about who it is."""

    def put_certificates(made: Routes) -> None:
        authority, another = Authority("Roadtest"), Authority("another")
        made.namespace.apply_object(secret_of("backend-certificate", authority.sign(NAME)))
        for name, trusted in (("authority", authority), ("another-authority", another)):
            made.namespace.apply_object(bundle(name, trusted))

    return routes("backend_tls.yaml", gateway="edge", ready={"verified.example": "echo"}, before=put_certificates)


def bundle(name: str, authority: Authority) -> Object:
    data = {"ca.crt": authority.own.certificate}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def accepted(routes: Routes, policy: str) -> list[str]:
    """What is said of accepting a policy, for each ancestor: the Gateway, or whatever else counts as one."""
    found = routes.namespace.api.get(GATEWAYS, "BackendTLSPolicy", policy, routes.namespace.name) or {}
    told = [part for one in (found.get("status") or {}).get("ancestors") or [] for part in one["conditions"]]
    return [part["status"] for part in told if part["type"] == "Accepted"]


@feature("gw.backend.tls")
@supports("BackendTLSPolicy")
def test_a_backend_is_spoken_to_by_tls_under_the_policys_name(encrypted: Routes) -> None:
    """“Hostname MUST be used as the SNI to connect to the backend (RFC 6066).”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/backendtlspolicy_types.go#L231
    """
    seen = encrypted.get("verified.example")
    served_by(seen, encrypted.namespace, "echo")
    echo = echo_of(seen)
    asked_for = echo.tls.server_name if echo and echo.tls else "(no TLS)"
    equal("the server name that the backend was asked for", NAME, asked_for, [seen])
    read = partial(accepted, encrypted, "verified")
    await_value(read, lambda told: set(told) == {"True"}, what="the policy's Accepted to be True")


@feature("gw.backend.tls")
@supports("BackendTLSPolicy")
@pytest.mark.parametrize("policy", ["another-authority", "another-name"])
def test_a_backend_that_is_not_who_the_policy_says_answers_nothing(encrypted: Routes, policy: str) -> None:
    """The ConfigMap's bundle “is used to validate a TLS handshake between the Gateway and backend Pod”, and the
    hostname “MUST be used for authentication and MUST match the certificate served by the matching backend”.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/backendtlspolicy_types.go#L232
    """
    seen = encrypted.get(f"{policy}.example")
    not_served(seen, encrypted.namespace)
    holds(seen.status in SERVER_ERROR, "HTTP 5xx", f"HTTP {seen.status}", [seen])
