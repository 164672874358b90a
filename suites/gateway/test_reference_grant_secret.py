"""A listener's certificate in another namespace, and the ReferenceGrant that lets a Gateway use it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import pytest

from clusters.needs import Need
from fixtures.api import Object
from fixtures.catalogue import feature
from fixtures.certificates import Certificate, fingerprint, secret_of, self_signed
from fixtures.certificates_served import await_certificates
from fixtures.convergence import await_value, converge, never
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
def shop(routes_in: Arrange, namespace: Namespace, vault: Namespace) -> tuple[Routes, Certificate]:
    """A Gateway whose HTTPS listener names a Secret of the other namespace, and has the grant; and what that holds."""
    made = routes_in(namespace, gateway="edge", ready={HOST: "echo"})
    certificate = self_signed(made.host(HOST))
    vault.apply_object(secret_of("certificate", certificate))
    grant(vault, namespace)
    made.arrange("reference_grant_secret.yaml", change=lambda found: with_namespace(found, vault.name))
    return made, certificate


def grant(vault: Namespace, to: Namespace) -> None:
    for found in vault.read("reference_grant_secret_grant.yaml"):
        vault.apply_object(with_namespace(found, to.name))


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
def test_a_secret_elsewhere_takes_a_grant_and_only_as_long_as_there_is_one(
    shop: tuple[Routes, Certificate], vault: Namespace
) -> None:
    """“If a ReferenceGrant does not allow this reference, the "ResolvedRefs" condition MUST be set to False for this
    listener with the "RefNotPermitted" reason.” Implementations “MUST respond to the removal of a grant by revoking the
    access that the grant allowed.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/gateway_types.go#L594
    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/referencegrant_types.go#L37
    """
    routes, certificate = shop

    def by_tls() -> list[HttpObservation]:
        return [routes.get(HOST, tls=True)]

    def has_it(seen: Sequence[HttpObservation]) -> bool:
        return fingerprint(seen[0].certificate) == fingerprint(certificate.certificate)

    # A Gateway without a sound listener need not be programmed, so the granted state comes first.
    await_certificates(routes, {HOST: certificate})
    resolved(routes, RESOLVED)

    vault.delete(GATEWAYS, "ReferenceGrant", "for-gateways")
    what = "the certificate to be revoked"
    converge(by_tls, lambda seen: not has_it(seen), what=what, timeout=Timeout.ROUTES)
    resolved(routes, REFUSED)
    never(by_tls, has_it, what="the Secret not to be used without a grant", window=WINDOW)

    grant(vault, routes.namespace)
    await_certificates(routes, {HOST: certificate})
    resolved(routes, RESOLVED)
