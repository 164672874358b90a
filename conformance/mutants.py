"""`nox -s mutants`: every deliberate breakage on a live cluster, and whether the right check, and only it, failed."""

from __future__ import annotations

import argparse
import difflib
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from rich.table import Table

import clusters
import reports
from clusters.errors import UsageError
from clusters.families import Family
from clusters.progress import console_for_tables, progress_for_terminal
from clusters.provider import Cluster
from fixtures.catalogue import catalogue
from reports.model import Verdict
from suites.mutants import mutants
from suites.mutants.model import Mutant

from . import cell, options
from .children import call

Fate = Literal["killed", "survived", "overreached", "error", "unclaimed"]
MARKS: dict[Fate, str] = {"killed": "✓", "survived": "✗", "overreached": "!", "error": "?", "unclaimed": "–"}
NOT_JUDGED = {Verdict.UNSUPPORTED, Verdict.SKIPPED}


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one mutant in one mode."""

    mutant: str
    mode: str
    breaks: str
    fate: Fate
    caught_by: list[str]
    """Features that failed, as they had to."""
    missed_by: list[str]
    """Features that had to fail and did not."""
    unclaimed: list[str] = []
    """Features that had to fail and cannot here: unbroken, none of their checks is more than unsupported or skipped."""
    others: list[str]
    """Features that had no business with the mutant and did not pass under it."""
    seconds: float


Verdicts = dict[tuple[str, str], Verdict]
"""Feature and check (pytest node id) → verdict."""


def judge(mutant: Mutant, mode: str, baseline: Verdicts, mutated: Verdicts, seconds: float) -> Trial:
    """Compare every check's verdict under the mutant with the one without it.

    A feature caught the mutant when at least one of its checks passed before and failed now. A check of any other
    feature whose verdict changed had no business with the mutant. A crash under a mutant catches nothing. Where the
    controller does not claim a feature, the others that had to fail decide; where it claims none, nothing is decided.
    """
    turned = {key for key, verdict in mutated.items() if verdict is not baseline.get(key)}
    failed = {
        feature
        for feature, check in turned
        if mutated[feature, check] is Verdict.FAILED and baseline.get((feature, check)) is Verdict.PASSED
    }
    caught = [feature for feature in mutant.caught_by if feature in failed]
    judged = {feature for (feature, _), verdict in baseline.items() if verdict not in NOT_JUDGED}
    there = {feature for feature, _ in baseline}
    unclaimed = [feature for feature in mutant.caught_by if feature in there - judged]
    missed = [feature for feature in mutant.caught_by if feature not in failed and feature not in unclaimed]
    others = sorted({feature for feature, _ in turned if feature not in mutant.caught_by})
    proving = {feature for (feature, _), verdict in baseline.items() if verdict is Verdict.PASSED}
    crashed = any(mutated[key] is Verdict.ERROR for key in turned)
    fate: Fate = "killed"
    if crashed or not mutated or not proving.issuperset({*mutant.caught_by} - {*unclaimed}):
        fate = "error"
    elif len(unclaimed) == len(mutant.caught_by):
        fate = "unclaimed"
    elif missed:
        fate = "survived"
    elif others:
        fate = "overreached"
    return Trial(
        mutant=mutant.name,
        mode=mode,
        breaks=mutant.breaks,
        fate=fate,
        caught_by=caught,
        missed_by=missed,
        unclaimed=unclaimed,
        others=others,
        seconds=round(seconds, 1),
    )


def verdicts(run: Path) -> Verdicts:
    """Every check's verdict in a run's stream."""
    return {(result.feature, result.test): result.verdict for result in reports.read(run).results}


def checks(cluster: Cluster, run: Path, scope: Iterable[str], workers: str, extra: Sequence[str]) -> Verdicts:
    """Run the checks below ``scope`` into a run of their own, and read what became of them."""
    name = f"{cluster.mode}-{'-'.join(cluster.controllers)}".rstrip("-")
    reports.start(run, command=" ".join(["pytest", *scope, *extra]))
    call(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-p",
                "fixtures.plugin",
                *scope,
                *extra,
                "-n",
                workers,
                "--dist",
                "worksteal",
                "-q",
            ),
            *("--cluster", cluster.name, "--run", str(run), "--cell", name),
        ]
    )
    return verdicts(run)


def trials(cluster: Cluster, run: Path, chosen: Sequence[Mutant], workers: str) -> Iterator[Trial]:
    """Run the mutants one after another, after one baseline of all their scopes."""
    scopes = sorted({path for mutant in chosen for path in mutant.scope})
    baseline = checks(cluster, run / "baseline", scopes, workers, [])
    for number, mutant in enumerate(chosen, 1):
        print(f"\nmutant {number} of {len(chosen)}: {mutant.name} - {mutant.breaks}", flush=True)
        began = time.monotonic()
        extra = ["-p", "suites.mutants.plugin", "--mutant", mutant.name]
        mutated = checks(cluster, run / mutant.name, mutant.scope, workers, extra)
        yield judge(mutant, cluster.mode, baseline, mutated, time.monotonic() - began)


def table(done: Sequence[Trial]) -> Table:
    shown = Table(title="Mutants", title_justify="left")
    for heading in ("", "mutant", "mode", "caught by", "missed by", "not claimed here", "others that changed", "s"):
        shown.add_column(heading, no_wrap=True)
    for trial in done:
        shown.add_row(
            f"{MARKS[trial.fate]} {trial.fate}",
            trial.mutant,
            trial.mode,
            *("\n".join(names) for names in (trial.caught_by, trial.missed_by, trial.unclaimed, trial.others)),
            f"{trial.seconds:.0f}",
        )
    return shown


def by_feature(done: Sequence[Trial]) -> Table:
    """Each feature of the catalogue, the mutants that must make it fail, and whether it did."""
    shown = Table(title="Features", title_justify="left")
    for heading in ("", "feature", "mutant", "mode"):
        shown.add_column(heading, no_wrap=True)
    tried = [(feature, trial) for trial in done for feature in (*trial.caught_by, *trial.missed_by)]
    for feature in catalogue():
        of_it = [trial for named, trial in tried if named == feature]
        for number, trial in enumerate(of_it):
            caught = feature in trial.caught_by
            sign = f"{MARKS['killed']} caught" if caught else f"{MARKS['survived']} missed"
            shown.add_row(sign, feature if not number else "", trial.mutant, trial.mode)
    return shown


def never_failed(done: Sequence[Trial]) -> list[str]:
    """Features of the catalogue that no mutant made fail, of those that mutants exist for in these modes."""
    caught = {feature for trial in done for feature in trial.caught_by}
    return [feature for feature in catalogue() if feature not in caught]


def select(names: Sequence[str], controller: str) -> list[Mutant]:
    """The named mutants, or all that can break such a controller."""
    known = mutants()
    if unknown := [name for name in names if name not in known]:
        near = difflib.get_close_matches(unknown[0], known, n=3, cutoff=0.4)
        cure = f"Did you mean {', '.join(near)}? " if near else ""
        raise UsageError(f"There is no mutant {unknown[0]}.", f"{cure}See them all: ./noxw -s mutants -- --list")
    chosen = [known[name] for name in names] or list(known.values())
    others = [mutant for mutant in chosen if mutant.controllers and controller not in mutant.controllers]
    if others and names:
        raise UsageError(
            f"{others[0].name} knows how to break {' and '.join(others[0].controllers)} alone, not {controller}.",
            f"Try it there: --controller {others[0].controllers[0]}",
        )
    for mutant in others:
        print(f"{mutant.name}: left out, it is for {', '.join(mutant.controllers)} alone")
    return [mutant for mutant in chosen if mutant not in others]


def cells(asked: argparse.Namespace, chosen: Sequence[Mutant]) -> list[tuple[str, list[Family], list[Mutant]]]:
    """Mode and IP families of each cluster, and what is tried there: a dual-stack one only where a mutant takes it."""
    if asked.cluster:
        named = clusters.load(asked.cluster)
        if "IPv4" not in named.families:
            raise UsageError(
                f"The mutants break IPv4, and cluster {named.name} has none.", "Leave --cluster out: one is made."
            )
        dual = len(named.families) > 1
        of_stack: list[tuple[str, list[Family], list[Mutant]]]
        of_stack = [(named.mode, named.families, [mutant for mutant in chosen if dual or not mutant.dual_stack])]
    else:
        stacks: dict[bool, list[Family]] = {False: ["IPv4"], True: ["IPv4", "IPv6"]}
        of_stack = [
            (mode, families, [mutant for mutant in chosen if mutant.dual_stack is dual])
            for mode in asked.modes
            for dual, families in stacks.items()
        ]
    of_mode = [
        (mode, families, [mutant for mutant in tried if mode in mutant.modes]) for mode, families, tried in of_stack
    ]
    if todo := [cell for cell in of_mode if cell[2]]:
        return todo
    modes = ", ".join(sorted({mode for mode, *_ in of_mode}))
    raise UsageError(
        f"There is nothing to try: {', '.join(asked.names)} cannot break such a cluster in mode {modes}.",
        "Name another mode (--modes) or a dual-stack cluster (--cluster).",
    )


def main(arguments: Sequence[str]) -> int:
    """Exit status 0 when every mutant was killed of those that the controller's claims can tell of; 1 otherwise."""
    made = options.parser("mutants", "Break a live cluster on purpose; the right check, and only it, must fail.")
    made.add_argument("names", nargs="*", metavar="MUTANT", help="only these (default: all)")
    made.add_argument("--list", action="store_true", help="list the mutants and what must catch them")
    made.add_argument(
        "--modes",
        type=options.modes,
        default="iptables,nftables",
        help="kube-proxy modes (default: iptables,nftables)",
    )
    asked = made.parse_args(arguments)
    console = console_for_tables()
    if asked.list:
        for mutant in mutants().values():
            console.print(f"[bold]{mutant.name}[/]: {mutant.breaks} [dim]→ {', '.join(mutant.caught_by)}[/]")
        return 0
    broken = next(iter(clusters.load(asked.cluster).controllers), "") if asked.cluster else asked.controller
    chosen = select(asked.names, broken)
    if asked.provider == cell.EXISTING or (asked.cluster and clusters.load(asked.cluster).provider == cell.EXISTING):
        raise UsageError(
            "Nobody's cluster is broken on purpose.", "Leave --provider out, or name one that was made here."
        )
    todo = cells(asked, chosen)
    run: Path = asked.run or Path("runs/mutants")
    run.mkdir(parents=True, exist_ok=True)
    done: list[Trial] = []
    for mode, families, tried in todo:
        cell_options = options.Options(
            run=run,
            mode=mode,
            controller=asked.controller,
            provider=asked.provider,
            nodes=options.NODES if asked.nodes is None else asked.nodes,
            families=families,
            workers=asked.workers,
            cluster=asked.cluster,
            keep=asked.keep,
            suites=True,
            load="none",
            seed=asked.seed,
            pytest=[],
        )
        with progress_for_terminal() as progress:
            cluster = cell.taken(cell_options) if asked.cluster else cell.made(cell_options, progress)
        try:
            stack = "-dual-stack" if len(families) > 1 else ""
            for trial in trials(cluster, run / f"{cluster.mode}{stack}", tried, asked.workers):
                done.append(trial)
                # At once: a run takes an hour, and may be ended before.
                (run / "mutants.json").write_bytes(msgspec.json.format(msgspec.json.encode(done)))
        finally:
            if not asked.cluster and not asked.keep:
                clusters.delete(cluster.name)
    console.print(table(done))
    console.print(by_feature(done))
    if not asked.names and (unproved := never_failed(done)):
        console.print(f"No mutant made these features fail: {', '.join(unproved)}.")
    killed = sum(trial.fate == "killed" for trial in done)
    unclaimed = [trial.mutant for trial in done if trial.fate == "unclaimed"]
    if unclaimed:
        console.print(
            f"Break what another controller claims (--controller NAME): {', '.join(dict.fromkeys(unclaimed))}."
        )
    console.print(f"{killed} of {len(done) - len(unclaimed)} mutants killed; details in {run}/mutants.json")
    return 0 if killed and killed + len(unclaimed) == len(done) else 1
