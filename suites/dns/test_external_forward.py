"""Names outside the cluster."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.coredns import CoreDns
from fixtures.expectations import all_answered, equal, holds
from fixtures.probes import dns
from fixtures.servers import DNS_TTL, DnsRecorder
from fixtures.vantages import PodVantage


@feature("dns.external-forward")
def test_a_name_outside_is_forwarded_and_its_answer_comes_through(
    cluster: Cluster,
    pod_vantages: dict[str, PodVantage],
    coredns: CoreDns,
    dns_recorder: DnsRecorder,
    note: Callable[[str, object], None],
) -> None:
    """“Any DNS query that does not match the configured cluster domain suffix, such as "www.kubernetes.io", is
    forwarded to an upstream nameserver by the DNS server.”
    https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/#pod-s-dns-policy
    """
    outside = f"api-{secrets.token_hex(4)}.example.com."  # others ask the server outside, too
    dns_recorder.answers[outside] = "192.0.2.7"
    client = next(iter(pod_vantages.values()))
    (answer,) = all_answered(dns(client, outside, "A", server=cluster.dns_address))
    equal(f"the address of {outside}", ["192.0.2.7"], answer.answers, [answer])
    told = f"a TTL of at most {DNS_TTL} s, as the server outside said"
    holds(0 < answer.ttls[0] <= DNS_TTL, told, f"{answer.ttls}", [answer])
    asked = [query for query in dns_recorder.queries if query.name == outside]
    equal(f"the types that {outside} was asked for outside", {"A"}, {query.record for query in asked}, [answer])
    note("queries at the server outside", len(asked))  # nobody promises one: CoreDNS asks again where an answer is late
    note("who asked the server outside", f"{asked[0].source}; CoreDNS has {', '.join(coredns.replicas().values())}")

    inside = f"kubernetes.default.svc.{cluster.dns_domain}."
    (known,) = all_answered(dns(client, inside, "A", server=cluster.dns_address))
    equal(f"the code for {inside}", "NOERROR", known.rcode, [known])
    equal(f"what the server outside was asked for {inside}", [], [q for q in dns_recorder.queries if q.name == inside])
