"""A cluster IP that is asked for."""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Callable
from functools import partial

import pytest

from clusters.families import Family, at
from clusters.needs import Need
from clusters.provider import Cluster
from fixtures.api import Object, documents
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import answered_by, equal
from fixtures.probes import http
from fixtures.refusals import was_refused
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace

DOCUMENTATION: dict[Family, str] = {"IPv4": "192.0.2.53", "IPv6": "2001:db8::53"}
"""Of no cluster's range (RFC 5737, RFC 3849)."""
FIRST = 11
"""Below it are the API server's address and, by custom, the DNS server's: the first and the tenth of the range."""


def asking_for(namespace: Namespace, address: str) -> Object:
    """The manifest's Service, asking for another address."""
    service = documents((namespace.folder / "clusterip_fixed.yaml").read_text(encoding="utf-8"))[1]
    service["spec"]["clusterIP"] = address
    return service


def static_address(cluster: Cluster) -> str:
    """An address of the lower band, which Kubernetes keeps for addresses that are asked for; it is free most likely.

    https://kubernetes.io/docs/reference/networking/virtual-ips/#service-ip-static-sub-range
    """
    subnet = ipaddress.ip_network(cluster.service_subnet)
    band = min(max(16, subnet.num_addresses // 16), 256)
    return str(subnet[FIRST + secrets.randbelow(band - FIRST)])


@feature("svc.clusterip.fixed")
@pytest.mark.each_family
@pytest.mark.needs(Need.SERVICE_RANGE)
def test_a_free_address_of_the_range_is_used(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage]
) -> None:
    """“You can specify your own cluster IP address as part of a Service creation request.”
    https://kubernetes.io/docs/concepts/services-networking/service/#choosing-your-own-ip-address
    """
    address = static_address(cluster)
    deployment, _ = documents((namespace.folder / "clusterip_fixed.yaml").read_text(encoding="utf-8"))
    namespace.apply_object(deployment)
    namespace.apply_object(asking_for(namespace, address))
    (pod,) = namespace.wait_ready()
    equal("the Service's cluster IP", address, namespace.cluster_ip("fixed"))
    client = pod_vantages[pod.node]
    url = f"http://{at(address)}/hostname"
    converge(partial(http, client, url), lambda seen: seen[0].answered, what=f"{address} to answer")
    answered_by(http(client, url, count=3), [pod.name])


@feature("svc.clusterip.fixed")
@pytest.mark.parametrize("problem", ["outside-the-range", "taken"])
def test_an_address_that_is_not_to_be_had_is_refused(
    namespace: Namespace, cluster: Cluster, note: Callable[[str, object], None], family: Family, problem: str
) -> None:
    """“The IP address that you choose must be a valid IPv4 or IPv6 address from within the service-cluster-ip-range
    CIDR range … the API server will return a 422 HTTP status code to indicate that there's a problem.” What is taken
    here is the address of the cluster's DNS.
    https://kubernetes.io/docs/concepts/services-networking/service/#choosing-your-own-ip-address
    """
    wanted = cluster.dns_address if problem == "taken" else DOCUMENTATION[family]
    refusal = namespace.refusal(asking_for(namespace, wanted))
    note("the API server's words", was_refused(refusal, f"clusterIP {wanted} ({problem})", "spec.clusterIPs", wanted))
