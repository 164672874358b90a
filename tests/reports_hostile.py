"""A run whose every text tries to break out: markup, the ends of CDATA and code blocks, control characters."""

from __future__ import annotations

from pathlib import Path

import msgspec

import reports
from reports import Attempt, Cell, CellEnd, Evidence, Load, Result, Verdict
from reports.model import Interval

HOSTILE = (
    "<script>alert(1)</script>]]></pre>--><img src=x onerror=alert(2)>\"'>{{7*7}}${7*7}\0\x08\x1b[31m\u202e"
    " | ```\n# heading @everybody"
)


def write(run: Path) -> Path:
    """The run's folder, with one cell of every verdict."""
    reports.start(run, command=HOSTILE, seed=1)
    reports.append(run, msgspec.convert(_filled(Cell, cell=HOSTILE, nodes=1, timings={HOSTILE: 1.0}), Cell))
    (run / "log.txt").write_text(HOSTILE)
    attempt = Attempt(at=HOSTILE, vantage=HOSTILE, target=HOSTILE, outcome=HOSTILE, seconds=0.1, detail=HOSTILE)
    for verdict in Verdict:
        facts = {
            "cell": HOSTILE,
            "test": f"{verdict}::{HOSTILE}",
            "verdict": verdict,
            "source": f"https://example.org/{HOSTILE}",
            "attempts": [attempt],
            "evidence": [Evidence(title=HOSTILE, path="log.txt"), Evidence(title=HOSTILE, path=HOSTILE)],
            "notes": {HOSTILE: f"{verdict} {HOSTILE}"},
            "statistics": {HOSTILE: 0.5},
            "by_design": {"says": f"{verdict} {HOSTILE}", "source": f"https://example.org/{HOSTILE}"},
            "seconds": 1.0,
        }
        reports.append(run, msgspec.convert(_filled(Result, **facts), Result))
    figure = Interval(value=2, low=1, high=3)
    measured = {
        "cell": HOSTILE,
        "seconds": 1.0,
        "warmup_seconds": 1.0,
        "requests": 10,
        "throughput": figure,
        "latency_seconds": {"p50": figure},
        "errors": {HOSTILE: 1},
    }
    for void in ("", HOSTILE):
        reports.append(run, msgspec.convert(_filled(Load, **measured, void=void), Load))
    reports.append(run, CellEnd(cell=HOSTILE, finished="", seconds={HOSTILE: 1.0}, trouble=HOSTILE))
    reports.finish(run)
    return run


def _filled(kind: type[msgspec.Struct], **facts: object) -> dict[str, object]:
    """Every text field that ``facts`` leave open, and every table of texts, is hostile."""
    filled: dict[str, object] = {}
    for field in msgspec.structs.fields(kind):
        if field.type is str:
            filled[field.name] = HOSTILE
        elif field.type == dict[str, str]:
            filled[field.name] = {HOSTILE: HOSTILE}
    return msgspec.to_builtins({**filled, **facts})
