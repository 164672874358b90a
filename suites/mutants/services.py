"""Mutants of Services, endpoints and kube-proxy."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import partial

from clusters.families import FAMILIES, NFT_FAMILY, Family
from clusters.provider import Cluster, Place
from fixtures import proxy_rules
from fixtures.convergence import await_value
from fixtures.faults import run
from fixtures.timeouts import Timeout
from fixtures.vantages import CommandVantage
from fixtures.whole import Completed
from fixtures.workloads import Namespace

from .model import Mutant, Object

SERVICES = "suites/services/test_"
REACH = f"{SERVICES}clusterip_reach.py"
RULES = "suites/proxy/test_rules.py"
READINESS = "suites/endpoints/test_readiness.py"
TABLE = "roadtest-mutant"


# -- objects that say something else


def is_service(manifest: Object) -> bool:
    return bool(manifest["kind"] == "Service")


def selects_nobody(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest) and "selector" in changed["spec"]:
        changed["spec"]["selector"]["tier"] = "of-no-pod"
    return changed


def keeps_one_family(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest) and "ipFamilyPolicy" in changed["spec"]:
        changed["spec"]["ipFamilyPolicy"] = "SingleStack"
        changed["spec"]["ipFamilies"] = changed["spec"].get("ipFamilies", [])[:1]
    return changed


def leads_one_port_on(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    for port in changed["spec"]["ports"] if is_service(manifest) else []:
        if isinstance(port.get("targetPort"), int):
            port["targetPort"] += 1
    return changed


def target_ports_change_places(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    ports = changed["spec"].get("ports", []) if is_service(manifest) else []
    targets = [port.get("targetPort") for port in ports]
    for port, target in zip(ports, reversed(targets), strict=True):
        port["targetPort"] = target
    return changed


def becomes_sticky(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest) and changed["spec"].get("selector") and changed["spec"].get("clusterIP") != "None":
        changed["spec"]["sessionAffinity"] = "ClientIP"
    return changed


def wishes_are_ignored(manifest: Object, _feature: str) -> Object:
    """No cluster IP, node port or load balancer address is asked for any more."""
    changed = deepcopy(manifest)
    if is_service(manifest):
        spec = changed["spec"]
        if spec.get("clusterIP") != "None":
            spec.pop("clusterIP", None)
        spec.pop("loadBalancerIP", None)
        changed["metadata"].pop("annotations", None)
        for port in spec.get("ports", []):
            port.pop("nodePort", None)
    return changed


def local_becomes_cluster(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest) and changed["spec"].get("externalTrafficPolicy") == "Local":
        changed["spec"]["externalTrafficPolicy"] = "Cluster"
    return changed


def cluster_becomes_local(manifest: Object, _feature: str) -> Object:
    """Also where Cluster is the default."""
    changed = deepcopy(manifest)
    if is_service(manifest) and changed["spec"].get("type") in {"NodePort", "LoadBalancer"}:
        changed["spec"]["externalTrafficPolicy"] = "Local"
    return changed


def internal_policy_is_lost(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest):
        changed["spec"].pop("internalTrafficPolicy", None)
    return changed


def datagrams_become_streams(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    for port in changed["spec"].get("ports", []) if is_service(manifest) else []:
        port["protocol"] = "TCP"
    return changed


def headless_becomes_virtual(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest) and changed["spec"].get("clusterIP") == "None":
        del changed["spec"]["clusterIP"]
    return changed


def governing_service_is_another(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if manifest["kind"] == "StatefulSet":
        changed["spec"]["serviceName"] += "-2"
    return changed


def unready_is_published(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest) and changed["spec"].get("selector"):
        changed["spec"]["publishNotReadyAddresses"] = True
    return changed


def external_name_is_another(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest) and changed["spec"].get("externalName") == "api.example.com":
        changed["spec"]["externalName"] = "www.example.com"
    return changed


def hand_made_endpoints_are_one_port_off(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    subsets = changed.get("subsets", [changed] if manifest["kind"] == "EndpointSlice" else [])
    for part in subsets:
        for port in part["ports"]:
            port["port"] += 1
    return changed


# -- nodes that do something else


def run_there(place: Place, argv: list[str]) -> Completed:
    """Run a command at a place; `RuntimeError` where it fails."""
    return run(CommandVantage(place), argv)


def programmed(cluster: Cluster, namespace: Namespace) -> str:
    """Wait until every node's rules lead the namespace's Services to all ready pods; gives one pod's address."""
    fronts = [
        f"{item.spec.cluster_ip}:{port.port}/{port.protocol.lower()}"
        for item in namespace.api.core.list_namespaced_service(namespace.name).items
        if item.spec.cluster_ip not in {"", "None", None} and item.spec.selector
        for port in item.spec.ports
    ]
    pods = {pod.address for pod in namespace.pods() if pod.ready}

    def lead_to_all(rules: proxy_rules.Rules) -> bool:
        return all({end.partition(":")[0] for end in rules.get(front, frozenset())} >= pods for front in fronts)

    for place in cluster.nodes:
        read = partial(proxy_rules.read, cluster.mode, CommandVantage(place))
        await_value(read, lead_to_all, what=f"{place.name}'s rules to be there", timeout=Timeout.DATA_PATH)
    return min(pods)


def first_endpoints_rule_is_deleted(cluster: Cluster, namespace: Namespace, _feature: str) -> None:
    """On every node, delete by hand what leads to the first endpoint of each of the namespace's Services.

    kube-proxy repairs what others deleted only at its next full sync, long after the check.
    """
    pod = programmed(cluster, namespace)
    for place in cluster.nodes:
        for command in deletions(cluster.mode, CommandVantage(place), f"{namespace.name}/", pod):
            run_there(place, command)


def deletions(mode: str, node: CommandVantage, owner: str, pod: str) -> Iterator[list[str]]:
    """Commands that delete the rules to a pod, of chains that name ``namespace/``."""
    listed = node.exec(proxy_rules.command(mode, "IPv4")).stdout
    if mode == "iptables":
        for line in listed.splitlines():
            if line.startswith("-A KUBE-SEP-") and owner in line and f"--to-destination {pod}:" in line:
                yield ["iptables", "-w", "-t", "nat", "-D", *shlex.split(line)[1:]]
        return
    for item in json.loads(listed)["nftables"]:
        rule = item.get("rule", {})
        if owner in rule.get("chain", "") and any("dnat" in statement for statement in rule["expr"]):
            yield ["nft", "delete", "rule", "ip", "kube-proxy", rule["chain"], "handle", str(rule["handle"])]


def one_endpoint_gets_half(cluster: Cluster, namespace: Namespace, _feature: str) -> None:
    """On every node, give the first of three endpoints half of the connections instead of a third."""
    programmed(cluster, namespace)
    for place in cluster.nodes:
        for command in uneven(cluster.mode, CommandVantage(place), f"{namespace.name}/"):
            run_there(place, command)


def uneven(mode: str, node: CommandVantage, owner: str) -> Iterator[list[str]]:
    """Commands that replace the rules that choose between three endpoints, in chains that name ``namespace/``."""
    listed = node.exec(proxy_rules.command(mode, "IPv4")).stdout
    if mode == "iptables":
        for line in listed.splitlines():
            if line.startswith("-A KUBE-SVC-") and owner in line and "--probability 0.3333" in line:
                chain, *words = shlex.split(line)[1:]
                words[words.index("--probability") + 1] = "0.5"
                # Rule 1 marks what does not come from pods.
                yield ["iptables", "-w", "-t", "nat", "-R", chain, "2", *words]
        return
    for item in json.loads(listed)["nftables"]:
        rule = item.get("rule", {})
        dnat = next((part["dnat"] for part in rule.get("expr", []) if "dnat" in part), None)
        if owner in rule.get("chain", "") and dnat:
            first, *others = list(proxy_rules.destinations(dnat))
            ends = [end.replace(":", " . ") for end in (first, first, *others)]
            chosen = ", ".join(f"{number} : {end}" for number, end in enumerate(ends))
            where = ["ip", "kube-proxy", rule["chain"], "handle", str(rule["handle"])]
            choice = f"meta l4proto tcp dnat ip to numgen random mod {len(ends)} map {{ {chosen} }}"
            yield ["nft", "replace", "rule", *where, choice]


SWALLOWED = "type filter hook output priority 0; " + "".join(
    f"{icmp} type destination-unreachable drop; " for icmp in ("icmp", "icmpv6")
)


@contextmanager
def table_on(places: list[Place], rules: str) -> Iterator[None]:
    """A table of our own, of both IP families, with one chain on each place, as long as the block lasts."""
    try:
        for place in places:
            run_there(place, ["nft", f"table inet {TABLE} {{ chain mutant {{ {rules} }}; }}"])
        yield
    finally:
        for place in places:
            CommandVantage(place).exec(["nft", "delete", "table", "inet", TABLE])


@contextmanager
def snat_on_the_way(cluster: Cluster, families: Sequence[Family] = FAMILIES) -> Iterator[None]:
    there = [family for family in families if family in cluster.families]
    with table_on(cluster.nodes, "type nat hook postrouting priority 90; " + "".join(snat(cluster, there))):
        yield


def snat(cluster: Cluster, families: Iterable[Family]) -> Iterator[str]:
    """Rules that give the outside clients' packets to pods a node's address."""
    for family in families:
        seen, ip = cluster.of(family), NFT_FAMILY[family]
        clients = ", ".join(place.address for place in seen.clients)
        yield f"{ip} saddr {{ {clients} }} {ip} daddr {seen.pod_subnet} masquerade; "


@contextmanager
def ipv6_to_pods_is_dropped(cluster: Cluster) -> Iterator[None]:
    rules = f"type filter hook forward priority 0; ip6 daddr {cluster.of('IPv6').pod_subnet} tcp dport 8080 drop;"
    with table_on(cluster.nodes, rules):
        yield


@contextmanager
def refusals_are_swallowed(cluster: Cluster) -> Iterator[None]:
    with table_on(cluster.nodes, SWALLOWED):
        yield


@contextmanager
def node_ports_are_closed_on_a_node(cluster: Cluster) -> Iterator[None]:
    rules = "type filter hook prerouting priority -300; iifname eth0 tcp dport 30000-32767 drop;"
    with table_on(cluster.nodes[-1:], rules):
        yield


@contextmanager
def clients_have_a_route_inside(cluster: Cluster) -> Iterator[None]:
    route = [cluster.service_subnet, "via", cluster.nodes[0].address]
    try:
        for place in cluster.clients:
            run_there(place, ["ip", "route", "replace", *route])
        yield
    finally:
        for place in cluster.clients:
            CommandVantage(place).exec(["ip", "route", "delete", *route])


MUTANTS = (
    Mutant(
        name="service-selects-nobody",
        breaks="every Service's selector has a label that no pod has",
        caught_by=("svc.clusterip.reach", "svc.dual-stack"),
        scope=(
            *(REACH, f"{SERVICES}dual_stack.py"),
            *(f"{SERVICES}no_endpoints_reject.py", f"{SERVICES}selectorless_manual.py"),
        ),
        change=selects_nobody,
    ),
    Mutant(
        name="services-keep-one-family",
        breaks="Services that ask for two IP families get one",
        caught_by=("svc.dual-stack",),
        scope=(f"{SERVICES}dual_stack.py", REACH, f"{SERVICES}lb_address.py"),
        dual_stack=True,
        change=keeps_one_family,
    ),
    Mutant(
        name="ipv6-to-pods-is-lost",
        breaks="the nodes drop IPv6 packets to pods",
        caught_by=("svc.dual-stack", "svc.clusterip.reach"),
        scope=(f"{SERVICES}dual_stack.py", REACH, f"{SERVICES}nodeport_range.py", "suites/dns/test_names.py"),
        dual_stack=True,
        during=ipv6_to_pods_is_dropped,
    ),
    Mutant(
        name="ipv6-clients-lose-their-address",
        breaks="the nodes replace the IPv6 addresses of outside clients",
        caught_by=("svc.dual-stack", "svc.etp.local"),
        scope=(f"{SERVICES}dual_stack.py", f"{SERVICES}etp_local.py", f"{SERVICES}nodeport_any_node.py", REACH),
        dual_stack=True,
        during=partial(snat_on_the_way, families=["IPv6"]),
    ),
    Mutant(
        name="target-port-is-one-off",
        breaks="every target port that is a number is one too high",
        caught_by=("svc.clusterip.reach", "svc.multiport.named"),
        scope=(REACH, f"{SERVICES}multiport_named.py", f"{SERVICES}itp_local.py", f"{SERVICES}etp_cluster.py"),
        change=leads_one_port_on,
    ),
    Mutant(
        name="target-ports-change-places",
        breaks="the ports of a Service lead to each other's target port",
        caught_by=("svc.multiport.named",),
        scope=(f"{SERVICES}multiport_named.py", REACH, "suites/dns/test_record_srv.py"),
        change=target_ports_change_places,
    ),
    Mutant(
        name="every-service-is-sticky",
        breaks="every Service has sessionAffinity ClientIP",
        caught_by=("svc.clusterip.reach", "svc.clusterip.spread", "svc.protocol.udp", "ep.readiness"),
        scope=(
            *(REACH, f"{SERVICES}clusterip_spread.py", f"{SERVICES}protocol_udp.py", READINESS),
            *(f"{SERVICES}etp_local.py", RULES),
        ),
        change=becomes_sticky,
    ),
    Mutant(
        name="wishes-are-ignored",
        breaks="Services get other cluster IPs, node ports and load balancer addresses than they ask for",
        caught_by=("svc.clusterip.fixed", "svc.nodeport.range", "svc.lb.address"),
        scope=(
            *(f"{SERVICES}clusterip_fixed.py", f"{SERVICES}nodeport_range.py", f"{SERVICES}lb_address.py"),
            *(f"{SERVICES}nodeport_any_node.py", f"{SERVICES}headless_a.py"),
        ),
        change=wishes_are_ignored,
    ),
    Mutant(
        name="external-local-becomes-cluster",
        breaks="externalTrafficPolicy Local is Cluster",
        caught_by=("svc.etp.local", "svc.etp.local.uneven", "svc.healthcheck-nodeport"),
        scope=(
            *(f"{SERVICES}etp_local.py", f"{SERVICES}etp_local_uneven.py", f"{SERVICES}healthcheck_nodeport.py"),
            *(f"{SERVICES}etp_cluster.py", f"{SERVICES}no_endpoints_reject.py"),
        ),
        change=local_becomes_cluster,
    ),
    Mutant(
        name="external-cluster-becomes-local",
        breaks="externalTrafficPolicy Cluster, also by default, is Local",
        caught_by=("svc.etp.cluster", "svc.nodeport.any-node", "svc.etp.local.uneven"),
        scope=(
            *(f"{SERVICES}etp_cluster.py", f"{SERVICES}nodeport_any_node.py", f"{SERVICES}etp_local_uneven.py"),
            *(f"{SERVICES}etp_local.py", f"{SERVICES}nodeport_range.py"),
        ),
        change=cluster_becomes_local,
    ),
    Mutant(
        name="internal-policy-is-lost",
        breaks="internalTrafficPolicy Local is lost on the way",
        caught_by=("svc.itp.local",),
        scope=(f"{SERVICES}itp_local.py", REACH, f"{SERVICES}no_endpoints_reject.py"),
        change=internal_policy_is_lost,
    ),
    Mutant(
        name="datagrams-become-streams",
        breaks="UDP ports of Services are TCP ports",
        caught_by=("svc.protocol.udp", "dns.record.srv"),
        scope=(f"{SERVICES}protocol_udp.py", "suites/dns/test_record_srv.py", REACH),
        change=datagrams_become_streams,
    ),
    Mutant(
        name="headless-becomes-virtual",
        breaks="headless Services get a cluster IP",
        caught_by=("svc.headless.a", "dns.record.srv"),
        scope=(
            *(f"{SERVICES}headless_a.py", "suites/dns/test_record_srv.py"),
            # CoreDNS names the pods behind a virtual address too, which nobody forbids.
            *(f"{SERVICES}headless_stateful.py", REACH, "suites/dns/test_names.py"),
        ),
        change=headless_becomes_virtual,
    ),
    Mutant(
        name="governing-service-is-another",
        breaks="StatefulSets name another Service as the one that governs them",
        caught_by=("svc.headless.stateful",),
        scope=(f"{SERVICES}headless_stateful.py", f"{SERVICES}headless_a.py"),
        change=governing_service_is_another,
    ),
    Mutant(
        name="readiness-is-ignored",
        breaks="Services publish pods that are not ready",
        caught_by=("ep.readiness", "ep.slices.conditions", "ep.node-loss"),
        scope=(
            *(READINESS, "suites/endpoints/test_conditions.py", "suites/endpoints/test_node_loss.py"),
            *(f"{SERVICES}clusterip_spread.py", RULES),
        ),
        change=unready_is_published,
    ),
    Mutant(
        name="external-name-is-another",
        breaks="ExternalName Services lead to another host",
        caught_by=("svc.externalname.cname",),
        scope=(f"{SERVICES}externalname_cname.py", "suites/dns/test_names.py", f"{SERVICES}selectorless_manual.py"),
        change=external_name_is_another,
    ),
    Mutant(
        name="hand-made-endpoints-are-one-port-off",
        breaks="EndpointSlices and Endpoints made by hand name the next port",
        caught_by=("svc.selectorless.manual",),
        scope=(f"{SERVICES}selectorless_manual.py", f"{SERVICES}externalname_cname.py", REACH),
        change=hand_made_endpoints_are_one_port_off,
    ),
    Mutant(
        name="proxy-rule-is-deleted",
        breaks="somebody deleted the rules to one endpoint of each Service by hand, on every node",
        caught_by=("svc.clusterip.reach", "svc.clusterip.spread", "proxy.rules"),
        scope=(REACH, f"{SERVICES}clusterip_spread.py", RULES, f"{SERVICES}headless_a.py"),
        modes=("iptables", "nftables"),
        after_ready=first_endpoints_rule_is_deleted,
    ),
    Mutant(
        name="one-endpoint-gets-half",
        breaks="of three endpoints, one gets half of the connections",
        caught_by=("svc.clusterip.spread",),
        scope=(f"{SERVICES}clusterip_spread.py", REACH),
        modes=("iptables", "nftables"),
        after_ready=one_endpoint_gets_half,
    ),
    Mutant(
        name="snat-on-the-way",
        breaks="nodes replace outside clients' addresses on the way to pods",
        caught_by=("svc.etp.local",),
        scope=(f"{SERVICES}etp_local.py", f"{SERVICES}etp_cluster.py", f"{SERVICES}nodeport_any_node.py"),
        during=snat_on_the_way,
    ),
    Mutant(
        name="refusals-are-swallowed",
        breaks="nodes send no ICMP errors, as with a firewall that drops where kube-proxy rejects",
        caught_by=("svc.no-endpoints.reject",),
        scope=(f"{SERVICES}no_endpoints_reject.py", f"{SERVICES}itp_local.py", REACH),
        during=refusals_are_swallowed,
    ),
    Mutant(
        name="node-ports-are-closed-on-a-node",
        breaks="the last node drops everything to node ports",
        caught_by=("svc.nodeport.any-node", "svc.etp.cluster"),
        scope=(f"{SERVICES}nodeport_any_node.py", f"{SERVICES}etp_cluster.py", REACH, f"{SERVICES}itp_local.py"),
        during=node_ports_are_closed_on_a_node,
    ),
    Mutant(
        name="clients-have-a-route-inside",
        breaks="outside clients have a route to the cluster's Services",
        caught_by=("svc.clusterip.internal-only",),
        scope=(f"{SERVICES}clusterip_internal_only.py", f"{SERVICES}nodeport_any_node.py", f"{SERVICES}etp_local.py"),
        during=clients_have_a_route_inside,
    ),
)
