"""A cell whose kube-proxy mode this machine's kernel lacks runs in a User Mode Linux guest, whose kernel has it.

The guest runs ``python -m conformance cell`` as this process was asked to, with its provider and its patience;
its results land in the run's folder, which is all that it can write to.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import reports
from clusters import guest, system_packages
from clusters.embedded.parts import Parts
from clusters.errors import RoadtestError
from clusters.progress import Progress
from reports.model import Cell, CellEnd

from .options import Options

PATIENCE = ("--patience", "8", "--timeout-scale", "4")
"""A guest has one CPU, on which suites take eight to ten times as long as on the machine itself."""
WORKERS = ("--workers", "2")
SLOW = ("--skip-slow", "It takes minutes on this machine, and many times that in a User Mode Linux guest.")
NO_CACHE = ("-p", "no:cacheprovider")
"""pytest would write its cache beside the suites, which a guest may only read."""
PROVIDERS = {"auto", "embedded"}
NO_LOAD = "load is left out in a User Mode Linux guest, where times say nothing"


def hindrance(options: Options) -> str:
    """Why a cell whose mode this machine lacks cannot run in a guest, in a sentence; empty where it can."""
    if options.mode != "ipvs":
        return f"A User Mode Linux guest has no mode {options.mode} either."
    if options.provider not in PROVIDERS:
        return f"The provider {options.provider} does not run in a User Mode Linux guest, which would have it."
    if not options.suites:
        return "A User Mode Linux guest would have it, but no load is sent there: its times say nothing."
    if options.keep:
        return "A User Mode Linux guest, which would have it, ends with its cell: leave --keep out."
    return guest.hindrance()


def refusal(options: Options) -> str:
    """Why a cell that was asked for by name cannot be had in a guest either; empty where it can, or was not."""
    return "" if options.among_others else hindrance(options)


def left_out(options: Options, lacking: str) -> str:
    """Why a cell that was not asked for by name is left out where this machine lacks its mode."""
    if reason := hindrance(options):
        return f"{lacking} {reason}"
    return f"{lacking} Asked for by name it runs in a User Mode Linux guest, slowly: {options.by_name()}"


def command(options: Options, arguments: Sequence[str]) -> list[str]:
    """What the guest is told to run: as this process was, where the user says nothing else what suits a guest."""
    return [
        *(sys.executable, "-m", "conformance", "cell"),
        *PATIENCE,
        *WORKERS,
        *SLOW,
        *arguments,
        *("--provider", "embedded", "--load", "none", "--run", str(options.run)),
        *NO_CACHE,
    ]


def run(options: Options, arguments: Sequence[str], progress: Progress) -> int:
    """Run one cell in a guest and return its exit status, as `conformance.cell.run` does."""
    progress.say(f"mode {options.mode} is not in this machine's kernel: {options.cell} runs in a User Mode Linux guest")
    if options.load != "none":
        progress.say(NO_LOAD)
    try:
        prepare(options, progress)
        return guest.run(command(options, arguments), options.run, progress)
    except RoadtestError as error:
        print(f"error: {error}", file=sys.stderr)
        close(options, str(error))
        return 2
    except KeyboardInterrupt:
        close(options, "interrupted by the user")
        return 130


def prepare(options: Options, progress: Progress) -> None:
    """Have every part of the cluster in the cache: the guest reaches no network, and may only read."""
    for purpose in ("cluster", "ipvs"):
        system_packages.ensure(progress, system_packages.packages_of_programs(purpose))
    Parts(progress, [options.controller] if options.controller else []).image_store(lambda: None)


def close(options: Options, trouble: str) -> None:
    """Record the end of a cell whose guest could not."""
    now = reports.timestamp()
    stream = reports.read(options.run)
    if options.cell not in {cell.cell for cell in stream.cells}:
        reports.append(
            options.run,
            Cell(
                cell=options.cell,
                started=now,
                provider="embedded",
                provider_reason="in a User Mode Linux guest, which ended first",
                mode=options.mode,
                controller=options.controller,
                nodes=0,
            ),
        )
    if options.cell not in {end.cell for end in stream.ends}:
        reports.append(options.run, CellEnd(cell=options.cell, finished=now, seconds={}, trouble=trouble))
