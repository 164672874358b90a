"""How long an Ingress or an HTTPRoute takes from the API to the first right answer through a controller, and when its
status says that it is served; `propagation.gateways` does the same with Gateways."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

import reports
from clusters.addons.api import ApiError, ClusterApi
from clusters.errors import UsageError
from clusters.progress import Progress
from clusters.provider import Cluster
from fixtures.api import Api, Object
from fixtures.controllers import Controller, PublishedAddress, under_test
from fixtures.grounds import ground
from fixtures.routes import Routes
from fixtures.routes import conditions as status_conditions
from fixtures.status_truth import accepted_by, has_address
from fixtures.vantages import NetnsVantage, vantage_of
from propagation import urgency
from propagation.changes import TOLD, Kind
from propagation.figures import quantiles, unbounded
from propagation.http_watching import EVERY_SECONDS, HttpWatch
from propagation.turns import RIGHT_IN_A_ROW, SILENT_SECONDS, Turn
from propagation.validity import BLURRED_SHARE, TOO_LONG, void
from reports.model import Propagation, Sample

FOLDER = Path(__file__).parent / "manifests"
PAUSE_SECONDS = 1.0
"""At most so long, at random, until the next change."""
LOOKED_SECONDS = 0.02
"""Between two looks at the object's status."""
SAID = {
    "ingress": "status.loadBalancer has an address",
    "httproute": "condition Accepted of the route is True",
    "gateway": "condition Programmed of the Gateway is True",
}
"""By kind: what in the status says that it is served."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One change: when it was seen, and when its status said so; seconds since the API acknowledged it."""

    turn: Turn
    status: float


def measure(
    kind: Kind,
    changes: int,
    cluster: Cluster,
    api: Api,
    run: Path,
    cell: str,
    progress: Progress,
    how: Callable[[int, Routes, Controller, ClusterApi], Told] | None = None,
) -> Propagation | None:
    """Time one kind of change as often as asked for; None where the controller does not serve it.

    ``how`` makes a change and times it; without it, it is made by `change`.
    """
    how = how or partial(change, kind)
    controller = under_test(cluster, api)
    if controller is None:
        raise UsageError(f"The cluster {cluster.name} has no controller.", "Make one that has: --controller traefik.")
    if (controller.description.ingress if kind == "ingress" else controller.description.gateway) is None:
        print(f"{kind}: left out, {controller.description.title} does not claim it")
        return None
    started = reports.timestamp()
    routes = entrance(kind, controller, cluster, api, run)
    raw = ClusterApi(cluster.kubeconfig)
    services = len(api.core.list_service_for_all_namespaces().items)
    seeded = random.Random(f"{run.name}-{kind}")  # noqa: S311 - no secret
    seen: list[Told] = []
    with progress.task(f"{kind} changes through {controller.name}", changes) as task:
        for number in range(changes):
            time.sleep(seeded.uniform(0.0, PAUSE_SECONDS))
            seen.append(how(number, routes, controller, raw))
            task.advance(1)
    return record(kind, seen, cell, controller, services, started)


def entrance(kind: Kind, controller: Controller, cluster: Cluster, api: Api, run: Path) -> Routes:
    """A backend that is served already under a host of its own."""
    namespace = ground(api, cluster, run.name, f"propagation-{kind}", FOLDER)
    claim = controller.ingress() if kind == "ingress" else controller.gateway()
    made = Routes(
        namespace,
        vantage_of(cluster.clients[0]),
        class_name=claim.class_name,
        address=controller.address,
        published=PublishedAddress(controller.address),
        gateway="" if kind == "ingress" else "edge",
        ports=(claim.http_port, claim.https_port),
        ready={"ready.example": "web"},
    )
    made.arrange("ingress.yaml" if kind == "ingress" else "httproute.yaml")
    made.settle()
    return made


def change(kind: Kind, number: int, routes: Routes, controller: Controller, api: ClusterApi) -> Told:
    """Make an object for a host that is asked for all the time; it stays until the end."""
    template = routes.object(f"{kind}.yaml", "Ingress" if kind == "ingress" else "HTTPRoute", "ready")
    template["metadata"]["name"] = f"made-{number}"
    host = f"made-{number}.example"
    if kind == "ingress":
        template["spec"]["rules"][0]["host"] = host
    else:
        template["spec"]["hostnames"] = [host]
    wanted = routes.fit(template)
    wanted["metadata"]["namespace"] = routes.namespace.name
    path = api.path_of(wanted)
    with (
        watch_at(routes.address, routes, host) as watch,
        StatusWatch(lambda: api.get(path), lambda found: is_told(kind, found, controller)) as status,
    ):
        api.request("POST", path.rpartition("/")[0], wanted)
        acknowledged = time.perf_counter()
        turn = watch.acknowledged()
        return Told(turn=turn, status=status.at() - acknowledged)


def watch_at(address: str, routes: Routes, host: str, *, late: bool = False) -> HttpWatch:
    """Asks for a host at an address until the backend of the routes' namespace answers; ``late``: see `HttpWatch`."""
    if not isinstance(routes.client, NetnsVantage):
        raise UsageError(f"Nothing can be watched from {routes.client.name}: its network cannot be entered.")
    name = f'"namespace":"{routes.namespace.name}"'.encode()
    end = (address, routes.port())
    return HttpWatch(routes.client, end, routes.host(host), lambda answer: is_from(name, answer), late=late)


def is_from(namespace: bytes, answer: bytes) -> bool:
    """Whether the namespace's echo pod answered; it writes its JSON with or without spaces."""
    return b" 200 " in answer.partition(b"\r\n")[0] and namespace in answer.replace(b'": "', b'":"')


def is_told(kind: Kind, found: Object, controller: Controller) -> bool:
    """Whether an object's status says that it is served: an Ingress's address, a route that its Gateway Accepted, or a
    Gateway that is Programmed."""
    if kind == "gateway":
        return status_conditions(found.get("status") or {}).get("Programmed", ("", ""))[0] == "True"
    return has_address(found) if kind == "ingress" else accepted_by(controller.gateway().controller)(found)


def record(kind: Kind, seen: list[Told], cell: str, controller: Controller, services: int, started: str) -> Propagation:
    turns = [one.turn for one in seen]
    said = [one.status for one in seen if one.status == one.status]  # nan: it never did
    return Propagation(
        cell=cell,
        change=kind,
        told=TOLD[kind],
        services=services,
        started=started,
        changes=len(seen),
        first_right_seconds=quantiles([turn.first_right for turn in turns]),
        last_wrong_seconds=quantiles([turn.last_wrong for turn in turns]),
        unbounded=unbounded(len(turns)),
        status_seconds=quantiles(said) if said else {},
        status_first=sum(one.status < one.turn.first_right for one in seen),
        samples=[
            Sample(
                first_right=round(one.turn.first_right, 6),
                last_wrong=round(one.turn.last_wrong, 6),
                largest_gap=round(one.turn.largest_gap, 6),
                blurred=one.turn.blurred,
                unanswered=one.turn.unanswered,
                status=round(one.status, 6) if one.status == one.status else None,
            )
            for one in seen
        ],
        void=void(turns),
        conditions=conditions(kind, seen, controller),
    )


def conditions(kind: Kind, seen: list[Told], controller: Controller) -> dict[str, str]:
    open_ended = unbounded(len(seen))
    told = f"; {' and '.join(open_ended)} have no upper bound: theirs is the largest" if open_ended else ""
    silent = sum(one.status != one.status for one in seen)
    return {
        "controller": controller.description.image,
        **controller.description.settings,
        "asked": f"every {EVERY_SECONDS * 1000:g} ms, each time on a new connection, from the outside client",
        "sender's threads": urgency.told(),
        "settled": f"{RIGHT_IN_A_ROW} questions on end answered right, of those sent {SILENT_SECONDS:g} s ago",
        "wrong": f"another answer than the backend's, a refusal, or none after {SILENT_SECONDS:g} s",
        "counted from": "the arrival of the API server's answer to the creation",
        "status": f"{SAID[kind]}; looked at every {LOOKED_SECONDS * 1000:g} ms and what the answer takes"
        + (f"; never told in {silent} of {len(seen)} changes" if silent else ""),
        "between changes": f"the last was settled, and 0 to {PAUSE_SECONDS:g} s at random, seeded by the run's name; "
        "a controller that throttles takes up rarer changes at once",
        "objects": f"made one after another and kept: the last stands among {len(seen)}",
        "void": f"where in more than {BLURRED_SHARE:.0%} of the changes the sender stood still for more than "
        f"{TOO_LONG} around the first right or the last wrong question",
        "intervals": f"95 %, order statistics{told}",
    }


class StatusWatch:
    """Looks at an object until its status says what it must, beside whoever waits for the packets."""

    SECONDS = 30.0
    """Whoever has not said it by then never does."""

    def __init__(self, read: Callable[[], Object], until: Callable[[Object], bool]) -> None:
        self._read, self._until = read, until
        self._stopped = threading.Event()
        self._at = float("nan")
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> StatusWatch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def at(self) -> float:
        """`time.perf_counter` of the first answer that said it; nan where none did in time."""
        self._thread.join(self.SECONDS)
        return self._at

    def _look(self) -> None:
        while not self._stopped.wait(LOOKED_SECONDS):
            try:
                found = self._read()
            except ApiError:  # not there yet, or the server is busy: the next look tells
                continue
            if self._until(found):
                self._at = time.perf_counter()
                return
