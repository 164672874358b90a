"""One cell: a cluster, the suites on it, the load on it, and its records, in that order."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

import msgspec
import pytest
from filelock import FileLock

import clusters
import reports
from clusters import guest, lifecycle
from clusters.cli_views import pairs
from clusters.controllers.found import of_cluster, settings
from clusters.errors import MachineError, RoadtestError, UsageError
from clusters.existing import ExistingProvider
from clusters.progress import Progress
from clusters.provider import MODES, UNKNOWN, Cluster, ClusterSpec, Mode
from fixtures.grounds import turns
from fixtures.turns import on_machine
from loadprofiles.profile import chosen
from reports.model import Cell, CellEnd

from . import in_guest
from .children import call
from .options import DEFAULT_MODE, FEW_WORKERS, WORKERS, Options, names_checks

EXISTING = "existing"
BOTH = "mode and controller"
NOT_OURS = "the cluster is not ours: load takes --i-own-this-cluster"


class JudgedElsewhereError(UsageError):
    """What the user selects is judged in other cells."""


def run(options: Options, progress: Progress) -> int:
    """Run one cell and return its exit status: 0, 1 (failures of theirs) or 2 (errors of ours).

    The cell's end is recorded whatever happens short of SIGKILL; a cell that could not be run says why in it.
    """
    if options.dry_run:
        return dry_run(options, progress)
    if why := another_cell(options):
        print(f"cell {options.cell}: left out: {why}")
        return 0
    if why := left_out(options):
        return leave_out(options, why)
    with one_at_a_time(options):
        return whole(options, progress)


def whole(options: Options, progress: Progress) -> int:
    """The cell from its cluster to its last record; the exit status."""
    seconds: dict[str, float] = {}
    trouble = ""
    status = 0
    started = reports.timestamp()
    recorded = False
    cluster: Cluster | None = None
    try:
        with on_machine(options.run, alone=False), timed(seconds, "create"):
            cluster = taken(options) if options.cluster else made(options, progress)
        options = fitted(options, cluster)
        if cluster.provider == EXISTING:
            show(cluster)
        reports.append(options.run, record(options, cluster, started))
        recorded = True
        for phase, command in phases(options, cluster):
            with turn_of(phase, options), timed(seconds, phase):
                ended = call(command)
            # A signal's number is negative: killed is no success.
            status = max(status, ended if ended >= 0 else 2)
            trouble = trouble or broke_off(phase, ended)
    except RoadtestError as error:
        trouble, status = str(error), 2
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        trouble, status = "interrupted by the user", 130
    finally:
        if not recorded:
            reports.append(options.run, unmade(options, started))
        if cluster is not None and not options.cluster and not options.keep:
            try:
                remove(cluster, options, seconds)
            except RoadtestError as error:
                trouble, status = f"{trouble} {error}".strip(), max(status, 2)
                print(f"error: {error}", file=sys.stderr)
        reports.append(
            options.run, CellEnd(cell=options.cell, finished=reports.timestamp(), seconds=seconds, trouble=trouble)
        )
    return status


def remove(cluster: Cluster, options: Options, seconds: dict[str, float]) -> None:
    """Remove the cluster when nobody measures; at once where that is interrupted, since nobody measures then."""
    try:
        with on_machine(options.run, alone=False), timed(seconds, "delete"):
            clusters.delete(cluster.name)
    except KeyboardInterrupt:
        if cluster.name in clusters.provider_for(cluster).names():
            clusters.delete(cluster.name)


def phases(options: Options, cluster: Cluster) -> Iterator[tuple[str, list[str]]]:
    """What is done on the cluster, one after another: the phase's name, and the command."""
    if options.suites:
        yield "suites", suites_command(options, cluster)
    if options.propagation:
        yield "propagation", propagation_command(options, cluster)
    if options.load != "none" and per(options) == [BOTH]:
        print(f"load: left out, it is sent through the controller in mode {DEFAULT_MODE}")
    elif options.load != "none" and cluster.owned:
        yield "load", load_command(options, cluster)
    elif options.load != "none":
        print(f"load: left out, {NOT_OURS}")


@contextmanager
def one_at_a_time(options: Options) -> Iterator[None]:
    """Clusters of kind come one after another: several at once were never tried, and take an engine that has room."""
    if options.at_once == 1 or lifecycle.check(spec(options))[0].name != "kind":
        yield
        return
    with FileLock(options.run / "kind.lock"):
        yield


def turn_of(phase: str, options: Options) -> AbstractContextManager[None]:
    """What is measured has the machine to itself; each check of the suites, and the load, take a turn of their own."""
    return on_machine(options.run, alone=True) if phase == "propagation" else nullcontext()


def broke_off(phase: str, status: int) -> str:
    """What to record of a phase that leaves no record of its own where it fails; empty where it did not."""
    if phase != "propagation" or status in {0, 1}:
        return ""
    ended = f"status {status}" if status > 0 else f"signal {-status}"
    return f"The measurement of propagation broke off with {ended}: what it had measured by then is here, no more."


def left_out(options: Options) -> str:
    """Why a cell that the user did not ask for by name cannot be had here; empty where it can."""
    if options.cluster or not options.among_others:
        return ""
    lacking = lifecycle.lacks_mode(spec(options))
    return lacking and in_guest.left_out(options, lacking)


def leave_out(options: Options, why: str) -> int:
    """Say why, and put each check of the mode on record as unsupported for that; the exit status.

    A controller's checks are not: they are judged in other modes.
    """
    print(f"cell {options.cell}: left out: {why}")
    if not options.suites or options.controller:
        return 0
    reports.append(options.run, unmade(options, reports.timestamp(), "this machine cannot have the cell"))
    where = ["--run", str(options.run), "--cell", options.cell]
    status = call(pytest_command(options, "--quiet", "--no-header", "--left-out", why, *where))
    reports.append(options.run, CellEnd(cell=options.cell, finished=reports.timestamp(), seconds={}))
    return status if status != pytest.ExitCode.NO_TESTS_COLLECTED else 0


def another_cell(options: Options) -> str:
    """Why the named cluster is of another cell, where the user did not ask for just this one; empty where it is not."""
    if not (options.cluster and options.among_others):
        return ""
    with suppress(RoadtestError):  # told below, as every trouble of a cell
        cluster = clusters.load(options.cluster)
        if cluster.provider == EXISTING:
            first = (options.mode, options.controller) == (MODES[0], "")
            return "" if first else f"the cluster {cluster.name} is one cell, whatever its mode and controller"
        if cluster.mode != options.mode:
            return f"the cluster {cluster.name} runs kube-proxy in mode {cluster.mode}"
        if options.controller and options.controller not in cluster.controllers:
            return f"the cluster {cluster.name} has no controller {options.controller}"
    return ""


def per(options: Options) -> list[str]:
    """What is judged in this cell, as the catalogue says it (`Feature.per`); empty: everything.

    Each check is run where it tells something new: kube-proxy and DNS once per mode, in the mode's own cell; a
    controller in one mode, and in the others what the mode may change. Whoever asks for a controller's cell by name has
    all of the controller, and who names files or features has these. A cluster that somebody else made is one cell.
    """
    if names_checks(options.pytest) or theirs(options):
        return []
    if not options.controller:
        return ["mode"]
    whole = not options.among_others or bool(options.cluster) or options.mode == DEFAULT_MODE
    return ["controller", BOTH] if whole else [BOTH]


def theirs(options: Options) -> bool:
    """Whether the cluster is somebody else's: one cell, whatever its mode and controller."""
    if options.provider == EXISTING:
        return True
    with suppress(RoadtestError):  # told elsewhere
        return bool(options.cluster) and clusters.load(options.cluster).provider == EXISTING
    return False


def fitted(options: Options, cluster: Cluster) -> Options:
    """The options with what only the cluster itself could say, where that is not ours: its mode and its controller."""
    if cluster.provider != EXISTING:
        return options
    controller = next(iter(cluster.controllers), "")
    workers = options.workers or WORKERS
    if cluster.namespaces:
        workers = str(min(int(workers), turns(cluster)) if workers.isdecimal() else turns(cluster))
    return msgspec.structs.replace(options, mode=cluster.mode, controller=controller, workers=workers)


def show(cluster: Cluster) -> None:
    """What was found, before anything is changed."""
    pairs(f"The cluster, as {cluster.provider_reason}", cluster.versions | cluster.conditions)


def dry_run(options: Options, progress: Progress) -> int:
    """Show the cluster, what would be made and run there, and what would be left out and why; change nothing."""
    cluster = taken(options) if options.cluster else made(options, progress)
    try:
        show(cluster)
        return call(pytest_command(options, "--quiet", "--no-header", "--dry-run", "--cluster", cluster.name))
    finally:
        if not options.cluster:
            clusters.delete(cluster.name)


@contextmanager
def timed(seconds: dict[str, float], phase: str) -> Iterator[None]:
    began = time.monotonic()
    try:
        yield
    finally:
        seconds[phase] = round(time.monotonic() - began, 3)


def check(options: Options) -> None:
    """Raise for what cannot be run as asked, before a cluster is made or anything is written."""
    chosen(options.profile)
    if options.dry_run and options.provider != EXISTING and not options.cluster:
        raise UsageError(
            "--dry-run is for clusters that are there already.", "Others: -- --collect-only lists every check."
        )
    if not options.suites and options.provider == EXISTING and not options.existing.owned:
        raise UsageError(f"Load cannot be sent: {NOT_OURS}.")
    if not options.cluster:
        provider, _ = lifecycle.check(spec(options))
        if isinstance(provider, ExistingProvider):
            provider.check(spec(options))
        elif (lacking := lifecycle.lacks_mode(spec(options))) and (refusal := in_guest.refusal(options)):
            raise MachineError(f"{lacking} {refusal}")
    elif not another_cell(options):
        taken(options)
    if options.suites and options.pytest and not guest.is_guest():  # what started the guest has checked it
        check_selection(options)


def for_guest(options: Options) -> str:
    """What this machine lacks for this cell and a guest has; empty where the cell runs here, or is left out."""
    if options.cluster or options.among_others or options.provider == EXISTING:
        return ""
    return lifecycle.lacks_mode(spec(options))


def check_selection(options: Options) -> None:
    """Raise where pytest would not know what is meant, or select nothing: seconds before, and not after, a cluster."""
    command = pytest_command(options, "--collect-only", "--quiet", "--no-header")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == pytest.ExitCode.NO_TESTS_COLLECTED and (judged := per(options)):
        everything = [word for word in command if not word.startswith("--per=")]
        if subprocess.run(everything, capture_output=True, check=False).returncode == pytest.ExitCode.OK:
            raise JudgedElsewhereError(
                f"What {shlex.join(options.pytest)} selects is not judged per {' or per '.join(judged)}.",
                "Run every cell, ./noxw -s conformance, or kube-proxy's own, controller='none'.",
            )
    if done.returncode in {pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.NO_TESTS_COLLECTED}:
        told = re.findall(r"error: (?!usage)(.+)", done.stderr, re.IGNORECASE)
        if not told:
            raise UsageError(
                f"No check is selected by {shlex.join(options.pytest)}.",
                "See every check: ./noxw -s conformance -- --collect-only",
            )
        words = (
            "--help" if "unrecognized" in told[-1] else "--list-features" if "feature" in told[-1] else "--collect-only"
        )
        cause = told[-1].strip()
        raise UsageError(
            cause if cause.endswith((".", "?")) else f"{cause}.", f"See what there is: ./noxw -s conformance -- {words}"
        )


def spec(options: Options) -> ClusterSpec:
    """The cluster that belongs to this cell."""
    return ClusterSpec(
        name="-".join(filter(None, [options.mode or options.provider, options.controller[:20], options.run.name[-4:]])),
        provider=options.provider,
        mode=msgspec.convert(options.mode or DEFAULT_MODE, Mode),
        existing=options.existing,
        nodes=options.nodes,
        families=options.families,
        dns_domain=options.dns_domain,
        patience=options.patience,
        controllers=[options.controller] if options.controller else [],
    )


def made(options: Options, progress: Progress) -> Cluster:
    """A cluster of this cell's own, or somebody's, taken on record for its time."""
    return clusters.create(spec(options), progress)


def taken(options: Options) -> Cluster:
    """The running cluster that the user named, if it is the one that this cell is about."""
    cluster = clusters.load(options.cluster)
    if cluster.provider == EXISTING and options.among_others:
        return cluster
    if options.mode and cluster.mode != options.mode:
        raise UsageError(
            f"The cluster {cluster.name} runs kube-proxy in mode {cluster.mode}, and this cell is {options.mode}.",
            f"Ask for that cell: {options.by_name(cluster.mode)}.",
        )
    if options.controller and options.controller not in cluster.controllers:
        raise UsageError(
            f"The cluster {cluster.name} has no controller {options.controller}.",
            f"Create one that has: ./noxw -s cluster -- create --controller {options.controller}.",
        )
    return cluster


def record(options: Options, cluster: Cluster, started: str) -> Cell:
    controller = next((found for found in of_cluster(cluster) if found.name == options.controller), None)
    return Cell(
        cell=options.cell,
        started=started,
        provider=cluster.provider,
        provider_reason=cluster.provider_reason,
        mode=cluster.mode if cluster.mode != UNKNOWN else "an unknown mode",
        controller=options.controller,
        controller_title=controller.title if controller else "",
        controller_url=controller.documentation if controller else "",
        nodes=len(cluster.nodes),
        versions=cluster.versions,
        conditions=cluster.conditions
        | settings(cluster)
        | ({"cells at once": str(options.at_once)} if options.at_once > 1 else {}),
        timings=cluster.timings,
    )


def unmade(options: Options, started: str, why: str = "the cluster did not come up") -> Cell:
    """The record of a cell that never had a cluster."""
    return Cell(
        cell=options.cell,
        started=started,
        provider=options.provider,
        provider_reason=why,
        mode=options.mode,
        controller=options.controller,
        nodes=0,
    )


def pytest_command(options: Options, *ours: str) -> list[str]:
    """pytest on the suites with what the user selects of them; what the user says comes last, and wins."""
    asked = [word for word in options.pytest if not word.startswith("-")]
    paths = [] if any(word.startswith("suites") for word in asked) else ["suites"]
    judged = [f"--per={what}" for what in per(options)]
    return [sys.executable, "-m", "pytest", "-p", "fixtures.plugin", *paths, *judged, *ours, *options.pytest]


def suites_command(options: Options, cluster: Cluster) -> list[str]:
    workers = options.workers or (FEW_WORKERS if per(options) == [BOTH] else WORKERS)
    return pytest_command(
        options,
        *("-n", workers, "--dist", "worksteal"),
        *("--cluster", cluster.name, "--run", str(options.run), "--cell", options.cell),
    )


def propagation_command(options: Options, cluster: Cluster) -> list[str]:
    where = ["--cluster", cluster.name, "--run", str(options.run), "--cell", options.cell]
    return [sys.executable, "-m", "propagation", *where, *options.propagation]


def load_command(options: Options, cluster: Cluster) -> list[str]:
    return [
        *(sys.executable, "-m", "loadprofiles", "run", "--cluster", cluster.name),
        *("--run", str(options.run), "--cell", options.cell),
        *(["--short"] if options.load == "short" else []),
        *(word for name in options.profile for word in ("--profile", name)),
        *(["--seed", str(options.seed)] if options.seed else []),
        *(["--target", "controller"] if options.controller and not options.profile and not theirs(options) else []),
        *options.grid,
    ]
