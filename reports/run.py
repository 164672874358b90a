"""A run's beginning and end: who writes the header, who writes the footer, and what the exit status says."""

from __future__ import annotations

import datetime
import os
import secrets
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from reports.errors import ReportError
from reports.machine import commit, machine, roadtest_version
from reports.model import AnyRecord, Footer, Header, Verdict
from reports.stream import NAME, Stream, locked, parse, stream_of, write

PASSED, FAILED, BROKEN = 0, 1, 2
"""The three exit statuses that are a promise to CI owners."""


def timestamp(seconds: float | None = None) -> str:
    """A moment (now, or seconds since the epoch) as every record tells it: RFC 3339, UTC, milliseconds."""
    moment = datetime.datetime.now(datetime.UTC)
    if seconds is not None:
        moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def start(run: Path, *, command: str, seed: int | None = None, not_verified: Mapping[str, str] | None = None) -> Header:
    """The run's header, written now if it is not there yet.

    Cells of one run may start in any order and at once: the first writes the header, all others get that one back,
    with its seed. Without ``seed`` one is drawn. `ReportError` where the stream cannot be written.
    """
    with locked(run) as stream:
        records, _ = parse(_content(stream))
        for record in records:
            if isinstance(record, Header):
                return record
        header = Header(
            run=run.resolve().name,
            started=timestamp(),
            command=command,
            roadtest=roadtest_version(),
            commit=commit(),
            machine=machine(),
            seed=secrets.randbits(32) if seed is None else seed,
            not_verified=dict(not_verified or {}),
        )
        write(stream, header)
        return header


def must_exist(run: Path) -> None:
    """`ReportError` where there is no run in a folder: reading or closing one would make it."""
    if not (run / NAME).is_file():
        raise ReportError(f"There is no run at {run}.", "Name a folder such as runs/20260301-080000-1a2b.")


def finish(run: Path) -> Footer:
    """Close the run: count its verdicts, decide its exit status, write the footer.

    Closing a closed run again changes nothing; one that went on after its footer gets a new footer. `ReportError`
    where the stream cannot be written.
    """
    with locked(run) as stream:
        records, troubles = parse(_content(stream))
        if records and isinstance(last := records[-1], Footer) and not troubles:
            return last
        footer = _footer(run, records, troubles)
        write(stream, footer)
        return footer


def _footer(run: Path, records: list[AnyRecord], troubles: list[str]) -> Footer:
    draft = Footer(finished=timestamp(), verdicts=counts(stream_of(run, records, troubles)), exit_status=BROKEN)
    status = exit_status(stream_of(run, [*records, draft], troubles))
    return Footer(finished=draft.finished, verdicts=draft.verdicts, exit_status=status)


def counts(stream: Stream) -> dict[str, int]:
    """Verdict → how many checks have it; verdicts that no check has are left out."""
    counted = Counter(str(result.verdict) for result in stream.results)
    return {str(verdict): counted[verdict] for verdict in Verdict if counted[verdict]}


def exit_status(*streams: Stream) -> int:
    """0: everything passed, or is unsupported or skipped with a reason. 1: the system under test failed a check.
    2: an error of ours, a cell that broke off, or a stream that is not whole.

    Where checks failed and others are errors, the status is 2: an error is a check that nobody judged, so the list of
    failures may be too short, and whoever reads only the status must not take it for the whole answer. Repair the
    error first; the failures are in the report either way. A witness's verdicts count as ours do.
    """
    verdicts = {result.verdict for stream in streams for result in stream.results}
    verdicts |= {witness.verdict for stream in streams for witness in stream.witnesses}
    if Verdict.ERROR in verdicts or any(stream.troubles for stream in streams):
        return BROKEN
    return FAILED if Verdict.FAILED in verdicts else PASSED


def _content(stream: int) -> bytes:
    size = os.fstat(stream).st_size
    content = bytearray()
    while len(content) < size and (part := os.pread(stream, size - len(content), len(content))):
        content += part
    return bytes(content)
