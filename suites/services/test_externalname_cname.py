"""ExternalName Services."""

from __future__ import annotations

import json
from functools import partial

from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import all_answered, equal, none_answered
from fixtures.observations import Outcome
from fixtures.probes import dns, http
from fixtures.servers import DnsRecorder, WebServer
from fixtures.timeouts import Timeout
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace


@feature("svc.externalname.cname")
def test_an_external_name_is_a_cname_and_nothing_more(
    namespace: Namespace,
    cluster: Cluster,
    pod_vantages: dict[str, PodVantage],
    dns_recorder: DnsRecorder,
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

    ask = partial(dns, client, f"{host}.", server=cluster.dns_address)
    converge(ask, lambda seen: bool(seen[0].answers), what=f"{host} to resolve", timeout=Timeout.DNS)
    (answer,) = ask()
    equal(f"the records of {host}", ["api.example.com.", web_server.address], answer.answers, [answer])

    (page,) = all_answered(http(client, f"http://{host}:{web_server.port}/"))
    seen = json.loads(page.body)
    equal("the Host header", f"{host}:{web_server.port}", seen["host"], [page])
    unmapped = http(client, f"http://{host}:80/", count=3)
    none_answered(unmapped, outcomes={Outcome.REFUSED})


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
