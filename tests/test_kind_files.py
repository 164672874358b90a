"""What kind and its nodes are given: configuration, scripts, archives, the base image's files."""

from __future__ import annotations

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from clusters import icmp
from clusters.components.catalogue import catalogue
from clusters.embedded.addresses import plan
from clusters.errors import ComponentError
from clusters.families import Family
from clusters.images.archive import build
from clusters.images.layers import TarStream, file
from clusters.kind import archives, base_image, configuration, node_image, pod_network
from clusters.kind.configuration import Node
from clusters.kind.node_network import NodeNetwork
from clusters.provider import MODES, ClusterSpec, Mode

NODES = [
    Node(name=name, addresses={"IPv4": address}, pod_subnets={"IPv4": pods}, zone=zone)
    for name, address, pods, zone in (
        ("a-control-plane", "172.30.0.2", "10.244.0.0/24", "zone-a"),
        ("a-worker", "172.30.0.3", "10.244.1.0/24", "zone-b"),
    )
]
DUAL = [
    msgspec.structs.replace(
        node,
        addresses={**node.addresses, "IPv6": f"fd00:172:30::{number}"},
        pod_subnets={**node.pod_subnets, "IPv6": f"fd00:10:244:{number}::/64"},
    )
    for number, node in enumerate(NODES, 2)
]
BOTH: list[Family] = ["IPv4", "IPv6"]
NETWORK = NodeNetwork(name="roadtest-a", addresses=plan(ClusterSpec(name="a")))
DUAL_NETWORK = NodeNetwork(name="roadtest-a", addresses=plan(ClusterSpec(name="a", families=BOTH)))


def told_to_kind(spec: ClusterSpec, *, own: bool = False) -> dict[str, Any]:
    found = yaml.safe_load(configuration.configuration(spec, plan(spec), own_network=own))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("own", [True, False])
def test_kind_is_told_mode_nodes_and_zones(mode: Mode, own: bool) -> None:
    told = told_to_kind(ClusterSpec(name="a", mode=mode), own=own)
    networking = told["networking"]
    assert (networking["kubeProxyMode"], networking["disableDefaultCNI"], networking["dnsSearch"]) == (mode, own, [])
    assert "apiServerPort" not in networking
    assert [node["role"] for node in told["nodes"]] == ["control-plane", "worker", "worker"]
    assert [next(iter(node["labels"].values())) for node in told["nodes"]] == ["zone-a", "zone-a", "zone-b"]
    patches = {patch["kind"]: patch for patch in map(yaml.safe_load, told["kubeadmConfigPatches"])}
    assert patches["InitConfiguration"]["nodeRegistration"]["taints"] == []
    assert patches["KubeletConfiguration"]["failCgroupV1"] is False
    assert patches["KubeProxyConfiguration"][mode]["minSyncPeriod"] == "100ms"
    assert patches["ClusterConfiguration"]["networking"] == {"dnsDomain": "cluster.local"}


def test_kubeadm_is_told_the_domain_of_the_clusters_names() -> None:
    told = told_to_kind(ClusterSpec(name="a", dns_domain="example.test"))
    patches = {patch["kind"]: patch for patch in map(yaml.safe_load, told["kubeadmConfigPatches"])}
    assert patches["ClusterConfiguration"]["networking"] == {"dnsDomain": "example.test"}


def test_a_port_that_is_asked_for_is_kind_s() -> None:
    told = told_to_kind(ClusterSpec(name="a", api_port=7443))
    assert told["networking"]["apiServerPort"] == 7443


@pytest.mark.parametrize(
    ("families", "family", "pods", "services"),
    [
        (["IPv4"], "ipv4", "10.244.0.0/16", "10.96.0.0/16"),
        (["IPv6"], "ipv6", "fd00:10:244::/56", "fd00:10:96::/112"),
        (BOTH, "dual", "10.244.0.0/16,fd00:10:244::/56", "10.96.0.0/16,fd00:10:96::/112"),
    ],
)
def test_kind_is_told_the_families_and_their_ranges(
    families: list[Family], family: str, pods: str, services: str
) -> None:
    networking = told_to_kind(ClusterSpec(name="a", families=families))["networking"]
    assert (networking["ipFamily"], networking["podSubnet"], networking["serviceSubnet"]) == (family, pods, services)
    assert networking["apiServerAddress"] == "127.0.0.1"


def test_a_node_is_read_from_the_api() -> None:
    told = {
        "metadata": {"name": "a-worker", "labels": {"topology.kubernetes.io/zone": "zone-b"}},
        "spec": {"podCIDR": "10.244.1.0/24", "podCIDRs": ["10.244.1.0/24", "fd00:10:244:3::/64"]},
        "status": {
            "addresses": [
                {"type": "Hostname", "address": "x"},
                *({"type": "InternalIP", "address": address} for address in ("172.30.0.3", "fd00:172:30::3")),
            ]
        },
    }
    assert configuration.node(told) == DUAL[1]
    assert list(DUAL[1].addresses) == ["IPv4", "IPv6"]


def test_a_node_s_scripts_are_shell_and_lead_nowhere_else(tmp_path: Path) -> None:
    script = pod_network.seal(NETWORK, NODES[0]) + pod_network.set_up(NODES[1], NODES, {"IPv4": "10.244.0.0/16"})
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    assert "0.0.0.0/0 via 172.30.0.151" in script
    assert "nameserver 172.30.0.151" in script
    assert "ip route replace 10.244.0.0/24 via 172.30.0.2" in script
    assert "10.244.1.0/24 via" not in script  # its own pods are not behind another node
    written = script.split(f"cat > {pod_network.FILE} <<'END'\n")[1].split("\nEND\n")[0]
    assert json.loads(written)["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "10.244.1.0/24"}]]


def test_a_dual_stack_node_s_scripts_are_of_both_families() -> None:
    pods: dict[Family, str] = {"IPv4": "10.244.0.0/16", "IPv6": "fd00:10:244::/56"}
    script = pod_network.seal(DUAL_NETWORK, DUAL[0]) + pod_network.set_up(DUAL[1], DUAL, pods)
    subprocess.run(["sh", "-n"], input=script, text=True, check=True)
    assert "ip route replace 0.0.0.0/0 via 172.30.0.151" in script
    assert "ip route replace ::/0 via fd00:172:30::97" in script
    assert "ip route replace fd00:10:244:2::/64 via fd00:172:30::2" in script
    assert "ip6 saddr fd00:10:244::/56 ip6 daddr != fd00:10:244::/56" in script
    written = json.loads(script.split(f"cat > {pod_network.FILE} <<'END'\n")[1].split("\nEND\n")[0])
    assert [part[0]["subnet"] for part in written["plugins"][0]["ipam"]["ranges"]] == [
        *("10.244.1.0/24", "fd00:10:244:3::/64")
    ]


def test_the_way_out_is_closed_in_the_family_too_that_the_cluster_lacks() -> None:
    six = NodeNetwork(name="roadtest-a", addresses=plan(ClusterSpec(name="a", families=["IPv6"])))
    script = pod_network.seal(six, DUAL[0])
    assert "ip route replace ::/0 via fd00:172:30::97" in script
    assert "ip route del 0.0.0.0/0" in script
    assert "nameserver fd00:172:30::97" in script


def test_a_node_s_refusals_are_not_rationed() -> None:
    own_network = ["unshare", "--map-root-user", "--net", "sh", "-e"]
    if subprocess.run(own_network, input=b"true", check=False, capture_output=True).returncode:
        pytest.skip("no namespaces for this user")
    read = "".join(f"cat /proc/sys/{name}\n" for name in icmp.RATIONS.values())
    usual = subprocess.run(own_network, input=read, check=True, capture_output=True, text=True)
    assert "0" not in usual.stdout.split()
    ours = pod_network.refuse_freely(["IPv4", "IPv6"]) + read
    assert subprocess.run(own_network, input=ours, check=True, capture_output=True, text=True).stdout == "0\n0\n"


def test_archives_become_one_that_kind_reads_every_name_of(tmp_path: Path) -> None:
    common = TarStream({"etc/common": file(b"common")})
    for name in ("one", "two"):
        own = TarStream({f"bin/{name}": file(name.encode(), 0o755)})
        build(tmp_path / f"{name}.tar", f"registry.k8s.io/{name}:v1", "amd64", [common, own], {"Entrypoint": []})
    names = {
        tmp_path / "one.tar": ["registry.k8s.io/one:v1", "registry.k8s.io/one:v1-0"],
        tmp_path / "two.tar": ["docker.io/kindest/two:v1"],
    }
    archives.combine(tmp_path / "both.tar", names)
    with tarfile.open(tmp_path / "both.tar") as both:
        members = both.getnames()

        def told(name: str) -> object:
            found = both.extractfile(name)
            assert found is not None
            return json.load(found)

        assert members[0] == "repositories"  # kind stops at the first of these files
        assert told("repositories").keys() == {"registry.k8s.io/one", "docker.io/kindest/two"}  # type: ignore[attr-defined]
        assert len(members) == len(set(members))
        index = told("index.json")["manifests"]  # type: ignore[index]
        listed = [one["annotations"]["io.containerd.image.name"] for one in index]
        assert listed == [name for every in names.values() for name in every]
        for one in index:
            assert f"blobs/sha256/{one['digest'].removeprefix('sha256:')}" in members
        assert [one["RepoTags"] for one in told("manifest.json")] == list(names.values())  # type: ignore[attr-defined]


def test_every_image_that_kubeadm_and_kind_ask_for_has_one_that_stands_for_it() -> None:
    found = {name: Path(name) for name in [*catalogue().images.values(), *catalogue().node_images.values()]}
    wanted = ["registry.k8s.io/etcd:3.6.5-0", "registry.k8s.io/pause:3.10", "docker.io/kindest/kindnetd:v2026-69b"]
    names = node_image.names_of(found, wanted)
    assert wanted[0] in names[Path(catalogue().node_images["etcd"])]
    assert wanted[1:] == names[Path(catalogue().images["pause"])][1:]
    with pytest.raises(ComponentError, match=r"can stand for registry\.k8s\.io/new:1"):
        node_image.names_of(found, ["registry.k8s.io/new:1"])


def test_a_node_image_s_name_changes_with_what_it_is_made_from() -> None:
    pins, extra = catalogue(), node_image.node_images()
    before = node_image._digest(extra, pins)
    proxy = pins.node_images["kube-proxy"]
    recipe = msgspec.structs.replace(extra[proxy].recipe, cmd=["--new"])
    changed = {**extra, proxy: msgspec.structs.replace(extra[proxy], recipe=recipe)}
    assert node_image._digest(changed, pins) != before
    newer = msgspec.structs.replace(pins.components["containerd"], version="9.9.9")
    other = msgspec.structs.replace(pins, components={**pins.components, "containerd": newer})
    assert node_image._digest(extra, other) != before
    assert node_image.base_digest(other) != node_image.base_digest(pins)


def test_kind_s_files_are_amended_only_where_they_are_as_expected(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("restrict_oom_score_adj = false\n")
    base_image.amend(path, "restrict_oom_score_adj = false", "restrict_oom_score_adj = true")
    assert path.read_text() == "restrict_oom_score_adj = true\n"
    with pytest.raises(ComponentError, match="has no line"):
        base_image.amend(path, "restrict_oom_score_adj = false", "")


def test_containers_get_kind_s_hook_and_no_limits() -> None:
    made = base_image.container_defaults({"process": {"rlimits": [1], "cwd": "/"}, "ociVersion": "1"})
    assert made["process"] == {"cwd": "/"}
    assert made["hooks"] == {"createContainer": [{"path": "/kind/bin/mount-product-files.sh"}]}
