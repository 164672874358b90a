"""``python -m loadprofiles list | run --cluster NAME --run runs/ID --cell CELL | worker --master ADDRESS:PORT``."""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path

from rich.console import Console
from rich.table import Table

from clusters.errors import RoadtestError, UsageError
from clusters.interruption import interrupt_once
from loadprofiles import grid
from loadprofiles.pods.master import Master
from loadprofiles.profile import ArrivalRate, Profile, chosen, profiles
from loadprofiles.worker import Joining, serve
from reports.errors import ReportError


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 measured (void cells too: the record says so), 2 an error of ours or of the user."""
    asked = _parser().parse_args(arguments)
    interrupt_once()
    console = Console() if sys.stdout.isatty() else Console(width=140)
    try:
        if asked.verb == "list":
            _list(console)
        elif asked.verb == "worker" and asked.image:
            _write_image(asked.image)
        elif asked.verb == "worker":
            serve(joining(asked), lambda text: console.print(text, highlight=False))
        elif asked.verb == "master":
            address, port = grid.address_and_port(asked.listen, "--listen")
            Master(grid.Grid(workers=asked.workers, address=address, port=port), 0, sys.stdout.buffer).serve()
        else:
            _run(asked, console)
    except (RoadtestError, ReportError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        told = {"worker": "the master counts this worker as lost"}.get(
            asked.verb, "what was measured before is in the run"
        )
        print(f"error: interrupted; {told}.", file=sys.stderr)
        return 130
    return 0


def _run(asked: argparse.Namespace, console: Console) -> None:
    from loadprofiles.running import Asked, run  # noqa: PLC0415 - what a cluster needs, a worker has no use for

    run(
        Asked(
            cluster=asked.cluster,
            run=asked.run,
            cell=asked.cell,
            profiles=[one for one in chosen(asked.profile) if not asked.target or one.target in asked.target],
            named=bool(asked.profile),
            short=asked.short,
            seed=asked.seed,
            grid=grid.asked_for(asked),
        ),
        console,
    )


def _write_image(folder: Path) -> None:
    from loadprofiles.pods import image  # noqa: PLC0415 - a worker has no use for it

    if not folder.is_dir():
        raise UsageError(f"There is no folder {folder}.", "Make it, or name another.")
    name, archive = image.write(folder)
    print(f"{archive} holds {name}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m loadprofiles", description="Load on a cluster of ours.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("list", help="the profiles and what they are for")
    running = verbs.add_parser("run", help="send profiles to a cluster and record their figures")
    running.add_argument("--cluster", required=True, help="name of a cluster (`python -m clusters list`)")
    running.add_argument("--run", required=True, type=Path, help="the run's folder, for example runs/ID")
    running.add_argument("--cell", required=True, help="the cell of the run that the figures belong to")
    running.add_argument("--profile", action="append", default=[], help="only this one; may be given several times")
    running.add_argument("--target", action="append", default=[], help="only profiles that are sent there; repeatable")
    running.add_argument("--short", action="store_true", help="a few seconds each, as inside `conformance`")
    running.add_argument("--seed", type=int, default=0, help="of the arrivals and the intervals (default 0)")
    grid.add_options(running)
    master = verbs.add_parser("master", help="be a grid's master as a pod; speaks on standard input and output")
    master.add_argument("--listen", required=True, metavar="ADDRESS:PORT", help="an address of its own")
    master.add_argument("--workers", required=True, type=int, help="how many are to come")
    _worker_options(
        verbs.add_parser(
            "worker",
            prog="./noxw -s worker --",
            help="send for a master on another machine",
            description="Take part in every load of a master on another machine, until its run is over.",
        )
    )
    return parser


def _worker_options(joining: argparse.ArgumentParser) -> None:
    what = joining.add_mutually_exclusive_group(required=True)
    what.add_argument("--master", metavar="ADDRESS:PORT", help="what the master's `--grid` says")
    what.add_argument("--image", type=Path, metavar="FOLDER", help="write the image of a grid's pods there, and end")
    joining.add_argument("--processes", type=int, default=1, metavar="N", help="be so many workers (default 1)")
    joining.add_argument("--stay", action="store_true", help="wait for the next run when one is over")
    joining.add_argument(
        "--wait",
        type=float,
        default=grid.WAIT_SECONDS,
        metavar="SECONDS",
        help=f"give up when no master answers for so long (default {grid.WAIT_SECONDS:g})",
    )
    joining.add_argument("--keep", type=Path, metavar="FOLDER", help="keep there what this worker measures, as JSON")


def joining(asked: argparse.Namespace) -> Joining:
    address, port = grid.address_and_port(asked.master, "--master")
    return Joining(
        address=address,
        port=port,
        processes=asked.processes,
        stay=asked.stay,
        wait_seconds=asked.wait,
        keep=asked.keep,
    )


def _list(console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("profile", "from", "to", "shape", "connection", "what for"):
        table.add_column(title, overflow="fold")
    for profile in profiles().values():
        table.add_row(
            profile.name,
            profile.vantage,
            profile.target,
            _shape(profile),
            profile.connection,
            textwrap.dedent(profile.about),
        )
    console.print(table)


def _shape(profile: Profile) -> str:
    shape = profile.shape
    if isinstance(shape, ArrivalRate):
        return f"{shape.arrivals}, {', '.join(f'{rate:g}' for rate in shape.rates)}/s"
    return f"saturation, {shape.users} users"


if __name__ == "__main__":
    sys.exit(main())
