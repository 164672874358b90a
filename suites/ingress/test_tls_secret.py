"""spec.tls: the certificate of the Secret is the one that is served, chosen by server name."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.certificates import Certificate, fingerprint, secret_of, self_signed
from fixtures.certificates_served import await_certificates
from fixtures.expectations import equal
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by

Certificates = dict[str, Certificate]


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    """What the test made for each host."""
    return {}


@pytest.fixture
def tls(routes: Arrange, certificates: Certificates) -> Routes:
    """Two hosts, each with a Secret that was made for it."""

    def put_secrets(made: Routes) -> None:
        for name in ("first", "second"):
            certificates[f"{name}.example"] = self_signed(made.host(f"{name}.example"))
            made.namespace.apply_object(secret_of(f"{name}-certificate", certificates[f"{name}.example"]))

    return routes("tls_secret.yaml", ready={}, before=put_secrets)


@feature("ing.tls.secret")
@pytest.mark.smoke
@pytest.mark.parametrize("name", ["first", "second"])
def test_the_secrets_certificate_is_served_for_its_host(tls: Routes, certificates: Certificates, name: str) -> None:
    """“Referencing this secret in an Ingress tells the Ingress controller to secure the channel from the client to the
    load balancer using TLS.” With several hosts “they are multiplexed on the same port according to the hostname
    specified through the SNI TLS extension”.

    https://kubernetes.io/docs/concepts/services-networking/ingress/#tls
    """
    host = f"{name}.example"
    await_certificates(tls, {host: certificates[host]})
    seen = tls.get(host, tls=True)
    served_by(seen, tls.namespace, "echo")
    made = fingerprint(certificates[host].certificate)
    equal(f"the certificate served for {host} (SHA-256)", made, fingerprint(seen.certificate), [seen])
