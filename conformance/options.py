"""What one cell is asked to do, read from the command line. What is not ours is pytest's."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import msgspec

from clusters import dns_domain, families, lifecycle
from clusters.existing import options as existing
from clusters.families import Family
from clusters.provider import MODES, ExistingSpec
from loadprofiles import grid
from propagation import options as propagation

DEFAULT_MODE = "iptables"
NO_CONTROLLER = "none"
"""Names a mode's own cell: no controller is on its cluster, and what is judged is kube-proxy and DNS."""
NODES, FEWER_NODES = 3, 2
"""Of the cluster, by default. Only what kube-proxy does with zones and policies takes a third; each costs a kubelet, a
containerd and a kube-proxy that a controller's cell gains nothing by."""
WORKERS, FEW_WORKERS = "3", "2"
"""Of pytest-xdist, by default: on two cores, checks wait about as much as they compute. Each worker puts up backends of
its own: a cell with few checks is not worth three times that."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """One cell, as asked for on the command line."""

    run: Path
    mode: str
    """Empty, with the provider ``existing`` only: as detected."""
    controller: str
    """Empty: none; with the provider ``existing``: as detected."""
    provider: str
    existing: ExistingSpec = ExistingSpec()
    dry_run: bool = False
    nodes: int
    patience: float = 1.0
    families: list[Family] = msgspec.field(default_factory=lambda: ["IPv4"])
    """Of a cluster that is made, as the next."""
    dns_domain: str = dns_domain.DEFAULT
    workers: str = ""
    """Of pytest-xdist; empty: as many as the cell's checks are worth."""
    cluster: str
    """An existing cluster's name; empty: make one and remove it."""
    among_others: bool = False
    """Nobody asked for just this cell: a cluster in another mode is no mistake, and the cell is left to another run."""
    at_once: int = 1
    """So many cells of the run run at the same time."""
    keep: bool
    suites: bool
    load: str
    """``none``, ``short`` or ``full``."""
    seed: int
    pytest: list[str]
    profile: list[str] = []
    """Names of the load profiles; empty: all."""
    grid: list[str] = []
    """What the load is told of its grid."""
    propagation: list[str] = []
    """What the measurement of propagation is told; empty: none is made."""

    def by_name(self, mode: str = "") -> str:
        """The command that asks for this cell, in its own mode or another."""
        return f"./noxw -s \"conformance(mode='{mode or self.mode}', controller='{self.controller or NO_CONTROLLER}')\""

    @property
    def cell(self) -> str:
        return "-".join(filter(None, [self.mode, self.controller])) or self.provider


def modes(text: str) -> list[str]:
    """kube-proxy modes, with commas between: a type for argparse."""
    named = [mode.strip() for mode in text.split(",") if mode.strip()]
    if wrong := [mode for mode in named if mode not in MODES] or ([] if named else [text]):
        raise argparse.ArgumentTypeError(f"there is no mode {wrong[0]!r}: choose of {', '.join(MODES)}")
    return named


def parser(verb: str, summary: str) -> argparse.ArgumentParser:
    """The options that every verb on a cluster shares."""
    made = argparse.ArgumentParser(
        prog=f"./noxw -s {verb} --",
        description=summary,
        allow_abbrev=False,
    )
    made.add_argument("--provider", default="auto", help=f"auto (default), {', '.join(lifecycle.providers())}")
    made.add_argument(
        "--nodes",
        type=int,
        metavar="N",
        help=f"nodes of the cluster (default {NODES}; {FEWER_NODES} for a controller's own checks)",
    )
    made.add_argument(
        *("--patience",),
        type=float,
        default=1.0,
        metavar="X",
        help="wait so many times as long for the cluster, on a slow machine; for checks there is --timeout-scale X",
    )
    if verb != "mutants":
        families.add(made)
        dns_domain.add(made)
    made.add_argument(
        "--cluster",
        default="",
        metavar="NAME",
        help="use this running cluster (its mode's cells only); it is not removed",
    )
    made.add_argument("--keep", action="store_true", help="leave the cluster running afterwards")
    if verb not in {"load", "propagation"}:
        few = f", {FEW_WORKERS} for a cell with few checks" if verb == "conformance" else ""
        made.add_argument(
            "--workers",
            default="" if verb == "conformance" else WORKERS,
            metavar="N",
            help=f"pytest-xdist workers (default {WORKERS}{few})",
        )
    made.add_argument("--seed", type=int, default=0, help="seed of every random choice (default: a new one)")
    made.add_argument("--run", type=Path, default=None, help=argparse.SUPPRESS)
    made.add_argument(
        "--mode",
        default="",
        choices=MODES,
        metavar="MODE",
        help="kube-proxy's, if an existing cluster does not show it",
    )
    which = "which one the clusters have (default: traefik)" if verb == "mutants" else argparse.SUPPRESS
    made.add_argument("--controller", default="", metavar="NAME", help=which)
    made.add_argument("--among-others", action="store_true", help=argparse.SUPPRESS)
    if verb != "mutants":
        existing.add(made)
    return made


def parse(verb: str, arguments: Sequence[str]) -> Options:
    """Options of `cell`, `load` and `propagation`."""
    if verb == "propagation":
        made = parser("propagation", "How long a change takes from the API to the packets, on a real cluster.")
        made.set_defaults(suites=False, load="none")
        propagation.add(made)
    elif verb == "load":
        made = parser("load", "Throughput and latency of every profile at full length on a real cluster.")
        made.set_defaults(suites=False, load="full")
        made.add_argument("--short", dest="load", action="store_const", const="short", help="the short form")
        made.add_argument("--profile", action="append", default=[], metavar="NAME", help="only this one (repeatable)")
        grid.add_options(made)
    else:
        made = parser("conformance", "Every check of the suites on a real cluster, then a short load.")
        made.epilog = (
            "Everything else goes to pytest as it is: -k etp, -m 'not slow', suites/dns, --feature svc.etp.local …"
        )
        made.add_argument("--load", default="short", choices=["none", "short", "full"], help="default: short")
        made.add_argument(
            "--dry-run", action="store_true", help="of an existing cluster: show what would be made and run, and stop"
        )
        made.add_argument(
            "--at-once",
            type=int,
            default=1,
            metavar="N",
            help="cells of the whole main job that run at the same time; load is sent while no other cell judges"
            " (default 2, or 1 with less than 12 GiB or 120 free inotify instances)",
        )
        made.set_defaults(suites=True)
    known, rest = made.parse_known_args(arguments)
    if known.run is None:
        made.error("--run is missing")
    if rest and verb != "cell":
        made.error(f"there is no option {rest[0]}")
    if verb == "load":
        grid.put_into_words(known)
    if verb == "propagation":
        known.propagation = propagation.words(known.services, known.changes, known.change, known.gateways)
    spec = existing.taken(known, known.mode)
    fields = {name: value for name, value in vars(known).items() if name in Options.__struct_fields__}
    mode = known.mode if known.provider == existing.NAME or known.cluster else known.mode or DEFAULT_MODE
    there = bool(known.cluster) or known.provider == existing.NAME
    controller = "" if known.controller == NO_CONTROLLER else known.controller
    nodes = known.nodes
    if nodes is None:
        nodes = FEWER_NODES if controller and not names_checks(rest) else NODES
    fields |= {
        "nodes": nodes,
        "mode": mode,
        "controller": controller,
        "families": families.chosen(known.families, there_already=there),
        "dns_domain": dns_domain.chosen(known.dns_domain, there_already=there),
    }
    return Options(**fields, existing=spec, pytest=rest)


def names_checks(words: Sequence[str]) -> bool:
    """Whether words for pytest say which files or features are judged, whatever is usual in the cell."""
    return any(word.startswith(("suites", "--feature")) for word in words)
