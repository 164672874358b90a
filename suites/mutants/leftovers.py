"""Mutants of what a Service gives up: nodes that go on as before, for single clients or for everybody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from clusters.families import family_of
from clusters.provider import Cluster
from fixtures.workloads import Namespace

from .model import During, Mutant
from .services import REACH, SERVICES, TABLE, run_there, table_on

BEFORE_KUBE_PROXY = "type nat hook prerouting priority -110;"
"""The first who gives a connection another destination has the last word."""
AFTER_KUBE_PROXY = "type nat hook prerouting priority -90;"
"""Only connections to which kube-proxy gave no other destination come here."""
LOCAL_AFTER_KUBE_PROXY = "type nat hook output priority -90;"
GIVES_BACK = "::test_a_service_becomes_a_load_balancer_and_gives_everything_back"
NODE_PORTS = "fib daddr type local tcp dport 30000-32767"


def with_chain(hook: str) -> During:
    """A chain at this hook on every node, to which rules are added once it is known where they lead."""

    @contextmanager
    def there(cluster: Cluster) -> Iterator[None]:
        with table_on(cluster.nodes, hook):
            yield

    return there


@contextmanager
def only_primary_addresses_answer(cluster: Cluster) -> Iterator[None]:
    for node in cluster.nodes[:1]:
        rules = f"type filter hook output priority -150; tcp dport 30000-32767 ip daddr != {node.address} reject;"
        with table_on([node], rules):
            yield


def led(cluster: Cluster, matched: str, address: str, port: int) -> None:
    """On every node, lead what is matched to an address and port."""
    for node in cluster.nodes:
        run_there(node, ["nft", "add", "rule", "inet", TABLE, "mutant", f"{matched} dnat ip to {address}:{port}"])


def pods_of(namespace: Namespace, app: str) -> list[str]:
    """The addresses of an app's first pod, of IPv4, which the mutants break; none in the namespace of the senders."""
    pods = namespace.pods(f"app={app}")
    return [pod.address for pod in pods if pod.ready and family_of(pod.address) == "IPv4"][:1]


def sockets_stay_where_they_were(cluster: Cluster, namespace: Namespace, feature: str) -> None:
    """The sockets of the check's own ports go on reaching the first pod; those of others find their way."""
    for first in pods_of(namespace, "first") if feature == "svc.udp.conntrack" else ():
        service = namespace.service("datagrams")["spec"]
        sockets = "udp sport 20000-23999"
        led(cluster, f"ip daddr {service['clusterIP']} udp dport 90 {sockets}", first, 8081)
        led(cluster, f"udp dport {service['ports'][0]['nodePort']} {sockets}", first, 8081)


def node_ports_go_on(cluster: Cluster, namespace: Namespace, feature: str) -> None:
    for pod in pods_of(namespace, "web") if feature == "svc.switch-type" else ():
        led(cluster, NODE_PORTS, pod, 8080)


def local_node_ports_go_on(cluster: Cluster, namespace: Namespace, feature: str) -> None:
    for pod in pods_of(namespace, "web") if feature == "svc.nodeport.addresses" else ():
        led(cluster, NODE_PORTS, pod, 8080)


MUTANTS = (
    Mutant(
        name="udp-sockets-stay-where-they-were",
        breaks="UDP sockets go on being sent to a backend that is none any more",
        caught_by=("svc.udp.conntrack",),
        scope=(f"{SERVICES}udp_conntrack.py", f"{SERVICES}protocol_udp.py"),
        during=with_chain(BEFORE_KUBE_PROXY),
        after_ready=sockets_stay_where_they_were,
    ),
    Mutant(
        name="node-ports-outlive-their-service",
        breaks="node ports go on answering after their Service gave them up",
        caught_by=("svc.switch-type",),
        # That check alone: all node ports lead to one pod, which must be its own.
        scope=(f"{SERVICES}switch_type.py{GIVES_BACK}", f"{SERVICES}nodeport_any_node.py", REACH),
        during=with_chain(AFTER_KUBE_PROXY),
        after_ready=node_ports_go_on,
    ),
    Mutant(
        name="node-ports-answer-at-every-address",
        breaks="nodes answer at node ports of all their addresses",
        caught_by=("svc.nodeport.addresses",),
        scope=(f"{SERVICES}nodeport_addresses.py", f"{SERVICES}nodeport_any_node.py"),
        modes=("nftables",),
        during=with_chain(LOCAL_AFTER_KUBE_PROXY),
        after_ready=local_node_ports_go_on,
    ),
    Mutant(
        name="node-ports-answer-at-primary-addresses-only",
        breaks="a node refuses its own requests to node ports but at its primary address",
        caught_by=("svc.nodeport.addresses",),
        scope=(f"{SERVICES}nodeport_addresses.py", f"{SERVICES}nodeport_any_node.py"),
        modes=("iptables",),
        during=only_primary_addresses_answer,
    ),
)
