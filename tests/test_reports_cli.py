"""``python -m reports``: statuses that CI can trust, clear errors, and a summary in the terminal."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

import reports
from reports.__main__ import main
from reports.drawing import HTML, JUNIT, SUMMARY, render, summarise
from tests import reports_hostile, reports_miniature


def screen(width: int = 100) -> Console:
    return Console(file=io.StringIO(), width=width, force_terminal=False)


def shown(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def run_of(folder: Path, mode: str, *, bad: bool) -> Path:
    reports.start(folder, command="nox", seed=1)
    reports_miniature.write_cell(folder, mode, bad=bad)
    reports.finish(folder)
    return folder


def test_render_writes_all_reports_and_ends_with_the_status_of_the_run(tmp_path: Path) -> None:
    good = run_of(tmp_path / "good", "nftables", bad=False)
    console = screen()
    assert render([good], console=console) == 0
    assert sorted(path.name for path in good.iterdir() if path.is_file()) == sorted(
        ["results.jsonl", JUNIT, SUMMARY, HTML, "conformance-report-traefik.yaml"]
    )
    assert str(good / HTML) in shown(console)
    bad = run_of(tmp_path / "bad", "nftables", bad=True)
    assert render([good, bad], out=tmp_path / "both", console=screen()) == 2
    assert "nftables · Traefik 3.7.15 (good/nftables-traefik)" in (tmp_path / "both" / SUMMARY).read_text()


def test_the_terminal_tells_the_answer_last_and_what_went_wrong(tmp_path: Path) -> None:
    console = screen()
    assert summarise([run_of(tmp_path / "run", "nftables", bad=True)], console=console) == 2
    told = shown(console)
    assert "✗ failed svc.etp.local" in told
    assert "again    ./noxw -s" in told
    assert "void" in told
    lines = told.splitlines()
    assert lines[-4:] == [
        "34 of 37 features hold on nftables with Traefik 3.7.15; 2 fail, 1 is unproved.",
        "Fails svc.etp.local and can.weight; 1 of 42 checks unsupported, 1 skipped, 1 in error.",
        "1 check is an error of ours, so nothing is proved there: svc.healthcheck-nodeport.",
        "3 of 4 loads may be used; 1 void.",
    ]


def test_foreign_text_is_no_markup_of_the_terminal(tmp_path: Path) -> None:
    run = tmp_path / "run"
    reports.start(run, command="nox", seed=1)
    reports.append(run, reports_miniature.local_failure("[red]cell[/nonsense]", "n1"))
    console = screen()
    assert summarise([run, reports_hostile.write(tmp_path / "hostile")], console=console) == 2
    assert "[red]cell[/nonsense]" in shown(console)
    assert "\x1b" not in shown(console)
    assert "\0" not in shown(console)
    assert "\u202e" not in shown(console)


def test_a_run_goes_from_start_to_report_by_the_command_line(tmp_path: Path) -> None:
    run = tmp_path / "runs" / "one"

    def reports_command(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "reports", *words]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    started = reports_command("start", str(run), "--command", "./noxw -s conformance", "--seed", "7")
    assert (started.returncode, started.stderr) == (0, "")
    reports_miniature.write_cell(run, "iptables")
    assert reports_command("finish", str(run)).returncode == 0
    header = reports.read(run).header
    assert header is not None
    assert (header.command, header.seed) == ("./noxw -s conformance", 7)
    drawn = reports_command("render", str(run))
    assert drawn.returncode == 0, drawn.stderr
    assert (run / HTML).exists()


@pytest.mark.parametrize("verb", ["render", "show"])
def test_a_folder_that_is_no_run_is_a_clear_error(
    verb: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([verb, str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert told == f"error: {tmp_path} holds no results.jsonl. Name the folder of a run, for example one under runs/.\n"


def test_a_folder_that_cannot_take_the_report_is_a_clear_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = run_of(tmp_path / "run", "iptables", bad=False)
    (tmp_path / "file").write_text("")
    assert main(["render", str(run), "--out", str(tmp_path / "file")]) == 2
    assert "error: The report cannot be written to" in capsys.readouterr().err


def test_the_schema_is_printed_as_it_is_committed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert capsys.readouterr().out == Path("reports/schema.json").read_text()


def test_a_record_can_be_written_without_the_libraries_that_draw() -> None:
    code = "import sys, reports; print(sorted({'altair', 'vl_convert', 'jinja2', 'rich'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
