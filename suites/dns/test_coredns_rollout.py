"""Lookups while CoreDNS is replaced."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.coredns import CoreDns
from fixtures.expectations import holds
from fixtures.lookups import looked_up
from fixtures.steady import check_sender
from fixtures.steady_dns import SteadyDns, account, moments
from fixtures.timeouts import pause
from fixtures.vantages import NetnsVantage
from fixtures.workloads import Namespace
from reports.model import Timeline

RATE = 100.0
"""Queries in a second, on a machine of ordinary speed."""
SETTLED = 2.0
"""Seconds of the load before the rollout, and after its end."""
AT_ONCE = 0.5
"""Losses within so many seconds, on a machine of ordinary speed, are of one moment; what lasts longer is of several."""


@pytest.mark.disturbs
@feature("dns.coredns-rollout")
def test_a_rollout_of_coredns_loses_no_query(
    namespace: Namespace,
    cluster: Cluster,
    a_node: NetnsVantage,
    coredns: CoreDns,
    address_record: str,
    note: Callable[[str, object], None],
    draw: Callable[[Timeline], None],
) -> None:
    """“Rolling updates allow Deployments' update to take place with zero downtime by incrementally updating Pods
    instances with new ones.”
    https://kubernetes.io/docs/tutorials/kubernetes-basics/update/update-intro/
    CoreDNS serves on for a while after it was told to end: “lameduck will delay shutdown for DURATION”.
    https://coredns.io/plugins/health/
    In ipvs mode what is under way in the moment in which a server goes is lost: “For UDP and SCTP traffic, no graceful
    termination, we immediately delete the RS”.
    https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/proxy/ipvs/graceful_termination.go
    """
    namespace.apply("record_addresses.yaml")
    name = f"web.{namespace.name}.svc.{cluster.dns_domain}."
    address = namespace.cluster_ip("web")
    looked_up(cluster, a_node, name, address_record, lambda seen: seen.answers == [address])
    before = set(coredns.replicas())
    with SteadyDns(a_node, name, address_record, server=cluster.dns_address, rate=RATE) as load:
        time.sleep(SETTLED)
        began = load.mark("the rollout begins")
        coredns.roll_out()
        ended = load.mark("every pod is another")
        time.sleep(SETTLED)
    draw(load.timeline([address]))
    holds(not before & set(coredns.replicas()), "every pod of CoreDNS to be another", f"{before} before")

    kinds, wrong = account(load, [address])
    if wrong:
        check_sender(load.latest)
    told = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    note("queries", f"{load.sent} sent: {told}; the latest was {load.latest * 1e3:.0f} ms behind its schedule")
    note("rollout", f"{ended - began:.1f} s")
    when = ", ".join(f"{seen.at - began:+.2f} s {seen.rcode or seen.outcome}" for seen in wrong[:20])
    if cluster.mode == "ipvs":
        groups = moments(wrong, pause(AT_ONCE))
        note("moments in which queries were lost", ", ".join(f"{at - began:+.2f} s: {count}" for at, count in groups))
        holds(
            kinds["answered"] + len(wrong) == load.sent and len(groups) <= len(before),
            f"queries to be lost only in the {len(before)} moments in which a server went",
            f"{told}; from the rollout's beginning, which took {ended - began:.1f} s: {when}",
            wrong[:20],
        )
        return
    holds(
        not wrong and kinds["answered"] == load.sent,
        f"all {load.sent} queries to be answered rightly while CoreDNS was rolled out",
        f"{told}; from the rollout's beginning, which took {ended - began:.1f} s: {when}",
        wrong[:20],
    )
