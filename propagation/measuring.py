"""The order of a measurement: fill, wait until kube-proxy rests, change and watch, write down."""

from __future__ import annotations

import itertools
import math
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
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
from propagation import addresses, changes, gateways, own_histogram, ports, routes, urgency
from propagation.changes import BEHIND_A_CONTROLLER, TOLD, Bench, Kind
from propagation.figures import quantiles, unbounded
from propagation.filling import Filling
from propagation.turns import EVERY_SECONDS, RIGHT_IN_A_ROW, SILENT_SECONDS, Turn
from propagation.validity import BLURRED_SHARE, TOO_LONG, void
from propagation.watching import GIVE_UP_SECONDS
from reports.model import Propagation, Sample

FOLDER = Path(__file__).parent / "manifests"
REST_SECONDS = 600.0
"""Until kube-proxy has written everything that it was filled with."""
FILLED_SECONDS, CHANGED_SECONDS = 2.0, 0.5
"""How long kube-proxy must have rested: after Services were added, and after a change."""
PAUSE_SECONDS = 0.2
"""At most so long, at random, until the next change."""
MIN_SYNC_SECONDS = 1.0
"""kube-proxy's own default, where a cluster's conditions do not say."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be measured."""

    cluster: str
    run: Path
    cell: str
    services: list[int]
    changes: int
    gateways: int
    """How many, where Gateways are among the kinds."""
    kinds: list[Kind]


def run(asked: Asked, progress: Progress) -> None:
    """Measure on a running cluster, and write a record for each kind of change and number of Services."""
    cluster = clusters.load(asked.cluster)
    if not cluster.owned:
        raise UsageError("Thousands of Services are made, and the cluster is not ours: it takes --i-own-this-cluster.")
    api = Api(cluster.kubeconfig, cluster.scratch)
    behind = [kind for kind in asked.kinds if kind in BEHIND_A_CONTROLLER]
    try:
        if set(asked.kinds) - set(behind):
            kinds = [kind for kind in asked.kinds if kind not in behind]
            measure(msgspec.structs.replace(asked, kinds=kinds), cluster, api, progress)
        for kind in behind:
            where = (cluster, api, asked.run, asked.cell, progress)
            if kind == "gateway":
                found = gateways.measure(asked.gateways, *where)
            else:
                found = routes.measure(kind, asked.changes, *where)
            if found is not None:
                reports.append(asked.run, found)
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
    at_node = vantage_of(cluster.place(node))
    band = addresses.static_band(cluster.service_subnet)
    bench = Bench(
        cluster=cluster,
        api=raw,
        namespace=namespace.name,
        pod=NetnsVantage(Place(name=sender.name, role="client", address=sender.address, netns=netns)),
        backends=backends,
        addresses=addresses.in_turn(band, partial(addresses.is_taken, raw)),
        ports=ports.Ports(),
        pause=Pause(at_node, min_sync_seconds(cluster), asked.run.name),
    )
    filling = Filling(raw, namespace.name, list(backends.values()))
    there = len(api.core.list_service_for_all_namespaces().items)
    swap = changes.endpoint(bench)
    ways: dict[Kind, Callable[[Bench, int], Turn]] = {"service": changes.service, "endpoint": swap, "dns": changes.name}
    numbers = itertools.count()
    for count in sorted(asked.services):
        filling.up_to(max(0, count - there - 1), progress)
        rest(at_node, FILLED_SECONDS)
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
        unbounded=unbounded(len(turns)),
        own_seconds_at_most={name: value for name, value in own.items() if math.isfinite(value)},
        own_count=int(max(added.values(), default=0.0)),
        samples=[
            Sample(
                first_right=round(turn.first_right, 6),
                last_wrong=round(turn.last_wrong, 6),
                largest_gap=round(turn.largest_gap, 6),
                blurred=turn.blurred,
                unanswered=turn.unanswered,
            )
            for turn in turns
        ],
        void=void(turns),
        conditions={**conditions(bench, node, len(turns)), "unanswered after the first right answer": silence(turns)},
    )


def silence(turns: Sequence[Turn]) -> str:
    """How much of the last wrong ones is silence, which a backend or the machine may be to blame for."""
    count = sum(turn.unanswered for turn in turns)
    return f"{count} questions, in {sum(turn.unanswered > 0 for turn in turns)} of {len(turns)} changes"


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
        "source ports": ports.RULE,
        "sender's threads": urgency.told(),
        "settled": f"{RIGHT_IN_A_ROW} questions on end answered right, of those sent {SILENT_SECONDS:g} s ago and "
        f"before; given up after {GIVE_UP_SECONDS:g} s",
        "wrong": f"another answer, a refusal, or none after {SILENT_SECONDS:g} s",
        "counted from": "the arrival of the API server's answer to the change",
        "between changes": f"kube-proxy on {node.name} rests for {CHANGED_SECONDS:g} s (nothing pending, its last sync "
        f"ended after the last was queued), its minSyncPeriod of {min_sync_seconds(bench.cluster):g} s goes by, and 0 "
        f"to {PAUSE_SECONDS:g} s at random, seeded by the run's name",
        "void": f"where in more than {BLURRED_SHARE:.0%} of the changes the sender stood still for more than "
        f"{TOO_LONG} around the first right or the last wrong question",
        "every other Service": "a cluster IP, one UDP port, one EndpointSlice with two endpoints",
        "measured Services": "cluster IPs of the range's static band",
        "names": "asked for before they are there: where the cluster's DNS caches denials, their time to live counts",
        "intervals": f"95 %, order statistics{told}",
        "kube-proxy's own": f"network_programming_duration_seconds on {node.name}, upper bounds of its buckets; it "
        "counts EndpointSlices from the time that they tell, so for a new Service that of the slice made before it",
    }


class Pause:
    """Between changes: the next one waits for nothing that the last one has to do, and comes at a random time."""

    def __init__(self, node: CommandVantage, min_sync: float, seed: str) -> None:
        self._node = node
        self._min_sync = min_sync
        self._random = random.Random(seed)  # noqa: S311 - no secret

    def __call__(self) -> None:
        rest(self._node, CHANGED_SECONDS)
        time.sleep(self._min_sync + self._random.uniform(0.0, PAUSE_SECONDS))


def min_sync_seconds(cluster: Cluster) -> float:
    """How long kube-proxy waits after a sync before it begins the next."""
    told = next((value for name, value in cluster.conditions.items() if "minSyncPeriod" in name), "")
    found = re.fullmatch(r"([\d.]+)(ms|s)", told)
    return float(found[1]) * (0.001 if found[2] == "ms" else 1.0) if found else MIN_SYNC_SECONDS


def rest(node: CommandVantage, seconds: float) -> None:
    """Wait until kube-proxy has had nothing to do for so long."""
    quiet: list[float] = []

    def is_quiet() -> bool:
        time.sleep(0.1)
        asked = time.monotonic()
        if own_histogram.is_at_rest(own_histogram.metrics(node)):
            quiet.append(asked)
        else:
            quiet.clear()
        return bool(quiet) and quiet[-1] - quiet[0] > seconds

    wait_until(is_quiet, what=f"kube-proxy on {node.name} writing all rules", seconds=REST_SECONDS)
