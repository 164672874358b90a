"""Mutants of what happens while something changes: pods that come and go, nodes, kube-proxy's restarts."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

import clusters
from clusters.addons.api import ClusterApi
from clusters.provider import Cluster
from fixtures.faults import run
from fixtures.vantages import CommandVantage
from fixtures.workloads import Namespace

from .model import Mutant, Object
from .services import programmed

PROXY = "suites/proxy/test_"
SERVICES = "suites/services/test_"


def containers(manifest: Object) -> list[Object]:
    pod = manifest if manifest["kind"] == "Pod" else (manifest.get("spec") or {}).get("template") or {}
    found: list[Object] = pod.get("spec", {}).get("containers", [])
    return found


def pods_end_at_once(manifest: Object, _feature: str) -> Object:
    """Nothing pauses before it ends, nor serves on."""
    changed = deepcopy(manifest)
    for container in containers(changed):
        container.pop("lifecycle", None)
        container["args"] = [word for word in container.get("args", []) if not word.startswith("--delay-shutdown")]
    return changed


def one_slice_is_full(_cluster: Cluster, namespace: Namespace, feature: str) -> None:
    """Beside the controller's slices, one of 150 endpoints that are not there."""
    if feature != "ep.slices.100" or not namespace.slice_sizes("web"):
        return
    namespace.apply_object(
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {"name": "by-hand", "labels": {"kubernetes.io/service-name": "web"}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [f"198.51.100.{number}"]} for number in range(1, 151)],
            "ports": [{"name": "udp", "port": 8081, "protocol": "UDP"}],
        }
    )


def rules_are_flushed(cluster: Cluster, node: str) -> None:
    """As a start script does that cleans up first: every Service rule goes, and kube-proxy starts once more."""
    at_node = CommandVantage(cluster.place(node))
    if cluster.mode == "nftables":
        run(at_node, ["nft", "delete", "table", "ip", "kube-proxy"])
    else:
        run(at_node, ["iptables", "-w", "-t", "nat", "-F", "KUBE-SERVICES"])
    clusters.provider_for(cluster).restart_kube_proxy(cluster, [node], {})


def old_rules_come_back(cluster: Cluster, node: str) -> None:
    """As where something on the node restores rules that it once saved, of whichever mode."""
    at_node = CommandVantage(cluster.place(node))
    run(at_node, ["nft", "add", "table", "ip", "kube-proxy"])
    at_node.exec(["iptables", "-w", "-t", "nat", "-N", "KUBE-SVC-LEFTFROMBEFORE00"])


def kube_proxy_is_frozen(cluster: Cluster, _namespace: Namespace, feature: str) -> None:
    """On the last node kube-proxy takes nothing up any more once the workloads of the check are ready."""
    if feature == "proxy.clean-delete":
        programmed(cluster, _namespace)
        signal_kube_proxy(cluster, "STOP")


@contextmanager
def kube_proxy_thaws(cluster: Cluster) -> Iterator[None]:
    try:
        yield
    finally:
        signal_kube_proxy(cluster, "CONT")


def signal_kube_proxy(cluster: Cluster, signal: str) -> None:
    """Signal the last node's kube-proxy, and no other: the command runs among that node's processes."""
    inside = clusters.provider_for(cluster).entrance(cluster, cluster.nodes[-1].name)
    subprocess.run([*inside, "pkill", f"-{signal}", "-x", "kube-proxy"], check=True, stdin=subprocess.DEVNULL)


@contextmanager
def one_node_announces(cluster: Cluster) -> Iterator[None]:
    """MetalLB announces addresses from the first node alone."""
    api = ClusterApi(cluster.kubeconfig)
    listed = "/apis/metallb.io/v1beta1/namespaces/metallb-system/l2advertisements"
    paths = [f"{listed}/{item['metadata']['name']}" for item in api.get(listed)["items"]]
    chosen = [{"matchLabels": {"kubernetes.io/hostname": cluster.nodes[0].name}}]

    def announce(selectors: object) -> None:
        for path in paths:
            api.request("PATCH", path, {"spec": {"nodeSelectors": selectors}}, "application/merge-patch+json")

    announce(chosen)
    try:
        yield
    finally:
        announce(None)


MUTANTS = (
    Mutant(
        name="pods-end-at-once",
        breaks="pods neither pause before they end nor serve on",
        caught_by=("svc.rolling-update.zero-loss", "svc.terminating"),
        scope=(
            *(f"{SERVICES}rolling_update.py", f"{SERVICES}terminating.py", f"{SERVICES}lb_drops_empty_nodes.py"),
            f"{SERVICES}clusterip_reach.py",
        ),
        change=pods_end_at_once,
    ),
    Mutant(
        name="hand-made-slice-is-full",
        breaks="an EndpointSlice of more than 100 endpoints is made by hand for every Service with a UDP port",
        caught_by=("ep.slices.100",),
        scope=("suites/endpoints/test_many.py", f"{SERVICES}protocol_udp.py"),
        after_ready=one_slice_is_full,
    ),
    Mutant(
        name="one-node-announces",
        breaks="MetalLB announces load balancer addresses from the first node alone",
        caught_by=("svc.lb.drops-empty-nodes",),
        scope=(f"{SERVICES}lb_drops_empty_nodes.py", f"{SERVICES}lb_address.py"),
        during=one_node_announces,
    ),
    Mutant(
        name="restart-flushes-the-rules",
        breaks="whoever restarts kube-proxy has all its rules removed first",
        caught_by=("proxy.restart",),
        scope=(f"{PROXY}restart.py", f"{PROXY}rules.py"),
        modes=("iptables", "nftables"),
        after_restart=rules_are_flushed,
    ),
    Mutant(
        name="old-rules-come-back",
        breaks="something on the nodes restores Service rules of before when kube-proxy has started",
        caught_by=("proxy.live-switch",),
        scope=(f"{PROXY}live_switch.py", f"{PROXY}restart.py", f"{PROXY}rules.py"),
        modes=("iptables", "nftables"),
        after_restart=old_rules_come_back,
    ),
    Mutant(
        name="kube-proxy-is-frozen",
        breaks="the last node's kube-proxy takes nothing up any more",
        caught_by=("proxy.clean-delete",),
        # Bystanders that make no Service: their names are resolved by rules of before.
        scope=(f"{PROXY}clean_delete.py", "suites/dns/test_resolv_conf.py"),
        after_ready=kube_proxy_is_frozen,
        during=kube_proxy_thaws,
    ),
)
