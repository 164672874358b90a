"""Hosts with certificates of their own share the port: the server name that a client sends chooses (SNI)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.catalogue import feature
from fixtures.certificates import Certificate, fingerprint, secret_of, self_signed
from fixtures.certificates_served import await_certificates, told
from fixtures.expectations import equal
from fixtures.probes import http
from fixtures.routes import Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import served_by

HOSTS = ("first.example", "second.example")
EACH = 10
Certificates = dict[str, Certificate]


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    """What was made for each host."""
    return {}


@pytest.fixture
def shared_port(routes: Arrange, certificates: Certificates) -> Routes:
    """Two Ingresses; each answers under a path of its own, by its own certificate."""

    def put_secrets(made: Routes) -> None:
        for host in HOSTS:
            certificates[host] = self_signed(made.host(host))
            name = f"{host.removesuffix('.example')}-certificate"
            made.namespace.apply_object(secret_of(name, certificates[host]))

    return routes("tls_sni.yaml", ready={}, before=put_secrets)


def prints(certificates: Certificates) -> list[str]:
    return [fingerprint(certificates[host].certificate) for host in HOSTS]


@feature("ing.tls.sni")
def test_each_connection_gets_the_certificate_of_the_name_that_it_asks_for(
    shared_port: Routes, certificates: Certificates, note: Callable[[str, object], None]
) -> None:
    """“If the TLS configuration section in an Ingress specifies different hosts, they are multiplexed on the same port
    according to the hostname specified through the SNI TLS extension”. What a name gets that nobody declared, and a
    client without any, is left to the controller.

    https://kubernetes.io/docs/concepts/services-networking/ingress/#tls
    """
    await_certificates(shared_port, {f"{host}/{host.removesuffix('.example')}": certificates[host] for host in HOSTS})
    seen = [shared_port.get(host, tls=True) for _ in range(EACH) for host in HOSTS]
    served = [fingerprint(one.certificate) for one in seen]
    equal("the certificates served for the two hosts in turn (SHA-256)", prints(certificates) * EACH, served, seen)
    note("a server name that nobody declared", told(shared_port.get("nobody.example", tls=True)))
    (nameless,) = http(shared_port.client, shared_port.entrance(HOSTS[0], tls=True).url)
    note("no server name", told(nameless))


@feature("ing.tls.sni")
def test_the_server_name_chooses_the_certificate_and_the_host_header_the_rule(
    shared_port: Routes, certificates: Certificates
) -> None:
    """“If the SNI host in a listener conflicts with the "Host" header field used by an IngressRule, the SNI host is
    used for termination and value of the "Host" header is used for routing.”

    https://github.com/kubernetes/kubernetes/blob/v1.36.3/staging/src/k8s.io/api/networking/v1/types.go#L332
    """
    await_certificates(shared_port, {f"{host}/{host.removesuffix('.example')}": certificates[host] for host in HOSTS})
    seen = shared_port.get(HOSTS[0], "/second", {"Host": shared_port.host(HOSTS[1])}, tls=True)
    equal(f"the certificate served for {HOSTS[0]}", prints(certificates)[0], fingerprint(seen.certificate), [seen])
    served_by(seen, shared_port.namespace, "echo")
