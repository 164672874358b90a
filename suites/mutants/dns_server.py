"""Mutants of the cluster's DNS server: what CoreDNS is told, and the Service in front of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kubernetes.client import ApiClient

from clusters.families import at
from clusters.provider import Cluster
from fixtures.api import Api
from fixtures.convergence import await_value, converge
from fixtures.coredns import NAME, NAMESPACE, CoreDns
from fixtures.probes import dns
from fixtures.timeouts import Timeout
from fixtures.vantages import vantage_of

from .model import During, Mutant, Object
from .services import table_on

WRONG = "192.0.2.66"
RECORD_A = "suites/dns/test_record_addresses.py"
HOURS = 3600
STUB = 5353
"""Where the check has the stub domain's server."""
DNS_SERVICE = "kube-dns"
ANOTHER = "coredns-roadtest-mutant"


def with_corefile(change: Callable[[str, Cluster], str]) -> During:
    """While the checks run CoreDNS runs what ``change`` makes of its Corefile."""

    @contextmanager
    def during(cluster: Cluster) -> Iterator[None]:
        api = Api(cluster.kubeconfig, cluster.scratch)
        coredns = CoreDns(api, cluster, vantage_of(cluster.nodes[0]))
        with coredns.configured(change(coredns.corefile(), cluster)):
            yield

    return during


def lies(corefile: str, cluster: Cluster) -> str:
    """A wrong address for every Service called web. CoreDNS's template plugin is asked before the kubernetes plugin."""
    lie = f"""template IN A {cluster.dns_domain} {{
            match ^web\\.[^.]+\\.svc\\.{re.escape(cluster.dns_domain)}\\.$
            answer "{{{{ .Name }}}} 30 IN A {WRONG}"
            fallthrough
        }}
        kubernetes """
    return corefile.replace("kubernetes ", lie, 1)


def denies_the_other_type(corefile: str, cluster: Cluster) -> str:
    """What has no AAAA records does not exist at all."""
    return corefile.replace(
        "kubernetes ", f"template IN AAAA {cluster.dns_domain} {{\n rcode NXDOMAIN\n }}\n kubernetes ", 1
    )


def knows_no_reverse_zones(corefile: str, cluster: Cluster) -> str:
    return corefile.replace(f"{cluster.dns_domain} in-addr.arpa ip6.arpa {{", f"{cluster.dns_domain} {{")


def knows_no_pods(corefile: str, _cluster: Cluster) -> str:
    return corefile.replace("pods insecure", "pods disabled")


def keeps_denials(corefile: str, _cluster: Cluster) -> str:
    """What was denied once is denied for an hour, whatever the answer promised."""
    return corefile.replace("kubernetes ", f"cache {{\n denial 9984 {HOURS} {HOURS}\n }}\n kubernetes ", 1)


def denies_without_reason(corefile: str, cluster: Cluster) -> str:
    """NXDOMAIN of CoreDNS's template plugin: without a SOA record."""
    match = "match ^_?nothing\\.\n rcode NXDOMAIN\n fallthrough"
    return corefile.replace("kubernetes ", f"template ANY ANY {cluster.dns_domain} {{\n {match}\n }}\n kubernetes ", 1)


def forwards_astray(corefile: str, cluster: Cluster) -> str:
    """Names outside are asked of a port of the outside server where nobody listens."""
    return re.sub(r"forward \. \S+", f"forward . {at(cluster.servers[0].address)}:5399", corefile)


@contextmanager
def led_to_the_server_outside(cluster: Cluster) -> Iterator[None]:
    """The nodes lead what CoreDNS asks of the stub domain's server to the one that it asks of all other names."""
    outside = at(cluster.servers[0].address)
    with table_on(cluster.nodes, f"type nat hook prerouting priority -110; udp dport {STUB} dnat ip to {outside}:53;"):
        yield


@contextmanager
def without_tcp(cluster: Cluster) -> Iterator[None]:
    """The DNS Service leads UDP on and no TCP."""
    api = Api(cluster.kubeconfig, cluster.scratch)
    node = vantage_of(cluster.nodes[0])
    service = api.core.read_namespaced_service(DNS_SERVICE, NAMESPACE).to_dict()
    ports = [
        {"name": port["name"], "port": port["port"], "protocol": port["protocol"], "targetPort": port["target_port"]}
        for port in service["spec"]["ports"]
    ]
    kept = [port for port in ports if port["protocol"] != "TCP"]
    name = f"kubernetes.default.svc.{cluster.dns_domain}."

    def set_to(wanted: list[dict[str, object]], *, answered: bool) -> None:
        api.patch("v1", "Service", DNS_SERVICE, NAMESPACE, {"spec": {"ports": wanted}})
        ask = lambda: dns(node, name, server=cluster.dns_address, tcp=True, timeout=Timeout.DROP.seconds)  # noqa: E731
        converge(ask, lambda seen: seen[0].answered is answered, what="kube-proxy to follow", timeout=Timeout.READY)

    try:
        set_to(kept, answered=False)
        yield
    finally:
        set_to(ports, answered=True)


def object_of(deployment: Any) -> Object:
    """A Deployment as the API shows it in JSON."""
    found: Object = ApiClient().sanitize_for_serialization(deployment)
    return found


@contextmanager
def with_another_server(cluster: Cluster) -> Iterator[None]:
    """A pod of another Deployment serves behind the DNS Service too."""
    api = Api(cluster.kubeconfig, cluster.scratch)
    coredns = CoreDns(api, cluster, vantage_of(cluster.nodes[0]))
    like = object_of(api.apps.read_namespaced_deployment(NAME, NAMESPACE))["spec"]
    labels = {**like["template"]["metadata"]["labels"], "of": "roadtest-mutant"}
    template = {"metadata": {"labels": labels}, "spec": {**like["template"]["spec"], "topologySpreadConstraints": []}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"of": "roadtest-mutant"}}, "template": template}
    serving = len(coredns.replicas())
    try:
        api.apps.create_namespaced_deployment(NAMESPACE, {"metadata": {"name": ANOTHER}, "spec": spec})
        await_value(coredns.replicas, lambda now: len(now) > serving, what="another server", timeout=Timeout.READY)
        yield
    finally:
        api.delete("apps/v1", "Deployment", ANOTHER, NAMESPACE, grace=0)
        await_value(coredns.replicas, lambda now: len(now) == serving, what="it to be gone", timeout=Timeout.READY)


@contextmanager
def replaced_at_once(cluster: Cluster) -> Iterator[None]:
    """A rollout of CoreDNS ends all pods before it makes others."""
    api = Api(cluster.kubeconfig, cluster.scratch)
    before = object_of(api.apps.read_namespaced_deployment(NAME, NAMESPACE))["spec"]["strategy"]

    def set_to(strategy: Object) -> None:
        api.patch("apps/v1", "Deployment", NAME, NAMESPACE, {"spec": {"strategy": strategy}})

    try:
        set_to({"type": "Recreate", "rollingUpdate": None})
        yield
    finally:
        set_to(before)


MUTANTS = (
    Mutant(
        name="coredns-lies",
        breaks="CoreDNS gives a wrong address for Services called web",
        caught_by=("dns.names", "svc.headless.a"),
        scope=(
            *("suites/dns/test_names.py", "suites/services/test_headless_a.py"),
            *("suites/dns/test_record_srv.py", "suites/services/test_headless_stateful.py"),
        ),
        during=with_corefile(lies),
    ),
    Mutant(
        name="other-type-is-denied",
        breaks="CoreDNS says NXDOMAIN of AAAA records that are not there",
        caught_by=("dns.record.a-aaaa",),
        scope=(RECORD_A, "suites/dns/test_record_ptr.py", "suites/dns/test_record_pod.py"),
        during=with_corefile(denies_the_other_type),
    ),
    Mutant(
        name="no-reverse-zones",
        breaks="CoreDNS leaves the reverse zones to the server outside",
        caught_by=("dns.record.ptr",),
        scope=(RECORD_A, "suites/dns/test_record_ptr.py", "suites/dns/test_record_pod.py"),
        during=with_corefile(knows_no_reverse_zones),
    ),
    Mutant(
        name="no-pod-records",
        breaks="CoreDNS serves no names of pods' addresses",
        caught_by=("dns.record.pod",),
        scope=(RECORD_A, "suites/dns/test_record_ptr.py", "suites/dns/test_record_pod.py"),
        during=with_corefile(knows_no_pods),
    ),
    Mutant(
        name="denials-are-kept",
        breaks="CoreDNS keeps what it denied for an hour",
        caught_by=("dns.negative-cache", "dns.propagation"),
        scope=(
            *("suites/dns/test_negative_cache.py", "suites/dns/test_propagation.py"),
            "suites/dns/test_external_forward.py",
        ),
        during=with_corefile(keeps_denials),
    ),
    Mutant(
        name="denials-say-nothing",
        breaks="CoreDNS denies names without a SOA record",
        caught_by=("dns.nxdomain",),
        scope=("suites/dns/test_nxdomain.py", RECORD_A),
        during=with_corefile(denies_without_reason),
    ),
    Mutant(
        name="dns-has-no-tcp",
        breaks="the DNS Service has no TCP port",
        caught_by=("dns.tcp-fallback",),
        scope=("suites/dns/test_tcp_fallback.py", RECORD_A),
        during=without_tcp,
    ),
    Mutant(
        name="forwarding-goes-astray",
        breaks="CoreDNS asks nobody for names outside",
        caught_by=("dns.external-forward",),
        scope=("suites/dns/test_external_forward.py", RECORD_A),
        during=with_corefile(forwards_astray),
    ),
    Mutant(
        name="stub-domain-is-asked-elsewhere",
        breaks="what CoreDNS asks of the stub domain's server gets to the one outside for all other names",
        caught_by=("dns.stub-domain",),
        scope=("suites/dns/test_stub_domain.py", "suites/dns/test_external_forward.py"),
        during=led_to_the_server_outside,
    ),
    Mutant(
        name="another-dns-server-stays",
        breaks="a pod of another Deployment answers for CoreDNS",
        caught_by=("dns.coredns-down",),
        scope=("suites/dns/test_coredns_down.py", RECORD_A),
        during=with_another_server,
    ),
    Mutant(
        name="coredns-is-replaced-at-once",
        breaks="a rollout of CoreDNS ends all its pods first",
        caught_by=("dns.coredns-rollout",),
        scope=("suites/dns/test_coredns_rollout.py", RECORD_A),
        during=replaced_at_once,
    ),
)
