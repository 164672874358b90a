"""Names that do not exist, and types that a name does not have."""

from __future__ import annotations

import secrets

import pytest

from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.dns_text import denial
from fixtures.expectations import all_answered, equal, holds
from fixtures.lookups import looked_up
from fixtures.observations import DnsObservation
from fixtures.probes import dns
from fixtures.servers import DnsRecorder
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace


def denied(answer: DnsObservation, rcode: str, zone: str) -> None:
    """A negative answer of this code, with the zone's SOA record that says for how long it holds."""
    what = answer.target.partition("//")[2]
    equal(f"code and answers for {what}", (rcode, []), (answer.rcode, answer.answers), [answer])
    found = denial(answer)
    right = found is not None and found.zone == zone and found.ttl <= found.minimum
    told = f"one SOA record of {zone} in the authority section, whose TTL is no longer than its minimum"
    holds(right, told, f"{answer.authority}", [answer])


@feature("dns.nxdomain")
@pytest.mark.parametrize(
    ("name", "record", "rcode"),
    [
        ("nothing.{ns}.svc.{domain}.", "A", "NXDOMAIN"),
        ("nothing.{ns}.svc.{domain}.", "AAAA", "NXDOMAIN"),
        ("web.no-such-namespace.svc.{domain}.", "A", "NXDOMAIN"),
        ("_nothing._tcp.web.{ns}.svc.{domain}.", "SRV", "NXDOMAIN"),
        ("nothing.{domain}.", "A", "NXDOMAIN"),
        ("web.{ns}.svc.{domain}.", "TXT", "NOERROR"),
        ("web.{ns}.svc.{domain}.", "MX", "NOERROR"),
    ],
    ids=["service", "service-aaaa", "namespace", "port", "under-the-domain", "type-txt", "type-mx"],
)
def test_what_is_not_there_is_denied_with_the_zones_soa(
    namespace: Namespace,
    cluster: Cluster,
    pod_vantages: dict[str, PodVantage],
    address_record: str,
    name: str,
    record: str,
    rcode: str,
) -> None:
    """“Name servers authoritative for a zone MUST include the SOA record of the zone in the authority section of the
    response when reporting an NXDOMAIN or indicating that no data of the requested type exists … The TTL of this record
    is set from the minimum of the MINIMUM field of the SOA record and the TTL of the SOA itself”.
    https://www.rfc-editor.org/rfc/rfc2308#section-3
    """
    namespace.apply("record_addresses.yaml")
    client = next(iter(pod_vantages.values()))
    looked_up(cluster, client, f"web.{namespace.name}.svc.{cluster.dns_domain}.", address_record)
    asked = name.format(ns=namespace.name, domain=cluster.dns_domain)
    for answer in all_answered(dns(client, asked, record, server=cluster.dns_address, count=3)):
        denied(answer, rcode, f"{cluster.dns_domain}.".lower())


@feature("dns.nxdomain")
def test_what_is_not_there_outside_is_denied_as_the_server_outside_does(
    cluster: Cluster, pod_vantages: dict[str, PodVantage], dns_recorder: DnsRecorder
) -> None:
    """“Name errors (NXDOMAIN) are indicated by the presence of "Name Error" in the RCODE field.” “NODATA is indicated
    by an answer with the RCODE set to NOERROR and no relevant answers in the answer section.”
    https://www.rfc-editor.org/rfc/rfc2308#section-2
    The recording server is of the root zone; the cluster's DNS tells what it said.
    """
    token = secrets.token_hex(4)  # others ask the server outside, too
    known, unknown = f"api-{token}.example.com.", f"www-{token}.example.org."
    dns_recorder.answers[known] = dns_recorder.address
    client = next(iter(pod_vantages.values()))
    for name, record, rcode in ((unknown, "A", "NXDOMAIN"), (known, "TXT", "NOERROR")):
        (answer,) = all_answered(dns(client, name, record, server=cluster.dns_address))
        denied(answer, rcode, ".")
        # How often is not judged: CoreDNS asks again where an answer is late.
        asked = {query.record for query in dns_recorder.queries if query.name == name}
        equal(f"the types that {name} was asked for at the server outside", {record}, asked, [answer])
