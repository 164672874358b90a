"""Answers that are too long for a datagram."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from clusters.families import Family
from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import all_answered, equal, holds
from fixtures.lookups import unused_addresses
from fixtures.probes import dns
from fixtures.timeouts import Timeout
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace

IN_ALL, IN_A_SLICE = 250, 100
CLASSIC, EXTENDED = 512, 4096


def with_addresses(namespace: Namespace, family: Family, count: int) -> list[str]:
    """Apply the headless Service and as many slices as the addresses take; gives these in order."""
    addresses = unused_addresses(family, count)
    service, template = namespace.read("tcp_fallback.yaml")
    namespace.apply_object(service)
    for start in range(0, count, IN_A_SLICE):
        part = {**template, "addressType": family, "metadata": {**template["metadata"], "name": f"many-{start}"}}
        part["endpoints"] = [{"addresses": [address]} for address in addresses[start : start + IN_A_SLICE]]
        namespace.apply_object(part)
    return sorted(addresses)


@feature("dns.tcp-fallback")
@pytest.mark.each_family
def test_a_long_answer_is_truncated_in_a_datagram_and_whole_over_tcp(
    namespace: Namespace,
    cluster: Cluster,
    pod_vantages: dict[str, PodVantage],
    family: Family,
    address_record: str,
    note: Callable[[str, object], None],
) -> None:
    """“Messages carried by UDP are restricted to 512 bytes … Longer messages are truncated and the TC bit is set in the
    header.” https://www.rfc-editor.org/rfc/rfc1035#section-4.2.1
    With EDNS the size that a query names is “the number of octets of the largest UDP payload that can be reassembled
    and delivered in the requestor's network stack”. https://www.rfc-editor.org/rfc/rfc6891#section-6.2.3
    “All general-purpose DNS implementations MUST support both UDP and TCP transport.”
    https://www.rfc-editor.org/rfc/rfc7766#section-5
    """
    addresses = with_addresses(namespace, family, IN_ALL)
    client = next(iter(pod_vantages.values()))
    name = f"many.{namespace.name}.svc.{cluster.dns_domain}."
    ask = partial(dns, client, name, address_record, server=cluster.dns_address)
    whole = partial(ask, tcp=True)
    known = f"{name} to have {IN_ALL} addresses over TCP"
    converge(whole, lambda seen: len(seen[0].answers) == IN_ALL, what=known, timeout=Timeout.DNS)
    for answer in all_answered(whole(count=3)):
        found = (sorted(answer.answers), answer.truncated)
        equal(f"the addresses of {name} over TCP", (addresses, False), found, [answer])

    for size, (answer,) in ((CLASSIC, ask()), (EXTENDED, ask(edns=EXTENDED))):
        told = f"{answer.size} bytes, {len(answer.answers)} addresses, truncated: {answer.truncated}"
        complete = sorted(answer.answers) == addresses
        expected = f"at most {size} bytes by UDP, and either all {IN_ALL} addresses or the mark of truncation"
        holds(answer.answered and answer.size <= size and complete != answer.truncated, expected, told, [answer])
        note(f"{address_record} in a datagram of {size}", told)

    done = client.exec(["dig", "+short", name, address_record], timeout=Timeout.COMMAND.seconds)
    equal(f"the addresses of {name} that dig finds by the pod's own means", addresses, sorted(done.stdout.split()))


@feature("dns.tcp-fallback")
@pytest.mark.each_family
def test_an_answer_that_fits_is_not_truncated(
    namespace: Namespace,
    cluster: Cluster,
    pod_vantages: dict[str, PodVantage],
    family: Family,
    address_record: str,
) -> None:
    """“Longer messages are truncated”, and only they. https://www.rfc-editor.org/rfc/rfc1035#section-4.2.1"""
    addresses = with_addresses(namespace, family, 5)
    client = next(iter(pod_vantages.values()))
    name = f"many.{namespace.name}.svc.{cluster.dns_domain}."
    ask = partial(dns, client, name, address_record, server=cluster.dns_address)
    known = f"{name} to have 5 addresses"
    converge(ask, lambda seen: len(seen[0].answers) == 5, what=known, timeout=Timeout.DNS)
    for answer in all_answered(ask(count=3)):
        equal(f"the addresses of {name}", (addresses, False), (sorted(answer.answers), answer.truncated), [answer])
