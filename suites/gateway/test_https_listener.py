"""HTTPS listeners: the certificate of the listener whose hostname fits best, chosen by server name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.catalogue import feature
from fixtures.certificates import Certificate, fingerprint, secret_of, self_signed
from fixtures.certificates_served import await_certificates, told
from fixtures.expectations import equal
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by

NAMES = {"first.example": "first.example", "beside.example": "*.example"}
"""Host → the name that its certificate is for."""
EACH = 5
Certificates = dict[str, Certificate]


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    """What was made for each host."""
    return {}


@pytest.fixture
def by_https(routes: Arrange, certificates: Certificates) -> Routes:
    """A listener for one host and one for all beside it."""

    def put_secrets(made: Routes) -> None:
        for (host, name), secret in zip(NAMES.items(), ("first-certificate", "wide-certificate"), strict=True):
            certificates[host] = self_signed(made.host(name))
            made.namespace.apply_object(secret_of(secret, certificates[host]))

    return routes("https_listener.yaml", gateway="edge", ready={"first.example": "echo"}, before=put_secrets)


def prints(certificates: Certificates) -> list[str]:
    return [fingerprint(certificates[host].certificate) for host in NAMES]


@feature("gw.listener.https")
def test_the_longest_matching_hostname_has_its_certificate_served(
    by_https: Routes, certificates: Certificates, note: Callable[[str, object], None]
) -> None:
    """“The association of SNIs to Certificate defined in ListenerTLSConfig is defined based on the Hostname field for
    this listener. The GatewayClass MUST use the longest matching SNI out of all available certificates for any TLS
    handshake.”

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/gateway_types.go#L444
    """
    await_certificates(by_https, certificates)
    seen = [by_https.get(host, tls=True) for _ in range(EACH) for host in NAMES]
    served = [fingerprint(one.certificate) for one in seen]
    equal("the certificates served for the two hosts in turn (SHA-256)", prints(certificates) * EACH, served, seen)
    for one in seen[:2]:
        served_by(one, by_https.namespace, "echo")
    note("a server name that no listener has", told(by_https.get("nobody.test", tls=True)))
