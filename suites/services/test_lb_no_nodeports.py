"""Load balancers without node ports."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import answered_by, equal
from fixtures.load_balancers import with_address
from fixtures.probes import http
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace


@feature("svc.lb.no-nodeports")
@pytest.mark.each_family
@pytest.mark.needs(Need.ADDRESS_POOL, Need.OUTSIDE_CLIENT)
def test_a_load_balancer_serves_without_node_ports(namespace: Namespace, client_1: Vantage) -> None:
    """“You can optionally disable node port allocation for a Service of type: LoadBalancer, by setting the field
    spec.allocateLoadBalancerNodePorts to false. This should only be used for load balancer implementations that route
    traffic directly to pods as opposed to using node ports.”
    https://kubernetes.io/docs/concepts/services-networking/service/#load-balancer-nodeport-allocation
    """
    namespace.apply("lb_no_nodeports.yaml")
    (pod,) = namespace.wait_ready()
    address = with_address(namespace)
    ports = namespace.service("web")["spec"]["ports"]
    equal("the node ports of the Service", [0, 0], [port.get("nodePort", 0) for port in ports])
    for port in ports:
        url = f"http://{at(address)}:{port['port']}/hostname"
        converge(partial(http, client_1, url), lambda seen: seen[0].answered, what=f"{url} to answer")
        answered_by(http(client_1, url, count=5), [pod.name])
