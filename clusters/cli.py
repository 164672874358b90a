"""``python -m clusters VERB``: what a user types. Each verb is a function of its own, in the files beside this one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import system_packages
from .cli_changes import add_changes
from .cli_places import add_places
from .cli_views import add_views
from .errors import RoadtestError
from .interruption import interrupt_once
from .progress import progress_for_terminal
from .records import COMMAND

USAGE_ERROR = 2
INTERRUPTED = 130
PREPARATIONS = ("components", "images", "packages")


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog=COMMAND,
        description="Real Kubernetes clusters to send traffic through: make, use and remove them.",
        epilog=f"{COMMAND} VERB --help explains a verb.",
        allow_abbrev=False,
    )
    verbs = made.add_subparsers(title="verbs", metavar="VERB", required=True)
    add_changes(verbs)
    add_views(verbs)
    add_places(verbs)
    verbs.add_parser("components", help="prepare the binaries that a cluster is made of (--list shows them)")
    verbs.add_parser("images", help="prepare the images that a cluster runs (--list shows them)")
    verbs.add_parser("packages", help="install the system packages that a cluster (or: packages tests) needs")
    return made


def prepare(verb: str, arguments: Sequence[str]) -> int:
    """``components``, ``images`` and ``packages`` have command lines of their own."""
    if verb == "packages":
        return install_packages(arguments)
    if verb == "components":
        from .components import command  # noqa: PLC0415 - only this verb needs it
    else:
        from .images import command  # noqa: PLC0415
    return command(arguments)


def install_packages(arguments: Sequence[str]) -> int:
    """Have the system programs of each purpose, a cluster's unless another is named."""
    made = argparse.ArgumentParser(prog=f"{COMMAND} packages", description="Have the system packages that are needed.")
    made.add_argument(
        "purposes", nargs="*", default=["cluster"], metavar="PURPOSE", help="cluster (default), tests, kind-rig"
    )
    with progress_for_terminal() as progress:
        for purpose in made.parse_args(arguments).purposes:
            system_packages.ensure(progress, system_packages.packages_of_programs(purpose))
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit status: 0, 2 for an error that the user can do something about, 130 interrupted.

    ``kubectl``, ``shell`` and ``logs`` end with the status of what they run.
    """
    words = sys.argv[1:] if arguments is None else list(arguments)
    interrupt_once()
    try:
        if words and words[0] in PREPARATIONS:
            return prepare(words[0], words[1:])
        ours, theirs = at_dashes(words)
        asked = parser().parse_args(ours, argparse.Namespace(command=theirs))
        return int(asked.run(asked))
    except RoadtestError as error:
        print(f"error: {error}", file=sys.stderr)
        return USAGE_ERROR
    except KeyboardInterrupt:
        print("interrupted; what was being made has been removed", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 0


def at_dashes(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """What is ours, and after ``--`` the command that it is about."""
    where = words.index("--") if "--" in words else len(words)
    return list(words[:where]), list(words[where + 1 :])
