"""A node that is lost, and comes back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from clusters.provider import Place
from fixtures.afterwards import afterwards
from fixtures.catalogue import feature
from fixtures.convergence import converge
from fixtures.expectations import answered_by, equal, holds, said
from fixtures.faults import cut_off
from fixtures.observations import HttpObservation
from fixtures.probes import http
from fixtures.steady import Stream, good, told
from fixtures.timeouts import Timeout
from fixtures.vantages import NetnsVantage, Vantage
from fixtures.verdicts import ArrangementError, Mismatch
from fixtures.workloads import Namespace

STRAYS = 6
"""Requests that may be lost; `only_others` says why."""
N = 60
"""Requests. Were a third pod still among the endpoints, all would miss it with probability (2/3)^60 < 1e-10."""


def hears_again(namespace: Namespace, from_the_node: NetnsVantage) -> None:
    """The returned node takes up what changes: its watches may hang for a while, which other checks would meet."""
    namespace.apply("node_loss_later.yaml")
    ask = partial(http, from_the_node, f"http://{at(namespace.cluster_ip('later'))}/hostname")
    what = f"a Service made afterwards to answer {from_the_node.name}"
    try:
        converge(ask, lambda seen: seen[0].answered, what=what, timeout=Timeout.NODE_LOST)
    except Mismatch as error:
        raise ArrangementError(f"The node that was cut off takes up no changes: {error}.") from error


def only_others(seen: Sequence[HttpObservation], others: set[str]) -> None:
    """Who answers is one of the other nodes' pods, each of them does, and next to nothing is lost.

    Not nothing: a request that was lost before left a tracked connection, which leads its source port to the lost pod
    for two minutes (nf_conntrack_tcp_timeout_syn_sent), and a new request may have that port again. Were the pod still
    among three endpoints, at most `STRAYS` of N would be lost with probability below 1e-4.
    """
    lost = [one for one in seen if not one.answered]
    expected = f"at most {STRAYS} of {len(seen)} requests to be lost while only the other nodes are asked"
    holds(len(lost) <= STRAYS, expected, f"{len(lost)} were", lost)
    answered_by([one for one in seen if one.answered], others)


@feature("ep.node-loss")
@pytest.mark.disturbs
@pytest.mark.needs(Need.TWO_NODES, Need.NODE_PORTS, Need.CUT_OFF)
def test_a_lost_nodes_pods_leave_the_endpoints_and_come_back_with_it(
    namespace: Namespace,
    nodes: list[Place],
    client_1: Vantage,
    pod_networks: dict[str, NetnsVantage],
    steady: Callable[..., AbstractContextManager[Stream]],
    note: Callable[[str, object], None],
) -> None:
    """“In the case that a node becomes unreachable, updating the Ready condition in the Node's .status field. In this
    case the node controller sets the Ready condition to Unknown.”
    https://kubernetes.io/docs/concepts/architecture/nodes/#node-controller
    For every pod there it calls MarkPodsNotReady, which “updates ready status of given pods running on given node”:
    https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/controller/util/node/controller_utils.go
    “…the EndpointSlice controller will mark the endpoint as serving if the pod's Ready condition is True.”
    https://kubernetes.io/docs/reference/kubernetes-api/discovery/endpoint-slice-v1/#EndpointConditions
    """
    namespace.apply("node_loss.yaml")
    pods = namespace.wait_ready()
    every = {pod.name for pod in pods}
    lost, kept = nodes[-1], nodes[0]
    others = {pod.name for pod in pods if pod.node != lost.name}
    outside = f"http://{at(kept.address)}:{namespace.node_port('web')}/hostname"
    inside = f"http://{at(namespace.cluster_ip('web'))}/hostname"
    ways = ((client_1, outside), (pod_networks[kept.name], inside))
    for vantage, url in ways:
        everybody = partial(http, vantage, url, count=N)
        converge(everybody, lambda seen: {said(one) for one in seen} == every, what="every pod to answer", successes=1)
    with (
        afterwards(partial(hears_again, namespace, pod_networks[lost.name])),
        steady(client_1, outside, rate=20.0, timeout=Timeout.DROP.seconds) as fresh,
    ):
        fresh.await_answers(20)
        with cut_off(lost):
            at_loss = fresh.mark(f"{lost.name} is cut off")
            fresh.await_seen(
                lambda seen: len(seen) >= N and all(good(one) and said(one) in others for one in seen[-N:]),
                what=f"{N} requests in a row to be answered by the pods of the other nodes",
                timeout=Timeout.NODE_LOST,
            )
            at_end = fresh.mark("only the others are asked")
            for vantage, url in ways:
                only_others(http(vantage, url, count=N), others)
            ready = {end.pod for end in namespace.endpoints("web") if end.ready}
            equal("the endpoints that are ready while the node is lost", others, ready)
        at_return = fresh.mark(f"{lost.name} is back")
        fresh.await_seen(
            lambda seen: said(seen[-1]) not in others and good(seen[-1]) if seen else False,
            what="the returned node's pod to answer again",
            timeout=Timeout.NODE_LOST,
        )
        at_answer = fresh.mark("its pod answers again")
    for vantage, url in ways:  # its first probes may be missed yet: a pod may be taken out once more
        everybody = partial(http, vantage, url, count=N)
        converge(everybody, lambda seen: {said(one) for one in seen} == every, what="all to answer again", successes=1)
    note("seconds until only the other nodes were asked", round(at_end - at_loss, 1))
    note("requests from the loss until then", told([one for one in fresh.since(at_loss) if one.at < at_end]))
    note("seconds from its return to its first answer", round(at_answer - at_return, 1))
    note("requests from its return on", told(fresh.since(at_return)))
