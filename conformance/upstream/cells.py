"""The order of things: per mode a cluster, the images, the upstream tests, the records."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path

import msgspec

import clusters
import reports
from clusters import components, families, lifecycle, paths
from clusters.components.catalogue import catalogue
from clusters.errors import MachineError, RoadtestError, UsageError
from clusters.progress import Progress
from clusters.provider import Cluster, ClusterSpec, Mode
from conformance.interruption import call
from reports.model import Cell, CellEnd, Verdict, Witness
from reports.views.marks import MARKS

from . import images, mapping, records, running, selection
from .options import Options
from .outcomes import Outcome
from .progress import Ended, Reader
from .records import Recorder
from .running import Asked, Programs
from .selection import Selection

COMPONENT = "e2e"
EXIT = {Verdict.FAILED: 1, Verdict.ERROR: 2}
INTERRUPTED = 130


def prepare(options: Options, progress: Progress) -> tuple[Programs, Selection]:
    """What takes part, and which tests: everything that can be wrong before a cluster is made."""
    if options.cluster:
        taken(options)
    else:
        for mode in options.modes:
            if lacking := lifecycle.lacks_mode(spec(options, mode)):
                raise MachineError(lacking)
    found = components.resolve(["e2e.test", "ginkgo", "kubectl"], progress)
    programs = Programs(found["e2e.test"], found["ginkgo"], found["kubectl"])
    chosen = selection.select(programs.e2e, version(), options.focus, options.skip)
    images.check(selection.images(programs.e2e))
    if gone := mapping.unknown(chosen.every):
        progress.say(f"mapping.toml compares tests that e2e.test {version()} does not have: {'; '.join(gone)}")
    return programs, chosen


def version() -> str:
    return catalogue().components[COMPONENT].version


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
    )


def run(options: Options, programs: Programs, chosen: Selection, progress: Progress) -> int:
    """Every cell; the worst of their exit statuses: 0, 1 (theirs failed), 2 (errors of ours), 130 interrupted."""
    status = 0
    for mode in [taken(options).mode] if options.cluster else options.modes:
        status = max(status, run_cell(options, mode, programs, chosen, progress))
        if status >= INTERRUPTED:
            break
    return status


def run_cell(options: Options, mode: str, programs: Programs, chosen: Selection, progress: Progress) -> int:
    """One cluster; its cell is recorded whatever happens short of SIGKILL."""
    seconds: dict[str, float] = {}
    cell = f"{mode}-{options.suite}"
    started = reports.timestamp()
    cluster: Cluster | None = None
    recorded, trouble, status = False, "", 0
    try:
        began = time.monotonic()
        cluster = taken(options) if options.cluster else clusters.create(spec(options, mode), progress)
        seconds["create"] = round(time.monotonic() - began, 3)
        reports.append(options.run, record(options, cluster, cell, started))
        recorded = True
        lifecycle.provider_for(cluster).load_images(cluster, images.archives(progress), progress)
        began = time.monotonic()
        trouble, status = hear(options, cluster, cell, programs, chosen)
        seconds["upstream"] = round(time.monotonic() - began, 3)
        if options.ours and not trouble:
            began = time.monotonic()
            status = max(status, judge(options, cluster, cell, chosen))
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


def hear(options: Options, cluster: Cluster, cell: str, programs: Programs, chosen: Selection) -> tuple[str, int]:
    """Run the tests on a cluster and record what they say; why that is not all, and the exit status."""
    started = reports.timestamp()
    folder = (options.run / "upstream" / cell).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    asked = Asked(focus=options.focus, skip=options.skip, processes=options.processes, minutes=options.minutes)
    again = ["./noxw", "-s", "upstream", "--", "--suite", options.suite, "--modes", cluster.mode]
    fixed = {"cell": cell, "suite": options.suite, "version": f"v{version()}", "started": started}
    recorder = Recorder(fixed, [*again, *family_words(options)], folder, options.run.resolve())
    tests = {test.name: test for test in chosen.chosen}
    heard: dict[str, Witness] = {}

    def hear_one(outcome: Outcome) -> None:
        heard[outcome.test] = recorder.witness(tests[outcome.test], outcome)
        reports.append(options.run, heard[outcome.test])

    seen = 0

    def tell(ended: Ended) -> None:
        nonlocal seen
        seen += 1
        mark = MARKS[ended.verdict].sign
        print(f"{seen:4} of {len(tests)} {mark} {ended.test}  {ended.seconds:.1f} s", flush=True)
        if ended.verdict is Verdict.PASSED:  # there is nothing more to say of it: it is kept, however the run ends
            hear_one(Outcome(test=ended.test, verdict=ended.verdict, seconds=ended.seconds))

    print(
        f"{len(tests)} tests of e2e.test {version()} on {cluster.name} (kube-proxy in mode {cluster.mode})", flush=True
    )
    with paths.temporary_folder("upstream-", cluster.scratch) as keys:  # a run's folder is kept and shown around
        kubeconfig = running.kubeconfig(cluster, Path(keys) / "kubeconfig")
        words = running.command(cluster, programs, asked, kubeconfig, folder)
        ended = running.follow(words, folder / "e2e.log", Reader(list(tests)), asked, tell)
    told = records.gather(folder / running.REPORT, ended, chosen.chosen)
    for name in tests:
        if name not in heard:
            hear_one(told.outcomes[name])
    if told.trouble:
        print(f"error: {told.trouble}", file=sys.stderr)
    status = max((EXIT.get(witness.verdict, 0) for witness in heard.values()), default=0)
    if told.trouble:
        status = INTERRUPTED if ended.trouble == "interrupted by the user" else 2
    return told.trouble, status


def family_words(options: Options) -> list[str]:
    names = ",".join(family.lower() for family in options.families)
    return ["--families", names] if names != families.DEFAULT else []


def judge(options: Options, cluster: Cluster, cell: str, chosen: Selection) -> int:
    """Our own checks of the features that the chosen tests judge too, in the same cell."""
    from fixtures.catalogue import catalogue as ours  # noqa: PLC0415 - pytest's imports, for this alone

    wanted = sorted({name for test in chosen.chosen for name in mapping.features(test.name) if name in ours()})
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


def record(options: Options, cluster: Cluster, cell: str, started: str) -> Cell:
    return Cell(
        cell=cell,
        started=started,
        provider=cluster.provider,
        provider_reason=cluster.provider_reason,
        mode=cluster.mode,
        controller=next(iter(cluster.controllers), ""),
        nodes=len(cluster.nodes),
        versions={**cluster.versions, "e2e.test": version()},
        conditions={**cluster.conditions, "upstream tests at a time": str(options.processes)},
        timings=cluster.timings,
    )


def unmade(options: Options, mode: str, cell: str, started: str) -> Cell:
    """The record of a cell whose cluster never came up."""
    reason = "the cluster did not come up"
    return Cell(cell=cell, started=started, provider=options.provider, provider_reason=reason, mode=mode, nodes=0)


def show(chosen: Selection) -> None:
    """The selected tests, and what of ours judges the same."""
    for test in chosen.chosen:
        same = mapping.features(test.name)
        print(test.name + (f"  = {', '.join(same)}" if same else ""))
    print(f"{len(chosen.chosen)} of {len(chosen.every)} tests of e2e.test {version()}")
