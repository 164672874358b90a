"""Names outside the cluster."""

from __future__ import annotations

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
    dns_recorder.answers["api.example.com."] = "192.0.2.7"
    client = next(iter(pod_vantages.values()))
    (answer,) = all_answered(dns(client, "api.example.com.", "A", server=cluster.dns_address))
    equal("the address of api.example.com", ["192.0.2.7"], answer.answers, [answer])
    told = f"a TTL of at most {DNS_TTL} s, as the server outside said"
    holds(0 < answer.ttls[0] <= DNS_TTL, told, f"{answer.ttls}", [answer])
    asked = [(query.name, query.record) for query in dns_recorder.queries]
    equal("what the server outside was asked", [("api.example.com.", "A")], asked)
    replicas = coredns.replicas()
    source = dns_recorder.queries[0].source
    note("who asked the server outside", f"{source}; CoreDNS has {', '.join(replicas.values())}")

    name = f"kubernetes.default.svc.{cluster.dns_domain}."
    (inside,) = all_answered(dns(client, name, "A", server=cluster.dns_address))
    equal(f"the code for {name}", "NOERROR", inside.rcode, [inside])
    equal("how often the server outside was asked for names inside", 1, len(dns_recorder.queries), [inside])
