"""An Ingress names a TLS Secret that is not there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.catalogue import feature
from fixtures.certificates import Certificate, fingerprint, hosts_of, secret_of, self_signed
from fixtures.certificates_served import await_certificates, told
from fixtures.expectations import equal, holds
from fixtures.observations import HttpObservation
from fixtures.routes import DOMAIN, Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by

WITHOUT, WITH = "without-secret.example", "with-secret.example"


@pytest.fixture(scope="module")
def certificate() -> list[Certificate]:
    """What is made for the host that has its Secret."""
    return []


@pytest.fixture
def both(routes: Arrange, certificate: list[Certificate]) -> Routes:
    """An Ingress whose Secret is missing, and one whose Secret is there."""

    def put_secret(made: Routes) -> None:
        certificate.append(self_signed(made.host(WITH)))
        made.namespace.apply_object(secret_of("certificate", certificate[0]))

    return routes("tls_missing_secret.yaml", ready={}, before=put_secret)


def of_another_host(seen: HttpObservation) -> list[str]:
    """Hosts of checks, of this one or another, that the served certificate was made for."""
    return [host for host in hosts_of(seen.certificate) if host.endswith(DOMAIN)]


@feature("ing.tls.missing-secret")
def test_a_missing_secret_lends_no_other_hosts_certificate_and_harms_no_other_host(
    both: Routes, certificate: list[Certificate], note: Callable[[str, object], None]
) -> None:
    """“hosts is a list of hosts included in the TLS certificate. The values in this list must match the name/s used in
    the tlsSecret.” So a certificate that was made for another host is none for this one. What is served instead is left
    to the controller; as soon as the Secret is there, TLS is terminated with it.

    https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/api/networking/v1/types.go#L324
    """
    namespace = both.namespace
    await_certificates(both, {WITH: certificate[0]})
    by_tls, plain = both.get(WITHOUT, tls=True), both.get(WITHOUT)
    ingress = namespace.api.get("networking.k8s.io/v1", "Ingress", "without-secret", namespace.name) or {}
    note("by HTTPS, without the Secret", told(by_tls))
    note("by HTTP, without the Secret", plain.detail or f"HTTP {plain.status}")
    note("the Ingress's status", ingress.get("status"))
    note("events", [event for event in namespace.events() if "Ingress/" in event])
    others = of_another_host(by_tls)
    holds(not others, f"no certificate of another host to be served for {both.host(WITHOUT)}", str(others), [by_tls])
    beside = both.get(WITH, tls=True)
    served_by(beside, namespace, "echo")
    wanted, served = (fingerprint(one.certificate) for one in (certificate[0], beside))
    equal(f"the certificate served for {WITH} (SHA-256)", wanted, served, [beside])
    late = self_signed(both.host(WITHOUT))
    namespace.apply_object(secret_of("missing-certificate", late))
    await_certificates(both, {WITHOUT: late})
    served_by(both.get(WITHOUT, tls=True), namespace, "echo")
