"""kube-proxy's own account of the same: network_programming_duration_seconds of its metrics.

https://github.com/kubernetes/community/blob/master/sig-scalability/slos/network_programming_latency.md
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from clusters.errors import ClusterError
from fixtures.probes import http
from fixtures.vantages import Vantage

METRICS = "http://127.0.0.1:10249/metrics"
NAME = "kubeproxy_network_programming_duration_seconds"
PENDING = ("kubeproxy_sync_proxy_rules_endpoint_changes_pending", "kubeproxy_sync_proxy_rules_service_changes_pending")
QUEUED = "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds"
SYNCED = "kubeproxy_sync_proxy_rules_last_timestamp_seconds"
Buckets = Mapping[float, float]
"""Upper bound in seconds → how many took at most so long."""


def metrics(node: Vantage) -> str:
    """kube-proxy's metrics on a node."""
    (seen,) = http(node, METRICS, timeout=30.0)
    if not seen.answered or seen.status != 200:
        raise ClusterError(f"kube-proxy's metrics on {node.name} cannot be read: {seen.detail or seen.status}.")
    return seen.body


def buckets(text: str) -> Buckets:
    """The histogram, all IP families together."""
    found: dict[float, float] = {}
    for labels, value in re.findall(rf"^{NAME}_bucket\{{(.*?)\}} (\S+)$", text, re.MULTILINE):
        bound = re.search(r'le="(.*?)"', labels)
        if bound:
            seconds = math.inf if bound[1] == "+Inf" else float(bound[1])
            found[seconds] = found.get(seconds, 0.0) + float(value)
    return found


def between(before: Buckets, after: Buckets) -> Buckets:
    """What was added from one reading to the next."""
    return {bound: count - before.get(bound, 0.0) for bound, count in sorted(after.items())}


def at_most(added: Buckets, share: float) -> float:
    """The upper bound of the bucket that a quantile lies in; nan where nothing was counted."""
    total = max(added.values(), default=0.0)
    if not total:
        return math.nan
    return next(bound for bound, count in sorted(added.items()) if count >= share * total)


def is_at_rest(text: str) -> bool:
    """Whether kube-proxy has written, in every IP family, all that it has heard of.

    Pending changes are none from the moment at which a sync begins; its end is later than what was last queued.
    """
    queued, synced = by_family(text, QUEUED), by_family(text, SYNCED)
    return not pending(text) and all(synced.get(family, 0.0) >= at for family, at in queued.items())


def pending(text: str) -> float:
    """Changes that kube-proxy has heard of and not yet begun to write."""
    return sum(sum(by_family(text, name).values()) for name in PENDING)


def by_family(text: str, name: str) -> dict[str, float]:
    """A metric's value for each IP family (``""`` where it names none); `ClusterError` where it is not there."""
    found = re.findall(rf'^{name}(?:\{{ip_family="(.*?)"\}})? (\S+)$', text, re.MULTILINE)
    if not found:
        raise ClusterError(
            f"kube-proxy's metrics do not have {name}, so nobody knows when it rests.",
            "Kubernetes' own kube-proxy of v1.36 has it; what takes its place cannot be measured this way.",
        )
    return {family: float(value) for family, value in found}
