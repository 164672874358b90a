"""Mutants of what a Service says about who is sent where: affinity, preferences, ranges of clients."""

from __future__ import annotations

from copy import deepcopy

from .model import Mutant, Object
from .services import REACH, SERVICES, is_service


def affinity_is_lost(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest):
        changed["spec"].pop("sessionAffinity", None)
        changed["spec"].pop("sessionAffinityConfig", None)
    return changed


def affinity_never_ends(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest):
        changed["spec"].pop("sessionAffinityConfig", None)
    return changed


def near_is_not_preferred(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest):
        changed["spec"].pop("trafficDistribution", None)
    return changed


def same_zone_is_enough(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest) and changed["spec"].get("trafficDistribution") == "PreferSameNode":
        changed["spec"]["trafficDistribution"] = "PreferSameZone"
    return changed


def source_ranges_are_lost(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest):
        changed["spec"].pop("loadBalancerSourceRanges", None)
    return changed


def unready_is_hidden(manifest: Object, _feature: str) -> Object:
    changed = deepcopy(manifest)
    if is_service(manifest):
        changed["spec"].pop("publishNotReadyAddresses", None)
    return changed


MUTANTS = (
    Mutant(
        name="unready-is-hidden",
        breaks="no Service publishes pods that are not ready",
        caught_by=("svc.headless.publish-not-ready",),
        scope=(f"{SERVICES}headless_publish_not_ready.py", f"{SERVICES}headless_a.py"),
        change=unready_is_hidden,
    ),
    Mutant(
        name="near-endpoints-are-not-preferred",
        breaks="Services have no trafficDistribution",
        caught_by=("svc.traffic-distribution",),
        scope=(f"{SERVICES}traffic_distribution.py", f"{SERVICES}itp_local.py", REACH),
        change=near_is_not_preferred,
    ),
    Mutant(
        name="same-zone-is-near-enough",
        breaks="trafficDistribution PreferSameNode is PreferSameZone",
        caught_by=("svc.traffic-distribution",),
        scope=(f"{SERVICES}traffic_distribution.py", f"{SERVICES}itp_local.py"),
        change=same_zone_is_enough,
    ),
    Mutant(
        name="source-ranges-are-lost",
        breaks="load balancers admit every client",
        caught_by=("svc.lb.source-ranges",),
        scope=(f"{SERVICES}lb_source_ranges.py", f"{SERVICES}lb_address.py"),
        change=source_ranges_are_lost,
    ),
    Mutant(
        name="affinity-is-lost",
        breaks="no Service has sessionAffinity ClientIP",
        caught_by=("svc.affinity.clientip", "svc.affinity.timeout"),
        scope=(f"{SERVICES}affinity_clientip.py", f"{SERVICES}affinity_timeout.py", REACH),
        change=affinity_is_lost,
    ),
    Mutant(
        name="affinity-never-ends",
        breaks="Services remember a client for three hours, whatever their timeoutSeconds says",
        caught_by=("svc.affinity.timeout",),
        scope=(f"{SERVICES}affinity_timeout.py", f"{SERVICES}affinity_clientip.py"),
        modes=("iptables", "nftables"),  # in ipvs mode the kernel remembers longer by itself, which is not judged
        change=affinity_never_ends,
    ),
)
