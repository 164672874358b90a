"""What goes on, and what does not, when nobody answers for the cluster's names."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection

import pytest

from clusters.families import at
from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.coredns import CoreDns
from fixtures.expectations import all_answered, equal, none_answered, said
from fixtures.lookups import looked_up
from fixtures.observations import HttpObservation, Outcome
from fixtures.probes import dns, http
from fixtures.probes.kept import once
from fixtures.probes.request import HttpRequest
from fixtures.timeouts import Timeout
from fixtures.vantages import NetnsVantage, PodVantage
from fixtures.workloads import Namespace

PORT = 80


class Kept:
    """One connection to a Service, made from a node and used as long as it holds."""

    def __init__(self, vantage: NetnsVantage, address: str) -> None:
        self._vantage = vantage
        self._request = HttpRequest(url=f"http://{at(address)}:{PORT}/hostname", timeout=Timeout.REQUEST.seconds)
        self._connection = HTTPConnection(address, PORT, timeout=Timeout.REQUEST.seconds)

    def ask(self) -> HttpObservation:
        """One request on it; a connection that broke is told by another `end`."""
        return self._vantage.call(partial(once, self._vantage.name, self._request, self._connection))

    @property
    def end(self) -> object:
        """Our end of the connection."""
        return self._connection.sock and self._connection.sock.getsockname()


@pytest.mark.disturbs
@feature("dns.coredns-down")
def test_without_coredns_lookups_are_refused_and_everything_else_goes_on(
    namespace: Namespace,
    cluster: Cluster,
    pod_vantages: dict[str, PodVantage],
    a_node: NetnsVantage,
    coredns: CoreDns,
    address_record: str,
    note: Callable[[str, object], None],
) -> None:
    """The DNS server is a Service as any other: “Rejecting packets for services with no local or remote endpoints.”
    https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/proxy/nftables/README.md
    Addresses take no DNS: kube-proxy configures nodes “to capture traffic to the Service's clusterIP and port, and
    redirect that traffic to one of the Service's endpoints”.
    https://kubernetes.io/docs/reference/networking/virtual-ips/
    """
    namespace.apply("coredns_down.yaml")
    (pod,) = namespace.wait_ready()
    address = namespace.cluster_ip("web")
    name = f"web.{namespace.name}.svc.{cluster.dns_domain}."
    client = next(iter(pod_vantages.values()))
    url = f"http://{at(address)}:{PORT}/hostname"
    converge(partial(http, client, url), lambda seen: seen[0].answered, what="the Service to answer")
    looked_up(cluster, client, name, address_record)
    kept = Kept(a_node, address)
    equal("who answers on the connection that is kept", pod.name, said(*all_answered([kept.ask()])))
    end = kept.end

    with coredns.scaled(0):
        for tcp in (False, True):
            what = "TCP" if tcp else "UDP"
            for place in pod_vantages.values():
                ask = partial(dns, place, name, address_record, server=cluster.dns_address, tcp=tcp)
                is_refused = f"a lookup from {place.name} over {what} to be refused"
                converge(ask, lambda seen: seen[0].outcome is Outcome.REFUSED, what=is_refused, successes=1)
                none_answered(ask(), outcomes={Outcome.REFUSED})
            # A refusal of what the node itself sends may be told by the system call instead: EPERM.
            (own,) = dns(a_node, name, address_record, server=cluster.dns_address, tcp=tcp)
            none_answered([own])
            note(f"a node's own lookup over {what}", f"{own.outcome} {own.detail} after {own.seconds * 1e3:.0f} ms")
        # Linux by itself sends one address few ICMP errors (icmp_ratelimit); a resolver that misses one asks once more.
        unknown = {Outcome.NAME_ERROR, Outcome.TIMEOUT}
        none_answered(http(client, f"http://{name}:{PORT}/hostname"), outcomes=unknown)
        equal("who answers on the connection that is kept", pod.name, said(*all_answered([kept.ask()])))
        equal("the end of the connection that is kept", end, kept.end)
        for sender in (client, a_node):
            for page in all_answered(http(sender, url, count=5)):
                equal(f"who answers {sender.name} on a new connection", pod.name, said(page), [page])

    looked_up(cluster, client, name, address_record)
    all_answered(http(client, f"http://{name}:{PORT}/hostname"))
    equal("who answers on the connection that is kept", pod.name, said(*all_answered([kept.ask()])))
    equal("the end of the connection that is kept", end, kept.end)
