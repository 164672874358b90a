"""How soon a change of the API is an answer of the DNS."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial

from clusters.families import Family
from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.coredns import CoreDns
from fixtures.dns_text import denial
from fixtures.expectations import all_answered, holds
from fixtures.lookups import unused_addresses
from fixtures.observations import DnsObservation
from fixtures.probes import dns
from fixtures.probes.together import together
from fixtures.timeouts import Timeout
from fixtures.vantages import NetnsVantage
from fixtures.workloads import Namespace

ROUNDS = 10
"""In each a Service is made, its endpoint is changed, and it is deleted: 30 changes."""
EVERY = 0.005
"""Seconds between two looks at a replica."""


def promised(answer: DnsObservation) -> int:
    """For how long an answer may be kept, in seconds: its TTL, or what it says of its being negative."""
    told = denial(answer)
    return min(answer.ttls, default=told.seconds if told else 0)


class Watched:
    """A name, looked at in every replica of CoreDNS by itself."""

    def __init__(self, node: NetnsVantage, replicas: list[str], name: str, record: str) -> None:
        self.asks = [partial(dns, node, name, record, server=address) for address in replicas]
        self.delays: list[float] = []
        """Of each change and replica, in seconds."""

    def follow(self, what: str, change: Callable[[], object], answers: list[str]) -> None:
        """Make a change; each replica answers so within what it promised before and the time for its watch."""
        bound = max(promised(*all_answered(ask())) for ask in self.asks) + Timeout.DNS_WATCH.seconds
        change()
        acknowledged = time.time()
        for seen in together(*[partial(first, ask, answers, acknowledged + bound) for ask in self.asks]):
            told = f"{seen.outcome} {seen.rcode} {seen.answers}"
            holds(is_so(seen, answers), f"{what} to be answered with {answers} within {bound:g} s", told, [seen])
            self.delays.append(max(0.0, seen.at + seen.seconds - acknowledged))


def first(ask: Callable[[], list[DnsObservation]], answers: list[str], limit: float) -> list[DnsObservation]:
    """A replica's first answer that is the new one; its last where none was by then."""
    while True:
        (seen,) = ask()
        if is_so(seen, answers) or time.time() > limit:
            return [seen]
        time.sleep(EVERY)


def is_so(seen: DnsObservation, answers: list[str]) -> bool:
    return seen.answers == answers and seen.rcode == ("NOERROR" if answers else "NXDOMAIN")


@feature("dns.propagation")
def test_changes_are_answered_as_soon_as_the_answers_of_before_have_ended(
    namespace: Namespace,
    cluster: Cluster,
    coredns: CoreDns,
    a_node: NetnsVantage,
    family: Family,
    address_record: str,
    note: Callable[[str, object], None],
) -> None:
    """“The meaning of the TTL field is a time limit on how long an RR can be kept in a cache.”
    https://www.rfc-editor.org/rfc/rfc1034#section-3.6
    “A cluster-aware DNS server, such as CoreDNS, watches the Kubernetes API for new Services and creates a set of DNS
    records for each one.” https://kubernetes.io/docs/concepts/services-networking/service/#dns
    How soon its watch is served Kubernetes does not say: `DNS_WATCH` is the bound, and p50 and p99 are recorded.
    """
    service, endpoints = namespace.read("propagation.yaml")
    endpoints["addressType"] = family
    one, another = unused_addresses(family, 2)
    watched = Watched(
        a_node, list(coredns.replicas().values()), f"web.{namespace.name}.svc.{cluster.dns_domain}.", address_record
    )

    def lead_to(address: str) -> None:
        namespace.apply_object({**endpoints, "endpoints": [{"addresses": [address]}]})

    for _ in range(ROUNDS):
        lead_to(one)
        watched.follow("a Service that is new", partial(namespace.apply_object, service), [one])
        watched.follow("another endpoint", partial(lead_to, another), [another])
        watched.follow("a Service that is gone", partial(namespace.delete, "v1", "Service", "web"), [])
    cuts = statistics.quantiles(watched.delays, n=100, method="inclusive")
    note("changes and replicas", f"{3 * ROUNDS} and {len(watched.asks)}: N = {len(watched.delays)}")
    note("from the API's answer to the DNS's", f"p50 {cuts[49] * 1e3:.0f} ms, p99 {cuts[98] * 1e3:.0f} ms")
