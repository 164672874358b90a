"""The order of things: per mode a cluster, the images, the upstream tests, the records."""

from __future__ import annotations

import shlex
import sys
import time
from typing import Protocol

import msgspec

import clusters
import reports
from clusters import lifecycle
from clusters.controllers.found import of_cluster, settings
from clusters.errors import MachineError, RoadtestError, UsageError
from clusters.progress import Progress
from clusters.provider import Cluster, ClusterSpec, Mode
from conformance.children import call
from reports.model import Cell, CellEnd

from . import images, mapping
from .gateway_api import GatewayTests
from .k8s import KubernetesTests
from .options import Options
from .running import INTERRUPTED
from .selection import Selection


class Suite(Protocol):
    """Somebody else's tests, ready to be run."""

    name: str
    version: str
    chosen: Selection

    @property
    def about(self) -> str:
        """Their program with its version, for people."""
        ...

    def hear(self, options: Options, cluster: Cluster, cell: str) -> tuple[str, int]:
        """Run the tests on a cluster and record what they say; why that is not all, and the exit status."""
        ...


def prepare(options: Options, progress: Progress) -> Suite:
    """What takes part, and which tests: everything that can be wrong before a cluster is made."""
    if options.cluster:
        taken(options)
    else:
        for mode in options.modes:
            if lacking := lifecycle.lacks_mode(spec(options, mode)):
                raise MachineError(lacking)
    kind = GatewayTests if options.suite == GatewayTests.name else KubernetesTests
    return kind.prepare(options, progress)


def taken(options: Options) -> Cluster:
    """The running cluster that the user named."""
    cluster = clusters.load(options.cluster)
    if cluster.provider == "existing":
        raise UsageError(
            f"The cluster {cluster.name} is not ours: its nodes cannot be given the images that the tests want.",
            "Name one that was made here, or none: one is made for each mode.",
        )
    return cluster


def spec(options: Options, mode: str) -> ClusterSpec:
    return ClusterSpec(
        name=f"upstream-{mode}-{options.run.name[-4:]}",
        provider=options.provider,
        mode=msgspec.convert(mode, Mode),
        nodes=options.nodes,
        families=options.families,
        controllers=[options.controller] if options.controller else [],
    )


def run(options: Options, suite: Suite, progress: Progress) -> int:
    """Every cell; the worst of their exit statuses: 0, 1 (theirs failed), 2 (errors of ours), 130 interrupted."""
    status = 0
    for mode in [taken(options).mode] if options.cluster else options.modes:
        status = max(status, run_cell(options, mode, suite, progress))
        if status >= INTERRUPTED:
            break
    return status


def run_cell(options: Options, mode: str, suite: Suite, progress: Progress) -> int:
    """One cluster; its cell is recorded whatever happens short of SIGKILL."""
    seconds: dict[str, float] = {}
    cell = "-".join(filter(None, [mode, options.controller, options.suite]))
    started = reports.timestamp()
    cluster: Cluster | None = None
    recorded, trouble, status = False, "", 0
    try:
        began = time.monotonic()
        cluster = taken(options) if options.cluster else clusters.create(spec(options, mode), progress)
        seconds["create"] = round(time.monotonic() - began, 3)
        reports.append(options.run, record(options, suite, cluster, cell, started))
        recorded = True
        lifecycle.provider_for(cluster).load_images(cluster, images.archives(suite.name, progress), progress)
        began = time.monotonic()
        trouble, status = suite.hear(options, cluster, cell)
        seconds["upstream"] = round(time.monotonic() - began, 3)
        if options.ours and not trouble:
            began = time.monotonic()
            status = max(status, judge(options, cluster, cell, suite))
            seconds["suites"] = round(time.monotonic() - began, 3)
    except RoadtestError as error:
        trouble, status = str(error), 2
        print(f"error: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        trouble, status = "interrupted by the user", INTERRUPTED
    finally:
        if not recorded:
            reports.append(options.run, unmade(options, mode, cell, started))
        if cluster is not None and not options.cluster and not options.keep:
            began = time.monotonic()
            try:
                clusters.delete(cluster.name)
            except RoadtestError as error:
                trouble, status = f"{trouble} {error}".strip(), max(status, 2)
                print(f"error: {error}", file=sys.stderr)
            seconds["delete"] = round(time.monotonic() - began, 3)
        reports.append(options.run, CellEnd(cell=cell, finished=reports.timestamp(), seconds=seconds, trouble=trouble))
    return status


def judge(options: Options, cluster: Cluster, cell: str, suite: Suite) -> int:
    """Our own checks of the features that the chosen tests judge too, in the same cell."""
    from fixtures.catalogue import catalogue as ours  # noqa: PLC0415 - pytest's imports, for this alone

    same = {name for test in suite.chosen.chosen for name in mapping.features(suite.name, test.name)}
    wanted = sorted(same & ours().keys())
    if not wanted:
        return 0
    words = [word for name in wanted for word in ("--feature", name)]
    print(f"our own checks of {shlex.join(wanted)}", flush=True)
    return call(
        [
            *(sys.executable, "-m", "pytest", "-p", "fixtures.plugin", "suites", *words, "-n", str(options.processes)),
            *("--dist", "worksteal", "--cluster", cluster.name, "--run", str(options.run), "--cell", cell),
        ]
    )


def record(options: Options, suite: Suite, cluster: Cluster, cell: str, started: str) -> Cell:
    return Cell(
        cell=cell,
        started=started,
        provider=cluster.provider,
        provider_reason=cluster.provider_reason,
        mode=cluster.mode,
        controller=next(iter(cluster.controllers), ""),
        controller_title=next((found.title for found in of_cluster(cluster)), ""),
        nodes=len(cluster.nodes),
        versions={**cluster.versions, suite.name: suite.version},
        conditions={**cluster.conditions, **settings(cluster), "upstream tests at a time": str(options.processes)},
        timings=cluster.timings,
    )


def unmade(options: Options, mode: str, cell: str, started: str) -> Cell:
    """The record of a cell whose cluster never came up."""
    reason = "the cluster did not come up"
    return Cell(cell=cell, started=started, provider=options.provider, provider_reason=reason, mode=mode, nodes=0)


def show(suite: Suite) -> None:
    """The selected tests, and what of ours judges the same."""
    for test in suite.chosen.chosen:
        same = mapping.features(suite.name, test.name)
        print(test.name + (f"  = {', '.join(same)}" if same else ""))
    print(f"{len(suite.chosen.chosen)} of {len(suite.chosen.every)} tests of {suite.about}")
