"""The stream on disk: what is written is read back, and whatever keeps a run from being whole is told."""

from __future__ import annotations

import errno
import multiprocessing
import os
from pathlib import Path

import jsonschema
import msgspec
import pytest

import reports
from reports import Cell, CellEnd, Footer, Header, Load, ReportError, Result, Verdict
from reports.model import Interval
from reports.schema import FILE, schema
from reports.stream import NAME
from tests.reports_miniature import write, write_cell

CELL = Cell(cell="iptables", started="", provider="embedded", provider_reason="asked", mode="iptables", nodes=3)
END = CellEnd(cell="iptables", finished="", seconds={"suites": 1.0})


def result(test: str = "suites/a.py::test_a", verdict: Verdict = Verdict.PASSED, reason: str = "") -> Result:
    return Result(
        cell="iptables",
        feature="svc.clusterip.reach",
        test=test,
        title="A",
        verdict=verdict,
        requirement="It answers.",
        source="https://kubernetes.io/",
        reason=reason,
        started="",
        seconds=0.1,
    )


def whole(run: Path, *results: Result) -> Path:
    reports.start(run, command="nox", seed=1)
    for record in (CELL, *(results or (result(),)), END):
        reports.append(run, record)
    reports.finish(run)
    return run


def test_a_whole_run_is_read_back_without_trouble(tmp_path: Path) -> None:
    stream = reports.read(write(tmp_path / "run"))
    assert stream.troubles == ()
    assert stream.header is not None
    assert stream.header.seed == 20260301
    assert [cell.cell for cell in stream.cells] == ["iptables-traefik", "nftables-traefik"]
    assert len(stream.ends) == 2
    assert len(stream.loads) == 8
    assert stream.footer is not None
    assert stream.footer.verdicts == reports.counts(stream)
    assert sum(stream.footer.verdicts.values()) == len(stream.results)


def test_every_line_is_a_record_of_the_published_schema(tmp_path: Path) -> None:
    validator = jsonschema.Draft202012Validator(msgspec.json.decode(schema()))
    for line in (write(tmp_path / "run") / NAME).read_bytes().splitlines():
        validator.validate(msgspec.json.decode(line))
    assert not validator.is_valid({"type": "result", "cell": "iptables"})


def test_the_committed_schema_is_current() -> None:
    assert FILE.read_text() == schema(), "run: python -m reports schema > reports/schema.json"


def append_many(run: Path, writer: int) -> None:
    for number in range(100):
        reports.append(run, result(f"suites/a.py::test[{writer}-{number}-{'x' * 5000}]"))


def test_records_of_several_processes_never_mix(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=append_many, args=(tmp_path, writer)) for writer in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    stream = reports.read(tmp_path)
    assert len({found.test for found in stream.results}) == 400
    assert not [trouble for trouble in stream.troubles if "Line" in trouble]


def test_a_full_disk_leaves_no_half_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = whole(tmp_path / "run")
    before = (run / NAME).read_bytes()
    real_write = os.write

    def half(descriptor: int, data: bytes) -> int:
        if len(data) < 20:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_write(descriptor, data[: len(data) // 2])

    monkeypatch.setattr(os, "write", half)
    with pytest.raises(ReportError, match="No space left on device"):
        reports.append(run, result())
    monkeypatch.undo()
    assert (run / NAME).read_bytes() == before


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ReportError, match="cannot be opened for writing"):
        reports.append(tmp_path / "file" / "run", result())


def test_a_folder_without_a_stream_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"holds no results\.jsonl"):
        reports.read(tmp_path)


def test_a_number_that_json_cannot_carry_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ReportError, match=r"seconds\.suites=nan"):
        reports.append(tmp_path, CellEnd(cell="a", finished="", seconds={"suites": float("nan")}))
    assert (tmp_path / NAME).read_bytes() == b""


def test_bytes_that_are_no_text_are_kept_readable(tmp_path: Path) -> None:
    reports.append(tmp_path, result(reason="body: \udcff"))
    assert reports.read(tmp_path).results[0].reason == r"body: \udcff"


def test_a_last_line_cut_off_is_trouble_and_swallows_no_later_record(tmp_path: Path) -> None:
    run = whole(tmp_path / "run")
    with (run / NAME).open("ab") as stream:
        stream.write(b'{"type":"result","ce')
    assert any("line (6) is cut off" in trouble for trouble in reports.read(run).troubles)
    reports.append(run, result("suites/a.py::test_b"))
    later = reports.read(run)
    assert [found.test for found in later.results] == ["suites/a.py::test_a", "suites/a.py::test_b"]
    assert any(trouble.startswith("Line 6 is no record") for trouble in later.troubles)


DAMAGES = {
    "a missing header": (lambda lines: lines[1:], "The header is missing"),
    "a late header": (lambda lines: [lines[1], lines[0], *lines[2:]], "The header is not the first record"),
    "two headers": (lambda lines: [lines[0], *lines], "There are 2 headers"),
    "a newer schema": (
        lambda lines: [lines[0].replace(b'"schema":1', b'"schema":99'), *lines[1:]],
        "The stream has schema 99",
    ),
    "an unknown record": (lambda lines: [*lines[:2], b'{"type":"poem"}', *lines[2:]], "Line 3 is no record"),
    "a line of rubbish": (lambda lines: [*lines[:2], b"\xff\xfe{", *lines[2:]], "Line 3 is no record"),
    "a cell that never ended": (lambda lines: [*lines[:3], lines[4]], "Cell iptables broke off"),
    "a cell that never started": (lambda lines: [lines[0], *lines[2:]], "which was never started"),
    "a cell started twice": (lambda lines: [*lines[:2], *lines[1:]], "was started 2 times"),
    "a missing footer": (lambda lines: lines[:-1], "The footer is missing: the run broke off"),
    "a footer in between": (lambda lines: [*lines[:3], lines[4], lines[3]], "went on after it had been closed"),
    "a footer that counts otherwise": (lambda lines: [*lines[:2], *lines[3:]], "counts other verdicts"),
    "no verdict and no figure": (lambda lines: [*lines[:2], *lines[3:]], "neither a verdict nor a figure"),
    "a check judged twice": (lambda lines: [*lines[:3], *lines[2:]], "was judged 2 times"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_told_and_the_exit_status_is_2(damage: str, tmp_path: Path) -> None:
    run = whole(tmp_path / "run")
    assert reports.exit_status(reports.read(run)) == 0
    change, told = DAMAGES[damage]
    lines = (run / NAME).read_bytes().splitlines()
    (run / NAME).write_bytes(b"".join(line + b"\n" for line in change(lines)))
    stream = reports.read(run)
    assert any(told in trouble for trouble in stream.troubles), stream.troubles
    assert reports.exit_status(stream) == 2


@pytest.mark.parametrize(
    ("verdicts", "status"),
    [
        ([Verdict.PASSED], 0),
        ([Verdict.PASSED, Verdict.UNSUPPORTED, Verdict.SKIPPED], 0),
        ([Verdict.PASSED, Verdict.FAILED], 1),
        ([Verdict.PASSED, Verdict.ERROR], 2),
        ([Verdict.FAILED, Verdict.ERROR], 2),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else str(value),
)
def test_the_exit_status_follows_the_verdicts(verdicts: list[Verdict], status: int, tmp_path: Path) -> None:
    run = whole(tmp_path / "run", *(result(f"a.py::test_{verdict}", verdict, "why") for verdict in verdicts))
    stream = reports.read(run)
    assert stream.footer is not None
    assert reports.exit_status(stream) == stream.footer.exit_status == status


@pytest.mark.parametrize("verdict", [Verdict.SKIPPED, Verdict.UNSUPPORTED])
def test_a_check_left_out_without_a_reason_is_trouble(verdict: Verdict, tmp_path: Path) -> None:
    stream = reports.read(whole(tmp_path / "run", result(verdict=verdict)))
    assert any("without a reason" in trouble for trouble in stream.troubles)
    assert reports.exit_status(stream) == 2


def test_a_cell_in_trouble_makes_the_exit_status_2(tmp_path: Path) -> None:
    reports.start(tmp_path, command="nox", seed=1)
    for record in (CELL, result(), CellEnd(cell="iptables", finished="", seconds={}, trouble="interrupted")):
        reports.append(tmp_path, record)
    assert reports.finish(tmp_path).exit_status == 2
    assert any("interrupted" in trouble for trouble in reports.read(tmp_path).troubles)


@pytest.mark.parametrize(("void", "status"), [("the generator lagged", 2), ("", 0)])
def test_a_run_of_nothing_but_void_loads_has_measured_nothing(void: str, status: int, tmp_path: Path) -> None:
    figure = Interval(value=1, low=1, high=1)
    load = Load(
        cell="iptables",
        profile="steady",
        target="clusterip",
        vantage="client-1",
        shape="saturation",
        connection="keep-alive",
        started="",
        seconds=1,
        warmup_seconds=0,
        requests=1,
        throughput=figure,
        latency_seconds={},
        void=void,
    )
    reports.start(tmp_path, command="nox", seed=1)
    for record in (CELL, load, END):
        reports.append(tmp_path, record)
    assert reports.finish(tmp_path).exit_status == status


def test_the_first_cell_writes_the_header_and_later_ones_get_it_back(tmp_path: Path) -> None:
    first = reports.start(tmp_path / "run", command="nox -s conformance")
    assert reports.start(tmp_path / "run", command="something else", seed=7) == first
    assert first.run == "run"
    assert first.machine.cores >= 1
    assert first.machine.memory_bytes > 2**20
    records = (tmp_path / "run" / NAME).read_bytes().splitlines()
    assert [msgspec.json.decode(line, type=Header) for line in records] == [first]


def test_closing_twice_changes_nothing_and_a_run_that_went_on_is_closed_anew(tmp_path: Path) -> None:
    run = whole(tmp_path / "run")
    first = reports.finish(run)
    assert first == reports.finish(run)
    assert sum(1 for line in (run / NAME).read_bytes().splitlines() if b'"footer"' in line) == 1
    write_cell(run, "nftables", bad=False)
    assert reports.read(run).footer is None
    again = reports.finish(run)
    assert again.exit_status == 0
    assert again.verdicts["passed"] > first.verdicts["passed"]
    assert reports.read(run).troubles == ()


def test_a_footer_cannot_call_a_damaged_stream_whole(tmp_path: Path) -> None:
    run = whole(tmp_path / "run")
    with (run / NAME).open("ab") as stream:
        stream.write(b"{cut")
    assert reports.finish(run).exit_status == 2
    assert isinstance(reports.read(run).footer, Footer)


def test_moments_are_told_in_utc_with_milliseconds() -> None:
    assert reports.timestamp(0.25) == "1970-01-01T00:00:00.250Z"
    assert reports.timestamp().endswith("Z")
