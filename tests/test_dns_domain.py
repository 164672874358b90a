"""The domain of a cluster's own names, and everything that must know of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from clusters.addons import manifests
from clusters.dns_domain import chosen
from clusters.embedded import control_plane, node_files
from clusters.embedded.addresses import Addresses, plan
from clusters.embedded.description import conditions
from clusters.embedded.identities import Identities
from clusters.errors import UsageError
from clusters.provider import ClusterSpec
from conformance import cell
from conformance.options import parse
from fixtures import leader
from tests.miniatures.cluster import a_cluster
from tests.test_clusters_addons import VALUES
from tests.test_embedded_files import FOLDERS

ASKED = "example.test"
SPEC = ClusterSpec(name="a", provider="embedded", dns_domain=ASKED)


@pytest.fixture
def addresses() -> Addresses:
    return plan(SPEC)


def test_the_option_says_the_domain() -> None:
    assert (chosen(""), chosen("example.test"), chosen("k8s.example.test.")) == (
        "cluster.local",
        "example.test",
        "k8s.example.test",
    )
    asked = parse("cell", ["--run", "runs/x", "--provider", "embedded", "--dns-domain", ASKED])
    assert cell.spec(asked).dns_domain == ASKED
    assert cell.spec(parse("cell", ["--run", "runs/x"])).dns_domain == "cluster.local"


@pytest.mark.parametrize("text", ["Example.test", "example..test", "-a.test", "a_b", " ", ".", "a" * 65, "a b"])
def test_what_is_no_domain_is_told_in_one_sentence(text: str) -> None:
    with pytest.raises(UsageError, match=r"is no domain for a cluster\. Use lower-case letters"):
        chosen(text)


def test_a_cluster_that_is_there_has_its_own() -> None:
    assert chosen("", there_already=True) == "cluster.local"
    for there in (["--cluster", "mine"], ["--provider", "existing"]):
        with pytest.raises(UsageError, match=r"--dns-domain is for a cluster that is made"):
            parse("cell", ["--run", "runs/x", *there, "--dns-domain", ASKED])


def test_every_part_of_an_embedded_cluster_is_told(addresses: Addresses, tmp_path: Path) -> None:
    identities = Identities(tmp_path, addresses)
    identities.write_control_plane()
    certificate = x509.load_pem_x509_certificate(identities.certificate("kube-apiserver").read_bytes())
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "kubernetes.default.svc.example.test" in alternatives.get_values_for_type(x509.DNSName)

    command = control_plane.api_server(Path("/kube-apiserver"), addresses, identities)
    assert "--service-account-issuer=https://kubernetes.default.svc.example.test" in command
    kubelet = node_files.kubelet("a", "n1", FOLDERS, addresses, tmp_path, tmp_path / "resolv.conf")
    assert yaml.safe_load(kubelet)["clusterDomain"] == ASKED
    assert conditions(SPEC)["DNS"].startswith("names outside example.test are forwarded")
    written = json.dumps([command, kubelet, alternatives.get_values_for_type(x509.DNSName), conditions(SPEC)])
    assert "cluster.local" not in written


def test_coredns_serves_it() -> None:
    objects = manifests.load(manifests.FOLDER / "coredns", {**VALUES, "dns_domain": ASKED})
    (corefile,) = (one["data"]["Corefile"] for one in objects if one["kind"] == "ConfigMap")
    assert "kubernetes example.test in-addr.arpa ip6.arpa {" in corefile
    assert "cluster.local" not in json.dumps(objects)


@pytest.mark.parametrize(("domain", "option"), [(ASKED, "--dns-domain example.test "), ("cluster.local", "")])
def test_the_command_that_runs_a_check_again_names_it(domain: str, option: str) -> None:
    cluster = a_cluster(controllers=["traefik"], dns_domain=domain, families=["IPv4"])
    told = leader.reproduce(cluster, "suites/a.py::test_a")
    assert f"-- {option}--load none 'suites/a.py::test_a'" in told
