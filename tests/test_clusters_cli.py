"""The command line of `clusters`: every verb explains itself, and bad input gets one sentence and status 2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from clusters import cli, cli_places, cli_views, lifecycle, records
from clusters.embedded import names as embedded_names
from clusters.embedded.journal import JOURNAL, Journal
from clusters.embedded.processes import Process, start_time
from clusters.errors import ClusterError, UsageError
from clusters.provider import Cluster, Place

VERBS = ["create", "delete", "list", "describe", "shell", "kubectl", "logs"]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ROADTEST_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(embedded_names, "NETNS_FOLDER", tmp_path / "netns")
    monkeypatch.setattr(cli, "interrupt_once", lambda: None)
    return tmp_path / "state"


def place(name: str, role: str) -> Place:
    return msgspec.convert({"name": name, "role": role, "address": "172.30.0.9", "netns": f"/run/netns/{name}"}, Place)


@pytest.fixture
def cluster(state: Path) -> Cluster:
    made = Cluster(
        name="blue",
        provider="embedded",
        provider_reason="embedded was asked for",
        mode="nftables",
        kubeconfig=records.folder("blue") / "pki" / "admin.kubeconfig",
        state=records.folder("blue"),
        nodes=[place("n1", "node")],
        clients=[place("client-1", "client")],
        servers=[place("server-1", "server")],
        pod_subnet="10.244.0.0/16",
        service_subnet="10.96.0.0/16",
        load_balancer_pool="172.30.0.200-172.30.0.250",
        dns_address="10.96.0.10",
        timings={"nodes Ready": 4.2},
    )
    made.state.mkdir(parents=True)
    records.save(made)
    return made


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    status = cli.main(words)
    captured = capsys.readouterr()
    return status, captured.err if status else captured.out


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*([verb] if verb else []), "--help"])
    assert ended.value.code == 0
    assert f"usage: {records.COMMAND}" in capsys.readouterr().out


def test_help_lists_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    shown = capsys.readouterr().out
    assert all(f"\n    {verb} " in shown for verb in VERBS)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--mode", "ebpf"], "kube-proxy has no mode 'ebpf'. Choose one of: iptables, nftables, ipvs."),
        (["--controller", "squid"], "There is no controller called 'squid'. Choose one of: "),
        (
            ["--provider", "minikube"],
            "There is no provider called 'minikube'. Choose one of: auto, embedded, kind, existing.",
        ),
        (["--name", "Blue"], "A cluster cannot be called 'Blue'."),
        (["--pod-subnet", "10.96.0.0/12"], "overlap"),
        (["--nodes", "0"], "A cluster of 0 nodes cannot be made."),
    ],
)
def test_what_cannot_be_created_is_told_in_one_sentence(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("clusters.system_packages.ensure", lambda *_: None)
    status, error = said(capsys, "create", *words)

    assert status == 2
    assert error.startswith("error: ")
    assert sentence in error
    assert "Traceback" not in error


def test_bad_input_is_told_before_packages_are_installed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def install(*_: object) -> None:
        raise AssertionError("packages were installed for nothing")

    monkeypatch.setattr("clusters.system_packages.ensure", install)
    assert said(capsys, "create", "--mode", "ebpf")[0] == 2


def test_without_clusters_the_list_says_how_to_make_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "list") == (0, "no clusters; ./noxw -s cluster -- create makes one\n")
    assert json.loads(said(capsys, "list", "--json")[1]) == []


def test_the_list_tells_whole_clusters_from_half_made_ones(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    records.folder("grey").mkdir()
    journal = Journal(cluster.state / JOURNAL)
    journal.started(Process(name="etcd", place="rt-blue", pid=os.getpid(), started=start_time(os.getpid())))
    journal.started(Process(name="kubelet", place="rt-blue-n1", pid=2**22 - 1, started=7))
    rows = {row["name"]: row for row in json.loads(said(capsys, "list", "--json")[1])}

    assert (rows["blue"]["state"], rows["blue"]["ended"]) == ("damaged", ["n1 kubelet"])
    assert rows["blue"]["mode"] == cluster.mode
    assert rows["grey"]["state"] == "half-made"
    assert "half-made" in said(capsys, "list")[1]


@pytest.mark.parametrize(
    ("processes", "state"),
    [
        ({"etcd": True, "n1 kubelet": True}, "running"),
        ({"etcd": True, "n1 kubelet": False}, "damaged"),
        ({"etcd": False, "n1 kubelet": False}, "stopped"),
        ({}, "running"),
    ],
)
def test_a_cluster_is_what_its_processes_are(processes: dict[str, bool], state: str) -> None:
    assert cli_views.state_of(processes) == state


def test_a_cluster_is_described(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    shown = said(capsys, "describe", cluster.name)[1]

    assert "client-1" in shown
    assert "4.20 s" in shown
    assert json.loads(said(capsys, "describe", cluster.name, "--json")[1])["name"] == "blue"


@pytest.mark.parametrize("words", [["describe", "red"], ["kubectl", "red", "--", "get", "pods"], ["shell", "red"]])
def test_a_cluster_that_is_not_there_is_told_with_those_that_are(
    words: list[str], cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    status, error = said(capsys, *words)
    assert status == 2
    assert f"There is no cluster called red. Clusters here: {cluster.name}." in error


def test_a_half_made_cluster_is_told_with_how_to_remove_it(state: Path) -> None:
    records.folder("grey").mkdir(parents=True)
    with pytest.raises(ClusterError, match=r"did not come up.*\./noxw -s cluster -- delete grey"):
        lifecycle.load("grey")


def test_a_damaged_record_is_told(cluster: Cluster) -> None:
    (cluster.state / records.FILE).write_text('{"name": "blue"')
    with pytest.raises(ClusterError, match="is damaged"):
        lifecycle.load("blue")


def test_a_record_comes_back_as_it_was(cluster: Cluster) -> None:
    assert lifecycle.load("blue") == cluster


def test_logs_list_what_there_is_and_name_it_where_there_is_none(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in ("etcd.log", "n1/kubelet.log", "n2/kubelet.log"):
        (cluster.state / "logs" / path).parent.mkdir(parents=True, exist_ok=True)
        (cluster.state / "logs" / path).write_text("x" * 2048)

    assert "n2/kubelet.log" in said(capsys, "logs", "blue")[1]
    folder = cli_places.logs_folder("blue")
    assert [path.parent.name for path in cli_places.matching(folder, "kubelet", "")] == ["n1", "n2"]
    assert [path.parent.name for path in cli_places.matching(folder, "kubelet", "n2")] == ["n2"]
    with pytest.raises(UsageError, match=r"Components: etcd, kubelet\. Nodes: n1, n2\."):
        cli_places.matching(folder, "scheduler", "")


def test_logs_of_a_cluster_that_did_not_come_up_are_found(state: Path) -> None:
    records.failed_folder("grey").mkdir(parents=True)
    assert cli_places.logs_folder("grey") == records.failed_folder("grey")
    with pytest.raises(ClusterError, match="no logs of a cluster called white"):
        cli_places.logs_folder("white")


def test_delete_wants_names_or_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "delete")[0] == 2
    assert said(capsys, "delete", "--all", "blue")[0] == 2
    assert said(capsys, "delete", "--all") == (0, "")


def test_delete_goes_on_after_a_cluster_that_would_not_go(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    removed = []

    def delete(name: str) -> None:
        if name == "stuck":
            raise ClusterError("Processes of the cluster stuck do not end: 1.")
        removed.append(name)

    monkeypatch.setattr(lifecycle, "delete", delete)
    status, error = said(capsys, "delete", "stuck", "blue")

    assert (status, removed) == (2, ["blue"])
    assert "do not end" in error


def test_what_follows_the_dashes_is_the_users_own() -> None:
    assert cli.at_dashes(["shell", "a", "--at", "n1", "--", "ls", "--all", "--"]) == (
        ["shell", "a", "--at", "n1"],
        ["ls", "--all", "--"],
    )
    assert cli.at_dashes(["list"]) == (["list"], [])


@pytest.mark.parametrize(("seconds", "age"), [(5, "5s"), (3700, "1h"), (90000, "1d")])
def test_ages_are_short(seconds: int, age: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime, timedelta

    created = (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()
    assert age in cli_views.cells(cli_views.Row(name="a", state="running", created=created))


def test_the_command_line_starts_without_the_libraries_that_only_a_creation_needs() -> None:
    heavy = ("kubernetes", "pyroute2", "cryptography", "httpx")
    code = f"import sys, clusters.cli; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, "PYTHONPATH": ""}
    )
    assert done.stdout.strip() == "[]"
