"""More endpoints behind one Service than a slice may hold."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from clusters.needs import Need
from clusters.provider import Cluster, Place
from fixtures.afterwards import afterwards
from fixtures.catalogue import feature
from fixtures.convergence import await_value
from fixtures.expectations import answered_by, equal, holds
from fixtures.probes import dns, udp
from fixtures.settling import settle
from fixtures.timeouts import Timeout
from fixtures.vantages import NetnsVantage
from fixtures.verdicts import ArrangementError, Mismatch
from fixtures.workloads import Namespace

PODS = 104
"""Each costs a small machine a second; so many need a second slice."""
STEP = 26
LARGEST = 100
"""By default: --max-endpoints-per-slice of kube-controller-manager."""
N = 2700
"""Datagrams. That all miss one of 104 endpoints has the probability 104 × (103/104)^2700 < 1e-9."""


def grows(namespace: Namespace) -> None:
    """In steps: nodes that start all at once start each later. Looked at cheaply: so many pods are long to read."""
    ready = partial(namespace.api.apps.read_namespaced_deployment_status, "web", namespace.name)
    for count in range(STEP, PODS + 1, STEP):
        namespace.scale("web", count)
        await_arranged(
            lambda: ready().status.ready_replicas or 0, count, f"{count} pods of {namespace.name} to be ready"
        )


def await_arranged(read: Callable[[], int], wanted: int, what: str) -> None:
    """`ArrangementError` where a number does not become what it must be for the check to begin or to end."""
    try:
        await_value(read, lambda found: found == wanted, what=what, timeout=Timeout.MANY_PODS, every=0.5)
    except Mismatch as error:
        raise ArrangementError(
            f"Expected {what}: {error.observed}.", "This machine may be too small for it."
        ) from error


def ends(namespace: Namespace) -> None:
    """The pods end, and their containers with them: the next checks would run in that noise."""
    for name in ("web", "all"):  # first: slices of so many endpoints would be written again for each pod that goes
        namespace.delete("v1", "Service", name)
    namespace.delete("apps/v1", "Deployment", "web")
    left = partial(namespace.api.core.list_namespaced_pod, namespace.name, label_selector="app=web", limit=1)
    await_arranged(lambda: len(left().items), 0, f"every pod of {namespace.name} to be gone")


@feature("ep.slices.100")
@pytest.mark.disturbs
@pytest.mark.slow
@pytest.mark.needs(Need.THREE_NODES)
def test_more_than_100_endpoints_are_in_slices_of_at_most_100_and_all_are_reached(
    namespace: Namespace,
    cluster: Cluster,
    nodes: list[Place],
    pod_networks: dict[str, NetnsVantage],
    address_record: str,
    note: Callable[[str, object], None],
) -> None:
    """“By default, the control plane creates and manages EndpointSlices to have no more than 100 endpoints each.”
    https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/
    """
    room = namespace.room_for_pods()
    if room < PODS:
        pytest.skip(f"It needs room for {PODS} more pods, and the nodes have it for {room}.")
    with afterwards(partial(ends, namespace)):
        namespace.apply("many.yaml")
        grows(namespace)
        pods = namespace.wait_ready(Timeout.MANY_PODS)
        namespace.apply("many_services.yaml")
        addresses = sorted(pod.address for pod in pods)
        every = partial(namespace.endpoints, "web")
        ready = await_value(
            every,
            lambda found: sorted(end.address for end in found if end.ready) == addresses,
            what=f"the EndpointSlices to hold all {PODS} pods",
            timeout=Timeout.READY,
            every=0.5,
        )
        sizes = namespace.slice_sizes("web")
        note("endpoints in each slice", ", ".join(map(str, sizes)))
        equal("the number of endpoints in all slices", len(ready), sum(sizes))
        holds(max(sizes) <= LARGEST, f"slices of at most {LARGEST} endpoints", f"one has {max(sizes)}")

        sender = next(iter(pod_networks.values()))
        front = namespace.cluster_ip("web")
        names = {pod.name for pod in pods}
        ask = partial(udp, sender, front, 81, "hostname", count=N)
        by_all = partial(answered_by, names=names)
        settle(ask, by_all, timeout=Timeout.MANY_PODS)
        by_all(ask())

        full = f"all.{namespace.name}.svc.{cluster.dns_domain}."
        resolve = partial(dns, sender, full, address_record, server=cluster.dns_address, tcp=True)
        await_value(
            lambda: sorted(resolve()[0].answers),
            lambda found: found == addresses,
            what="the DNS to know all of them",
            timeout=Timeout.DNS,
        )
