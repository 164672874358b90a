"""The address of a LoadBalancer Service."""

from __future__ import annotations

import ipaddress
from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from clusters.provider import Cluster
from fixtures.api import Object, documents
from fixtures.catalogue import feature
from fixtures.convergence import await_value, converge
from fixtures.expectations import answered_by, equal, holds
from fixtures.load_balancers import ANNOTATION, free_address, pool, with_address
from fixtures.probes import http
from fixtures.timeouts import Timeout
from fixtures.vantages import Vantage
from fixtures.workloads import Namespace


def manifests(namespace: Namespace) -> tuple[Object, Object]:
    deployment, service = documents((namespace.folder / "lb_address.yaml").read_text(encoding="utf-8"))
    return deployment, service


@feature("svc.lb.address")
@pytest.mark.each_family
@pytest.mark.needs(Need.ADDRESS_POOL, Need.OUTSIDE_CLIENT)
def test_an_address_of_the_pool_is_given_and_serves(namespace: Namespace, cluster: Cluster, client_1: Vantage) -> None:
    """MetalLB “will only ever hand out IPs that are part of its configured pools.”
    https://metallb.io/concepts/#address-allocation
    “…information about the provisioned balancer is published in the Service's .status.loadBalancer field.”
    https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer
    """
    first, last = pool(cluster)
    namespace.apply("lb_address.yaml")
    (pod,) = namespace.wait_ready()
    address = with_address(namespace)
    holds(int(first) <= int(ipaddress.ip_address(address)) <= int(last), f"an address from {first} to {last}", address)
    url = f"http://{at(address)}/hostname"
    converge(
        partial(http, client_1, url), lambda seen: seen[0].answered, what=f"{address} to answer the outside client"
    )
    answered_by(http(client_1, url, count=5), [pod.name])


@feature("svc.lb.address")
@pytest.mark.each_family
@pytest.mark.needs(Need.ADDRESS_POOL, Need.ALL_SERVICES, Need.OUTSIDE_CLIENT)
@pytest.mark.parametrize("way", ["field", "annotation"])
def test_an_address_that_is_asked_for_is_given_and_serves(
    namespace: Namespace, cluster: Cluster, client_1: Vantage, way: str
) -> None:
    """“MetalLB supports spec.loadBalancerIP and a custom metallb.io/loadBalancerIPs annotation.”
    https://metallb.io/usage/#requesting-specific-ips
    """
    wanted = free_address(namespace, cluster, 0 if way == "field" else 1)
    deployment, service = manifests(namespace)
    if way == "field":
        service["spec"]["loadBalancerIP"] = wanted
    else:
        service["metadata"]["annotations"] = {ANNOTATION: wanted}
    namespace.apply_object(deployment)
    namespace.apply_object(service)
    (pod,) = namespace.wait_ready()
    equal("the Service's address", wanted, with_address(namespace))
    url = f"http://{at(wanted)}/hostname"
    converge(partial(http, client_1, url), lambda seen: seen[0].answered, what=f"{wanted} to answer the outside client")
    answered_by(http(client_1, url, count=5), [pod.name])


@feature("svc.lb.address")
@pytest.mark.needs(Need.ADDRESS_POOL)
def test_a_taken_address_leaves_the_service_pending_with_an_event(namespace: Namespace, cluster: Cluster) -> None:
    """“If MetalLB does not own the requested address, or if the address is already in use by another service,
    assignment will fail and MetalLB will log a warning event visible in kubectl describe service <service name>.”
    https://metallb.io/usage/#requesting-specific-ips
    """
    _, service = manifests(namespace)
    namespace.apply_object(service)
    taken = with_address(namespace)
    _, second = manifests(namespace)
    second["metadata"] = {"name": "second", "annotations": {ANNOTATION: taken}}
    namespace.apply_object(second)
    await_value(
        namespace.events,
        lambda events: any("Service/second AllocationFailed" in event for event in events),
        what=f"an AllocationFailed event for the Service that asks for {taken}, which is taken",
        timeout=Timeout.ADDRESS,
    )
    equal("the second Service's address", "", namespace.load_balancer_address("second"))
