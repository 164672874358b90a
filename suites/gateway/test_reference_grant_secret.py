"""A listener's certificate in another namespace, and the ReferenceGrant that lets a Gateway use it."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from clusters.needs import Need
from fixtures.api import Object
from fixtures.catalogue import feature
from fixtures.certificates import fingerprint, secret_of, self_signed
from fixtures.convergence import await_value, converge, never
from fixtures.expectations import equal
from fixtures.gateway_status import condition, listeners
from fixtures.observations import HttpObservation
from fixtures.routes import GATEWAYS, Routes
from fixtures.routes_plugin import Arrange
from fixtures.timeouts import Timeout
from fixtures.workloads import Namespace

HOST = "shop.example"
WINDOW = 2.0
"""Seconds for which a certificate that is refused must not be served."""
REFUSED = {"status": "False", "reason": "RefNotPermitted"}
RESOLVED = {"status": "True", "reason": "ResolvedRefs"}


@pytest.fixture
def vault(make_namespace: Callable[..., Namespace]) -> Namespace:
    """Where the Secret lies."""
    return make_namespace("vault")


@pytest.fixture
def shop(routes_in: Arrange, namespace: Namespace, vault: Namespace) -> Routes:
    """A Gateway whose HTTPS listener names a Secret of the other namespace; plain HTTP is served."""
    made = routes_in(namespace, gateway="edge", ready={HOST: "echo"})
    made.arrange("reference_grant_secret.yaml", change=lambda found: with_namespace(found, vault.name))
    return made


def with_namespace(found: Object, namespace: str) -> Object:
    """The object with the namespace instead of what stands for it."""
    references = [one.get("tls", {}).get("certificateRefs", []) for one in found["spec"].get("listeners", [])]
    for part in [*itertools.chain(*references), *found["spec"].get("from", [])]:
        part["namespace"] = namespace
    return found


def resolved(shop: Routes, expected: dict[str, str]) -> None:
    def read() -> dict[str, str]:
        found = listeners(shop.namespace, "edge").get("https") or {}
        return condition(found.get("conditions"), "ResolvedRefs")

    await_value(read, lambda told: told == expected, what=f"the listener's ResolvedRefs to be {expected}")


@feature("gw.reference-grant")
@pytest.mark.needs(Need.LABELLED_NAMESPACES)
def test_a_secret_elsewhere_takes_a_grant_and_only_as_long_as_there_is_one(shop: Routes, vault: Namespace) -> None:
    """“If a ReferenceGrant does not allow this reference, the "ResolvedRefs" condition MUST be set to False for this
    listener with the "RefNotPermitted" reason.” Implementations “MUST respond to the removal of a grant by revoking the
    access that the grant allowed.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/gateway_types.go#L594
    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/referencegrant_types.go#L37
    """
    certificate = self_signed(shop.host(HOST))
    vault.apply_object(secret_of("certificate", certificate))

    def has_it(seen: HttpObservation) -> bool:
        return fingerprint(seen.certificate) == fingerprint(certificate.certificate)

    def by_tls() -> list[HttpObservation]:
        return [shop.get(HOST, tls=True)]

    def refused() -> None:
        resolved(shop, REFUSED)
        never(by_tls, lambda seen: has_it(seen[0]), what="the Secret not to be used without a grant", window=WINDOW)

    refused()
    for grant in vault.read("reference_grant_secret_grant.yaml"):
        vault.apply_object(with_namespace(grant, shop.namespace.name))
    converge(by_tls, lambda seen: has_it(seen[0]), what="the granted certificate to be served", timeout=Timeout.ROUTES)
    resolved(shop, RESOLVED)
    (seen,) = by_tls()
    equal("the backend that answers by HTTPS", "echo", shop.backend(seen), [seen])

    vault.delete(GATEWAYS, "ReferenceGrant", "for-gateways")
    converge(by_tls, lambda seen: not has_it(seen[0]), what="the certificate to be revoked", timeout=Timeout.ROUTES)
    refused()
