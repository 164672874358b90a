"""``python -m reports start | finish | render | show | compare | schema``: a run's stream by hand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from reports import comparison
from reports.errors import ReportError
from reports.run import BROKEN, finish, start
from reports.schema import schema


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m reports",
        description="A run's stream (results.jsonl) and everything that is drawn from it.",
        epilog="Exit status of finish, render and show: 0 everything passed, or is unsupported or skipped with a "
        "reason; 1 the system under test failed; 2 errors of ours, or a run that is not whole.",
    )
    verbs = made.add_subparsers(title="verbs", required=True, metavar="VERB")

    begin = _verb(verbs.add_parser("start", help="write the header of a run"), _start)
    begin.add_argument("run", type=Path, metavar="RUN", help="the run's folder, made where it is not there")
    begin.add_argument("--command", required=True, help="what the user typed, so that it can be typed again")
    begin.add_argument("--seed", type=int, help="drawn where it is not given")

    end = _verb(verbs.add_parser("finish", help="close a run with its footer"), _finish)
    end.add_argument("run", type=Path, metavar="RUN")

    draw = _verb(verbs.add_parser("render", help="write results.xml, summary.md and report.html"), _render)
    draw.add_argument("runs", type=Path, metavar="RUN", nargs="+", help="several runs become one report")
    draw.add_argument("--out", type=Path, help="where to write them (default: the first run's folder)")

    tell = _verb(verbs.add_parser("show", help="show the summary in the terminal"), _show)
    tell.add_argument("runs", type=Path, metavar="RUN", nargs="+")

    two = _verb(verbs.add_parser("compare", help="compare two runs, check by check"), _compare)
    two.add_argument("before", type=Path, metavar="BEFORE", help="a run, or a folder of runs: the cells of a CI matrix")
    two.add_argument("after", type=Path, metavar="AFTER")
    two.add_argument("--regressions", action="store_true", help="fail only where a check passed before")
    two.add_argument("--json", type=Path, metavar="FILE", help="write the comparison there, too")

    _verb(verbs.add_parser("schema", help="print the JSON schema of a stream's lines"), _schema)
    return made


def main(arguments: Sequence[str]) -> int:
    """Run one verb and return the exit status."""
    asked = parser().parse_args(arguments)
    try:
        status: int = asked.do(asked)
    except ReportError as error:
        print(f"error: {error}", file=sys.stderr)
        return BROKEN
    return status


def _verb(made: argparse.ArgumentParser, do: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    made.description = (made.description or do.__doc__ or "").strip()
    made.set_defaults(do=do)
    return made


def _start(asked: argparse.Namespace) -> int:
    """Write the header of a run: what was asked, the machine's facts, the seed. A run that has one keeps it."""
    start(asked.run, command=asked.command, seed=asked.seed)
    return 0


def _finish(asked: argparse.Namespace) -> int:
    """Close a run: count its verdicts, write the footer, and end with the run's exit status."""
    return finish(asked.run).exit_status


def _render(asked: argparse.Namespace) -> int:
    """Draw the reports of a run, or of several runs on one page (the cells of a CI matrix)."""
    from reports.drawing import render  # noqa: PLC0415 - loads the charts' libraries, which the other verbs do not need

    return render(asked.runs, out=asked.out)


def _show(asked: argparse.Namespace) -> int:
    """Show the summary of a run, or of several, in the terminal."""
    from reports.drawing import summarise  # noqa: PLC0415 - as above

    return summarise(asked.runs)


def _compare(asked: argparse.Namespace) -> int:
    """Compare the verdicts of two runs: 0 the same or explained, 1 different, 2 a run that is not whole."""
    from reports.drawing import screen  # noqa: PLC0415 - as above

    return comparison.run(
        asked.before, asked.after, only_regressions=asked.regressions, json=asked.json,
        console=screen(),
    )  # fmt: skip


def _schema(_: argparse.Namespace) -> int:
    """Print the JSON schema of a stream's lines, as it is committed in reports/schema.json."""
    print(schema(), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
