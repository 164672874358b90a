"""Mutants of what the cluster's DNS is asked about: Services and pods."""

from __future__ import annotations

from copy import deepcopy

from .model import Mutant, Object

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


MUTANTS = (
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
