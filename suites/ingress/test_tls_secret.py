"""spec.tls: the certificate of the Secret is the one that is served, chosen by server name."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from fixtures.catalogue import feature
from fixtures.certificates import Certificate, fingerprint, self_signed
from fixtures.convergence import converge
from fixtures.expectations import equal
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by


def put_secrets(routes: Routes) -> None:
    """A certificate of its own for each host, in the Secret that the Ingress names."""
    for name in ("first", "second"):
        secret_of(routes, name, self_signed(routes.host(f"{name}.example")))


def secret_of(routes: Routes, name: str, certificate: Certificate) -> None:
    data = {"tls.crt": certificate.certificate, "tls.key": certificate.key}
    routes.namespace.apply_object(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": f"{name}-certificate"},
            "type": "kubernetes.io/tls",
            "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
        }
    )


def stored(routes: Routes, name: str) -> str:
    """Fingerprint of the certificate that a Secret holds."""
    secret = routes.namespace.api.get("v1", "Secret", f"{name}-certificate", routes.namespace.name)
    assert secret is not None
    return fingerprint(base64.b64decode(secret["data"]["tls.crt"]).decode())


@pytest.fixture
def tls(routes: Arrange) -> Routes:
    """Two hosts, each with a Secret that was made for it."""
    return routes("tls_secret.yaml", ready={"first.example": "echo", "second.example": "echo"}, before=put_secrets)


@feature("ing.tls.secret")
@pytest.mark.smoke
@pytest.mark.parametrize("name", ["first", "second"])
def test_the_secrets_certificate_is_served_for_its_host(
    tls: Routes, name: str, note: Callable[[str, object], None]
) -> None:
    """“Referencing this secret in an Ingress tells the Ingress controller to secure the channel from the client to the
    load balancer using TLS.” With several hosts “they are multiplexed on the same port according to the hostname
    specified through the SNI TLS extension”.

    https://kubernetes.io/docs/concepts/services-networking/ingress/#tls
    """
    secrets = {other: stored(tls, other) for other in ("first", "second")}
    converge(
        lambda: [tls.get(f"{name}.example", tls=True)],
        lambda seen: fingerprint(seen[0].certificate) in secrets.values(),
        what=f"a certificate of this test's Secrets to be served for {name}.example",
    )
    seen = tls.get(f"{name}.example", tls=True)
    served_by(seen, tls.namespace, "echo")
    note("served certificate (SHA-256)", fingerprint(seen.certificate))
    equal(f"the certificate served for {name}.example (SHA-256)", secrets[name], fingerprint(seen.certificate), [seen])
