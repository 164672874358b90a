"""A cell whose mode this machine lacks: where it runs, what it is told, and what is said where it cannot run."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

import reports
from clusters.errors import MachineError
from clusters.progress import LineProgress
from conformance import cell, in_guest
from conformance.options import Options, parse

LACKING = "This machine lacks IP_VS. Load the module ip_vs."


def asked(tmp_path: Path, *words: str, verb: str = "cell") -> Options:
    return parse(verb, [*arguments(tmp_path), *words])


def arguments(tmp_path: Path) -> list[str]:
    return ["--run", str(tmp_path / "run"), "--mode", "ipvs", "--controller", "traefik"]


@pytest.fixture(autouse=True)
def _no_ip_vs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr("clusters.lifecycle.lacks_mode", lambda spec: LACKING if spec.mode == "ipvs" else "")
    monkeypatch.setattr("clusters.lifecycle.check", lambda spec: (None, ""))
    monkeypatch.setattr("clusters.guest.hindrance", lambda: "")


def test_asked_for_by_name_it_runs_in_a_guest(tmp_path: Path) -> None:
    cell.check(asked(tmp_path))
    assert cell.for_guest(asked(tmp_path)) == LACKING
    assert not cell.for_guest(parse("cell", ["--run", "x", "--mode", "nftables", "--controller", "traefik"]))


def test_among_others_it_is_left_out_with_how_to_ask_for_it(tmp_path: Path) -> None:
    among = asked(tmp_path, "--among-others")
    cell.check(among)
    assert not cell.for_guest(among)
    why = cell.left_out(among)
    assert why.startswith(LACKING)
    assert "./noxw -s \"conformance(mode='ipvs', controller='traefik')\"" in why


@pytest.mark.parametrize(
    ("words", "verb", "told"),
    [
        (["--provider", "kind"], "cell", "The provider kind does not run in a User Mode Linux guest"),
        (["--keep"], "cell", "leave --keep out"),
        ([], "load", "its times say nothing"),
    ],
)
def test_what_a_guest_cannot_do_is_refused_in_a_sentence(
    tmp_path: Path, words: list[str], verb: str, told: str
) -> None:
    with pytest.raises(MachineError) as refusal:
        cell.check(asked(tmp_path, *words, verb=verb))
    assert str(refusal.value).startswith(LACKING)
    assert told in str(refusal.value)


def test_a_mode_that_a_guest_lacks_too_is_not_run_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clusters.lifecycle.lacks_mode", lambda spec: LACKING)
    with pytest.raises(MachineError, match="has no mode nftables either"):
        cell.check(asked(tmp_path, "--mode", "nftables"))


def test_where_there_is_no_guest_the_reason_is_told_to_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clusters.guest.hindrance", lambda: "A guest needs a yak.")
    with pytest.raises(MachineError, match=r"Load the module ip_vs\. A guest needs a yak\."):
        cell.check(asked(tmp_path))
    cell.check(asked(tmp_path, "--among-others"))
    assert cell.left_out(asked(tmp_path, "--among-others")) == f"{LACKING} A guest needs a yak."


def test_the_guest_runs_the_cell_and_no_load(tmp_path: Path) -> None:
    words = in_guest.command(asked(tmp_path), arguments(tmp_path))
    options = parse("cell", words[4:])
    assert options.load == "none"
    assert options.patience > 1
    assert options.provider == "embedded"
    assert {"--timeout-scale", "--skip-slow"} < set(options.pytest)
    assert [word for word in options.pytest if word.startswith("suites")] == []


def test_what_the_user_says_wins_in_the_guest_too(tmp_path: Path) -> None:
    said = ["suites/dns", "--workers", "1", "--patience", "3", "--timeout-scale", "2", "-k", "srv", "--load", "short"]
    words = in_guest.command(asked(tmp_path, *said), [*arguments(tmp_path), *said])
    options = parse("cell", words[4:])
    assert (options.workers, options.patience, options.load) == ("1", 3.0, "none")
    assert [word for word in options.pytest if word.startswith("suites")] == ["suites/dns"]
    scales = [after for word, after in zip(options.pytest, options.pytest[1:], strict=False) if "scale" in word]
    assert scales[-1] == "2"


@pytest.mark.parametrize(
    ("trouble", "status"),
    [(KeyboardInterrupt(), 130), (MachineError("The guest ended early."), 2)],
    ids=["^C", "panic"],
)
def test_a_guest_that_ends_early_closes_its_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: BaseException, status: int
) -> None:
    def ended(*_: object) -> int:
        raise trouble

    monkeypatch.setattr(in_guest, "prepare", lambda *_: None)
    monkeypatch.setattr("clusters.guest.run", ended)
    options = asked(tmp_path)
    reports.start(options.run, command="./noxw", seed=1)
    said = io.StringIO()
    assert in_guest.run(options, arguments(tmp_path), LineProgress(said)) == status
    stream = reports.read(options.run)
    assert [end.cell for end in stream.ends] == ["ipvs-traefik"]
    assert stream.ends[0].trouble
    assert "ipvs-traefik runs in a User Mode Linux guest" in said.getvalue()
    assert in_guest.NO_LOAD in said.getvalue()
