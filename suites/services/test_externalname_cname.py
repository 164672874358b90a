"""ExternalName Services."""

from __future__ import annotations

import json
from functools import partial

from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.certificates import hosts_of, self_signed
from fixtures.convergence import converge
from fixtures.expectations import all_answered, equal, none_answered
from fixtures.observations import Outcome
from fixtures.probes import dns, http
from fixtures.servers import DnsRecorder, WebServer
from fixtures.servers import web_server as served
from fixtures.timeouts import Timeout
from fixtures.vantages import NetnsVantage, PodVantage
from fixtures.workloads import Namespace


@feature("svc.externalname.cname")
def test_an_external_name_is_a_cname_and_nothing_more(
    namespace: Namespace,
    cluster: Cluster,
    pod_vantages: dict[str, PodVantage],
    dns_recorder: DnsRecorder,
    address_record: str,
    web_server: WebServer,
) -> None:
    """“The cluster DNS Service returns a CNAME record with the value …”; “redirection happens at the DNS level rather
    than via proxying or forwarding”; “HTTP requests will have a Host: header that the origin server does not
    recognize.”
    https://kubernetes.io/docs/concepts/services-networking/service/#externalname
    """
    dns_recorder.answers["api.example.com."] = web_server.address
    namespace.apply("externalname_cname.yaml")
    namespace.patch("v1", "Service", "outside", {"spec": {"ports": [{"port": 80, "targetPort": web_server.port}]}})
    client = next(iter(pod_vantages.values()))
    host = f"outside.{namespace.name}.svc.{cluster.dns_domain}"

    ask = partial(dns, client, f"{host}.", address_record, server=cluster.dns_address)
    converge(ask, lambda seen: bool(seen[0].answers), what=f"{host} to resolve", timeout=Timeout.DNS)
    (answer,) = ask()
    equal(f"the records of {host}", ["api.example.com.", web_server.address], answer.answers, [answer])

    (page,) = all_answered(http(client, f"http://{host}:{web_server.port}/"))
    seen = json.loads(page.body)
    equal("the Host header", f"{host}:{web_server.port}", seen["host"], [page])
    unmapped = http(client, f"http://{host}:80/", count=3)
    none_answered(unmapped, outcomes={Outcome.REFUSED})
    # Nor does anybody ask after the host's health: it keeps its records though it refuses the Service's own port.
    (after,) = ask()
    equal(f"the records of {host} afterwards", ["api.example.com.", web_server.address], after.answers, [after])


@feature("svc.externalname.cname")
def test_by_tls_a_client_asks_for_the_name_that_it_knows(
    namespace: Namespace,
    cluster: Cluster,
    pod_vantages: dict[str, PodVantage],
    server_1: NetnsVantage,
    dns_recorder: DnsRecorder,
    address_record: str,
) -> None:
    """“TLS servers will not be able to provide a certificate matching the hostname that the client connected to.”
    https://kubernetes.io/docs/concepts/services-networking/service/#externalname
    The outside server has a certificate for its own name only. A client that asks for the Service's name (SNI, RFC 6066
    section 3) and checks certificates refuses it; the same client accepts it under the server's own name.
    """
    dns_recorder.answers["api.example.com."] = server_1.address
    namespace.apply("externalname_cname.yaml")
    client = next(iter(pod_vantages.values()))
    host = f"outside.{namespace.name}.svc.{cluster.dns_domain}"
    ask = partial(dns, client, f"{host}.", address_record, server=cluster.dns_address)
    converge(ask, lambda seen: bool(seen[0].answers), what=f"{host} to resolve", timeout=Timeout.DNS)

    certificate = self_signed("api.example.com")
    with served(server_1, certificate=certificate) as server:
        url = f"https://{host}:{server.port}/"
        (page,) = all_answered(http(client, url))
        seen = json.loads(page.body)
        equal("the TLS server name", host, seen["server_name"], [page])
        equal("the Host header", f"{host}:{server.port}", seen["host"], [page])
        equal("the certificate's names", ["api.example.com"], hosts_of(page.certificate), [page])
        none_answered(http(client, url, ca=certificate.certificate, count=3), outcomes={Outcome.TLS_ERROR})
        own = f"https://api.example.com:{server.port}/"
        all_answered(http(client, own, address=server.address, ca=certificate.certificate))


@feature("svc.externalname.cname")
def test_an_external_name_that_looks_like_an_address_is_no_address(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage]
) -> None:
    """“A Service of type: ExternalName accepts an IPv4 address string, but treats that string as a DNS name comprised
    of digits, not as an IP address … Services with external names that resemble IPv4 addresses are not resolved by
    DNS servers.” https://kubernetes.io/docs/concepts/services-networking/service/#externalname
    """
    namespace.apply("externalname_cname.yaml")
    client = next(iter(pod_vantages.values()))
    domain = f"{namespace.name}.svc.{cluster.dns_domain}."
    known = partial(dns, client, f"outside.{domain}", "CNAME", server=cluster.dns_address)
    converge(known, lambda seen: bool(seen[0].answers), what="the Services to be known", timeout=Timeout.DNS)
    answers = dns(client, f"digits.{domain}", "A", server=cluster.dns_address, count=3)
    for answer in all_answered(answers):
        equal(
            f"the addresses of digits.{domain}", [], [text for text in answer.answers if text == "192.0.2.53"], [answer]
        )
