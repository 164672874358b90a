"""Which Services of others have what one gave up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

from kubernetes.client import V1ObjectMeta, V1Service, V1ServicePort, V1ServiceSpec

from fixtures.holders import others_with
from fixtures.workloads import Namespace


def service(namespace: str, addresses: list[str] | None, *node_ports: int | None) -> V1Service:
    """As the library gives it: it alone knows how it calls the fields."""
    return V1Service(
        metadata=V1ObjectMeta(namespace=namespace, name="web"),
        spec=V1ServiceSpec(
            cluster_ips=addresses, ports=[V1ServicePort(port=80, node_port=port) for port in node_ports]
        ),
    )


SERVICES = [
    service("ours", ["192.0.2.1"], 30001),
    service("theirs", ["192.0.2.2", "2001:db8::2"], 30002, 30003),
    service("names", None),
    service("inside", ["192.0.2.3"], None),
]
OURS = cast(
    "Namespace",
    SimpleNamespace(
        name="ours",
        api=SimpleNamespace(
            core=SimpleNamespace(list_service_for_all_namespaces=lambda: SimpleNamespace(items=SERVICES))
        ),
    ),
)


def test_who_has_a_cluster_ip_or_a_node_port() -> None:
    assert others_with(OURS, cluster_ip="192.0.2.2") == ["theirs/web"]
    assert others_with(OURS, cluster_ip="2001:db8::2") == ["theirs/web"]
    assert others_with(OURS, node_ports=frozenset({30003, 30004})) == ["theirs/web"]


def test_ours_and_nobodys_are_nobodys() -> None:
    assert others_with(OURS, cluster_ip="192.0.2.1", node_ports=frozenset({30001, 30009})) == []
    assert others_with(OURS) == []
