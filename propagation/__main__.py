"""``python -m propagation --cluster NAME --run runs/ID --cell CELL``; people call ``./noxw -s propagation``."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from clusters.errors import RoadtestError
from clusters.progress import progress_for_terminal
from fixtures.verdicts import Mismatch
from propagation.changes import TOLD
from propagation.measuring import Asked, run
from propagation.options import add
from reports.errors import ReportError


def main(arguments: list[str] | None = None) -> int:
    """Exit status: 0 measured, 2 an error of ours or of the user."""
    made = argparse.ArgumentParser(prog="python -m propagation", description=__doc__)
    made.add_argument("--cluster", required=True)
    made.add_argument("--run", type=Path, required=True)
    made.add_argument("--cell", required=True)
    add(made)
    asked = made.parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with progress_for_terminal() as progress:
            run(
                Asked(
                    cluster=asked.cluster,
                    run=asked.run,
                    cell=asked.cell,
                    services=asked.services,
                    changes=asked.changes,
                    kinds=asked.change or list(TOLD),
                ),
                progress,
            )
    except (RoadtestError, ReportError, Mismatch) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("error: interrupted; what was measured before is in the run.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
