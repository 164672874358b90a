"""New connections to a ClusterIP are spread evenly."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from clusters.families import at
from fixtures.catalogue import feature
from fixtures.expectations import answered_by, counted, equal, said
from fixtures.probes import http
from fixtures.settling import settle
from fixtures.statistics import shares
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace

N = 600
"""Connections. At alpha = 1e-4 a pod that gets 43 % instead of a third is found with probability above 0.99."""


@feature("svc.clusterip.spread")
@pytest.mark.each_family
def test_new_connections_are_spread_evenly(
    namespace: Namespace, mode: str, pod_vantages: dict[str, PodVantage], shares_hold: Callable[..., None]
) -> None:
    """“By default, kube-proxy in iptables mode chooses a backend at random”, and so in nftables mode; ipvs goes round.
    https://kubernetes.io/docs/reference/networking/virtual-ips/#proxy-mode-iptables
    """
    namespace.apply("clusterip_spread.yaml")
    pods = [pod.name for pod in namespace.wait_ready()]
    client = next(iter(pod_vantages.values()))
    url = f"http://{at(namespace.cluster_ip('web'))}/hostname"
    settle(partial(http, client, url, count=20), partial(answered_by, names=pods))
    seen = http(client, url, count=N)
    shares_hold(shares(counted(seen), dict.fromkeys(pods, 1 / len(pods))), "each pod to get an even share", seen)
    if mode == "ipvs":
        turns = [said(answer) for answer in seen]
        equal("the rotation after one round", turns[: -len(pods)], turns[len(pods) :], seen)
