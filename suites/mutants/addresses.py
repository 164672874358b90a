"""Mutants of the addresses that Services answer at and that pods see."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy

from clusters.provider import Cluster, Place

from .model import Mutant, Object
from .services import REACH, SERVICES, is_service, table_on

BEFORE_KUBE_PROXY = "type nat hook postrouting priority 90"
"""Who changes a source address first has the last word."""


def external_ips_are_lost(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest):
        changed["spec"].pop("externalIPs", None)
    return changed


@contextmanager
def pods_lose_their_address(cluster: Cluster) -> Iterator[None]:
    """Nodes masquerade whatever pods send to Services."""
    pods = cluster.pod_subnet
    rules = f"{BEFORE_KUBE_PROXY}; ct status dnat ip saddr {pods} ip daddr {pods} masquerade;"
    with table_on(cluster.nodes, rules):
        yield


def looping_back(node: Place) -> str:
    """What matches a packet from a pod of the node to itself; nftables cannot compare two fields of a packet."""
    pods = ipaddress.ip_network(node.pod_subnet).hosts()
    return f"ip saddr . ip daddr {{ {', '.join(f'{pod} . {pod}' for pod in pods)} }}"


@contextmanager
def on_each_node(cluster: Cluster, hook: str, verdict: str) -> Iterator[None]:
    """What pods send to themselves meets a verdict on their node; ``{node}`` in it is the node's own address."""
    with ExitStack() as stack:
        for node in cluster.nodes:
            rule = f"{hook}; {looping_back(node)} {verdict.format(node=node.address)};"
            stack.enter_context(table_on([node], rule))
        yield


@contextmanager
def hairpins_are_dropped(cluster: Cluster) -> Iterator[None]:
    with on_each_node(cluster, "type filter hook forward priority 0", "drop"):
        yield


@contextmanager
def hairpins_show_another_address(cluster: Cluster) -> Iterator[None]:
    with on_each_node(cluster, BEFORE_KUBE_PROXY, "snat to {node}"):
        yield


MUTANTS = (
    Mutant(
        name="external-ips-are-lost",
        breaks="Services have no externalIPs",
        caught_by=("svc.external-ips",),
        scope=(f"{SERVICES}external_ips.py", f"{SERVICES}nodeport_any_node.py", REACH),
        change=external_ips_are_lost,
    ),
    Mutant(
        name="pods-lose-their-address",
        breaks="nodes replace the addresses of pods that send to a Service",
        caught_by=("svc.pod-source-ip",),
        scope=(f"{SERVICES}pod_source_ip.py", f"{SERVICES}hairpin.py", REACH),
        during=pods_lose_their_address,
    ),
    Mutant(
        name="hairpins-are-dropped",
        breaks="nodes drop what a pod sends to itself through a Service",
        caught_by=("svc.hairpin",),
        scope=(f"{SERVICES}hairpin.py", f"{SERVICES}pod_source_ip.py", REACH),
        during=hairpins_are_dropped,
    ),
    Mutant(
        name="hairpins-show-another-address",
        breaks="a pod that reaches itself through a Service sees another address of its node",
        caught_by=("svc.hairpin",),
        scope=(f"{SERVICES}hairpin.py", f"{SERVICES}pod_source_ip.py"),
        during=hairpins_show_another_address,
    ),
)
