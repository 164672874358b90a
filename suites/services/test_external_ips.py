"""externalIPs: addresses that are not the cluster's to give."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import pytest

from clusters.families import Family, at
from clusters.needs import Need
from clusters.provider import Cluster, Place
from fixtures.addresses import address_towards
from fixtures.api import REFUSED, documents, refusal_of
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import answered_by, sources_are
from fixtures.lookups import unused_addresses
from fixtures.probes import http
from fixtures.vantages import PodVantage, Vantage
from fixtures.verdicts import ArrangementError
from fixtures.workloads import Namespace, Pod

FREE = range(18000, 20000)
"""Ports that no node listens at itself, nor has as a node port."""
FORBIDDEN = 403
CHECKS = 3
"""Each has an unused address of its own, so that none meets another's route."""
BOUND = "https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/proxy/ipvs/proxier.go"


@contextmanager
def leading_to(node: Place, cluster: Cluster, unused: str, *clients: Vantage) -> Iterator[str]:
    """An address at which outside clients come to a node: its own, which routes there for certain.

    Not in ipvs mode. “We must not add the address to the dummy device if it exist on another interface” (`BOUND`): that
    is the one node, and all others take the address for theirs and answer that node no more. There it is the unused
    address, to which the clients get a route.
    """
    if cluster.mode != "ipvs":
        yield node.address
        return
    if why := cluster.lacks.get(Need.CLIENT_ROUTES):
        pytest.skip(why)
    with ExitStack() as routes:
        for client in clients:
            done = client.exec(["ip", "route", "add", unused, "via", node.address])
            if done.status:
                raise ArrangementError(f"A route of {client.name} to {node.name}: {done.stderr.strip()}.")
            routes.callback(client.exec, ["ip", "route", "delete", unused, "via", node.address])
        yield unused


def await_answer(url: str, client: Vantage, beside: PodVantage | None) -> None:
    """Wait until a client is answered, and before that a pod on the node that it comes by.

    A node that does not know the address yet would send the client elsewhere for it (an ICMP redirect of RFC 792, kept
    for minutes), and a pod not.
    """
    for vantage in (beside, client):
        if vantage is not None:
            what = f"{url} to answer {vantage.name}"
            converge(partial(http, vantage, url), lambda seen: seen[0].answered, what=what)


def serve_at(namespace: Namespace, address: str) -> tuple[Pod, int]:
    """Apply the manifest with this external address in the place of the documentation's, and a port that no other
    check has there; gives the pod and the port. The check is skipped where admission forbids that, as
    DenyServiceExternalIPs does.
    https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#denyserviceexternalips
    """
    port = FREE.start + secrets.randbelow(len(FREE))
    text = (namespace.folder / "external_ips.yaml").read_text(encoding="utf-8")
    try:
        namespace.apply(documents(text.replace("192.0.2.53", f'"{address}"').replace("8053", str(port))))
    except ArrangementError as error:
        if isinstance(cause := error.__cause__, REFUSED) and refusal_of(cause).status == FORBIDDEN:
            pytest.skip(str(error))
        raise
    (pod,) = namespace.wait_ready()
    return pod, port


@feature("svc.external-ips")
@pytest.mark.each_family
@pytest.mark.needs(Need.NODE_PORTS, Need.EXTERNAL_IPS, Need.MODE)
def test_an_external_ip_answers_outside_clients_at_a_node(
    namespace: Namespace,
    cluster: Cluster,
    family: Family,
    nodes: list[Place],
    client_1: Vantage,
    node_vantages: dict[str, Vantage],
    pod_vantages: dict[str, PodVantage],
) -> None:
    """“When network traffic arrives into the cluster, with the external IP (as destination IP) and the port matching
    that Service, rules and routes that Kubernetes has configured ensure that the traffic is routed to one of the
    endpoints for that Service.” https://kubernetes.io/docs/concepts/services-networking/service/#external-ips
    With externalTrafficPolicy Cluster the node shows its own address, as at a node port.
    """
    node = nodes[-1]
    with leading_to(node, cluster, unused_addresses(family, CHECKS)[0], client_1) as address:
        pod, port = serve_at(namespace, address)
        url = f"http://{at(address)}:{port}"
        await_answer(url, client_1, pod_vantages.get(node.name))
        answered_by(http(client_1, f"{url}/hostname", count=5), [pod.name])
        shown = address_towards(node_vantages[node.name], pod.address)
        sources_are(http(client_1, f"{url}/clientip", count=5), [shown])


@feature("svc.external-ips")
@pytest.mark.each_family
@pytest.mark.needs(Need.NODE_PORTS, Need.EXTERNAL_IPS, Need.MODE)
def test_with_the_local_policy_an_external_ip_keeps_the_client_s_address(
    namespace: Namespace,
    cluster: Cluster,
    family: Family,
    nodes: list[Place],
    client_1: Vantage,
    client_2: Vantage,
    pod_vantages: dict[str, PodVantage],
) -> None:
    """“externalTrafficPolicy describes how nodes distribute service traffic they receive on one of the Service's
    "externally-facing" addresses (NodePorts, ExternalIPs, and LoadBalancer IPs). If set to "Local", … each node will
    deliver traffic only to the node-local endpoints of the service, without masquerading the client source IP.”
    https://kubernetes.io/docs/reference/kubernetes-api/core/service-v1/#ServiceSpec
    """
    unused = unused_addresses(family, CHECKS)[1]
    pod, port = serve_at(namespace, unused)
    # Only now it is known where the pod is: with this policy another node would drop the traffic.
    node = next(node for node in nodes if node.name == pod.node)
    with leading_to(node, cluster, unused, client_1, client_2) as address:
        change = {"externalTrafficPolicy": "Local", "externalIPs": [address]}
        namespace.patch("v1", "Service", "web", {"spec": change})
        url = f"http://{at(address)}:{port}"
        await_answer(url, client_1, pod_vantages.get(node.name))
        for client in (client_1, client_2):
            answered_by(http(client, f"{url}/hostname", count=5), [pod.name])
            sources_are(http(client, f"{url}/clientip", count=5), [client.address])


@feature("svc.external-ips")
@pytest.mark.each_family
@pytest.mark.needs(Need.EXTERNAL_IPS)
def test_pods_reach_an_external_ip_too(
    namespace: Namespace, family: Family, pod_vantages: dict[str, PodVantage]
) -> None:
    """“externalIPs is a list of IP addresses for which nodes in the cluster will also accept traffic for this
    service.” https://kubernetes.io/docs/reference/kubernetes-api/core/service-v1/#ServiceSpec
    It is an address that no host has: only the rules of the pod's node can lead it anywhere.
    """
    address = unused_addresses(family, CHECKS)[2]
    pod, port = serve_at(namespace, address)
    url = f"http://{at(address)}:{port}/hostname"
    for client in pod_vantages.values():
        converge(partial(http, client, url), lambda seen: seen[0].answered, what=f"{url} to answer {client.name}")
        answered_by(http(client, url, count=5), [pod.name])
