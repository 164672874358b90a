"""Domains that CoreDNS asks another server for."""

from __future__ import annotations

import secrets

import pytest

from clusters.families import at
from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.coredns import CoreDns
from fixtures.expectations import all_answered, equal
from fixtures.probes import dns
from fixtures.servers import DnsRecorder
from fixtures.servers import dns_recorder as recorder_at
from fixtures.vantages import NetnsVantage, PodVantage

PORT = 5353
BLOCK = """
stub.example:53 {{
    errors
    forward . {server}
}}
"""


@pytest.mark.disturbs
@feature("dns.stub-domain")
def test_a_stub_domain_is_asked_of_its_own_server_and_nothing_else_is(
    cluster: Cluster,
    pod_vantages: dict[str, PodVantage],
    coredns: CoreDns,
    server_1: NetnsVantage,
    dns_recorder: DnsRecorder,
) -> None:
    """“CoreDNS has the ability to configure stub-domains and upstream nameservers using the forward plugin … If a
    cluster operator has a Consul domain server located at "10.150.0.1", and all Consul names have the suffix
    ".consul.local". To configure it in CoreDNS, the cluster administrator creates the following stanza”.
    https://kubernetes.io/docs/tasks/administer-cluster/dns-custom-nameservers/#configuration-of-stub-domain-and-upstream-nameserver-using-coredns
    """
    client = next(iter(pod_vantages.values()))
    token = secrets.token_hex(4)  # others ask the server outside, too
    outside, host, other = f"api-{token}.example.com.", f"host-{token}.stub.example.", f"other-{token}.stub.example."
    dns_recorder.answers[outside] = "192.0.2.7"
    inside = f"kubernetes.default.svc.{cluster.dns_domain}."

    def answers(name: str) -> tuple[str, list[str]]:
        (answer,) = all_answered(dns(client, name, "A", server=cluster.dns_address))
        return answer.rcode, answer.answers

    known = answers(inside)
    block = BLOCK.format(server=f"{at(server_1.address)}:{PORT}")
    with (
        recorder_at(server_1, {host: "192.0.2.8"}, PORT) as stub,
        coredns.configured(coredns.corefile() + block),
    ):
        equal(f"the answer for {host}", ("NOERROR", ["192.0.2.8"]), answers(host))
        equal(f"the answer for {other}", ("NXDOMAIN", []), answers(other))
        equal(f"the answer for {outside}", ("NOERROR", ["192.0.2.7"]), answers(outside))
        equal(f"the answer for {inside}", known, answers(inside))
        # How often is not judged: CoreDNS asks again where an answer is late.
        asked = {query.name for query in stub.queries if query.record == "A"}
        equal("the names that the stub domain's server was asked for", {host, other}, asked)
        asked = {query.name for query in dns_recorder.queries if token in query.name or query.name == inside}
        equal("the names of the check that the server outside was asked for", {outside}, asked)
