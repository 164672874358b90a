"""The changes whose way is timed. Each is made through the API, and watched from a pod."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec
from dns import message, rdatatype

from clusters.addons.api import ClusterApi
from clusters.provider import Cluster
from fixtures.vantages import NetnsVantage
from propagation import objects
from propagation.ports import Ports
from propagation.turns import Turn
from propagation.watching import Watch

Kind = Literal["service", "endpoint", "dns", "ingress", "httproute", "gateway"]
TOLD: dict[Kind, str] = {
    "service": "A Service is made; its endpoint is there already",
    "endpoint": "A Service's one endpoint becomes another",
    "dns": "A headless Service is made, and its name asked of the cluster's DNS",
    "ingress": "An Ingress for a new host is made; its backend is there already",
    "httproute": "An HTTPRoute for a new host is made; its Gateway and its backend are there already",
    "gateway": "A Gateway is made; its HTTPRoute and its backend are there already",
}
BEHIND_A_CONTROLLER: tuple[Kind, ...] = ("ingress", "httproute", "gateway")
WITHOUT: tuple[Kind, ...] = ("service", "endpoint", "dns")


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """Where changes are made and watched."""

    cluster: Cluster
    api: ClusterApi
    namespace: str
    pod: NetnsVantage
    """Where it is watched from."""
    backends: dict[str, str]
    """Name → address of the two pods."""
    addresses: Iterator[str]
    """Cluster IPs, each free when it is asked for."""
    ports: Ports
    """Where questions come from."""
    pause: Callable[[], None]
    """Waits until nothing that was changed before is still being written, right before the next change."""

    def watch(self, address: str, port: int, question: bytes, is_right: Callable[[bytes], bool]) -> Watch:
        """Ask from the pod."""
        return Watch(self.pod, self.ports, (address, port), question, is_right)

    def path(self, kind: str, name: str = "") -> str:
        root = "/apis/discovery.k8s.io/v1" if kind == "endpointslices" else "/api/v1"
        return f"{root}/namespaces/{self.namespace}/{kind}{'/' + name if name else ''}"


def service(bench: Bench, number: int) -> Turn:
    """Make a Service at an address that is asked all the time."""
    name = f"made-{number}"
    pod, end = next(iter(bench.backends.items()))
    bench.api.request("POST", bench.path("endpointslices"), objects.endpoint_slice(name, end))
    bench.pause()
    address = next(bench.addresses)
    with bench.watch(address, objects.PORT, b"hostname", is_from(pod)) as watch:
        bench.api.request("POST", bench.path("services"), objects.service(name, address))
        turn = watch.acknowledged()
    remove(bench, name)
    return turn


def endpoint(bench: Bench) -> Callable[[Bench, int], Turn]:
    """Prepare one Service, and give what swaps its endpoint."""
    name, address = "swapped", next(bench.addresses)
    turns = itertools.cycle(bench.backends.items())
    _, end = next(turns)
    bench.api.request("POST", bench.path("endpointslices"), objects.endpoint_slice(name, end))
    bench.api.request("POST", bench.path("services"), objects.service(name, address))

    def swap(bench: Bench, _number: int) -> Turn:
        pod, end = next(turns)
        bench.pause()
        with bench.watch(address, objects.PORT, b"hostname", is_from(pod)) as watch:
            changed = objects.endpoint_slice(name, end)
            change = {
                "metadata": {"annotations": changed["metadata"]["annotations"]},
                "endpoints": changed["endpoints"],
            }
            bench.api.request("PATCH", bench.path("endpointslices", name), change, "application/merge-patch+json")
            return watch.acknowledged()

    return swap


def name(bench: Bench, number: int) -> Turn:
    """Make a headless Service whose name is asked all the time."""
    made = f"named-{number}"
    full = f"{made}.{bench.namespace}.svc.{bench.cluster.dns_domain}."
    end = next(iter(bench.backends.values()))
    record = "AAAA" if ":" in end else "A"
    query = message.make_query(full, record, use_edns=False).to_wire()

    def is_right(answer: bytes) -> bool:
        told = message.from_wire(answer, raise_on_truncation=False)
        kind = rdatatype.from_text(record)
        return any(item.to_text() == end for found in told.answer if found.rdtype == kind for item in found)

    bench.api.request("POST", bench.path("endpointslices"), objects.endpoint_slice(made, end))
    bench.pause()
    with bench.watch(bench.cluster.dns_address, 53, query, is_right) as watch:
        bench.api.request("POST", bench.path("services"), objects.service(made, headless=True))
        turn = watch.acknowledged()
    remove(bench, made)
    return turn


def is_from(pod: str) -> Callable[[bytes], bool]:
    """Whether an answer is this pod's name."""
    return lambda answer: answer.decode(errors="replace").strip() == pod


def remove(bench: Bench, made: str) -> None:
    for kind in ("services", "endpointslices"):
        bench.api.request("DELETE", bench.path(kind, made))
