"""Services of two IP families. https://kubernetes.io/docs/concepts/services-networking/dual-stack/"""

from __future__ import annotations

import ipaddress
from functools import partial

import pytest

from clusters.families import ADDRESS_RECORD, FAMILIES, Family, at, family_of
from clusters.needs import Need
from clusters.provider import Cluster, Place
from fixtures.catalogue import feature
from fixtures.convergence import await_value, converge
from fixtures.expectations import all_answered, answered_by, equal, holds, none_answered, sources_are
from fixtures.probes import dns, http
from fixtures.refusals import was_refused
from fixtures.settling import settle
from fixtures.timeouts import Timeout
from fixtures.vantages import PodVantage, Vantage
from fixtures.workloads import Namespace

N = 30
"""Requests. One of two pods is left out of 30 with probability 2·(1/2)^30 < 2e-9."""


def serve(namespace: Namespace, **wanted: object) -> set[str]:
    """Apply the manifest with these fields of the Service's; gives the names of its pods."""
    deployment, service = namespace.read("dual_stack.yaml")
    namespace.apply_object(deployment)
    namespace.apply_object({**service, "spec": {**service["spec"], **wanted}})
    return {pod.name for pod in namespace.wait_ready()}


def cluster_ips(namespace: Namespace) -> list[str]:
    return list(namespace.service("web")["spec"]["clusterIPs"])


def families(addresses: list[str]) -> list[Family]:
    return [family_of(address) for address in addresses]


def with_endpoints(namespace: Namespace, family: Family) -> set[str]:
    """The pods that have a ready endpoint of a family."""
    every = namespace.endpoints("web")
    return {endpoint.pod for endpoint in every if endpoint.ready and family_of(endpoint.address) == family}


def answers(client: Vantage, address: str, pods: set[str], port: int = 80) -> None:
    """All the pods answer the client at an address."""
    ask = partial(http, client, f"http://{at(address)}:{port}/hostname")
    converge(ask, lambda seen: seen[0].answered, what=f"{address} to answer {client.name}", successes=1)
    ask = partial(ask, count=N)
    by_all = partial(answered_by, names=pods)
    settle(ask, by_all)
    by_all(ask())


@feature("svc.dual-stack")
@pytest.mark.needs(Need.DUAL_STACK)
@pytest.mark.parametrize("policy", ["PreferDualStack", "RequireDualStack"])
@pytest.mark.parametrize("order", [["IPv4", "IPv6"], ["IPv6", "IPv4"], []], ids=["IPv4-first", "IPv6-first", "default"])
def test_a_dual_stack_service_answers_pods_in_both_families(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage], policy: str, order: list[Family]
) -> None:
    """“PreferDualStack: Allocates both IPv4 and IPv6 cluster IPs for the Service when dual-stack is enabled”, and so
    RequireDualStack; the first is of “the address family of the first element in the .spec.ipFamilies array”, else of
    “the address family of the first service cluster IP range”.
    """
    chosen = {"ipFamilies": order} if order else {}
    pods = serve(namespace, ipFamilyPolicy=policy, **chosen)
    addresses = cluster_ips(namespace)
    equal("the families of the cluster IPs", order or list(cluster.families), families(addresses))
    equal("the first cluster IP", addresses[0], namespace.cluster_ip("web"))
    for address in addresses:
        subnet = cluster.ranges[family_of(address)].service_subnet if cluster.ranges else ""
        if subnet:
            inside = ipaddress.ip_address(address) in ipaddress.ip_network(subnet)
            holds(inside, f"an address of {subnet}", address)
    for family in FAMILIES:
        await_value(
            partial(with_endpoints, namespace, family),
            lambda seen: seen == pods,
            what=f"the pods with a ready {family} endpoint to be {', '.join(sorted(pods))}",
        )
    for client in pod_vantages.values():
        for address in addresses:
            answers(client, address, pods)


@feature("svc.dual-stack")
@pytest.mark.needs(Need.DUAL_STACK, Need.NODE_PORTS)
@pytest.mark.parametrize("family", FAMILIES, indirect=True)
def test_outside_clients_reach_its_node_port_in_both_families(
    namespace: Namespace, nodes: list[Place], client_1: Vantage
) -> None:
    """“Every node in the cluster configures itself to listen on that assigned port”, in both families of a dual-stack
    Service. https://kubernetes.io/docs/concepts/services-networking/service/#type-nodeport
    """
    pods = serve(namespace, ipFamilyPolicy="RequireDualStack", type="NodePort")
    for node in nodes:
        answers(client_1, node.address, pods, namespace.node_port("web"))


@feature("svc.dual-stack")
@pytest.mark.needs(Need.DUAL_STACK, Need.ADDRESS_POOLS, Need.ADDRESS_POOL, Need.OUTSIDE_CLIENT)
@pytest.mark.parametrize("family", FAMILIES, indirect=True)
def test_its_load_balancer_has_an_address_of_each_family_and_keeps_the_client_s(
    namespace: Namespace, cluster: Cluster, client_1: Vantage, family: Family
) -> None:
    """“To provision a dual-stack load balancer for your Service: Set the .spec.type field to LoadBalancer; Set
    .spec.ipFamilyPolicy field to PreferDualStack or RequireDualStack”.
    https://kubernetes.io/docs/concepts/services-networking/dual-stack/#service-type-loadbalancer
    With externalTrafficPolicy Local the pods see the client's own address, of the family that it came by.
    """
    pods = serve(namespace, ipFamilyPolicy="RequireDualStack", type="LoadBalancer", externalTrafficPolicy="Local")

    def given() -> list[str]:
        return [entry["ip"] for entry in namespace.service("web")["status"]["loadBalancer"].get("ingress", [])]

    addresses = await_value(
        given, lambda seen: len(seen) == 2, what="the Service to get two addresses", timeout=Timeout.ADDRESS
    )
    equal("their families", sorted(FAMILIES), sorted(families(addresses)))
    (address,) = (one for one in addresses if family_of(one) == family)
    first, last = (int(ipaddress.ip_address(end)) for end in cluster.load_balancer_pool.split("-"))
    holds(first <= int(ipaddress.ip_address(address)) <= last, f"one of {cluster.load_balancer_pool}", address)
    url = f"http://{at(address)}"
    converge(partial(http, client_1, f"{url}/hostname"), lambda seen: seen[0].answered, what=f"{address} to answer")
    for answer in all_answered(http(client_1, f"{url}/hostname", count=10)):
        holds(answer.body in pods, f"one of {', '.join(sorted(pods))}", answer.body, [answer])
    sources_are(http(client_1, f"{url}/clientip", count=5), [client_1.address])


@feature("svc.dual-stack")
@pytest.mark.needs(Need.DUAL_STACK)
@pytest.mark.parametrize("only", FAMILIES)
def test_a_single_stack_service_has_the_family_that_it_asks_for(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage], only: Family
) -> None:
    """“SingleStack: Single-stack service”; “if you would like to define which IP family to use for single stack … you
    can choose the address families by setting an optional field, .spec.ipFamilies”. The DNS has no other address.
    """
    pods = serve(namespace, ipFamilyPolicy="SingleStack", ipFamilies=[only])
    addresses = cluster_ips(namespace)
    equal("the families of the cluster IPs", [only], families(addresses))
    client = next(iter(pod_vantages.values()))
    answers(client, addresses[0], pods)
    name = f"web.{namespace.name}.svc.{cluster.dns_domain}."
    ask = partial(dns, client, name, server=cluster.dns_address)
    known = partial(ask, ADDRESS_RECORD[only])
    converge(known, lambda seen: bool(seen[0].answers), what=f"{name} to be known", timeout=Timeout.DNS)
    for family in FAMILIES:
        (answer,) = all_answered(ask(ADDRESS_RECORD[family]))
        equal(f"the {family} addresses of {name}", addresses if family == only else [], answer.answers, [answer])


@feature("svc.dual-stack")
@pytest.mark.needs(Need.DUAL_STACK)
def test_its_name_has_an_address_of_each_family(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage]
) -> None:
    """“There must be an A record” for an IPv4 ClusterIP, and an AAAA record for an IPv6 one.
    https://github.com/kubernetes/dns/blob/master/docs/specification.md#231---aaaaa-record
    """
    serve(namespace, ipFamilyPolicy="RequireDualStack")
    client = next(iter(pod_vantages.values()))
    name = f"web.{namespace.name}.svc.{cluster.dns_domain}."
    addresses = cluster_ips(namespace)
    equal("the families of the cluster IPs", sorted(FAMILIES), sorted(families(addresses)))
    for address in addresses:
        ask = partial(dns, client, name, ADDRESS_RECORD[family_of(address)], server=cluster.dns_address)
        converge(ask, lambda seen: bool(seen[0].answers), what=f"{name} to be known", timeout=Timeout.DNS)
        (answer,) = all_answered(ask())
        equal(f"the {family_of(address)} address of {name}", [address], answer.answers, [answer])


@feature("svc.dual-stack")
@pytest.mark.needs(Need.DUAL_STACK)
def test_a_service_gets_a_second_family_and_gives_it_up_again(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage]
) -> None:
    """“When you change this Service from single-stack to dual-stack, Kubernetes assigns the missing address family”;
    “When you change this Service from dual-stack to single-stack, Kubernetes retains only the first element in the
    .spec.clusterIPs array”.
    https://kubernetes.io/docs/concepts/services-networking/dual-stack/#switching-services-between-single-stack-and-dual-stack
    """
    pods = serve(namespace, ipFamilyPolicy="SingleStack")
    addresses = cluster_ips(namespace)
    equal("the families of the cluster IPs", [cluster.families[0]], families(addresses))
    (own,) = addresses
    client = next(iter(pod_vantages.values()))
    namespace.patch("v1", "Service", "web", {"spec": {"ipFamilyPolicy": "PreferDualStack"}})
    addresses = cluster_ips(namespace)
    equal("the families of the cluster IPs", list(cluster.families), families(addresses))
    first, second = addresses
    equal("the address that it had", own, first)
    answers(client, first, pods)
    answers(client, second, pods)
    namespace.patch("v1", "Service", "web", {"spec": {"ipFamilyPolicy": "SingleStack"}})
    equal("the cluster IPs", [own], cluster_ips(namespace))
    ask = partial(http, client, f"http://{at(second)}/hostname", timeout=Timeout.DROP.seconds)
    converge(ask, lambda seen: not seen[0].answered, what=f"{second} to be given up", successes=1)
    none_answered(ask(count=3))
    answers(client, own, pods)


@feature("svc.dual-stack")
@pytest.mark.needs(Need.SINGLE_STACK)
def test_a_cluster_of_one_family_gives_one_address_or_refuses(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage]
) -> None:
    """“PreferDualStack: … If dual-stack is not enabled or supported, it falls back to single-stack behavior”;
    “RequireDualStack: … If dual-stack is not enabled or supported, the Service API object creation fails”.
    """
    pods = serve(namespace)
    addresses = cluster_ips(namespace)
    equal("the families of the cluster IPs", list(cluster.families), families(addresses))
    answers(next(iter(pod_vantages.values())), addresses[0], pods)
    _, service = namespace.read("dual_stack.yaml")
    service["metadata"]["name"] = "both"
    service["spec"]["ipFamilyPolicy"] = "RequireDualStack"
    was_refused(namespace.refusal(service), "a Service that requires two families", "spec.ipFamilyPolicy", "dual")
