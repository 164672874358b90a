"""An Ingress names a TLS Secret that is not there."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.catalogue import feature
from fixtures.certificates import Certificate, fingerprint, hosts_of, secret_of, self_signed, told
from fixtures.convergence import converge
from fixtures.expectations import equal, holds
from fixtures.observations import HttpObservation
from fixtures.routes import DOMAIN, Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by
from fixtures.timeouts import Timeout

WITHOUT, WITH = "without-secret.example", "with-secret.example"


@pytest.fixture
def sound(routes: Arrange) -> tuple[Routes, Certificate]:
    """Both Ingresses, once the sound one is served with its certificate; and that certificate."""
    made: list[Certificate] = []

    def put_secret(made_for: Routes) -> None:
        made.append(self_signed(made_for.host(WITH)))
        made_for.namespace.apply_object(secret_of("certificate", made[0]))

    both = routes("tls_missing_secret.yaml", ready={WITH: "echo"}, before=put_secret)
    await_certificate(both, WITH, made[0])
    return both, made[0]


def await_certificate(routes: Routes, host: str, certificate: Certificate) -> None:
    converge(
        lambda: [routes.get(host, tls=True)],
        lambda seen: fingerprint(seen[0].certificate) == fingerprint(certificate.certificate),
        what=f"the certificate that was made for {routes.host(host)} to be served for it",
        timeout=Timeout.ROUTES,
        every=0.2,
    )


def of_another_host(seen: HttpObservation) -> list[str]:
    """Hosts of checks, of this one or another, that the served certificate was made for."""
    return [host for host in hosts_of(seen.certificate) if host.endswith(DOMAIN)]


@feature("ing.tls.missing-secret")
def test_a_missing_secret_lends_no_other_hosts_certificate_and_harms_no_other_host(
    sound: tuple[Routes, Certificate], note: Callable[[str, object], None]
) -> None:
    """“hosts is a list of hosts included in the TLS certificate. The values in this list must match the name/s used in
    the tlsSecret.” So a certificate that was made for another host is none for this one. What is served instead is left
    to the controller; as soon as the Secret is there, TLS is terminated with it.

    https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/api/networking/v1/types.go#L324
    """
    routes, certificate = sound
    namespace = routes.namespace
    by_tls, plain = routes.get(WITHOUT, tls=True), routes.get(WITHOUT)
    ingress = namespace.api.get("networking.k8s.io/v1", "Ingress", "without-secret", namespace.name) or {}
    note("by HTTPS, without the Secret", told(by_tls))
    note("by HTTP, without the Secret", plain.detail or f"HTTP {plain.status}")
    note("the Ingress's status", ingress.get("status"))
    note("events", [event for event in namespace.events() if "Ingress/" in event])
    others = of_another_host(by_tls)
    holds(not others, f"no certificate of another host to be served for {routes.host(WITHOUT)}", str(others), [by_tls])
    beside = routes.get(WITH, tls=True)
    served_by(beside, namespace, "echo")
    equal(f"the certificate of {WITH}", fingerprint(certificate.certificate), fingerprint(beside.certificate), [beside])
    late = self_signed(routes.host(WITHOUT))
    namespace.apply_object(secret_of("missing-certificate", late))
    await_certificate(routes, WITHOUT, late)
    served_by(routes.get(WITHOUT, tls=True), namespace, "echo")
