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
from fixtures.probes import http, udp
from fixtures.settling import settle
from fixtures.vantages import PodVantage, Vantage
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
    ports = {namespace.node_port("web", name) for name in ("http", "udp")}
    url = f"http://{at(address)}/hostname"
    for pod in pod_vantages.values():
        what = f"the Service to answer {pod.name}"
        converge(partial(http, pod, url), lambda seen: seen[0].answered, what=what, successes=1)
        converge(partial(udp, pod, address, 81, "hostname"), lambda seen: seen[0].answered, what=what, successes=1)

    def of_the_service(rules: proxy_rules.Rules) -> list[str]:
        ours = (f"{at(address)}:", *(f":{port}/" for port in ports))
        return sorted(front for front in rules if front.startswith(ours[0]) or any(port in front for port in ours[1:]))

    for name, node in node_vantages.items():
        there = of_the_service(proxy_rules.read(mode, node, family))
        holds(bool(there), f"{name} to have rules of the Service before it is deleted", "it has none")
    namespace.delete("v1", "Service", "web")
    for name, node in node_vantages.items():

        def gone(rules: proxy_rules.Rules, name: str = name) -> None:
            left = of_the_service(rules)
            holds(not left, f"{name} to have no rule of the deleted Service", f"it has {', '.join(left)}")

        settle(partial(proxy_rules.read, mode, node, family), gone, every=0.2)
    for pod in pod_vantages.values():
        none_answered(http(pod, url, timeout=1.0))
    note("conntrack entries left on the nodes", sum(entries(node, address) for node in node_vantages.values()))


def entries(node: Vantage, address: str) -> int:
    """Connections to an address that a node still tracks."""
    family = ["--family", "ipv6"] if ":" in address else []
    done = node.exec(["conntrack", "-L", *family, "--orig-dst", address])
    return len([line for line in done.stdout.splitlines() if address in line])
