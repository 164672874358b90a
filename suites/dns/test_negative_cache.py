"""How long a negative answer is kept."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from functools import partial

import pytest

from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.coredns import CoreDns
from fixtures.dns_text import denial
from fixtures.expectations import all_answered, holds
from fixtures.observations import DnsObservation
from fixtures.probes import dns
from fixtures.servers import DnsRecorder
from fixtures.timeouts import Timeout
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace

ASKED = 12
"""Queries at a time. One of two replicas is left out of 12 with probability 2·(1/2)^12 < 0.0005."""
CACHES = re.compile(r"^\s*cache\b", re.MULTILINE)


def promised(answers: list[DnsObservation]) -> int:
    """For how long the negative answers may be kept, in seconds."""
    found = [denial(answer) for answer in all_answered(answers)]
    holds(all(found) and {seen.rcode for seen in answers} == {"NXDOMAIN"}, "NXDOMAIN with a SOA", f"{answers}", answers)
    return max(one.seconds for one in found if one)


def kept_no_longer(ask: Callable[[], list[DnsObservation]], address: str, since: float, limit: float) -> float:
    """Once ``limit`` seconds have gone by, all answers are the new one. Gives when they first were, in seconds."""
    while True:
        sent = time.monotonic() - since
        answers = all_answered(ask())
        if (new := all(answer.answers == [address] for answer in answers)) or sent > limit:
            old = [answer for answer in answers if answer.answers != [address]]
            holds(new, f"the new answer {address} within {limit:g} s", f"{len(old)} of {len(answers)} others", old)
            return sent
        time.sleep(0.2)


@feature("dns.negative-cache")
@pytest.mark.each_family
def test_a_service_whose_name_was_denied_is_known_when_the_denial_has_ended(
    namespace: Namespace,
    cluster: Cluster,
    pod_vantages: dict[str, PodVantage],
    address_record: str,
    note: Callable[[str, object], None],
) -> None:
    """“A negative answer that resulted from a name error (NXDOMAIN) should be cached such that it can be retrieved and
    returned in response to another query for the same <QNAME, QCLASS>”; its “TTL is taken from the minimum of the
    SOA.MINIMUM field and SOA's TTL … upon reaching zero (0) indicates the cached negative answer MUST NOT be used
    again.” https://www.rfc-editor.org/rfc/rfc2308#section-5
    Beside what the answer promised there is the time that CoreDNS takes to hear of the Service (`DNS_WATCH`).
    """
    client = next(iter(pod_vantages.values()))
    name = f"web.{namespace.name}.svc.{cluster.dns_domain}."
    ask = partial(dns, client, name, address_record, server=cluster.dns_address, count=ASKED)
    kept = promised(ask())
    namespace.apply("record_addresses.yaml")
    created = time.monotonic()
    seconds = kept_no_longer(ask, namespace.cluster_ip("web"), created, kept + Timeout.DNS_WATCH.seconds)
    note("promised and seen", f"kept for {kept} s at the most; new answer after {seconds:.1f} s")


@feature("dns.negative-cache")
def test_a_name_outside_that_was_denied_is_known_when_the_denial_has_ended(
    cluster: Cluster,
    pod_vantages: dict[str, PodVantage],
    coredns: CoreDns,
    dns_recorder: DnsRecorder,
    note: Callable[[str, object], None],
) -> None:
    """The SOA's “TTL … upon reaching zero (0) indicates the cached negative answer MUST NOT be used again.”
    https://www.rfc-editor.org/rfc/rfc2308#section-5
    Whether CoreDNS caches at all its Corefile says: “With cache enabled, all records except zone transfers and metadata
    records will be cached”. https://coredns.io/plugins/cache/
    """
    client = next(iter(pod_vantages.values()))
    name = f"late-{secrets.token_hex(4)}.example.com."
    ask = partial(dns, client, name, "A", server=cluster.dns_address, count=ASKED)
    kept = promised(ask())
    forwarded = sum(query.name == name for query in dns_recorder.queries)
    note("queries that were forwarded", f"{forwarded} of {ASKED}")
    if CACHES.search(coredns.corefile()):
        holds(forwarded < ASKED, f"less than {ASKED} queries outside, since CoreDNS caches", f"{forwarded}")
    else:
        told = f"at least {ASKED} queries outside, since this CoreDNS caches nothing"
        holds(forwarded >= ASKED, told, f"{forwarded}")
    dns_recorder.answers[name] = "192.0.2.7"
    seconds = kept_no_longer(ask, "192.0.2.7", time.monotonic(), kept + Timeout.DNS_WATCH.seconds)
    note("promised and seen", f"kept for {kept} s at the most; new answer after {seconds:.1f} s")
