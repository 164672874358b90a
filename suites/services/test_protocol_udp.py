"""UDP Services."""

from __future__ import annotations

from functools import partial

import pytest

from fixtures.catalogue import feature
from fixtures.expectations import answered_by
from fixtures.probes import udp
from fixtures.settling import settle
from fixtures.timeouts import Timeout
from fixtures.vantages import PodVantage
from fixtures.workloads import Namespace

N = 30
"""Datagrams, each from a socket of its own. One of two pods is left out of 30 with probability 2·(1/2)^30 < 2e-9."""


@feature("svc.protocol.udp")
@pytest.mark.each_family
def test_datagrams_reach_every_ready_pod_and_are_answered(
    namespace: Namespace, pod_vantages: dict[str, PodVantage]
) -> None:
    """“You can use UDP for most Services.”
    https://kubernetes.io/docs/reference/networking/service-protocols/#protocol-udp
    """
    namespace.apply("protocol_udp.yaml")
    pods = {pod.name for pod in namespace.wait_ready()}
    client = next(iter(pod_vantages.values()))
    address = namespace.cluster_ip("datagrams")
    all_answer = partial(answered_by, names=pods)
    settle(partial(udp, client, address, 90, "hostname", count=10, timeout=Timeout.DROP.seconds), all_answer)
    all_answer(udp(client, address, 90, "hostname", count=N))
