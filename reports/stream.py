"""The stream of a run on disk: ``runs/<id>/results.jsonl``, one record per line, only ever appended to.

Several processes write it at once (pytest workers, the load, the session), so each record is one locked write. A line
is whole or absent: a write that the disk cuts short is taken back. What a killed machine leaves behind, a last line
without its end, is not repaired but told: `Stream.troubles` names everything that keeps a run from being whole, and a
run with trouble never exits 0.

Records are not synced to disk one by one: a crash of a process loses nothing, a power cut may lose the last seconds,
and then the missing footer says so.
"""

from __future__ import annotations

import fcntl
import math
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from reports.errors import ReportError
from reports.model import (
    SCHEMA,
    AnyRecord,
    Cell,
    CellEnd,
    Footer,
    Header,
    Load,
    Propagation,
    Record,
    Result,
    Verdict,
    Witness,
)

NAME = "results.jsonl"
UNJUDGED = frozenset({Verdict.UNSUPPORTED, Verdict.SKIPPED})
"""Verdicts that say nothing about the system under test, and so need a reason."""

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(AnyRecord)

_Kind = TypeVar("_Kind", bound=Record)


@dataclass(frozen=True)
class Stream:
    """What one run's stream holds, in the order it was written."""

    run: Path
    """The run's folder; evidence paths are relative to it."""
    header: Header | None
    cells: tuple[Cell, ...]
    results: tuple[Result, ...]
    loads: tuple[Load, ...]
    ends: tuple[CellEnd, ...]
    footer: Footer | None
    """None where the run broke off, or went on after it had been closed."""
    troubles: tuple[str, ...]
    """Why the stream is not that of a whole run, each a sentence; empty when it is."""
    witnesses: tuple[Witness, ...] = ()
    propagations: tuple[Propagation, ...] = ()


def append(run: Path, record: AnyRecord) -> None:
    """Write one record at the end of the run's stream, making the run's folder where it is not there.

    Safe from several threads and processes at once. `ReportError` where the stream cannot be written (no disk, no
    rights) or the record holds a number that JSON cannot (NaN, infinity); the stream is then as it was before.
    """
    with locked(run) as stream:
        write(stream, record)


@contextmanager
def locked(run: Path) -> Iterator[int]:
    """The stream's file descriptor, for reading and appending, while nobody else writes."""
    path = run / NAME
    try:
        run.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise ReportError(
            f"{path} cannot be opened for writing: {error.strerror}.", "Name a run folder that can be written."
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)  # also gives the lock back


def write(stream: int, record: AnyRecord) -> None:
    """Append to a stream that is `locked` by the caller."""
    line = _line(record)
    size = os.fstat(stream).st_size
    if size and os.pread(stream, 1, size - 1) != b"\n":
        line = b"\n" + line  # whoever wrote last was killed half-way; his half line must not swallow ours
    try:
        written = 0
        while written < len(line):
            written += os.write(stream, line[written:])
    except OSError as error:
        os.ftruncate(stream, size)
        raise ReportError(
            f"A record could not be written to {NAME}: {error.strerror}.", "Make room on the disk and run again."
        ) from error


def _line(record: AnyRecord) -> bytes:
    try:
        line = _ENCODER.encode(record)
    except UnicodeEncodeError:  # an answer's bytes that are no text, kept by the caller as lone surrogates
        line = _ENCODER.encode(_clean(msgspec.to_builtins(record)))
    if b"null" in line and (bad := next(_not_finite(msgspec.to_builtins(record)), "")):
        raise ReportError(f"A record of kind {type(record).__name__} holds {bad}, which JSON cannot carry.")
    return line + b"\n"


def _clean(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_clean(key): _clean(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item) for item in value]
    return value


def _not_finite(value: object, name: str = "") -> Iterator[str]:
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{name}={value}"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _not_finite(item, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for item in value:
            yield from _not_finite(item, name)


def read(run: Path) -> Stream:
    """All that the run's stream holds, with its troubles. `ReportError` only where there is no stream to read."""
    path = run / NAME
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ReportError(f"{run} holds no {NAME}.", "Name the folder of a run, for example one under runs/.") from None
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}.") from error
    records, troubles = parse(content)
    return stream_of(run, records, troubles)


def stream_of(run: Path, records: list[AnyRecord], troubles: list[str]) -> Stream:
    """The records sorted by kind, and the troubles of reading them followed by those of what they say."""
    checks = (_header_troubles, _cell_troubles, _result_troubles, _footer_troubles)
    return Stream(
        run=run,
        header=next(iter(_only(records, Header)), None),
        cells=_only(records, Cell),
        results=_only(records, Result),
        loads=_only(records, Load),
        ends=_only(records, CellEnd),
        footer=records[-1] if records and isinstance(records[-1], Footer) else None,
        troubles=(*troubles, *(trouble for check in checks for trouble in check(records))),
        witnesses=_only(records, Witness),
        propagations=_only(records, Propagation),
    )


def parse(content: bytes) -> tuple[list[AnyRecord], list[str]]:
    """The records of a stream's bytes, and a sentence for each line that is none."""
    records: list[AnyRecord] = []
    troubles: list[str] = []
    *lines, rest = content.split(b"\n")
    for number, line in enumerate(lines, start=1):
        try:
            records.append(_DECODER.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            troubles.append(f"Line {number} is no record of this version's schema ({SCHEMA}): {error}.")
    if rest:
        troubles.append(f"The last line ({len(lines) + 1}) is cut off: a process was killed while it wrote.")
    return records, troubles


def _only(records: list[AnyRecord], kind: type[_Kind]) -> tuple[_Kind, ...]:
    return tuple(record for record in records if isinstance(record, kind))


def _header_troubles(records: list[AnyRecord]) -> Iterator[str]:
    headers = _only(records, Header)
    if not headers:
        yield "The header is missing: nobody can say what was asked, where and with what."
        return
    if records[0] is not headers[0]:
        yield "The header is not the first record: the stream was not written in order."
    if len(headers) > 1:
        yield f"There are {len(headers)} headers: two runs were written into one folder."
    if headers[0].schema > SCHEMA:
        yield f"The stream has schema {headers[0].schema}; this version reads up to {SCHEMA} and may misread it."


def _cell_troubles(records: list[AnyRecord]) -> Iterator[str]:
    cells = Counter(cell.cell for cell in _only(records, Cell))
    ends = {end.cell: end for end in _only(records, CellEnd)}
    for name, times in cells.items():
        if times > 1:
            yield f"Cell {name} was started {times} times in this run; its figures cannot be told apart."
        if name not in ends:
            yield f"Cell {name} broke off: its end was never written."
        elif ends[name].trouble:
            yield f"Cell {name} could not be run to its end: {ends[name].trouble}"
    strays = Counter(item.cell for item in _figures(records) if item.cell not in cells)
    for name, times in strays.items():
        subject = "1 record names" if times == 1 else f"{times} records name"
        yield f"{subject} cell {name or '(none)'}, which was never started."
    for name in sorted(ends.keys() - cells.keys()):
        yield f"Cell {name} ended without having been started."


def _result_troubles(records: list[AnyRecord]) -> Iterator[str]:
    if not _figures(records):
        yield "The run holds neither a verdict nor a figure: nothing was run."
    loads = _only(records, Load)
    if loads and not _only(records, Result) and all(load.void for load in loads):
        yield "Every load is void and nothing else was run: there is no figure."
    heard = Counter((witness.cell, witness.suite, witness.test) for witness in _only(records, Witness))
    for (cell, suite, test), number in heard.items():
        if number > 1:
            yield f"{test} of {suite} was heard {number} times in cell {cell}; a witness is heard once."
    times = Counter((result.cell, result.test) for result in _only(records, Result))
    for (cell, test), judged in times.items():
        if judged > 1:
            yield f"{test} was judged {judged} times in cell {cell}; what is under test is judged once."
    everything: list[Result | Witness] = [*_only(records, Result), *_only(records, Witness)]
    for said in everything:
        if said.verdict in UNJUDGED and not said.reason:
            yield f"{said.test} is {said.verdict} in cell {said.cell} without a reason."


def _figures(records: list[AnyRecord]) -> list[Result | Load | Propagation | Witness]:
    return [record for record in records if isinstance(record, Result | Load | Propagation | Witness)]


def _footer_troubles(records: list[AnyRecord]) -> Iterator[str]:
    footers = _only(records, Footer)
    if not footers:
        yield "The footer is missing: the run broke off before it was closed."
        return
    if records[-1] is not footers[-1]:
        yield "The footer is missing: the run went on after it had been closed, and was not closed again."
        return
    counted = Counter(str(result.verdict) for result in _only(records, Result))
    if counted != Counter(footers[-1].verdicts):
        yield "The footer counts other verdicts than the stream holds: records were lost or added."
