"""A node port answers on every node."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from clusters.provider import Place
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import answered_by
from fixtures.probes import http
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace


@feature("svc.nodeport.any-node")
@pytest.mark.each_family
@pytest.mark.needs(Need.TWO_NODES, Need.NODE_PORTS)
def test_every_node_answers_on_the_node_port(namespace: Namespace, nodes: list[Place], client_1: Vantage) -> None:
    """“Every node in the cluster configures itself to listen on that assigned port and to forward traffic to one of the
    ready endpoints associated with that Service.” Only one node runs a pod here.
    https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport
    """
    namespace.apply("nodeport_any_node.yaml")
    (pod,) = namespace.wait_ready()
    for node in nodes:
        url = f"http://{at(node.address)}:{namespace.node_port('web')}/hostname"
        converge(partial(http, client_1, url), lambda seen: seen[0].answered, what=f"{node.name}'s node port to answer")
        answered_by(http(client_1, url, count=10), [pod.name])
