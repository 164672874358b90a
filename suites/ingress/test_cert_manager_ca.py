"""cert-manager gets an Ingress its certificate, from an authority of one's own."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from fixtures.catalogue import feature
from fixtures.certificates import Authority, hosts_of, secret_of
from fixtures.convergence import converge
from fixtures.expectations import equal
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by
from fixtures.timeouts import Timeout
from fixtures.workloads import Namespace

HOST = "issued.example"


@feature("ing.tls.cert-manager")
@pytest.mark.slow
def test_an_annotated_ingress_gets_a_certificate_of_its_issuer(
    cert_manager: float, namespace: Namespace, routes_in: Arrange, note: Callable[[str, object], None]
) -> None:
    """“If it observes an Ingress with annotations described in the Supported Annotations section, it will ensure a
    Certificate resource with the name provided in the tls.secretName field and configured as described on the Ingress
    exists”; what cert-manager lays into that Secret is served.

    https://cert-manager.io/docs/usage/ingress/
    """
    authority = Authority("Roadtest")
    namespace.apply_object(secret_of("authority", authority.own))
    issued = routes_in(namespace, ready={})
    issued.arrange("cert_manager_ca.yaml")
    began = time.monotonic()
    trusted = authority.own.certificate
    converge(
        lambda: [issued.get(HOST, tls=True, ca=trusted)],
        lambda seen: issued.backend(seen[0]) == "echo",
        what=f"{issued.host(HOST)} to answer under a certificate of the authority",
        successes=1,
        every=0.2,
        timeout=Timeout.CERTIFICATE,
    )
    note("seconds from the Ingress to the first answer under its certificate", f"{time.monotonic() - began:.1f}")
    note("seconds that cert-manager took to come up", f"{cert_manager:.1f}" if cert_manager else "it ran already")
    seen = issued.get(HOST, tls=True, ca=trusted)
    served_by(seen, namespace, "echo")
    equal("the hosts that the certificate is for", [issued.host(HOST)], hosts_of(seen.certificate), [seen])
