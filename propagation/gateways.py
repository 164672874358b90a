"""How long a Gateway takes from the API to the first right answer through it, and when it says that it is Programmed.

A controller may start a proxy for each Gateway: they are made one after another, and each goes before the next comes.
"""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from clusters.addons.api import ClusterApi, wait_until
from clusters.errors import ClusterError
from clusters.progress import Progress
from clusters.provider import Cluster
from fixtures.api import Api, Object
from fixtures.controllers import Controller
from fixtures.gateway_truth import own_addresses
from fixtures.routes import Routes
from propagation import routes as behind
from propagation.http_watching import EVERY_SECONDS
from propagation.routes import LOOKED_SECONDS, PAUSE_SECONDS, StatusWatch, Told, is_told, watch_at
from reports.model import Propagation, Sample

REST_SECONDS = 3.0
"""From what was made and removed before to the Gateway, so that it is held up by nothing else: Traefik takes changes up
at most every 2 s, as its controller.toml says."""
ADDRESS_SECONDS = 60.0
"""Until a LoadBalancer Service is made for a Gateway and has an address; and until it is gone with its Gateway."""
CLOSE_SECONDS = EVERY_SECONDS + LOOKED_SECONDS
"""What is this close together is not told apart: the answers and the status are looked at no more often."""


def measure(count: int, cluster: Cluster, api: Api, run: Path, cell: str, progress: Progress) -> Propagation | None:
    """Time so many Gateways; None where the controller does not serve them."""
    maker = Maker()
    found = behind.measure("gateway", count, cluster, api, run, cell, progress, maker.change)
    if found is None:
        return None
    return msgspec.structs.replace(found, conditions={**found.conditions, **maker.conditions(found.samples)})


class Maker:
    """Makes Gateways, and knows since when each was asked."""

    def __init__(self) -> None:
        self._address = ""
        """Where all are asked from before they are made; empty: each has an address of its own."""
        self._known: list[float] = []
        """Otherwise, for each Gateway: after how many seconds its address was known."""
        self._right_at_once = 0
        """How many were answered right at the first question there."""

    def change(self, number: int, routes: Routes, controller: Controller, api: ClusterApi) -> Told:
        """Make a Gateway whose route is there already, and remove both when it was timed."""
        route, gateway = manifests(number, routes)
        names = (gateway["metadata"]["name"], routes.namespace.name, controller.description.namespace)
        paths = [api.path_of(one) for one in (gateway, route)]
        api.request("POST", paths[1].rpartition("/")[0], route)
        time.sleep(REST_SECONDS)
        with StatusWatch(lambda: api.get(paths[0]), lambda found: is_told("gateway", found, controller)) as status:
            if routes.address == controller.address:
                self._address = routes.address
                with watch_at(self._address, routes, host_of(number)) as watch:
                    acknowledged = made(api, paths[0], gateway)
                    turn = watch.acknowledged(acknowledged)
            else:
                acknowledged = made(api, paths[0], gateway)
                late = watch_at(own_address(api, *names), routes, host_of(number), late=True)
                self._known.append(time.perf_counter() - acknowledged)
                with late:
                    turn = late.acknowledged(acknowledged)
                self._right_at_once += late.right_at_once
            told = Told(turn=turn, status=status.at() - acknowledged)
        for path in paths:
            api.request("DELETE", path)
        wait_until(
            lambda: not own_addresses(api, *names),
            what=f"the Service of Gateway {names[0]} going with it",
            seconds=ADDRESS_SECONDS,
        )
        return told

    def conditions(self, samples: list[Sample]) -> dict[str, str]:
        """What only Gateways are to be said of."""
        asked = (
            f"{self._address}, which all Gateways of the controller have: asked from before each was made"
            if self._address
            else f"that of the LoadBalancer Service made for each, asked as soon as it had one: at the latest "
            f"{max(self._known, default=0.0):.2f} s after the Gateway was made"
        )
        late = f"; right at the first question in {self._right_at_once}, which were served earlier, nobody knows when"
        close = sum(one.status is not None and abs(one.status - one.first_right) < CLOSE_SECONDS for one in samples)
        return {
            "address": asked + (late if self._right_at_once else ""),
            "objects": "one after another, each removed before the next, beside one Gateway that stays",
            "between changes": f"the last is removed, and the Service made for it; its pods may still be ending. Then "
            f"0 to {PAUSE_SECONDS:g} s at random, the next HTTPRoute, and {REST_SECONDS:g} s more",
            "too early": "Programmed was seen before the first question that was answered right was sent; in "
            f"{close} of {len(samples)} they lie within {CLOSE_SECONDS * 1000:g} ms, which is not told apart",
        }


def manifests(number: int, routes: Routes) -> tuple[Object, Object]:
    """A route and its Gateway, like those that stay, for a host of their own."""
    name, namespace = f"made-{number}", routes.namespace.name
    route, gateway = (routes.object("httproute.yaml", *one) for one in (("HTTPRoute", "ready"), ("Gateway", "edge")))
    route["spec"]["parentRefs"] = [{"name": name, "namespace": namespace}]
    route["spec"]["hostnames"] = [host_of(number)]
    for one in (route, gateway):
        one["metadata"] |= {"name": name, "namespace": namespace}
    return routes.fit(route), routes.fit(gateway)


def host_of(number: int) -> str:
    return f"made-{number}.example"


def made(api: ClusterApi, path: str, manifest: Object) -> float:
    """Have an object made; when the API acknowledged it."""
    api.request("POST", path.rpartition("/")[0], manifest)
    return time.perf_counter()


def own_address(api: ClusterApi, gateway: str, namespace: str, controllers: str) -> str:
    """The address of the LoadBalancer Service that is made for a Gateway, as soon as there is one."""
    deadline = time.monotonic() + ADDRESS_SECONDS
    while not (found := own_addresses(api, gateway, namespace, controllers)):
        if time.monotonic() > deadline:
            raise ClusterError(
                f"Gateway {gateway} got no LoadBalancer Service with an address within {ADDRESS_SECONDS:g} s.",
                "Where nothing but a Gateway's status tells its address, what it serves before that cannot be timed.",
            )
        time.sleep(LOOKED_SECONDS)
    return next(iter(found))
