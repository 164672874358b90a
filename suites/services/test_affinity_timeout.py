"""The end of sessionAffinity: ClientIP."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from clusters.families import at
from clusters.needs import Need
from fixtures.catalogue import feature
from fixtures.expectations import all_answered, equal, holds, said
from fixtures.observations import HttpObservation
from fixtures.probes import http
from fixtures.settling import settle
from fixtures.vantages import Vantage
from fixtures.verdicts import ArrangementError
from fixtures.workloads import Namespace

PORTS = range(8001, 8013)
"""Each port remembers clients for itself. All twelve would choose the same of three pods once more by chance with
probability (1/3)^12 < 2e-6."""
REMEMBERED = 8.0
"""Seconds: the manifest's timeoutSeconds."""
RENEWALS = 4
MARGIN = 2.0
"""The kernel counts in ticks, and throws away what is old when it gets to it."""


@feature("svc.affinity.timeout")
@pytest.mark.each_family
@pytest.mark.needs(Need.NODE_PORTS)
def test_a_client_is_remembered_for_the_time_and_then_forgotten(
    namespace: Namespace, mode: str, client_1: Vantage, note: Callable[[str, object], None]
) -> None:
    """“timeoutSeconds specifies the seconds of ClientIP type session sticky time.”
    https://kubernetes.io/docs/reference/kubernetes-api/core/service-v1/#ClientIPConfig
    Nothing is promised of whether the time counts from the first connection or from the last one, so that is recorded.
    kube-proxy renews it with every connection, in nftables mode by ``update``, in iptables mode by ``recent --set``:
    https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/proxy/nftables/proxier.go
    https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/proxy/iptables/proxier.go
    In ipvs mode the kernel forgets no client while it tracks one of its connections, also closed ones for some time, so
    that it forgets is recorded: https://github.com/torvalds/linux/blob/master/net/netfilter/ipvs/ip_vs_conn.c
    """
    namespace.apply("affinity_timeout.yaml")
    node = namespace.wait_ready()[0].node_address
    urls = [f"http://{at(node)}:{namespace.node_port('web', port)}/hostname" for port in PORTS]

    def ask() -> list[HttpObservation]:
        return [answer for url in urls for answer in http(client_1, url)]

    settle(ask, all_answered)
    first = ask()
    again = ask()
    if (took := again[-1].at - first[0].at) > REMEMBERED - MARGIN:
        raise ArrangementError(
            f"Two rounds of requests took {took:.1f} s, and clients are forgotten after {REMEMBERED:g} s.",
            "Is the machine busy with something else?",
        )
    equal("the pods that each port sends the client to, within the time", chosen(first), chosen(again), again)

    began = time.monotonic()
    while time.monotonic() < began + REMEMBERED + MARGIN:
        time.sleep(REMEMBERED / RENEWALS)
        renewed = ask()
    note("each connection renews the time", "yes" if chosen(renewed) == chosen(first) else "no")

    time.sleep(REMEMBERED + MARGIN)
    later = ask()
    if mode == "ipvs":
        note("sent anew after the time", "no" if chosen(later) == chosen(renewed) else "yes")
        return
    told = f"each of {len(urls)} ports chose the same pod once more: {', '.join(chosen(later))}"
    anew = f"a client to be forgotten after {REMEMBERED:g} s without a connection, and sent anew"
    holds(chosen(later) != chosen(renewed), anew, told, later)


def chosen(seen: list[HttpObservation]) -> list[str]:
    return [said(answer) for answer in all_answered(seen)]
