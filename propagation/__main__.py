"""``python -m propagation --cluster NAME --run runs/ID --cell CELL``; people call ``./noxw -s propagation``."""

from __future__ import annotations

import argparse
import sys
import traceback
from pathlib import Path

import urllib3
from dns.exception import DNSException

from clusters.errors import RoadtestError
from clusters.interruption import interrupt_once
from clusters.progress import progress_for_terminal
from fixtures.api import REFUSED, refusal_of
from fixtures.verdicts import Mismatch
from propagation.changes import WITHOUT
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
    interrupt_once()
    try:
        with progress_for_terminal() as progress:
            run(
                Asked(
                    cluster=asked.cluster,
                    run=asked.run,
                    cell=asked.cell,
                    services=asked.services,
                    changes=asked.changes,
                    gateways=asked.gateways,
                    kinds=asked.change or list(WITHOUT),
                ),
                progress,
            )
    except KeyboardInterrupt:
        print("error: interrupted; what was measured before is in the run.", file=sys.stderr)
        return 130
    except Exception as error:
        print(f"error: {in_words(error)}", file=sys.stderr)
        return 2
    return 0


def in_words(error: Exception) -> str:
    """One sentence; of what nobody foresaw, the traceback before it."""
    if isinstance(error, RoadtestError | ReportError | Mismatch):
        return str(error)
    if isinstance(error, REFUSED):
        refusal = refusal_of(error)
        words = (refusal.message or refusal.reason or f"status {refusal.status}").rstrip(". ")
        return f"The API server refused what the measurement needs: {words}."
    if isinstance(error, urllib3.exceptions.HTTPError):
        return f"The API server did not answer: {error}."
    if isinstance(error, DNSException):
        return f"The cluster's DNS answered what cannot be read: {str(error).rstrip('.') or type(error).__name__}."
    traceback.print_exception(error)
    return f"The measurement broke off: {type(error).__name__}: {error}."


if __name__ == "__main__":
    sys.exit(main())
