"""What the parts of a cluster are told: secure, equal in every mode, and right for the machine they run on."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
import yaml

from clusters.embedded import control_plane, masquerade, node_files
from clusters.embedded.addresses import plan
from clusters.embedded.identities import Identities
from clusters.embedded.node_files import Host, NodeFolders
from clusters.provider import MODES, ClusterSpec, Mode

ADDRESSES = plan(ClusterSpec(name="a"))
FOLDERS = NodeFolders(Path("/state/a/nodes/n1"))


@pytest.fixture
def identities(tmp_path: Path) -> Identities:
    return Identities(tmp_path / "pki", ADDRESSES)


@pytest.fixture
def commands(identities: Identities) -> dict[str, list[str]]:
    program = Path("/bin/program")
    return {
        "etcd": control_plane.etcd(program, Path("/state/a/etcd"), identities),
        "kube-apiserver": control_plane.api_server(program, ADDRESSES, identities),
        "kube-controller-manager": control_plane.controller_manager(program, ADDRESSES, identities),
        "kube-scheduler": control_plane.scheduler(program, identities),
    }


def test_nobody_is_let_in_without_a_certificate(commands: dict[str, list[str]]) -> None:
    words = " ".join(word for command in commands.values() for word in command)

    assert "insecure" not in words
    assert "token-auth" not in words
    assert "AlwaysAllow" not in words
    assert "http://" not in words
    assert "--client-cert-auth" in commands["etcd"]
    assert "--peer-client-cert-auth" in commands["etcd"]


def test_the_api_server_authorises_by_node_and_role(commands: dict[str, list[str]]) -> None:
    command = commands["kube-apiserver"]

    assert "--authorization-mode=Node,RBAC" in command
    assert "--enable-admission-plugins=NodeRestriction" in command
    assert any(word.startswith("--kubelet-certificate-authority=") for word in command)
    assert any(word.startswith("--requestheader-client-ca-file=") for word in command)


def test_controllers_act_by_their_own_roles(commands: dict[str, list[str]]) -> None:
    assert "--use-service-account-credentials=true" in commands["kube-controller-manager"]


def kubelet() -> dict[str, object]:
    text = node_files.kubelet("a", "n1", FOLDERS, ADDRESSES, Path("/state/a/pki"), Path("/state/a/resolv.conf"))
    document: dict[str, object] = yaml.safe_load(text)
    return document


def test_the_kubelet_asks_the_api_server_who_may_what() -> None:
    document = kubelet()

    assert document["authentication"] == {
        "anonymous": {"enabled": False},
        "webhook": {"enabled": True, "cacheTTL": "2m0s"},
        "x509": {"clientCAFile": "/state/a/pki/ca.crt"},
    }
    assert document["authorization"] == {"mode": "Webhook"}
    assert document["readOnlyPort"] == 0


def test_the_kubelet_runs_on_both_kinds_of_cgroups() -> None:
    document = kubelet()

    assert document["failCgroupV1"] is False
    assert document["cgroupRoot"] == "/roadtest/a/n1"
    # Without it the kubelet names no parent, and containers end up where no removal looks for them.
    assert document["cgroupsPerQOS"] is True
    assert document["clusterDNS"] == ["10.96.0.10"]


@pytest.mark.parametrize("mode", MODES)
def test_kube_proxy_syncs_as_often_in_every_mode(mode: Mode) -> None:
    document = yaml.safe_load(node_files.kube_proxy(mode, "n1", ADDRESSES, Path("/state/a/pki/kube-proxy.kubeconfig")))

    assert document["mode"] == mode
    assert document["iptables"] == document["nftables"] == document["ipvs"]
    assert document["iptables"]["minSyncPeriod"] == node_files.KUBE_PROXY_MIN_SYNC_PERIOD
    assert document["clusterCIDR"] == "10.244.0.0/16"
    # Writing the machine's conntrack limits from a namespace fails, and kube-proxy with it.
    assert document["conntrack"] == {
        "maxPerCore": 0,
        "min": 0,
        "tcpEstablishedTimeout": "0s",
        "tcpCloseWaitTimeout": "0s",
    }


@pytest.mark.parametrize("lowers", [True, False])
def test_containerd_leaves_the_oom_score_alone_only_where_it_must(lowers: bool) -> None:
    host = Host(lowers_oom_score=lowers, runc=Path("/usr/sbin/runc"))
    text = node_files.containerd(FOLDERS, [Path("/a b"), Path("/c")], Path("/x/shim"), "registry.k8s.io/pause:1", host)
    document = tomllib.loads(text)
    runtime = document["plugins"]["io.containerd.cri.v1.runtime"]

    assert runtime["restrict_oom_score_adj"] is not lowers
    assert runtime["netns_mounts_under_state_dir"] is True
    assert runtime["cni"]["bin_dirs"] == ["/a b", "/c"]
    assert runtime["containerd"]["runtimes"]["runc"]["options"]["BinaryName"] == "/usr/sbin/runc"
    assert document["plugins"]["io.containerd.cri.v1.images"]["pinned_images"]["sandbox"] == "registry.k8s.io/pause:1"


def test_a_pod_gets_its_address_from_its_nodes_range() -> None:
    document = json.loads(node_files.pod_network("a", "n2", ADDRESSES))

    assert document["plugins"][0]["ipam"]["ranges"] == [[{"subnet": "10.244.2.0/24"}]]
    assert document["plugins"][0]["ipMasq"] is False
    assert [plugin["type"] for plugin in document["plugins"]] == ["ptp", "portmap"]


def test_a_dual_stack_cluster_tells_its_parts_of_both_families(identities: Identities) -> None:
    both = plan(ClusterSpec(name="a", families=["IPv4", "IPv6"]))
    server = control_plane.api_server(Path("/bin/program"), both, identities)
    manager = control_plane.controller_manager(Path("/bin/program"), both, identities)
    proxy = yaml.safe_load(node_files.kube_proxy("nftables", "n1", both, Path("kubeconfig")))
    ipam = json.loads(node_files.pod_network("a", "n2", both))["plugins"][0]["ipam"]

    assert "--service-cluster-ip-range=10.96.0.0/16,fd00:10:96::/112" in server
    assert "--cluster-cidr=10.244.0.0/16,fd00:10:244::/56" in manager
    assert (proxy["clusterCIDR"], proxy["bindAddress"]) == ("10.244.0.0/16,fd00:10:244::/56", "0.0.0.0")
    assert ipam["ranges"] == [[{"subnet": "10.244.2.0/24"}], [{"subnet": "fd00:10:244:2::/64"}]]
    assert ipam["routes"] == [{"dst": "0.0.0.0/0"}, {"dst": "::/0"}]


def test_kube_proxy_of_an_ipv6_cluster_listens_there() -> None:
    six = plan(ClusterSpec(name="a", families=["IPv6"]))
    proxy = yaml.safe_load(node_files.kube_proxy("iptables", "n1", six, Path("kubeconfig")))

    assert (proxy["bindAddress"], proxy["healthzBindAddress"]) == ("::", "[::]:10256")
    assert "table ip6 t" in masquerade.rules({"IPv6": six.pod_subnet}, "t", "eth0")
    assert "ip saddr" not in masquerade.rules({"IPv6": six.pod_subnet}, "t", "eth0")


def test_a_kernel_without_nftables_masquerades_the_same_packets_by_iptables() -> None:
    (command,) = masquerade.iptables_commands({"IPv6": "fd00:1::/64"}, "eth0")
    assert command[0] == "ip6tables"
    assert " ".join(command).endswith(
        "POSTROUTING --source fd00:1::/64 ! --destination fd00:1::/64 --out-interface eth0 --jump MASQUERADE"
    )


def test_a_slow_machine_is_given_a_slower_heartbeat_and_never_a_slower_one_than_usual(identities: Identities) -> None:
    def beats(patience: float) -> set[str]:
        words = control_plane.etcd(Path("/bin/etcd"), Path("/data"), identities, patience)
        return {word for word in words if "heartbeat" in word or "election" in word}

    assert beats(1) == {"--heartbeat-interval=10", "--election-timeout=100"}
    assert beats(50) == {"--heartbeat-interval=100", "--election-timeout=1000"}
