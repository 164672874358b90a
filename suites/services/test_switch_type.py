"""A Service that changes its type."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from clusters.families import Family, at
from clusters.needs import Need
from clusters.provider import Cluster
from fixtures.api import Object
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import all_answered, answered_by, equal, none_answered
from fixtures.holders import others_with
from fixtures.load_balancers import ANNOTATION, free_address, with_address
from fixtures.probes import dns, http
from fixtures.timeouts import Timeout
from fixtures.vantages import PodVantage, Vantage
from fixtures.verdicts import Mismatch
from fixtures.workloads import Namespace


def becomes(namespace: Namespace, **spec: object) -> None:
    namespace.patch("v1", "Service", "web", {"spec": spec})


def serves(client: Vantage, end: str, pod: str) -> None:
    ask = partial(http, client, f"http://{end}/hostname")
    converge(ask, lambda seen: seen[0].answered, what=f"{end} to answer {client.name}")
    answered_by(ask(count=3), [pod])


def is_given_up(client: Vantage, end: str, heirs: Callable[[], list[str]] = list) -> None:
    """It answers no more, unless another check was given it meanwhile, which proves as well that it was free."""
    ask = partial(http, client, f"http://{end}/hostname", timeout=Timeout.DROP.seconds)
    try:
        converge(ask, lambda seen: not seen[0].answered, what=f"{end} to be given up", successes=1)
        none_answered(ask(count=3))
    except Mismatch:
        if not heirs():
            raise


def heir(namespace: Namespace, **spec: object) -> Object:
    """A Service of another name for the same pod."""
    _, service = namespace.read("switch_type.yaml")
    service["metadata"]["name"] = "heir"
    return {**service, "spec": {**service["spec"], **spec}}


def is_taken(namespace: Namespace, taking: Object, what: str, heirs: Callable[[], list[str]]) -> bool:
    """A Service may take what ours gave up. Where it may not, another check was quicker: that is no failure, either."""
    refusal = namespace.refusal(taking)
    if refusal is not None and not heirs():
        equal(f"the refusal of a Service that takes {what}", None, refusal)
    return refusal is None


@feature("svc.switch-type")
@pytest.mark.each_family
@pytest.mark.needs(Need.ADDRESS_POOL, Need.ALL_SERVICES, Need.NODE_PORTS)
def test_a_service_becomes_a_load_balancer_and_gives_everything_back(
    namespace: Namespace, cluster: Cluster, client_1: Vantage, pod_vantages: dict[str, PodVantage]
) -> None:
    """“The type field in the Service API is designed as nested functionality - each level adds to the previous”: a
    cluster IP, a node port as well, an address as well; what a level added goes with it, and is there for others.
    https://kubernetes.io/docs/concepts/services-networking/service/#publishing-services-service-types
    A node port “will be wiped when updating a Service to no longer need it (e.g. changing type from NodePort to
    ClusterIP).” https://kubernetes.io/docs/reference/kubernetes-api/core/service-v1/#ServicePort
    “Clear the load-balancer status if it is no longer appropriate.”
    https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/registry/core/service/strategy.go
    “MetalLB will take care of assigning and unassigning individual addresses as services come and go”.
    https://metallb.io/concepts/#address-allocation
    """
    namespace.apply("switch_type.yaml")
    (pod,) = namespace.wait_ready()
    inside, cluster_ip = pod_vantages[pod.node], namespace.cluster_ip("web")
    wanted = {ANNOTATION: free_address(namespace, cluster, 2)}
    namespace.patch("v1", "Service", "web", {"metadata": {"annotations": wanted}})
    serves(inside, at(cluster_ip), pod.name)

    becomes(namespace, type="NodePort")
    number = namespace.node_port("web")
    node_port = f"{at(pod.node_address)}:{number}"
    serves(client_1, node_port, pod.name)

    becomes(namespace, type="LoadBalancer")
    address = with_address(namespace)
    for client, end in ((client_1, at(address)), (client_1, node_port), (inside, at(cluster_ip))):
        serves(client, end, pod.name)

    becomes(namespace, type="ClusterIP")
    heirs = partial(others_with, namespace, node_ports=frozenset({number}))
    is_given_up(client_1, node_port, heirs)
    is_given_up(client_1, at(address))
    serves(inside, at(cluster_ip), pod.name)
    equal("the cluster IP all along", cluster_ip, namespace.cluster_ip("web"))
    equal("the Service's address", "", namespace.load_balancer_address("web"))

    taking = heir(namespace, type="LoadBalancer")
    taking["metadata"]["annotations"] = wanted
    taking["spec"]["ports"][0]["nodePort"] = number
    if is_taken(namespace, taking, "the node port", heirs):
        serves(client_1, node_port, pod.name)
    else:
        del taking["spec"]["ports"][0]["nodePort"]
        namespace.apply_object(taking)
    equal("the address that the other Service gave back", address, with_address(namespace, "heir"))
    serves(client_1, at(address), pod.name)


@feature("svc.switch-type")
@pytest.mark.each_family
def test_a_service_becomes_an_external_name_and_comes_back(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage], family: Family, address_record: str
) -> None:
    """“Should you later decide to move your database into your cluster, you can start its Pods, add appropriate
    selectors or endpoints, and change the Service's type.”
    https://kubernetes.io/docs/concepts/services-networking/service/#externalname
    clusterIP: “This field will be wiped when updating a Service to type ExternalName.”
    https://kubernetes.io/docs/reference/kubernetes-api/core/service-v1/#ServiceSpec
    """
    namespace.apply("switch_type.yaml")
    (pod,) = namespace.wait_ready()
    client, before = pod_vantages[pod.node], namespace.cluster_ip("web")
    name = f"web.{namespace.name}.svc.{cluster.dns_domain}."
    ask = partial(dns, client, name, server=cluster.dns_address)

    def resolves_to(record: str, value: str) -> None:
        told = partial(ask, record)
        converge(told, lambda seen: value in seen[0].answers, what=f"{name} to be {value}", timeout=Timeout.DNS)
        (answer,) = all_answered(told())
        equal(f"the {record} records of {name}", [value], answer.answers, [answer])

    serves(client, at(before), pod.name)
    resolves_to(address_record, before)

    becomes(namespace, type="ExternalName", externalName="api.example.com")
    heirs = partial(others_with, namespace, cluster_ip=before)
    is_given_up(client, at(before), heirs)
    resolves_to("CNAME", "api.example.com.")
    if is_taken(namespace, heir(namespace, clusterIP=before), "the cluster IP", heirs):
        serves(client, at(before), pod.name)

    becomes(namespace, type="ClusterIP", externalName=None, ipFamilies=[family])
    after = namespace.cluster_ip("web")
    serves(client, at(after), pod.name)
    resolves_to(address_record, after)
