"""Mutants of the cluster's DNS."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy

from clusters.provider import Cluster
from fixtures.api import Api
from fixtures.coredns import CoreDns
from fixtures.vantages import vantage_of

from .model import During, Mutant, Object

WRONG = "192.0.2.66"
RECORD_A = "suites/dns/test_record_addresses.py"


def port_names_are_others(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    for port in changed["spec"].get("ports", []) if manifest["kind"] == "Service" else []:
        if "name" in port:
            port["name"] = f"{port['name']}-2"
    return changed


def ndots_is_lost(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if manifest["kind"] == "Pod" and (resolver := changed["spec"].get("dnsConfig")):
        resolver["options"] = [option for option in resolver.get("options", []) if option["name"] != "ndots"]
    return changed


def external_name_is_another(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if manifest["kind"] == "Service" and "externalName" in changed["spec"]:
        changed["spec"]["externalName"] = f"not-{changed['spec']['externalName']}"
    return changed


def subdomain_is_lost(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if manifest["kind"] == "Pod":
        changed["spec"].pop("subdomain", None)
    return changed


def policy_becomes_default(manifest: Object, _feature: str) -> Object:
    """Pods that say nothing of their resolver get the node's instead of the cluster's."""
    changed = deepcopy(manifest)
    if manifest["kind"] == "Pod":
        changed["spec"].setdefault("dnsPolicy", "Default")
    return changed


def with_corefile(change: Callable[[str, str], str]) -> During:
    """While the checks run CoreDNS runs what ``change`` makes of its Corefile and the cluster's domain."""

    @contextmanager
    def during(cluster: Cluster) -> Iterator[None]:
        api = Api(cluster.kubeconfig, cluster.scratch)
        coredns = CoreDns(api, cluster, vantage_of(cluster.nodes[0]))
        with coredns.configured(change(coredns.corefile(), cluster.dns_domain)):
            yield

    return during


def lies(corefile: str, domain: str) -> str:
    """A wrong address for every Service called web. CoreDNS's template plugin is asked before the kubernetes plugin."""
    lie = f"""template IN A {domain} {{
            match ^web\\.[^.]+\\.svc\\.{re.escape(domain)}\\.$
            answer "{{{{ .Name }}}} 30 IN A {WRONG}"
            fallthrough
        }}
        kubernetes """
    return corefile.replace("kubernetes ", lie, 1)


def denies_the_other_type(corefile: str, domain: str) -> str:
    """What has no AAAA records does not exist at all."""
    return corefile.replace("kubernetes ", f"template IN AAAA {domain} {{\n rcode NXDOMAIN\n }}\n kubernetes ", 1)


def knows_no_reverse_zones(corefile: str, domain: str) -> str:
    return corefile.replace(f"{domain} in-addr.arpa ip6.arpa {{", f"{domain} {{")


def knows_no_pods(corefile: str, _domain: str) -> str:
    return corefile.replace("pods insecure", "pods disabled")


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
        name="port-names-are-others",
        breaks="the named ports of Services have other names",
        caught_by=("dns.record.srv",),
        scope=("suites/dns/test_record_srv.py", "suites/dns/test_names.py", "suites/services/test_multiport_named.py"),
        change=port_names_are_others,
    ),
    Mutant(
        name="ndots-is-lost",
        breaks="dnsConfig's ndots does not reach the pod",
        caught_by=("dns.ndots.queries", "dns.resolv-conf"),
        scope=("suites/dns/test_ndots_queries.py", "suites/dns/test_resolv_conf.py", "suites/dns/test_record_srv.py"),
        change=ndots_is_lost,
    ),
    Mutant(
        name="pods-use-the-nodes-resolver",
        breaks="pods without a dnsPolicy get the node's resolver",
        caught_by=("dns.resolv-conf", "dns.names"),
        scope=("suites/dns/test_resolv_conf.py", "suites/dns/test_names.py", "suites/dns/test_record_srv.py"),
        change=policy_becomes_default,
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
        name="aliases-lead-elsewhere",
        breaks="ExternalName Services have another external name",
        caught_by=("dns.record.cname",),
        scope=(RECORD_A, "suites/dns/test_record_cname.py"),
        change=external_name_is_another,
    ),
    Mutant(
        name="subdomain-is-lost",
        breaks="pods have no subdomain",
        caught_by=("dns.hostname-subdomain",),
        scope=("suites/dns/test_hostname_subdomain.py", "suites/dns/test_record_ptr.py"),
        change=subdomain_is_lost,
    ),
)
