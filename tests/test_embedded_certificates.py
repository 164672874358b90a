"""Every part of a cluster is who its certificate says, and nobody to another authority."""

from __future__ import annotations

import base64
import ipaddress
import stat
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from clusters.embedded.addresses import plan
from clusters.embedded.identities import Identities
from clusters.provider import ClusterSpec

CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


@pytest.fixture(scope="module")
def identities(tmp_path_factory: pytest.TempPathFactory) -> Identities:
    made = Identities(tmp_path_factory.mktemp("a") / "pki", plan(ClusterSpec(name="a")))
    made.write_control_plane()
    made.write_clients("https://127.0.0.1:40001")
    made.write_node("n2")
    return made


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def name(of: x509.Name, oid: x509.ObjectIdentifier) -> list[str]:
    return [str(attribute.value) for attribute in of.get_attributes_for_oid(oid)]


def user(identities: Identities, kubeconfig: str) -> x509.Certificate:
    document = yaml.safe_load(identities.kubeconfig(kubeconfig).read_text())
    return x509.load_pem_x509_certificate(base64.b64decode(document["users"][0]["user"]["client-certificate-data"]))


@pytest.mark.parametrize(
    ("kubeconfig", "common_name", "groups"),
    [
        ("admin", "roadtest-admin", ["system:masters"]),
        ("kube-controller-manager", "system:kube-controller-manager", []),
        ("kube-scheduler", "system:kube-scheduler", []),
        ("kube-proxy", "system:kube-proxy", []),
        ("kubelet-n2", "system:node:n2", ["system:nodes"]),
    ],
)
def test_each_client_is_the_user_that_kubernetes_expects(
    identities: Identities, kubeconfig: str, common_name: str, groups: list[str]
) -> None:
    client = user(identities, kubeconfig)

    assert name(client.subject, NameOID.COMMON_NAME) == [common_name]
    assert name(client.subject, NameOID.ORGANIZATION_NAME) == groups
    assert list(client.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [CLIENT]
    client.verify_directly_issued_by(certificate(identities.certificate("ca")))


def test_the_administrator_comes_through_the_relay_and_the_parts_do_not(identities: Identities) -> None:
    servers = {
        kubeconfig: yaml.safe_load(identities.kubeconfig(kubeconfig).read_text())["clusters"][0]["cluster"]["server"]
        for kubeconfig in ("admin", "admin-inside", "kubelet-n2", "kube-proxy")
    }

    assert servers == {
        "admin": "https://127.0.0.1:40001",
        "admin-inside": "https://172.30.0.1:6443",
        "kubelet-n2": "https://172.30.0.1:6443",
        "kube-proxy": "https://172.30.0.1:6443",
    }


@pytest.mark.parametrize(
    ("serving", "dns", "addresses"),
    [
        ("kube-apiserver", "kubernetes.default.svc.cluster.local", ["127.0.0.1", "172.30.0.1", "10.96.0.1"]),
        ("kubelet-n2-serving", "n2", ["172.30.0.12"]),
        ("etcd", "localhost", ["127.0.0.1"]),
    ],
)
def test_each_server_is_known_by_every_address_that_it_is_called_by(
    identities: Identities, serving: str, dns: str, addresses: list[str]
) -> None:
    server = certificate(identities.certificate(serving))
    alternatives = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert dns in alternatives.get_values_for_type(x509.DNSName)
    assert alternatives.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address(text) for text in addresses]
    assert SERVER in server.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value


@pytest.mark.parametrize(
    ("holder", "authority"),
    [("etcd-client", "ca"), ("front-proxy-client", "ca"), ("kube-apiserver", "etcd-ca"), ("kubelet-client", "etcd-ca")],
)
def test_one_authority_does_not_vouch_for_a_client_of_another(
    identities: Identities, holder: str, authority: str
) -> None:
    with pytest.raises((ValueError, InvalidSignature)):
        certificate(identities.certificate(holder)).verify_directly_issued_by(
            certificate(identities.certificate(authority))
        )


def test_keys_are_p256_and_read_by_their_owner_only(identities: Identities) -> None:
    for path in identities.folder.glob("*.key"):
        key = serialization.load_pem_private_key(path.read_bytes(), None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        assert key.curve.name == "secp256r1"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for path in identities.folder.glob("*.kubeconfig"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(identities.folder.stat().st_mode) == 0o700


def test_no_kubeconfig_skips_the_check_of_the_server_or_holds_a_token(identities: Identities) -> None:
    for path in identities.folder.glob("*.kubeconfig"):
        text = path.read_text()
        assert "insecure" not in text
        assert "token" not in text
        assert "certificate-authority-data" in text
