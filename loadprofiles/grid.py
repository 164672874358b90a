"""A grid: one master, and workers that send for it, where one machine's core is too little.

The master sends nothing itself. Its workers are processes of this machine, pods of the cluster, or processes that
somebody starts on other machines (`loadprofiles.worker`); these come to an address and port that the user names. Where
the workers are pods the master is one too (`loadprofiles.pods`); otherwise it is a process of this machine.
"""

from __future__ import annotations

import argparse
import errno
import socket
from ipaddress import IPv4Address

import msgspec

from clusters.errors import MachineError, UsageError
from clusters.provider import Cluster, Place
from fixtures.vantages import NetnsVantage
from loadprofiles.profile import Profile, Vantage

WAIT_SECONDS = 120.0
"""How long a master waits for workers that people start, unless told otherwise."""
OWN_SECONDS = 25.0
"""How long it waits for processes that it starts itself."""
MOST_WORKERS = 256
PROCESSES, PODS = "processes", "pods"
FORMS = f"{PROCESSES}, {PODS} or ADDRESS:PORT"
PORT = 5557
"""Of a master that is a pod: Locust's own port. Its manifest says it, too."""


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """Where a master waits for how many workers."""

    workers: int
    address: str = ""
    """IPv4 address that the master listens on; empty: the workers are this machine's own processes."""
    port: int = 0
    netns: str = ""
    """The master's network namespace; empty: this process's own."""
    wait_seconds: float = WAIT_SECONDS
    pods: bool = False
    """Master and workers are pods that this machine puts on the cluster."""
    image: str = ""
    """Theirs, which the nodes have or can pull; empty: it is made here and brought to them."""
    inside: str = ""
    """The cluster on one of whose hosts the master listens; empty where it listens on this machine."""

    @property
    def joining(self) -> str:
        """What makes a worker come, in a sentence; empty where that needs nobody."""
        if self.pods:
            return "Does a network policy keep them from their master?"
        worker = f"./noxw -s worker -- --master {self.address}:{self.port}"
        if self.inside:
            return f"From its hosts: ./noxw -s cluster -- shell {self.inside} --at HOST -- {worker}"
        return f"On each other machine: {worker}" if self.address else ""

    def sends(self, vantage: Vantage) -> bool:
        """Whether its workers stand where a profile's load is to be sent from."""
        if self.pods:
            return vantage == "pod-network"
        return not self.address or vantage == "client-1"


def add_options(parser: argparse._ActionsContainer) -> None:
    """``--grid`` and what goes with it."""
    parser.add_argument("--grid", default="", metavar="WHERE", help=f"where a grid's workers are: {FORMS}")
    parser.add_argument("--workers", type=int, metavar="N", help="how many of them")
    parser.add_argument(
        "--grid-image", default="", metavar="NAME", help=f"for {PODS}: their image, which nodes can pull"
    )
    parser.add_argument(
        "--grid-wait",
        type=float,
        default=WAIT_SECONDS,
        metavar="SECONDS",
        help=f"how long to wait for them (default {WAIT_SECONDS:g})",
    )


def asked_for(options: argparse.Namespace) -> Grid | None:
    """What `add_options` read; ``None`` where no grid is asked for. `UsageError` where it makes no sense."""
    where, workers, wait_seconds = options.grid, options.workers, options.grid_wait
    if workers is not None and not where:
        raise UsageError("--workers is for a grid.", f"Say where its workers are: --grid {FORMS}.")
    if options.grid_image and where != PODS:
        raise UsageError("--grid-image is for a grid of pods.", f"Say --grid {PODS}.")
    if not where:
        return None
    if workers is None or not 1 <= workers <= MOST_WORKERS:
        told = "and no number was given" if workers is None else f"not {workers}"
        raise UsageError(f"A grid has 1 to {MOST_WORKERS} workers, {told}.", "Say how many: --workers N.")
    if wait_seconds <= 0:
        raise UsageError(f"A master cannot wait {wait_seconds:g} s for its workers.", "Say --grid-wait SECONDS.")
    if where == PROCESSES:
        return Grid(workers=workers, wait_seconds=OWN_SECONDS)
    if where == PODS:
        return Grid(workers=workers, wait_seconds=wait_seconds, pods=True, image=options.grid_image)
    address, port = address_and_port(where, "--grid")
    return Grid(workers=workers, address=address, port=port, wait_seconds=wait_seconds)


def put_into_words(options: argparse.Namespace) -> None:
    """Replace what `add_options` read by the words for it in ``options.grid``; `UsageError` as `asked_for`."""
    grid = asked_for(options)
    words: list[str] = []
    if grid:
        words = ["--grid", options.grid, "--workers", str(grid.workers), "--grid-wait", f"{options.grid_wait:g}"]
        words += ["--grid-image", grid.image] if grid.image else []
    options.grid = words
    del options.workers, options.grid_wait, options.grid_image


def address_and_port(text: str, option: str) -> tuple[str, int]:
    """``ADDRESS:PORT`` as its two parts."""
    address, _, port = text.rpartition(":")
    try:
        IPv4Address(address)
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is no IPv4 address and port.", f"For example {option} 192.0.2.10:5557."
        ) from None
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise UsageError(f"{option} {text!r} has no port from 1 to 65535.", f"For example {option} {address}:5557.")
    return address, int(port)


def settled(grid: Grid, cluster: Cluster) -> Grid:
    """The grid with its master's network namespace, once the master can listen there.

    A cluster of ours is closed: workers reach it only from its own hosts, so its master listens on one of them, and
    whoever can come to it stands in the same network as the load's target. `UsageError` for another address,
    `MachineError` where nothing can listen.
    """
    hosts = [place for place in (*cluster.clients, *cluster.servers, *cluster.nodes) if place.netns]
    if grid.pods and not grid.image and not cluster.administrator:
        raise UsageError(
            f"The image of a grid's pods cannot be brought to the nodes of cluster {cluster.name} from here.",
            "Push it to a registry that they reach, and name it: --grid-image NAME (docs/grid.md).",
        )
    if grid.pods and cluster.families[0] != "IPv4":
        raise UsageError(
            f"A grid speaks IPv4, and the first IP family of cluster {cluster.name} is {cluster.families[0]}.",
            "Leave --grid out, or make the cluster with --families ipv4,ipv6.",
        )
    if not grid.address:
        return grid
    at = next((place for place in hosts if place.address == grid.address), None)
    if hosts and at is None:
        names = ", ".join(f"{place.address} ({place.name})" for place in hosts)
        raise UsageError(
            f"No worker could come to {grid.address} and reach cluster {cluster.name}, which has no way in.",
            f"The master can listen on one of its hosts: {names}.",
        )
    _must_be_free(grid, at or Place(name="this machine", role="client", address=grid.address, here=True))
    return grid if at is None else msgspec.structs.replace(grid, netns=at.netns, inside=cluster.name)


def _must_be_free(grid: Grid, place: Place) -> None:
    code = NetnsVantage(place).call(lambda: _try(grid.address, grid.port))
    if not code:
        return
    where = f"{grid.address}:{grid.port}"
    if code == errno.EADDRINUSE:
        raise MachineError(f"Port {grid.port} of {grid.address} is taken.", "Name another: --grid ADDRESS:PORT.")
    if code == errno.EADDRNOTAVAIL:
        raise MachineError(f"{grid.address} is no address of {place.name}.", "`ip -4 address` lists those it has.")
    raise MachineError(f"The master cannot listen on {where}: {errno.errorcode.get(code, code)}.", "Name another.")


def _try(address: str, port: int) -> int:
    """The errno of listening there; 0 when it can be done."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the master does
        try:
            probe.bind((address, port))
            probe.listen()
        except OSError as error:
            return error.errno or errno.EIO
    return 0


def carried_by(profile: Profile, grid: Grid | None) -> Profile:
    """The profile as the grid sends it: by its workers instead of the profile's own processes."""
    return profile if grid is None else msgspec.structs.replace(profile, processes=grid.workers)
