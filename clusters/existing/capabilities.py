"""What a cluster that is not ours is and has, as far as its API shows it to us. Reading it changes nothing."""

from __future__ import annotations

from typing import Literal

import msgspec

from clusters.provider import UNKNOWN, SeenMode

HIDDEN = "not visible"
Level = Literal["privileged", "baseline", "restricted", "unknown"]


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One node."""

    name: str
    address: str
    """Its internal IPv4 address; empty where it has none."""
    pod_subnet: str = ""
    zone: str = ""
    families: list[str] = []
    pod_families: list[str] = []
    system: str = ""
    kernel: str = ""
    runtime: str = ""
    kubelet: str = ""
    provider_id: str = ""


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was found, and where; ``not visible`` and why where it was not."""

    value: str
    how: str = ""

    def __str__(self) -> str:
        return f"{self.value} ({self.how})" if self.how else self.value


class Class(msgspec.Struct, frozen=True, kw_only=True):
    """An IngressClass or a GatewayClass."""

    name: str
    controller: str
    default: bool = False
    age: str = ""
    """When it was made: the oldest is taken where nothing else decides."""

    def __str__(self) -> str:
        return f"{self.name} ({self.controller}{', default' if self.default else ''})"


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is looked at; what may not be seen stands in `hidden`."""

    server: str
    context: str
    user: str
    version: str
    distribution: str = ""
    """``k3s``, ``EKS`` … where the version or the nodes tell."""
    nodes: list[Node] = []
    mode: SeenMode = "unknown"
    mode_seen: Seen = Seen(value=UNKNOWN)
    load_balancer: Seen = Seen(value="not known")
    pool: str = ""
    """First and last address of MetalLB's one range."""
    service_subnet: str = ""
    service_families: list[str] = []
    dns_address: str = ""
    dns_domain: str = ""
    ingress_classes: list[Class] = []
    gateway_classes: list[Class] = []
    gateway_api: str = ""
    """Version and channel of its definitions; empty where there are none."""
    pod_security: Level = "unknown"
    pod_security_seen: str = ""
    pods_run_as: int = 65532
    hidden: dict[str, str] = {}
    """What may not be looked at → the sentence that says so."""
    missing: list[str] = []
    """Rights that a run would use and the user has not got, a sentence each."""

    @property
    def zones(self) -> list[str]:
        return sorted({node.zone for node in self.nodes if node.zone})

    def versions(self) -> dict[str, str]:
        """Component → version, where all nodes agree or not."""
        several = {
            "kubelet": {node.kubelet for node in self.nodes},
            "container runtime": {node.runtime for node in self.nodes},
            "kernel": {node.kernel for node in self.nodes},
            "operating system": {node.system for node in self.nodes},
        }
        told = {name: ", ".join(sorted(values - {""})) for name, values in several.items()}
        api = {"Gateway API": self.gateway_api} if self.gateway_api else {}
        return {"kube-apiserver": self.version} | {name: value for name, value in told.items() if value} | api

    def conditions(self) -> dict[str, str]:
        """What else a reader must know, as it is shown and recorded."""
        families = {
            "nodes": sorted({family for node in self.nodes for family in node.families}),
            "pods": sorted({family for node in self.nodes for family in node.pod_families}),
            "Services": self.service_families,
        }
        told = {
            "API server": self.server,
            "context": self.context,
            "user": self.user or HIDDEN,
            "distribution": self.distribution or "not told",
            "kube-proxy mode": str(self.mode_seen),
            "LoadBalancer": str(self.load_balancer),
            "IP families": ", ".join(f"{of} {'+'.join(seen) or HIDDEN}" for of, seen in families.items()),
            "zones": ", ".join(self.zones) or ("none" if self.nodes else HIDDEN),
            "DNS": f"{self.dns_address or HIDDEN} ({self.dns_domain or 'domain ' + HIDDEN})",
            "service range": self.service_subnet or HIDDEN,
            "IngressClasses": self._listed("IngressClasses", self.ingress_classes),
            "GatewayClasses": self._listed("GatewayClasses", self.gateway_classes),
            "Gateway API definitions": self.gateway_api or self.hidden.get("Gateway API") or "none",
            "Pod Security": self.pod_security_seen or HIDDEN,
        }
        told |= {f"missing right {number}": sentence for number, sentence in enumerate(self.missing, 1)}
        return told

    def _listed(self, what: str, classes: list[Class]) -> str:
        return ", ".join(map(str, classes)) or (HIDDEN if what in self.hidden else "none")
