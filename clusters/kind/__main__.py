"""``python -m clusters.kind start | stop | status | node-image``: what kind needs where no engine or registry is."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from clusters.errors import RoadtestError
from clusters.interruption import interrupt_once
from clusters.progress import progress_for_terminal

from . import engine, node_image, rig

COMMAND = "./noxw -s kind-rig --"


def main(arguments: Sequence[str]) -> int:
    """Exit status 0; 1 where `status` finds no engine; 2 for an error that the user can do something about."""
    interrupt_once()
    try:
        return build(arguments[1:]) if arguments[:1] == ["node-image"] else run(arguments)
    except RoadtestError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; what was being made has been removed", file=sys.stderr)
        return 130


def build(arguments: Sequence[str]) -> int:
    """The node image: built, or removed."""
    made = argparse.ArgumentParser(
        prog=f"{node_image.COMMAND} --",
        description="Build a kind node image with kind's own `kind build node-image`, from the components and Debian's "
        "packages, with the images of every cluster in it. Where a registry answers it is not needed.",
    )
    made.add_argument("--again", action="store_true", help="build it even where it is there")
    made.add_argument("--remove", action="store_true", help="remove node images that were built here")
    asked = made.parse_args(arguments)
    used = engine.must()
    if asked.remove:
        node_image.forget(used, keep=())
        return 0
    began = time.monotonic()
    with progress_for_terminal() as progress:
        image = node_image.build(used, progress, again=asked.again)
    print(f"node image {image.name}: in the engine at {used.host} after {time.monotonic() - began:.1f} s")
    return 0


def run(arguments: Sequence[str]) -> int:
    """The engine: started, stopped, or told of."""
    made = argparse.ArgumentParser(
        prog=COMMAND,
        description="A Docker engine in namespaces of its own, without a way out of this machine: for kind on machines "
        "where no engine runs. Nothing of it is seen by other programs, and stop leaves no trace but its images.",
    )
    verbs = made.add_subparsers(dest="verb", required=True, metavar="start | stop | status")
    verbs.add_parser("start", help="have it run; says what DOCKER_HOST must be")
    end = verbs.add_parser("stop", help="end it, its containers and its networks")
    end.add_argument("--all", action="store_true", help="remove its images, too")
    verbs.add_parser("status", help="whether it runs")
    asked = made.parse_args(arguments)
    if asked.verb == "start":
        with progress_for_terminal() as progress:
            rig.start(progress)
    elif asked.verb == "stop":
        rig.stop(everything=asked.all)
    if rig.running():
        print(f"the engine runs; use it with: export DOCKER_HOST={rig.docker_host()}")
        return 0
    print(f"no engine of ours runs; {COMMAND} start starts one")
    return int(asked.verb == "status")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
