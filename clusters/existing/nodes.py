"""The nodes, kube-proxy's mode, and who serves LoadBalancers: what the nodes and kube-system show of them."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterable
from contextlib import suppress

import msgspec
import yaml

from clusters.families import FAMILIES, Family, family_of
from clusters.provider import MODES, SeenMode

from .capabilities import HIDDEN, Node, Seen
from .reading import Object, Reader

SYSTEM = "kube-system"
CONFIG_MAPS = (("kube-proxy", "config.conf"), ("kube-proxy-config", "config"))
"""kubeadm's (https://kubernetes.io/docs/reference/setup-tools/kubeadm/implementation-details/) and EKS's."""
KUBE_PROXY_CONFIG = f"ConfigMap {SYSTEM}/{CONFIG_MAPS[0][0]}"
"""How the mode is known of a kube-proxy that kubeadm set up."""
INSTEAD = {"cilium": "Cilium", "anetd": "GKE Dataplane V2", "calico-node": "Calico", "ovnkube-node": "OVN-Kubernetes"}
"""DaemonSets of network plugins that can do kube-proxy's work."""
CLOUDS = {
    "aws": "AWS",
    "gce": "Google Cloud",
    "azure": "Azure",
    "openstack": "OpenStack",
    "digitalocean": "DigitalOcean",
}
METALLB = "MetalLB"
METRICS_PORT = 10249
ALL_SERVICES = "Services of all namespaces"


def by_family(texts: Iterable[str]) -> dict[Family, str]:
    """The first address, subnet or range of each family; what is none is passed over."""
    found: dict[Family, str] = {}
    for text in texts:
        with suppress(ValueError):
            found.setdefault(family_of(text), text)
    return found


def nodes(reader: Reader) -> list[Node]:
    """Every node that has a kubelet of its own."""
    return [node_of(item) for item in reader.items("nodes", "/api/v1/nodes")]


def node_of(item: Object) -> Node:
    metadata, spec, status = item["metadata"], item.get("spec", {}), item.get("status", {})
    addresses = [entry["address"] for entry in status.get("addresses", []) if entry["type"] == "InternalIP"]
    subnets = spec.get("podCIDRs") or [spec[key] for key in ("podCIDR",) if spec.get(key)]
    info = status.get("nodeInfo", {})
    return Node(
        name=metadata["name"],
        addresses=by_family(addresses),
        pod_subnets=by_family(subnets),
        zone=metadata.get("labels", {}).get("topology.kubernetes.io/zone", ""),
        system=info.get("osImage", ""),
        kernel=info.get("kernelVersion", ""),
        runtime=info.get("containerRuntimeVersion", ""),
        kubelet=info.get("kubeletVersion", "").removeprefix("v"),
        provider_id=spec.get("providerID", ""),
    )


def mode(reader: Reader, version: str, every: list[Node]) -> Seen:
    """kube-proxy's mode: from its configuration, its arguments, k3s's, or what it says itself."""
    for name, key in CONFIG_MAPS:
        found = reader.one("kube-proxy's configuration", f"/api/v1/namespaces/{SYSTEM}/configmaps/{name}") or {}
        if text := found.get("data", {}).get(key):
            told = yaml.safe_load(text) or {}
            return Seen(value=str(told.get("mode") or "iptables"), how=f"ConfigMap {SYSTEM}/{name}")
    path = f"/apis/apps/v1/namespaces/{SYSTEM}/daemonsets"
    daemons = {item["metadata"]["name"]: item for item in reader.items("DaemonSets of kube-system", path)}
    if "kube-proxy" in daemons:
        containers = daemons["kube-proxy"]["spec"]["template"]["spec"]["containers"]
        words = " ".join(word for part in containers for word in [*part.get("command", []), *part.get("args", [])])
        if found_mode := re.search(r"--proxy-mode[= ](\w+)", words):
            return Seen(value=found_mode[1], how="arguments of DaemonSet kube-proxy")
    if "+k3s" in version or "+rke2" in version:
        return Seen(value=of_k3s(reader), how="arguments of k3s")
    for node in every[:1]:
        where = f"/api/v1/nodes/{node.name}:{METRICS_PORT}/proxy/proxyMode"
        told_mode = reader.text("kube-proxy's own word", where)
        if told_mode in MODES:
            return Seen(value=told_mode, how=f"kube-proxy's own word on {node.name}")
    instead = [title for name, title in INSTEAD.items() if name in daemons]
    if instead and "kube-proxy" not in daemons:
        return Seen(value="unknown", how=f"there is {instead[0]}, and no kube-proxy to be seen")
    return Seen(value="unknown", how=f"{HIDDEN} by the API; name it with --mode")


def of_k3s(reader: Reader) -> str:
    """https://docs.k3s.io/cli/server: what is not said is iptables."""
    for item in reader.items("nodes", "/api/v1/nodes"):
        told = item["metadata"].get("annotations", {}).get("k3s.io/node-args", "[]")
        if found := re.search(r"proxy-mode=(\w+)", " ".join(map(str, json.loads(told)))):
            return found[1]
    return "iptables"


def as_mode(seen: str) -> SeenMode:
    return msgspec.convert(seen, SeenMode) if seen in MODES else "unknown"


def load_balancer(reader: Reader, version: str, every: list[Node]) -> tuple[Seen, dict[Family, str]]:
    """Who serves LoadBalancers, and MetalLB's range of addresses (first and last) in each family that has just one."""
    pools = reader.items("MetalLB's pools", "/apis/metallb.io/v1beta1/ipaddresspools")
    if pools:
        ranges = [text for item in pools for text in item["spec"].get("addresses", [])]
        seen = Seen(value=METALLB, how=f"pools {', '.join(ranges)}")
        whole = {
            family: [of_range(text) for text in ranges if by_family([text]).keys() == {family}] for family in FAMILIES
        }
        return seen, {family: found[0] for family, found in whole.items() if len(found) == 1}
    daemons = reader.items(
        "DaemonSets of kube-system",
        f"/apis/apps/v1/namespaces/{SYSTEM}/daemonsets?labelSelector=svccontroller.k3s.cattle.io%2Fsvcname",
    )
    if daemons or "+k3s" in version:
        return Seen(value="k3s ServiceLB", how=f"{len(daemons)} Services have it now"), {}
    for node in every:
        cloud = node.provider_id.partition("://")[0]
        if cloud in CLOUDS:
            return Seen(value=CLOUDS[cloud], how="the nodes' provider id"), {}
    services = reader.items(ALL_SERVICES, "/api/v1/services")
    ours = [item for item in services if item["spec"].get("type") == "LoadBalancer"]
    served = [item for item in ours if item.get("status", {}).get("loadBalancer", {}).get("ingress")]
    if served:
        return Seen(value="served", how=f"{len(served)} of {len(ours)} Services have an address"), {}
    return Seen(value="not known", how=f"{len(ours)} Services wait for an address" if ours else ""), {}


def of_range(text: str) -> str:
    """``192.0.2.0/28`` or ``192.0.2.1-192.0.2.9`` as first and last address."""
    if "/" in text:
        network = ipaddress.ip_network(text.strip(), strict=False)
        return f"{network[0]}-{network[-1]}"
    first, _, last = text.partition("-")
    return f"{first.strip()}-{last.strip()}"


def distribution(version: str, every: list[Node]) -> str:
    """Whose Kubernetes it is, where its version or its nodes tell."""
    for mark, name in (("-eks-", "EKS"), ("-gke.", "GKE"), ("+k3s", "k3s"), ("+rke2", "RKE2")):
        if mark in version:
            return name
    schemes = {node.provider_id.partition("://")[0] for node in every}
    if "kind" in schemes:
        return "kind"
    return "AKS" if "azure" in schemes else ""
