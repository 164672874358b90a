"""Mutants of what a Service asks of load balancers and says of its ports."""

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


def app_protocols_are_lost(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    for port in changed["spec"].get("ports", []) if is_service(manifest) else []:
        port.pop("appProtocol", None)
    return changed


def http_2_is_not_spoken(manifest: Object, _feature: str) -> Object:
    """Ports for HTTP/2 lead to where HTTP/1.1 is spoken."""
    changed = deepcopy(manifest)
    for port in changed["spec"].get("ports", []) if is_service(manifest) else []:
        if port.get("appProtocol") == "kubernetes.io/h2c":
            port["targetPort"] = "http"
    return changed


MUTANTS = (
    Mutant(
        name="app-protocols-are-lost",
        breaks="the ports of Services do not say what is spoken there",
        caught_by=("svc.appprotocol.h2c",),
        scope=(f"{SERVICES}appprotocol_h2c.py", f"{SERVICES}multiport_named.py"),
        change=app_protocols_are_lost,
    ),
    Mutant(
        name="http-2-is-not-spoken",
        breaks="ports for HTTP/2 lead to a server of HTTP/1.1",
        caught_by=("svc.appprotocol.h2c",),
        scope=(f"{SERVICES}appprotocol_h2c.py", f"{SERVICES}multiport_named.py"),
        change=http_2_is_not_spoken,
    ),
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
