"""``python -m conformance upstream``: what `./noxw -s upstream` calls."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence

import reports
from clusters.errors import RoadtestError
from clusters.progress import progress_for_terminal

from . import cells, options


def main(arguments: Sequence[str]) -> int:
    """0, 1 (theirs failed), 2 (errors of ours), 130; `os.EX_USAGE` where it cannot be run as asked."""
    with progress_for_terminal() as progress:
        try:
            asked = options.parse(arguments)
            suite = cells.prepare(asked, progress)
        except RoadtestError as error:
            print(f"error: {error}", file=sys.stderr)
            return os.EX_USAGE
        except SystemExit as refusal:  # argparse has told why
            return os.EX_USAGE if refusal.code else 0
        if asked.list_only:
            cells.show(suite)
            return 0
        typed = os.environ.get("ROADTEST_COMMAND") or shlex.join(["./noxw", "-s", "upstream", "--", *arguments])
        reports.start(asked.run, command=typed)
        return cells.run(asked, suite, progress)
