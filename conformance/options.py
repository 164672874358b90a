"""What one cell is asked to do, read from the command line. What is not ours is pytest's."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import msgspec

from clusters.provider import MODES
from loadprofiles import grid


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """One cell, as asked for on the command line."""

    run: Path
    mode: str
    controller: str
    provider: str
    nodes: int
    workers: str = "3"
    cluster: str
    """An existing cluster's name; empty: make one and remove it."""
    among_others: bool = False
    """Nobody asked for just this cell: a cluster in another mode is no mistake, and the cell is left to another run."""
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

    @property
    def cell(self) -> str:
        return f"{self.mode}-{self.controller}" if self.controller else self.mode


def parser(verb: str, summary: str) -> argparse.ArgumentParser:
    """The options that every verb on a cluster shares."""
    made = argparse.ArgumentParser(
        prog=f"./noxw -s {verb} --",
        description=summary,
        allow_abbrev=False,
    )
    made.add_argument("--provider", default="auto", help="auto (default), embedded")
    made.add_argument("--nodes", type=int, default=3, metavar="N", help="nodes of the cluster (default 3)")
    made.add_argument(
        "--cluster",
        default="",
        metavar="NAME",
        help="use this running cluster (its mode's cells only); it is not removed",
    )
    made.add_argument("--keep", action="store_true", help="leave the cluster running afterwards")
    if verb != "load":
        made.add_argument("--workers", default="3", metavar="N", help="pytest-xdist workers (default 3)")
    made.add_argument("--seed", type=int, default=0, help="seed of every random choice (default: a new one)")
    made.add_argument("--run", type=Path, default=None, help=argparse.SUPPRESS)
    made.add_argument("--mode", default="iptables", choices=MODES, help=argparse.SUPPRESS)
    made.add_argument("--controller", default="", help=argparse.SUPPRESS)
    made.add_argument("--among-others", action="store_true", help=argparse.SUPPRESS)
    return made


def parse(verb: str, arguments: Sequence[str]) -> Options:
    """Options of `cell` and `load`."""
    if verb == "load":
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
        made.set_defaults(suites=True)
    known, rest = made.parse_known_args(arguments)
    if known.run is None:
        made.error("--run is missing")
    if rest and verb == "load":
        made.error(f"there is no option {rest[0]}")
    if verb == "load":
        grid.put_into_words(known)
    return Options(**vars(known), pytest=rest)
