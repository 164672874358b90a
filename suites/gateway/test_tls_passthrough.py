"""TLSRoute: a listener that lets TLS through to the backend that the server name chooses."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.certificates import Certificate, fingerprint, secret_of, self_signed
from fixtures.certificates_served import await_certificates
from fixtures.expectations import equal, holds
from fixtures.gateway_features import supports
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by, told

BACKENDS = ("one", "two")
Certificates = dict[str, Certificate]


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    """What each backend serves itself."""
    return {}


@pytest.fixture
def through(routes: Arrange, certificates: Certificates) -> Routes:
    """Two backends behind the listener."""

    def put_secrets(made: Routes) -> None:
        for name in BACKENDS:
            certificates[name] = self_signed(made.host(f"{name}.example"))
            made.namespace.apply_object(secret_of(f"{name}-certificate", certificates[name]))

    return routes("tls_passthrough.yaml", gateway="edge", ready={}, before=put_secrets)


@feature("gw.tls.passthrough")
@supports("TLSRoute")
def test_the_backend_that_the_server_name_chooses_ends_tls_itself(through: Routes, certificates: Certificates) -> None:
    """“Passthrough: The TLS session is NOT terminated by the Gateway. This implies that the Gateway can't decipher the
    TLS stream except for the ClientHello message of the TLS protocol.” Hostnames of a TLSRoute are “SNI hostnames that
    should match against the SNI attribute of TLS ClientHello message”.

    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/gateway_types.go#L574
    https://github.com/kubernetes-sigs/gateway-api/blob/v1.6.3/apis/v1/tlsroute_types.go#L55
    """
    await_certificates(through, {f"{name}.example": made for name, made in certificates.items()})
    for name in BACKENDS:
        host = f"{name}.example"
        # The Host header says the other backend: nobody on the way can read it.
        other = next(one for one in BACKENDS if one != name)
        seen = through.get(host, headers={"Host": through.host(f"{other}.example")}, tls=True)
        made = fingerprint(certificates[name].certificate)
        equal(f"the certificate served for {host} (SHA-256)", made, fingerprint(seen.certificate), [seen])
        served_by(seen, through.namespace, name)
    stranger = through.get("stranger.example", tls=True)
    reached = through.backend(stranger)
    holds(not reached, "a server name of no route to reach no backend", told(stranger, reached), [stranger])
