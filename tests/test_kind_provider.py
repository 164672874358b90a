"""The kind provider against a docker command of ours: what it asks for, and what it leaves alone."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from clusters import records
from clusters.embedded import machine, names
from clusters.errors import ClusterError, MachineError
from clusters.kind import KindProvider, checks, containers, node_network
from clusters.kind.engine import Engine
from clusters.kind.provider import ENGINE_FILE
from clusters.kind.removal import LOADED_FILE
from clusters.progress import SilentProgress
from clusters.provider import ClusterSpec
from tests.miniatures.docker import Docker, container

KIND = "label=io.x-k8s.kind.cluster=blue"


@pytest.fixture
def engine() -> Engine:
    return Engine(host="tcp://127.0.0.1:1")


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine) -> Docker:
    monkeypatch.setenv("ROADTEST_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(names, "RUN_FOLDER", tmp_path / "run")
    monkeypatch.setattr("clusters.kind.engine.find", lambda: (engine, ""))
    return Docker(tmp_path, monkeypatch)


def half_made(name: str, engine: Engine) -> Path:
    """What the provider writes before anything else of a cluster."""
    folder = records.folder(name)
    folder.mkdir(parents=True)
    records.mark(name, "kind")
    (folder / ENGINE_FILE).write_bytes(msgspec.json.encode(engine))
    return folder


def test_a_half_made_cluster_is_known_and_removed_whole(docker: Docker, engine: Engine) -> None:
    folder = half_made("blue", engine)
    (folder / LOADED_FILE).write_text('["agnhost"]')
    docker.has(
        containers=[
            container("aaa", "blue-worker", KIND, "network=roadtest-blue"),
            container("bbb", "blue-client-1", "label=roadtest.cluster=blue"),
            container("ccc", "other-worker", "label=io.x-k8s.kind.cluster=other"),
        ],
        networks=[{"Name": "roadtest-blue"}, {"Name": "kind"}],
    )
    provider = KindProvider()
    assert provider.names() == ["blue"]
    provider.delete("blue")
    assert docker.told("rm") == [["rm", "--force", "--volumes", "aaa", "bbb"]]
    assert docker.told("network", "rm") == [["network", "rm", "roadtest-blue"]]
    assert docker.told("rmi") == [["rmi", "agnhost"]]
    assert not folder.exists()
    assert provider.names() == []


def test_a_kind_cluster_that_is_not_ours_is_never_touched(docker: Docker) -> None:
    docker.has(containers=[container("aaa", "blue-control-plane", KIND, "network=kind")])
    with pytest.raises(ClusterError, match="called blue already, and it is not ours"):
        KindProvider().create(ClusterSpec(name="blue"), SilentProgress())
    KindProvider().delete("blue")
    assert docker.told("rm") == []
    assert not records.folder("blue").exists()


def test_nothing_is_forgotten_while_the_engine_does_not_answer(docker: Docker, engine: Engine) -> None:
    folder = half_made("blue", engine)
    docker.has(fails={"info": "Cannot connect to the Docker daemon"})
    with pytest.raises(ClusterError, match="does not answer"):
        KindProvider().delete("blue")
    assert folder.exists()


def test_an_engine_of_our_own_that_was_stopped_took_its_clusters_along(docker: Docker) -> None:
    folder = half_made("blue", Engine(host="unix:///nowhere.sock", ours=True))
    docker.has(fails={"info": "Cannot connect to the Docker daemon"})
    KindProvider().delete("blue")
    assert not folder.exists()


def test_without_an_image_and_a_registry_one_sentence_says_what_to_do(
    docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "FREE_BYTES", 0)
    docker.has(fails={"pull": "dial tcp: network is unreachable."})
    with pytest.raises(MachineError, match=r"has no node image.*network is unreachable\. Build one.*-s node-image"):
        KindProvider().create(ClusterSpec(name="blue"), SilentProgress())
    assert not records.folder("blue").exists()


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"api": "1.40"}, "is too old for kind"),
        (
            {"info": {"SecurityOptions": ["name=rootless"], "CgroupVersion": "1", "KernelVersion": "other"}},
            "is rootless and this machine has cgroup v1",
        ),
    ],
    ids=["old engine", "rootless on v1"],
)
def test_an_engine_that_kind_cannot_use_is_refused(
    docker: Docker, engine: Engine, tmp_path: Path, changes: dict[str, object], cause: str
) -> None:
    docker.has(**changes)
    with pytest.raises(MachineError, match=cause):
        checks.check(ClusterSpec(name="blue"), engine, tmp_path)


def test_a_rootless_engine_with_cgroup_v2_is_right(docker: Docker, engine: Engine, tmp_path: Path) -> None:
    docker.has(info={"SecurityOptions": ["name=rootless"], "CgroupVersion": "2", "KernelVersion": "other"})
    checks.check(ClusterSpec(name="blue"), engine, tmp_path)


def test_a_full_disk_is_told(docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    docker.has(info={"KernelVersion": os.uname().release, "DockerRootDir": str(tmp_path), "CgroupVersion": "2"})
    monkeypatch.setattr(checks, "FREE_BYTES", 10**18)
    with pytest.raises(MachineError, match=r"GB are free at .*a kind cluster may need.* docker system df"):
        checks.check(ClusterSpec(name="blue"), Engine(host="unix:///nowhere.sock"), tmp_path)


def test_mode_ipvs_is_asked_of_the_engine_s_own_kernel(docker: Docker, engine: Engine) -> None:
    docker.has(images=[{"Id": "x", "Name": "docker.io/kindest/node:v1.36.3"}], fails={"run": "modprobe: not found"})
    checks.check_mode("nftables", engine)
    with pytest.raises(MachineError, match=r"kernel other lacks IP_VS.*modprobe: not found\. Load the module"):
        checks.check_mode("ipvs", engine)
    docker.has(fails={})
    checks.check_mode("ipvs", engine)


def test_the_usual_subnet_gives_way_and_one_that_was_asked_for_does_not(docker: Docker, engine: Engine) -> None:
    docker.has(taken=["172.30.0.0/24", "172.30.1.0/24", "192.168.7.0/24"])
    made = node_network.make(engine, ClusterSpec(name="blue"))
    planned = made.addresses
    assert (planned.node_subnet, planned.pool) == ("172.30.2.0/24", "172.30.2.200-172.30.2.250")
    assert planned.clients == {"client-1": "172.30.2.101", "client-2": "172.30.2.102"}
    assert made.sinks == {"IPv4": planned.servers["server-1"]} == {"IPv4": "172.30.2.151"}
    dynamic = docker.told("network", "create")[-1]
    assert dynamic[dynamic.index("--ip-range") + 1] == "172.30.2.0/26"
    assert "--ipv6" not in dynamic
    with pytest.raises(MachineError, match="No subnet is free"):
        node_network.make(engine, ClusterSpec(name="blue", node_subnet="192.168.7.0/24"))


def test_a_dual_stack_network_has_a_subnet_of_each_family(docker: Docker, engine: Engine) -> None:
    docker.has(taken=["172.30.0.0/24"])
    made = node_network.make(engine, ClusterSpec(name="blue", families=["IPv4", "IPv6"]))
    assert [one.node_subnet for one in made.addresses.every] == ["172.30.1.0/24", "fd00:172:30:1::/64"]
    told = docker.told("network", "create")[-1]
    assert "--ipv6" in told
    ranges = [told[number + 1] for number, word in enumerate(told) if word == "--ip-range"]
    assert ranges == ["172.30.1.0/26", "fd00:172:30:1::/122"]


def test_a_process_of_the_same_id_on_this_machine_is_not_the_container(
    docker: Docker, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    told = container("aaa", "blue-worker", Pid=os.getpid())
    assert containers.process_folder_of(engine, told) is None
    told["Config"]["Hostname"] = Path("/etc/hostname").read_text().strip()
    assert containers.process_folder_of(engine, told) == Path(f"/proc/{os.getpid()}")


def test_a_container_is_entered_only_where_its_network_is_known_here(
    docker: Docker, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    there = container("aaa", "blue-client-1")
    there["NetworkSettings"]["SandboxKey"] = str(tmp_path)
    away = container("bbb", "blue-client-2")
    away["NetworkSettings"]["SandboxKey"] = "/var/run/docker/netns/0123"
    docker.has(containers=[there, away])
    entered = containers.place(engine, "blue-client-1", "client-1", "client", {"IPv4": "172.30.0.101"})
    assert (entered.netns, entered.command) == (str(tmp_path), ["nsenter", f"--net={tmp_path}"])
    commanded = containers.place(engine, "blue-client-2", "client-2", "client", {"IPv4": "172.30.0.102"})
    assert commanded.netns == ""
    assert commanded.command[1:] == ["--host", "tcp://127.0.0.1:1", "exec", "-i", "blue-client-2"]
    node = containers.place(engine, "blue-client-1", "n", "node", {"IPv4": "172.30.0.2"})
    assert node.netns
    assert node.command[-3:] == ["exec", "-i", "blue-client-1"]


def test_no_proxy_is_handed_on_to_the_nodes(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:3128")
    monkeypatch.setenv("no_proxy", "localhost")
    assert not {"HTTPS_PROXY", "no_proxy"} & engine.environment.keys()
    assert engine.environment["DOCKER_HOST"] == engine.host


def test_the_kernel_of_this_machine_is_told_from_another(docker: Docker) -> None:
    local = Engine(host="unix:///var/run/docker.sock")
    assert not checks.here(local)
    docker.has(info={"KernelVersion": os.uname().release})
    assert checks.here(local)
    assert machine.IPVS.cure.startswith("Load the module ip_vs")
