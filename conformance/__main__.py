"""``python -m conformance cell | load | propagation | mutants | upstream | report``: what the Nox sessions call."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import reports
from clusters.controllers import not_verified
from clusters.errors import RoadtestError
from clusters.interruption import interrupt_once
from clusters.progress import progress_for_terminal
from reports.run import FAILED

from . import cell, in_guest, options
from .children import follow_parent


def run_cell(verb: str, arguments: Sequence[str]) -> int:
    """One cell of a run; the run's header is written by the first. `os.EX_USAGE` where it cannot be as asked."""
    try:
        asked = options.parse(verb, arguments)
        cell.check(asked)
    except RoadtestError as error:
        if isinstance(error, cell.JudgedElsewhereError) and asked.among_others:
            print(f"cell {asked.cell}: left out: {error}")
            return 0
        print(f"error: {error}", file=sys.stderr)
        return os.EX_USAGE
    except SystemExit as refusal:  # argparse has told why
        return os.EX_USAGE if refusal.code else 0
    if asked.dry_run:
        with progress_for_terminal() as progress:
            return cell.run(asked, progress)
    typed = os.environ.get("ROADTEST_COMMAND") or shlex.join(["./noxw", "-s", verb, "--", *arguments])
    left_out = not_verified() if asked.among_others else {}
    reports.start(asked.run, command=typed, seed=asked.seed or None, not_verified=left_out)
    with progress_for_terminal() as progress:
        if cell.for_guest(asked):
            return in_guest.run(asked, arguments, progress)
        return cell.run(asked, progress)


def report_parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="./noxw -s report --",
        description="Draw the reports of a run again, or of several runs on one page (the cells of a CI matrix).",
    )
    made.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="folders such as runs/20260301-080000-1a2b")
    made.add_argument("--out", type=Path, help="where to write them (default: the first run's folder)")
    made.add_argument(
        "--fail-on",
        choices=["failures", "errors"],
        default="failures",
        help="errors: end with 0 also where the system under test failed checks (default: failures, which ends with 1)",
    )
    return made


def report(arguments: Sequence[str]) -> int:
    """Close the run if it is open, draw its reports, and say how it went."""
    asked = report_parser().parse_args(arguments)
    for run in asked.runs:
        reports.must_exist(run)
        reports.finish(run)
    status = reports.render(asked.runs, out=asked.out or asked.runs[0])
    return 0 if status == FAILED and asked.fail_on == "errors" else status


def main(arguments: Sequence[str]) -> int:
    verb, *rest = arguments or [""]
    if verb in {"cell", "load", "propagation"}:
        return run_cell(verb, rest)
    if verb == "report":
        return report(rest)
    if verb == "mutants":
        from . import mutants  # noqa: PLC0415 - its imports are many, and only this verb needs them

        return mutants.main(rest)
    if verb == "upstream":
        from .upstream import command  # noqa: PLC0415 - as above

        return command.main(rest)
    print(
        f"error: unknown verb {verb!r}; the verbs are cell, load, propagation, mutants, upstream and report",
        file=sys.stderr,
    )
    return 2


if __name__ == "__main__":
    interrupt_once()
    follow_parent()
    try:
        sys.exit(main(sys.argv[1:]))
    except (RoadtestError, reports.ReportError) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
