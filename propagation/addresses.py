"""Cluster IPs for measured Services: of the static band, which is given to others last.

https://kubernetes.io/docs/concepts/services-networking/cluster-ip-allocation/
"""

from __future__ import annotations

import ipaddress
import itertools
from collections.abc import Callable, Iterator, Sequence

from clusters.addons.api import ClusterApi
from clusters.errors import ClusterError

SMALLEST, LARGEST, SHARE = 16, 256, 16
"""The band has min(max(16, size of the range / 16), 256) addresses."""


def static_band(subnet: str) -> list[str]:
    """The range's first addresses, without the network's own; in a range of 16 and fewer, all of it."""
    network = ipaddress.ip_network(subnet)
    count = min(max(SMALLEST, network.num_addresses // SHARE), LARGEST)
    first = int(network.network_address)
    usable = range(1, min(count, network.num_addresses - 2) + 1)
    return [str(type(network.network_address)(first + offset)) for offset in usable]


def in_turn(band: Sequence[str], is_taken: Callable[[str], bool]) -> Iterator[str]:
    """Addresses that are free when they are asked for; one that is released comes again after all others."""
    turns = itertools.cycle(band)
    while True:
        free = next((one for one in itertools.islice(turns, len(band)) if not is_taken(one)), "")
        if not free:
            raise ClusterError(
                f"No cluster IP of the {len(band)} from {band[0]} to {band[-1]} is free.",
                "A larger range takes more: --service-subnet; or measure with fewer: --services.",
            )
        yield free


def is_taken(api: ClusterApi, address: str) -> bool:
    """Whether a Service of any namespace has this cluster IP."""
    return bool(api.get(f"/api/v1/services?fieldSelector=spec.clusterIP%3D{address}").get("items"))
