"""Puts the backend on a cluster, and finds where a profile's target and vantage are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

import clusters
from clusters.controllers.description import ControllerDescription
from clusters.controllers.found import of_cluster
from clusters.errors import UsageError
from clusters.families import at
from clusters.provider import Cluster, Place
from fixtures.api import Api, documents
from fixtures.convergence import await_value, converge
from fixtures.grounds import ground
from fixtures.probes import http
from fixtures.timeouts import Timeout
from fixtures.vantages import PodVantage, Vantage, vantage_of
from fixtures.verdicts import ArrangementError, Mismatch
from fixtures.workloads import Namespace, by_name
from loadprofiles.elsewhere import sender
from loadprofiles.profile import Profile

FOLDER = Path(__file__).parent / "manifests"
HOST = "load.roadtest.test"
SENDER = "sender"


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """From where to where a profile sends."""

    vantage: Place
    address: str
    port: int
    host: str
    """Of the Host header."""
    told: dict[str, str] = {}
    """What a reader of the figures must know of it."""


class Backend:
    """The pods that answer, and the ways to them."""

    def __init__(self, cluster: Cluster, namespace: Namespace, *, by_pods: bool = False) -> None:
        """``by_pods``: whoever sends is in the cluster already, and no network need be entered."""
        self._cluster = cluster
        self._by_pods = by_pods
        self.namespace = namespace
        self._pods = namespace.wait_ready()

    def way(self, profile: Profile) -> Way:
        """Where the profile's load starts and where it goes; returns once requests are answered on that way.

        `UsageError` where the cluster has no such target or vantage, `ArrangementError` where nothing answers.
        """
        vantage = self._vantage(profile)
        found = {"clusterip": self._clusterip, "nodeport": self._nodeport, "controller": self._controller}
        address, port, host, told = found[profile.target]()
        way = Way(vantage=vantage, address=address, port=port, host=host, told=told | self._placement())
        self._await_answers(way, profile)
        return way

    def _vantage(self, profile: Profile) -> Place:
        place = self._sender() if profile.vantage == "pod-network" else sender(self._cluster, profile.vantage)
        if not (place.netns or place.here or self._by_pods):
            raise UsageError(
                f"Load profile {profile.name} cannot be sent: provider {self._cluster.provider} gives no network "
                f"namespace of {profile.vantage} that this process can enter."
            )
        return place

    def _sending_pod(self) -> PodVantage:
        pod = by_name(self._pods, SENDER)
        space = self.namespace
        return PodVantage(space.api, space.name, pod.name, name=SENDER, address=pod.address, node=pod.node)

    def _sender(self) -> Place:
        pod = by_name(self._pods, SENDER)
        netns = clusters.provider_for(self._cluster).pod_netns(self._cluster, self.namespace.name, pod.name)
        return Place(name="pod-network", role="client", address=pod.address, netns=netns)

    def _placement(self) -> dict[str, str]:
        return {"pods": ", ".join(f"{pod.labels.get('app', pod.name)} on {pod.node}" for pod in self._pods)}

    def _clusterip(self) -> tuple[str, int, str, dict[str, str]]:
        address = self.namespace.cluster_ip("backend")
        hop = "a backend, there or on another node" if self._by_pods else "a backend on another node"
        return address, 80, address, {"way": f"a pod's network → ClusterIP → {hop}"}

    def _nodeport(self) -> tuple[str, int, str, dict[str, str]]:
        stands = by_name(self._pods, SENDER)
        backends = {pod.node for pod in self._pods if pod.name != SENDER}
        # The sender's node has no backend where there are nodes enough: every request then takes the same hop.
        address = stands.node_address
        hop = "a backend on another node" if stands.node not in backends else "a backend, there or on another node"
        told = {"way": f"outside client → node port of {stands.node} → {hop}"}
        return address, self.namespace.node_port("backend-nodeport"), address, told

    def _controller(self) -> tuple[str, int, str, dict[str, str]]:
        controller = controller_of(self._cluster)
        if controller is None or (claim := controller.ingress or controller.gateway) is None:
            raise UsageError(
                f"Cluster {self._cluster.name} has no controller that serves Ingress or the Gateway API.",
                "Create it with a controller, for example traefik.",
            )
        kind = "Ingress" if controller.ingress else "Gateway"
        field = "ingressClassName" if controller.ingress else "gatewayClassName"
        for found in documents((FOLDER / f"{kind.lower()}.yaml").read_text(encoding="utf-8")):
            if found["kind"] == kind:
                found["spec"][field] = claim.class_name
            self.namespace.apply_object(found)
        read = self._ingress_address if controller.ingress else self._gateway_address
        address = await_value(read, bool, what=f"an address in the {kind}'s status")
        route = "Ingress" if controller.ingress else "HTTPRoute"
        told = {"way": f"outside client → LoadBalancer address of {controller.name} → a backend", "route": route}
        told |= {f"{controller.name} {name}": why for name, why in controller.settings.items()}
        return address, claim.http_port, HOST, told

    def _ingress_address(self) -> str:
        stored = self.namespace.api.get("networking.k8s.io/v1", "Ingress", "backend", self.namespace.name) or {}
        addresses = ((stored.get("status") or {}).get("loadBalancer") or {}).get("ingress") or []
        return str(addresses[0].get("ip", "")) if addresses else ""

    def _gateway_address(self) -> str:
        stored = self.namespace.api.get("gateway.networking.k8s.io/v1", "Gateway", "edge", self.namespace.name) or {}
        addresses = (stored.get("status") or {}).get("addresses") or []
        return str(addresses[0].get("value", "")) if addresses else ""

    def _await_answers(self, way: Way, profile: Profile) -> None:
        vantage: Vantage = self._sending_pod() if self._by_pods else vantage_of(way.vantage)
        url = f"http://{at(way.host)}:{way.port}{profile.path}"
        address = "" if way.host == way.address else way.address
        try:
            converge(
                lambda: http(vantage, url, address=address),
                lambda seen: all(one.answered and one.status == profile.expect_status for one in seen),
                what=f"{url} to answer {profile.expect_status}",
                successes=10,
                timeout=Timeout.DATA_PATH,
            )
        except Mismatch as mismatch:
            raise ArrangementError(
                f"Load profile {profile.name} was not sent: {mismatch}.", "The suites tell what is wrong with that way."
            ) from mismatch


def controller_of(cluster: Cluster) -> ControllerDescription | None:
    """The cluster's first controller; ``None`` where it has none."""
    return next(iter(of_cluster(cluster)), None)


@contextmanager
def backend(cluster: Cluster, run: str, *, by_pods: bool = False) -> Iterator[Backend]:
    """The backend on a cluster, in a namespace of its own; removed afterwards."""
    namespace = ground(Api(cluster.kubeconfig, cluster.scratch), cluster, run, "load", FOLDER)
    try:
        namespace.apply("backend.yaml")
        yield Backend(cluster, namespace, by_pods=by_pods)
    finally:
        namespace.remove()
