"""SRV records."""

from __future__ import annotations

from functools import partial

import pytest

from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.dns_text import ports_and_targets
from fixtures.expectations import all_answered, equal
from fixtures.probes import dns
from fixtures.timeouts import Timeout
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace


@feature("dns.record.srv")
@pytest.mark.each_family
@pytest.mark.parametrize(("name", "port"), [("_http._tcp", 80), ("_datagrams._udp", 90)], ids=["tcp", "udp"])
def test_a_named_port_has_one_srv_record(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage], name: str, port: int
) -> None:
    """“For each port in the Service with name <port> and number <port-number> using protocol <proto>, an SRV record of
    the following form must exist: _<port>._<proto>.<service>.<ns>.svc.<zone>. <ttl> IN SRV …”
    https://github.com/kubernetes/dns/blob/master/docs/specification.md#232---srv-records
    """
    namespace.apply("record_srv.yaml")
    service = f"web.{namespace.name}.svc.{cluster.dns_domain}."
    client = next(iter(pod_vantages.values()))
    ask = partial(dns, client, f"{name}.{service}", "SRV", server=cluster.dns_address)
    converge(ask, lambda seen: bool(seen[0].answers), what=f"{name}.{service} to be known", timeout=Timeout.DNS)
    (answer,) = all_answered(ask())
    equal(f"port and target of {name}.{service}", [(port, service)], ports_and_targets(answer), [answer])


@feature("dns.record.srv")
@pytest.mark.each_family
def test_a_headless_port_has_an_srv_record_for_each_ready_pod(
    namespace: Namespace, cluster: Cluster, pod_vantages: dict[str, PodVantage], address_record: str
) -> None:
    """“If there are N ready endpoints and the Service defines M named ports, there will be N × M SRV RRs for the
    Service.”
    https://github.com/kubernetes/dns/blob/master/docs/specification.md#242---srv-records
    """
    namespace.apply("record_srv.yaml")
    pods = sorted(pod.address for pod in namespace.wait_ready())
    service = f"headless.{namespace.name}.svc.{cluster.dns_domain}."
    client = next(iter(pod_vantages.values()))
    ask = partial(dns, client, f"_http._tcp.{service}", "SRV", server=cluster.dns_address)
    converge(
        ask,
        lambda seen: len(seen[0].answers) == len(pods),
        what=f"_http._tcp.{service} to have {len(pods)} records",
        timeout=Timeout.DNS,
    )
    (answer,) = all_answered(ask())
    found = ports_and_targets(answer)
    equal("the ports", {8080}, {port for port, _ in found}, [answer])
    addresses = []
    for _, target in found:
        (address,) = all_answered(dns(client, target, address_record, server=cluster.dns_address))
        equal(f"the Service that {target} is of", service, target.partition(".")[2], [address])
        addresses += address.answers
    equal("the addresses of the records' targets", pods, sorted(addresses), [answer])
