"""What is wrong with a kubeconfig is told in a sentence, before anything else happens."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from clusters import records
from clusters.errors import ClusterError, RoadtestError, UsageError
from clusters.existing import ExistingProvider, connection, kubeconfig
from clusters.progress import SilentProgress
from clusters.provider import ClusterSpec, ExistingSpec
from tests.miniatures.objects import Cluster, serving


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with serving(Cluster({})) as running:
        yield running


def certificate(ends: datetime) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "me")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(ends - timedelta(days=30))
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    return base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()


def look(path: Path, context: str = "") -> None:
    spec = ExistingSpec(kubeconfig=path, context=context, client_pod=True)
    ExistingProvider().check(ClusterSpec(name="theirs", provider="existing", existing=spec))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("a: [", "is no kubeconfig", id="no YAML"),
        pytest.param("kind: Config\n", "it has no contexts", id="no contexts"),
        pytest.param("contexts: []\n", "names no current context. Its contexts: none", id="no current context"),
        pytest.param(
            "contexts: [{name: a, context: {cluster: b, user: c}}]\ncurrent-context: a\n",
            "names the cluster 'b', which is not there",
            id="a cluster that is not there",
        ),
    ],
)
def test_a_damaged_kubeconfig_is_told(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "kubeconfig").write_text(text)
    with pytest.raises(UsageError) as told:
        kubeconfig.read(tmp_path / "kubeconfig", "")
    assert said in str(told.value)


def test_a_missing_kubeconfig_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"There is no kubeconfig at .*nowhere\. Name the cluster's: --kubeconfig"):
        kubeconfig.read(tmp_path / "nowhere", "")
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/one:{tmp_path}/two")
    with pytest.raises(UsageError, match=r"one, .*two"):
        kubeconfig.read(None, "")


def test_an_unknown_context_is_refused_with_the_right_ones(cluster: Cluster, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no context called 'prod'\. Its contexts: team"):
        look(cluster.kubeconfig(tmp_path), "prod")


def test_a_client_certificate_that_ran_out_is_told_with_its_date(cluster: Cluster, tmp_path: Path) -> None:
    user = {"client-certificate-data": certificate(datetime(2020, 2, 1, tzinfo=UTC))}
    with pytest.raises(ClusterError, match="client certificate of context team ran out on 2020-02-01 00:00 UTC"):
        look(cluster.kubeconfig(tmp_path, user))
    assert cluster.asked == []


def test_one_context_is_taken_alone_with_whole_paths_and_for_its_user_only(cluster: Cluster, tmp_path: Path) -> None:
    path = cluster.kubeconfig(tmp_path, {"tokenFile": "token"})
    context = kubeconfig.read(path, "")
    assert (context.name, context.server) == ("team", cluster.url)
    context.write(tmp_path / "alone")
    assert (tmp_path / "alone").stat().st_mode & 0o777 == 0o600
    written = yaml.safe_load((tmp_path / "alone").read_text())
    assert written["users"] == [{"name": "existing", "user": {"tokenFile": str(tmp_path / "token")}}]


def test_several_files_of_the_environment_are_read_as_one(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "first").write_text("contexts: []\ncurrent-context: team\n")
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/first:{tmp_path}/none:{cluster.kubeconfig(tmp_path)}")
    assert kubeconfig.read(None, "").name == "team"


def test_an_api_server_that_cannot_be_reached_is_told(cluster: Cluster, tmp_path: Path) -> None:
    cluster.url = "https://127.0.0.1:1"
    with pytest.raises(ClusterError, match=r"127.0.0.1:1 of context team cannot be reached: connection refused"):
        look(cluster.kubeconfig(tmp_path))


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:9)",
            "self-signed",
        ),
        ("HTTPSConnection(host='a'): Failed to resolve 'a' ([Errno -2] Name or service not known)", "name or service"),
        ("Connection to 192.0.2.1 timed out. (connect timeout=10.0)", "timed out"),
        ("something: else. ", "else"),
    ],
)
def test_a_librarys_words_are_brought_down_to_the_reason(told: str, reason: str) -> None:
    assert reason in connection.reason(told)


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_are_not_accepted_are_told(cluster: Cluster, tmp_path: Path, status: int) -> None:
    cluster.status = status
    with pytest.raises(ClusterError, match="does not accept the credentials of context team: they have run out"):
        look(cluster.kubeconfig(tmp_path))


def test_who_is_nobody_there_has_no_credentials(cluster: Cluster, tmp_path: Path) -> None:
    cluster.user = "system:anonymous"
    with pytest.raises(ClusterError, match="does not accept the credentials"):
        look(cluster.kubeconfig(tmp_path))


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("v1.25.16+k3s4", "runs Kubernetes 1.25.16+k3s4, and Roadtest needs 1.26 or newer: internalTrafficPolicy"),
        ("nginx", "tells no version of Kubernetes"),
    ],
)
def test_a_cluster_that_is_too_old_is_told_the_oldest(
    cluster: Cluster, tmp_path: Path, version: str, said: str
) -> None:
    cluster.objects["/version"] = {"gitVersion": version}
    with pytest.raises(ClusterError, match=said.replace("+", r"\+")):
        look(cluster.kubeconfig(tmp_path))


@pytest.mark.parametrize("version", ["v1.26.0", "v1.29.1-eks-49c6de4", "v2.0.0"])
def test_newer_ones_will_do(version: str) -> None:
    connection.check_version(version)


def test_what_is_refused_leaves_no_record(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROADTEST_STATE", str(tmp_path / "state"))
    cluster.status = 401
    spec = ExistingSpec(kubeconfig=cluster.kubeconfig(tmp_path), client_pod=True)
    with pytest.raises(RoadtestError):
        ExistingProvider().create(ClusterSpec(name="theirs", existing=spec), SilentProgress())
    assert records.on_record() == []
