"""Switching kube-proxy's mode on a running cluster."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial

import pytest

import clusters
from clusters.errors import MachineError
from clusters.families import Family, at
from clusters.needs import Need
from clusters.provider import Cluster, Mode, Place
from fixtures import proxy_rules
from fixtures.catalogue import feature
from fixtures.convergence import await_value, converge
from fixtures.expectations import all_answered
from fixtures.kube_proxy import KubeProxies
from fixtures.probes import http
from fixtures.steady import Stream, told
from fixtures.timeouts import Timeout
from fixtures.vantages import NetnsVantage, PodVantage, Vantage
from fixtures.workloads import Namespace

OTHER: Mapping[str, Mode] = {"iptables": "nftables", "nftables": "iptables", "ipvs": "nftables"}
"""Between iptables and ipvs kube-proxy cleans nothing up: platformCleanup of cmd/kube-proxy/app/server_linux.go."""


@feature("proxy.live-switch")
@pytest.mark.disturbs
@pytest.mark.needs(Need.NODE_PORTS)
def test_a_switch_of_the_mode_leaves_no_rule_behind_and_ends_working(
    namespace: Namespace,
    cluster: Cluster,
    family: Family,
    nodes: list[Place],
    client_1: Vantage,
    node_vantages: dict[str, Vantage],
    pod_vantages: dict[str, PodVantage],
    pod_networks: dict[str, NetnsVantage],
    kube_proxies: KubeProxies,
    steady: Callable[..., AbstractContextManager[Stream]],
    note: Callable[[str, object], None],
) -> None:
    """“Confirm … that iptables rules for Services no longer exist … Start kube-proxy in iptables mode again … Confirm …
    that the kube-proxy table (or tables, if dual-stack) has been deleted.”
    https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/3866-nftables-proxy
    """
    mode, other = kube_proxies.mode, OTHER[kube_proxies.mode]
    try:
        clusters.provider_for(cluster).check_mode(other)
    except MachineError as error:
        pytest.skip(f"There is no other mode to switch to: {error.cause}")
    namespace.apply("live_switch.yaml")
    namespace.wait_ready()
    node = nodes[0]
    ways = (
        (client_1, f"http://{at(node.address)}:{namespace.node_port('web')}/hostname"),
        (pod_vantages[node.name], f"http://{at(namespace.cluster_ip('web'))}/hostname"),
    )
    for vantage, url in ways:
        converge(partial(http, vantage, url), lambda seen: seen[0].answered, what=f"{url} to answer")

    for now, before in ((other, mode), (mode, other)):
        with (
            steady(client_1, ways[0][1]) as fresh,
            steady(pod_networks[node.name], ways[1][1], connections=5) as kept,
        ):
            fresh.await_answers(25)
            for stream in (fresh, kept):
                stream.mark(f"kube-proxy is restarted in mode {now} on every node")
            kube_proxies.change(mode=now)
            for name, vantage in node_vantages.items():
                what = f"no rule of mode {before} to be left on {name} after the switch to {now}"
                left = partial(proxy_rules.left, before, vantage, family)
                await_value(left, lambda found: not found, what=what, timeout=Timeout.DATA_PATH, every=0.2)
            for stream in (fresh, kept):
                stream.mark(f"no rule of mode {before} is left")
                stream.await_answers(25)
        note(f"new connections while the mode became {now}", told(fresh.seen))
        note(f"kept connections while the mode became {now}", told(kept.seen))
        for vantage, url in ways:
            converge(partial(http, vantage, url), lambda seen: seen[0].answered, what=f"{url} to answer in mode {now}")
            all_answered(http(vantage, url, count=20))
