"""Mutants of the cluster's DNS."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy

from clusters.provider import Cluster
from fixtures.api import Api
from fixtures.convergence import converge
from fixtures.observations import DnsObservation
from fixtures.probes import dns
from fixtures.timeouts import Timeout
from fixtures.vantages import vantage_of

from .model import Mutant, Object

WRONG = "192.0.2.66"
LIE = f"""template IN A cluster.local {{
            match ^web\\.[^.]+\\.svc\\.cluster\\.local\\.$
            answer "{{{{ .Name }}}} 30 IN A {WRONG}"
            fallthrough
        }}
        kubernetes """
"""CoreDNS's template plugin is asked before the kubernetes plugin."""


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


def policy_becomes_default(manifest: Object, _feature: str) -> Object:
    """Pods that say nothing of their resolver get the node's instead of the cluster's."""
    changed = deepcopy(manifest)
    if manifest["kind"] == "Pod":
        changed["spec"].setdefault("dnsPolicy", "Default")
    return changed


@contextmanager
def coredns_lies(cluster: Cluster) -> Iterator[None]:
    """Let CoreDNS give a wrong address for every Service called web."""
    api = Api(cluster.kubeconfig, cluster.scratch)
    corefile = api.core.read_namespaced_config_map("coredns", "kube-system").data["Corefile"]
    try:
        configure(api, corefile.replace("kubernetes ", LIE, 1))
        wait(cluster, lambda answers: answers == [WRONG])
        yield
    finally:
        configure(api, corefile)
        wait(cluster, lambda answers: not answers)


def configure(api: Api, corefile: str) -> None:
    """Replace the Corefile; the pods are touched, because a kubelet takes a changed ConfigMap up with a changed pod."""
    api.core.patch_namespaced_config_map("coredns", "kube-system", {"data": {"Corefile": corefile}})
    touched = {"metadata": {"annotations": {"roadtest.dev/touched": str(time.time())}}}
    for pod in api.core.list_namespaced_pod("kube-system", label_selector="k8s-app=kube-dns").items:
        api.core.patch_namespaced_pod(pod.metadata.name, "kube-system", touched)


def wait(cluster: Cluster, until: Callable[[list[str]], bool]) -> None:
    """Until every replica of CoreDNS answers so: twenty times in a row."""
    node = vantage_of(cluster.nodes[0])
    name = f"web.roadtest-mutant.svc.{cluster.dns_domain}."

    def all_so(seen: list[DnsObservation]) -> bool:
        return all(answer.answered and until(answer.answers) for answer in seen)

    ask = lambda: dns(node, name, server=cluster.dns_address, count=20)  # noqa: E731
    converge(ask, all_so, what="CoreDNS to take up its configuration", successes=2, timeout=Timeout.READY)  # type: ignore[arg-type]


MUTANTS = (
    Mutant(
        name="coredns-lies",
        breaks="CoreDNS gives a wrong address for Services called web",
        caught_by=("dns.names", "svc.headless.a"),
        scope=(
            *("suites/dns/test_names.py", "suites/services/test_headless_a.py"),
            *("suites/dns/test_record_srv.py", "suites/services/test_headless_stateful.py"),
        ),
        during=coredns_lies,
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
)
