"""The results model, its stream on disk, and the renderers. Knows nothing of clusters, suites or load.

Whoever runs something writes with `start`, `append` and `finish`; everything shown is made from the stream afterwards
(``python -m reports render RUN``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reports.errors import ReportError
from reports.model import (
    AnyRecord,
    Attempt,
    Cell,
    CellEnd,
    Evidence,
    Footer,
    Header,
    Interval,
    Load,
    Machine,
    Propagation,
    Result,
    Verdict,
    Witness,
)
from reports.run import counts, exit_status, finish, must_exist, start, timestamp
from reports.stream import Stream, append, read


def render(runs: Sequence[Path], *, out: Path | None = None) -> int:
    """Write results.xml, summary.md and report.html, show the summary, return the runs' exit status.

    See `reports.drawing.render`; this loads the libraries that draw only when something is drawn.
    """
    from reports.drawing import render as draw  # noqa: PLC0415 - see above

    return draw(runs, out=out)


__all__ = [
    "AnyRecord",
    "Attempt",
    "Cell",
    "CellEnd",
    "Evidence",
    "Footer",
    "Header",
    "Interval",
    "Load",
    "Machine",
    "Propagation",
    "ReportError",
    "Result",
    "Stream",
    "Verdict",
    "Witness",
    "append",
    "counts",
    "exit_status",
    "finish",
    "must_exist",
    "read",
    "render",
    "start",
    "timestamp",
]
