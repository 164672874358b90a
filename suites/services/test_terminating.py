"""Services that have only endpoints left that are about to end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from functools import partial

import pytest

from clusters.families import at
from clusters.needs import Need
from clusters.provider import Cluster
from fixtures.catalogue import feature
from fixtures.convergence import await_value, converge
from fixtures.expectations import all_answered, answered_by, holds
from fixtures.observations import Observation
from fixtures.probes import http
from fixtures.steady import Stream, no_loss
from fixtures.vantages import NetnsVantage, Vantage
from fixtures.verdicts import ArrangementError
from fixtures.workloads import Namespace

SERVING_SECONDS = 30
"""How long a pod of the manifest serves on after it was told to end."""
JUDGED_SECONDS = 6
MARGIN = 2
"""What is sent so short a time before the pods' end is not judged."""


@feature("svc.terminating")
@pytest.mark.needs(Need.TWO_NODES, Need.NODE_PORTS)
def test_endpoints_that_only_terminate_are_served_by_as_long_as_they_serve(
    namespace: Namespace,
    cluster: Cluster,
    client_1: Vantage,
    pod_networks: dict[str, NetnsVantage],
    steady: Callable[..., AbstractContextManager[Stream]],
) -> None:
    """“When the traffic policy is "Cluster" and all endpoints are terminating, then traffic should be routed to any
    terminating endpoint that is ready. … "Local" … that is ready on that node.”
    https://github.com/kubernetes/enhancements/tree/master/keps/sig-network/1669-proxy-terminating-endpoints#proposal
    """
    namespace.apply("terminating.yaml")
    pods = namespace.wait_ready()
    ways: list[tuple[str, Vantage, str, set[str]]] = [
        *(
            (
                f"at the node port of {pod.node}, policy Local",
                client_1,
                f"http://{at(cluster.place(pod.node).address)}:{namespace.node_port('local')}/hostname",
                {pod.name},
            )
            for pod in pods
        ),
        (
            "at the cluster IP",
            next(iter(pod_networks.values())),
            f"http://{at(namespace.cluster_ip('cluster'))}/hostname",
            {pod.name for pod in pods},
        ),
    ]
    for what, vantage, url, _ in ways:
        converge(partial(http, vantage, url), lambda seen: seen[0].answered, what=f"an answer {what}")
    with ExitStack() as stack:
        streams = [stack.enter_context(steady(vantage, url, rate=25.0)) for _, vantage, url, _ in ways]
        for stream in streams:
            stream.await_answers(10)
        at_api = [stream.mark("the Deployment is scaled to 0") for stream in streams]
        namespace.scale("web", 0)
        gone = partial(namespace.endpoints, "cluster")
        await_value(gone, lambda ends: not any(end.ready for end in ends), what="no endpoint to be ready any more")
        for stream in streams:
            stream.mark("no endpoint is ready any more")
        streams[0].await_seen(lambda seen: bool(seen) and seen[-1].at > at_api[0] + JUDGED_SECONDS, what="time to pass")
        ends = namespace.endpoints("cluster")
    in_time((stream.seen for stream in streams), at_api[0])
    for (what, *_), stream in zip(ways, streams, strict=True):
        no_loss(stream, f"{what} while the only endpoints terminated")
    answered_by_whom = [(http(vantage, url, count=10), names) for _, vantage, url, names in ways]
    in_time((seen for seen, _ in answered_by_whom), at_api[0])
    for seen, names in answered_by_whom:
        all_answered(seen)
        answered_by(seen, names)
    only_ending = bool(ends) and all(end.terminating and end.serving and not end.ready for end in ends)
    holds(only_ending, "every endpoint to be terminating and serving meanwhile", f"they were {ends}")


def in_time(everything: Iterable[Sequence[Observation]], scaled_at: float) -> None:
    """What is judged must have been sent while the pods still served."""
    if (took := max(one.at for seen in everything for one in seen) - scaled_at) > SERVING_SECONDS - MARGIN:
        raise ArrangementError(
            f"The last request was sent {took:.1f} s after the scale-down, and pods serve on for {SERVING_SECONDS} s.",
            "Is the machine busy with something else?",
        )
