"""What a cluster that is not ours is and has, as far as its API shows it to us. Reading it changes nothing."""

from __future__ import annotations

from typing import Literal

import msgspec

from clusters.families import Family
from clusters.provider import UNKNOWN, SeenMode

HIDDEN = "not visible"
Level = Literal["privileged", "baseline", "restricted", "unknown"]


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One node."""

    name: str
    addresses: dict[Family, str] = {}
    """Its internal address in each family that it has."""
    pod_subnets: dict[Family, str] = {}
    zone: str = ""
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
    unserved: str = ""
    """Why nobody serves it, as its status says; an IngressClass has none."""

    def __str__(self) -> str:
        told = [self.controller, *["default"] * self.default, *["nobody serves it"] * bool(self.unserved)]
        return f"{self.name} ({', '.join(told)})"


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
    pools: dict[Family, str] = {}
    """First and last address of MetalLB's one range of a family."""
    service_subnets: dict[Family, str] = {}
    service_families: list[Family] = []
    """Those that a Service can have, the primary one first."""
    families_told: bool = False
    """Whether the API server itself told them: else there may be more."""
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
    def families(self) -> list[Family]:
        """Those that checks can be judged in: Services can have them, and every node that we see has an address."""
        known = self.service_families or ["IPv4"]
        return [family for family in known if all(family in node.addresses for node in self.nodes)] or known[:1]

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
            "nodes": sorted({family for node in self.nodes for family in node.addresses}),
            "pods": sorted({family for node in self.nodes for family in node.pod_subnets}),
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
            "service range": ", ".join(self.service_subnets.values()) or HIDDEN,
            "IngressClasses": self._listed("IngressClasses", self.ingress_classes),
            "GatewayClasses": self._listed("GatewayClasses", self.gateway_classes),
            "Gateway API definitions": self.gateway_api or self.hidden.get("Gateway API") or "none",
            "Pod Security": self.pod_security_seen or HIDDEN,
        }
        told |= {f"missing right {number}": sentence for number, sentence in enumerate(self.missing, 1)}
        return told

    def _listed(self, what: str, classes: list[Class]) -> str:
        return ", ".join(map(str, classes)) or (HIDDEN if what in self.hidden else "none")
