"""The order of a measurement: fill, wait until kube-proxy rests, change and watch, write down."""

from __future__ import annotations

import ipaddress
import itertools
import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import msgspec

import clusters
import reports
from clusters.addons.api import ClusterApi, wait_until
from clusters.errors import ClusterError, UsageError
from clusters.progress import Progress
from clusters.provider import Cluster, Place
from fixtures import vantage_pods
from fixtures.api import Api
from fixtures.grounds import clear, ground
from fixtures.vantage_pods import VantagePods
from fixtures.vantages import CommandVantage, NetnsVantage, vantage_of
from propagation import changes, own_histogram
from propagation.changes import TOLD, Bench, Kind
from propagation.figures import quantiles, unbounded
from propagation.filling import Filling
from propagation.watching import EVERY_SECONDS, GIVE_UP_SECONDS, LOST_SECONDS, Turn
from reports.model import Propagation

FOLDER = Path(__file__).parent / "manifests"
REST_SECONDS = 600.0
"""Until kube-proxy has written everything that it was filled with."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be measured."""

    cluster: str
    run: Path
    cell: str
    services: list[int]
    changes: int
    kinds: list[Kind]


def run(asked: Asked, progress: Progress) -> None:
    """Measure on a running cluster, and write a record for each kind of change and number of Services."""
    cluster = clusters.load(asked.cluster)
    if not cluster.owned:
        raise UsageError("Thousands of Services are made, and the cluster is not ours: it takes --i-own-this-cluster.")
    api = Api(cluster.kubeconfig, cluster.scratch)
    try:
        measure(asked, cluster, api, progress)
    finally:
        clear(api, cluster, asked.run.name)
        api.close()


def measure(asked: Asked, cluster: Cluster, api: Api, progress: Progress) -> None:
    senders = VantagePods(api, cluster, asked.run.name, vantage_pods.create(api, cluster, asked.run.name)).on_nodes()
    node, sender = next(iter(senders.items()))
    netns = clusters.provider_for(cluster).pod_netns(cluster, sender.namespace, sender.pod)
    if not netns:
        raise ClusterError("The network of a pod cannot be entered from here, so nothing can be watched from it.")
    namespace = ground(api, cluster, asked.run.name, "propagation", FOLDER)
    namespace.apply("backends.yaml")
    backends = {pod.name: pod.address for pod in namespace.wait_ready() if pod.name in {"first", "second"}}
    raw = ClusterApi(cluster.kubeconfig)
    bench = Bench(
        cluster=cluster,
        api=raw,
        namespace=namespace.name,
        pod=NetnsVantage(Place(name=sender.name, role="client", address=sender.address, netns=netns)),
        backends=backends,
        addresses=free_addresses(cluster, api),
    )
    at_node = vantage_of(cluster.place(node))
    filling = Filling(raw, namespace.name, list(backends.values()))
    there = len(api.core.list_service_for_all_namespaces().items)
    swap = changes.endpoint(bench)
    ways: dict[Kind, Callable[[Bench, int], Turn]] = {"service": changes.service, "endpoint": swap, "dns": changes.name}
    numbers = itertools.count()
    for count in sorted(asked.services):
        filling.up_to(max(0, count - there - 1), progress)
        rest(at_node)
        for kind in asked.kinds:
            reports.append(
                asked.run, one(asked, bench, at_node, kind, count, partial(ways[kind], bench), numbers, progress)
            )


def one(
    asked: Asked,
    bench: Bench,
    node: CommandVantage,
    kind: Kind,
    count: int,
    change: Callable[[int], Turn],
    numbers: Iterator[int],
    progress: Progress,
) -> Propagation:
    """Time one kind of change as often as asked for."""
    started = reports.timestamp()
    before = own_histogram.buckets(own_histogram.metrics(node))
    turns: list[Turn] = []
    with progress.task(f"{kind} changes among {count} Services", asked.changes) as task:
        for _ in range(asked.changes):
            turns.append(change(next(numbers)))
            task.advance(1)
    added = own_histogram.between(before, own_histogram.buckets(own_histogram.metrics(node)))
    first, last = [turn.first_right for turn in turns], [turn.last_wrong for turn in turns]
    own = {name: own_histogram.at_most(added, share) for name, share in (("p50", 0.5), ("p99", 0.99))}
    return Propagation(
        cell=asked.cell,
        change=kind,
        told=TOLD[kind],
        services=count,
        started=started,
        changes=len(turns),
        first_right_seconds=quantiles(first),
        last_wrong_seconds=quantiles(last),
        own_seconds_at_most={name: value for name, value in own.items() if math.isfinite(value)},
        own_count=int(max(added.values(), default=0.0)),
        samples=[[round(turn.first_right, 6), round(turn.last_wrong, 6)] for turn in turns],
        conditions=conditions(bench, node, len(turns)),
    )


def conditions(bench: Bench, node: CommandVantage, n: int) -> dict[str, str]:
    periods = {name: value for name, value in bench.cluster.conditions.items() if "SyncPeriod" in name}
    open_ended = unbounded(n)
    told = (
        f"; of {n} changes {' and '.join(open_ended)} have no upper bound: theirs is the largest" if open_ended else ""
    )
    return {
        **periods,
        "asked": f"every {EVERY_SECONDS * 1000:g} ms, each time from a new UDP socket",
        "asked from": f"{bench.pod.name}",
        "lost": f"without an answer after {LOST_SECONDS:g} s; given up after {GIVE_UP_SECONDS:g} s",
        "counted from": "the arrival of the API server's answer to the change",
        "every other Service": "a cluster IP, one UDP port, one EndpointSlice with two endpoints",
        "intervals": f"95 %, order statistics{told}",
        "kube-proxy's own": "network_programming_duration_seconds on that node, upper bounds of its buckets",
    }


def free_addresses(cluster: Cluster, api: Api) -> Iterator[str]:
    """Cluster IPs that nobody has, from the range's end: those that are given come from its beginning and middle."""
    taken = {item.spec.cluster_ip for item in api.core.list_service_for_all_namespaces().items}
    network = ipaddress.ip_network(cluster.service_subnet)
    last = int(network.broadcast_address) - 1
    # In IPv6 only so much of the range is used: https://kubernetes.io/docs/reference/networking/virtual-ips/
    offsets = range(min(network.num_addresses - 2, 60_000))
    candidates = (str(ipaddress.ip_address(last - offset)) for offset in offsets)
    return (address for address in candidates if address not in taken)


def rest(node: CommandVantage) -> None:
    """Wait until kube-proxy has nothing to do, for two seconds on end."""
    quiet: list[float] = []

    def is_quiet() -> bool:
        time.sleep(0.2)
        now = time.monotonic()
        if own_histogram.pending(own_histogram.metrics(node)):
            quiet.clear()
        else:
            quiet.append(now)
        return bool(quiet) and now - quiet[0] > 2.0

    wait_until(is_quiet, what=f"kube-proxy on {node.name} writing all rules", seconds=REST_SECONDS)
