"""What `./noxw -s upstream` is asked to do."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import msgspec

from clusters import families, lifecycle
from clusters.controllers import describe
from clusters.families import Family
from conformance import options

SUITES = ("k8s", "gateway-api")
FOCUS = r"\[sig-network\].*\[Conformance\]"
"""https://github.com/cncf/k8s-conformance: what every conformant cluster's network must do."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """One invocation, as asked for on the command line."""

    run: Path
    suite: str
    focus: str
    """Empty: what the suite judges by itself."""
    skip: str
    modes: list[str]
    """One cluster each; of ``--cluster`` its own."""
    controller: str
    """That the Gateway API's tests are for; empty for Kubernetes' own."""
    cluster: str
    provider: str
    nodes: int
    families: list[Family]
    keep: bool
    processes: int
    minutes: float
    ours: bool
    """Judge the same behaviours with our own checks too."""
    list_only: bool


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="./noxw -s upstream --",
        description="Somebody else's tests on a cluster of ours, as a witness beside our own verdicts.",
        epilog="The images that the tests want are put on the nodes first; the tests run inside the cluster's network.",
        allow_abbrev=False,
    )
    made.add_argument(
        "--suite",
        choices=SUITES,
        default=SUITES[0],
        help="k8s: Kubernetes' own end-to-end tests; gateway-api: the Gateway API's",
    )
    made.add_argument(
        "--focus", default="", metavar="REGEX", help=f"which tests (default: {FOCUS}; of gateway-api all)"
    )
    made.add_argument("--skip", default="", metavar="REGEX", help="which of them not")
    made.add_argument(
        "--modes",
        type=options.modes,
        default=[],
        help="a cluster for each (default: iptables,nftables; of gateway-api nftables alone)",
    )
    made.add_argument("--controller", default="", metavar="NAME", help="of gateway-api: whom its tests are for")
    made.add_argument("--cluster", default="", metavar="NAME", help="use this running cluster; it is not removed")
    known = ", ".join(name for name in lifecycle.providers() if name != "existing")
    made.add_argument("--provider", default="auto", help=f"auto (default), {known}")
    made.add_argument("--nodes", type=int, default=3, metavar="N", help="nodes of the cluster (default 3)")
    families.add(made)
    made.add_argument("--keep", action="store_true", help="leave the clusters running afterwards")
    made.add_argument("--processes", type=int, default=3, metavar="N", help="tests at a time (default 3)")
    made.add_argument("--minutes", type=float, default=45.0, help="time limit of the tests of one cluster (default 45)")
    made.add_argument("--ours", action="store_true", help="judge the same behaviours with our own checks too")
    made.add_argument("--list", dest="list_only", action="store_true", help="show the selected tests; run none")
    made.add_argument("--run", type=Path, required=True, help=argparse.SUPPRESS)
    return made


def parse(arguments: Sequence[str]) -> Options:
    made = parser()
    asked = made.parse_args(arguments)
    if asked.provider == "existing":
        made.error("--provider existing: its nodes cannot be given the images, and its network not be entered")
    if asked.processes < 1 or asked.minutes <= 0 or asked.nodes < 1:
        made.error("--processes, --minutes and --nodes are greater than nothing")
    if asked.suite == "gateway-api" and not (asked.controller or asked.cluster):
        made.error("--suite gateway-api is about a controller: --controller NAME")
    if asked.suite != "gateway-api" and asked.controller:
        made.error("--controller belongs to --suite gateway-api")
    asked.modes = asked.modes or (["nftables"] if asked.suite == "gateway-api" else ["iptables", "nftables"])
    if asked.controller:
        describe(asked.controller)
    fields = {name: value for name, value in vars(asked).items() if name in Options.__struct_fields__}
    fields |= {"families": families.chosen(asked.families, there_already=bool(asked.cluster))}
    return Options(**fields)
