"""What is left of a Service that was deleted."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from clusters.families import Family, at
from fixtures import proxy_rules
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import holds, none_answered
from fixtures.holders import others_with
from fixtures.probes import http, udp
from fixtures.settling import settle
from fixtures.traces import traces
from fixtures.vantages import PodVantage, Vantage
from fixtures.verdicts import Mismatch
from fixtures.workloads import Namespace


@feature("proxy.clean-delete")
@pytest.mark.each_family
def test_a_deleted_service_leaves_no_rule_on_any_node(
    namespace: Namespace,
    mode: str,
    family: Family,
    node_vantages: dict[str, Vantage],
    pod_vantages: dict[str, PodVantage],
    note: Callable[[str, object], None],
) -> None:
    """“Each instance of kube-proxy watches the Kubernetes control plane for the addition and removal of Service and
    EndpointSlice objects. … A control loop ensures that the rules on each node are reliably synchronized with the
    Service and EndpointSlice state as indicated by the API server.”
    https://kubernetes.io/docs/reference/networking/virtual-ips/
    """
    namespace.apply("clean_delete.yaml")
    namespace.wait_ready()
    address = namespace.cluster_ip("web")
    ports = frozenset(namespace.node_port("web", name) for name in ("http", "udp"))
    url = f"http://{at(address)}/hostname"
    for pod in pod_vantages.values():
        what = f"the Service to answer {pod.name}"
        converge(partial(http, pod, url), lambda seen: seen[0].answered, what=what, successes=1)
        converge(partial(udp, pod, address, 81, "hostname"), lambda seen: seen[0].answered, what=what, successes=1)

    def of_the_service(node: Vantage) -> list[str]:
        """Where rules lead from its addresses and ports, and what names it anywhere."""
        rules = proxy_rules.read(mode, node, family)
        by_port = [front for front in rules if any(f":{port}/" in front for port in ports)]
        by_address = [front for front in rules if front.startswith(f"{at(address)}:")]
        return sorted({*by_port, *by_address}) + traces(mode, node, family, namespace=namespace.name, address=address)

    for name, node in node_vantages.items():
        there = of_the_service(node)
        holds(bool(there), f"{name} to have rules of the Service before it is deleted", "it has none")
    namespace.delete("v1", "Service", "web")
    try:
        for name, node in node_vantages.items():

            def gone(left: list[str], name: str = name) -> None:
                holds(not left, f"{name} to have no rule of the deleted Service", f"it has {', '.join(left)[:2000]}")

            settle(partial(of_the_service, node), gone, every=0.2)
        for pod in pod_vantages.values():
            none_answered(http(pod, url, timeout=1.0))
    except Mismatch:
        # What was given up is free: another check may have been given it, and then it is there for that one.
        heirs = others_with(namespace, cluster_ip=address, node_ports=ports)
        if not heirs:
            raise
        pytest.skip(f"Its cluster IP or a node port was given to {', '.join(heirs)} meanwhile: nothing can be told.")
    note("conntrack entries left on the nodes", sum(entries(node, address) for node in node_vantages.values()))


def entries(node: Vantage, address: str) -> int:
    """Connections to an address that a node still tracks."""
    family = ["--family", "ipv6"] if ":" in address else []
    done = node.exec(["conntrack", "-L", *family, "--orig-dst", address])
    return len([line for line in done.stdout.splitlines() if address in line])
