"""Mutants of what a Service asks of load balancers and of its ports."""

from __future__ import annotations

from copy import deepcopy

from .model import Mutant, Object
from .services import REACH, SERVICES, is_service


def class_is_ignored(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest):
        changed["spec"].pop("loadBalancerClass", None)
    return changed


def node_ports_are_allocated_all_the_same(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest):
        changed["spec"].pop("allocateLoadBalancerNodePorts", None)
    return changed


def annotations_are_lost(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest):
        changed["metadata"].pop("annotations", None)
    return changed


def a_number_is_for_one_protocol(manifest: Object, _feature: str) -> Object:
    """Of several ports with one number, the first is kept."""
    changed = deepcopy(manifest)
    if is_service(manifest):
        kept = {port["port"]: port for port in reversed(changed["spec"].get("ports", []))}
        changed["spec"]["ports"] = list(reversed(kept.values()))
    return changed


MUTANTS = (
    Mutant(
        name="load-balancer-class-is-ignored",
        breaks="Services have no loadBalancerClass",
        caught_by=("svc.lb.class",),
        scope=(f"{SERVICES}lb_class.py", f"{SERVICES}lb_address.py"),
        change=class_is_ignored,
    ),
    Mutant(
        name="load-balancers-get-node-ports",
        breaks="allocateLoadBalancerNodePorts false is ignored",
        caught_by=("svc.lb.no-nodeports",),
        scope=(f"{SERVICES}lb_no_nodeports.py", f"{SERVICES}lb_class.py"),
        change=node_ports_are_allocated_all_the_same,
    ),
    Mutant(
        name="annotations-are-lost",
        breaks="Services lose their annotations",
        caught_by=("svc.lb.annotations",),
        scope=(f"{SERVICES}lb_annotations.py", f"{SERVICES}lb_no_nodeports.py"),
        change=annotations_are_lost,
    ),
    Mutant(
        name="a-port-number-is-for-one-protocol",
        breaks="of several ports of a Service with one number only the first is kept",
        caught_by=("svc.protocol.tcp-udp-same-port",),
        scope=(f"{SERVICES}protocol_tcp_udp_same_port.py", f"{SERVICES}protocol_udp.py", REACH),
        change=a_number_is_for_one_protocol,
    ),
)
