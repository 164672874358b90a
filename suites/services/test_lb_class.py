"""loadBalancerClass."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from fixtures.catalogue import feature
from fixtures.convergence import converge, remains
from fixtures.expectations import answered_by
from fixtures.load_balancers import with_address
from fixtures.probes import http
from fixtures.refusals import was_refused
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace

WINDOW = 5.0
"""Seconds in which nothing may happen; the Service beside it has been served by then."""


@feature("svc.lb.class")
@pytest.mark.each_family
@pytest.mark.needs(Need.ADDRESS_POOL, Need.NODE_PORTS)
def test_a_class_that_nobody_serves_leaves_the_service_pending(namespace: Namespace, client_1: Vantage) -> None:
    """“If you specify .spec.loadBalancerClass, it is assumed that a load balancer implementation that matches the
    specified class is watching for Services. Any default load balancer implementation … will ignore Services that have
    this field set.” The one beside it, of no class, gets its address; and this one is still a node port.
    https://kubernetes.io/docs/concepts/services-networking/service/#load-balancer-class
    """
    namespace.apply("lb_class.yaml")
    (pod,) = namespace.wait_ready()
    given = f"http://{at(with_address(namespace, 'default'))}/hostname"
    node_port = f"http://{at(pod.node_address)}:{namespace.node_port('foreign')}/hostname"
    for url in (given, node_port):
        converge(partial(http, client_1, url), lambda seen: seen[0].answered, what=f"{url} to answer")
        answered_by(http(client_1, url, count=3), [pod.name])
    unserved = "the address of the Service whose class nobody serves"
    remains(partial(namespace.load_balancer_address, "foreign"), "", what=unserved, window=WINDOW)


@feature("svc.lb.class")
def test_a_class_cannot_be_changed(namespace: Namespace, note: Callable[[str, object], None]) -> None:
    """“spec.loadBalancerClass can be set on a Service of type LoadBalancer only. Once set, it cannot be changed.”
    https://kubernetes.io/docs/concepts/services-networking/service/#load-balancer-class
    """
    namespace.apply("lb_class.yaml")
    change = {"spec": {"loadBalancerClass": "example.com/somebody"}}
    refusal = namespace.refused_change("v1", "Service", "foreign", change)
    words = was_refused(refusal, "another loadBalancerClass", "spec.loadBalancerClass", "example.com/somebody")
    note("the API server's words", words)
