"""A cell that cannot be had: each check of its mode is on record as unsupported with the reason, and nothing is run."""

from __future__ import annotations

from pathlib import Path

import pytest

import reports
from conformance import cell
from conformance.options import Options, parse
from fixtures.catalogue import catalogue
from reports.model import Verdict

LACKING = "This machine lacks IP_VS. Load the module ip_vs."


def among_others(tmp_path: Path, *words: str, verb: str = "cell") -> Options:
    where = ["--run", str(tmp_path / "run"), "--mode", "ipvs", "--controller", "none", "--among-others"]
    options = parse(verb, [*where, *words])
    reports.start(options.run, command="./noxw", seed=1)
    return options


@pytest.fixture(autouse=True)
def _no_ip_vs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clusters.lifecycle.lacks_mode", lambda _: LACKING)


def test_every_check_of_the_mode_is_unsupported_and_none_of_a_controller(tmp_path: Path) -> None:
    options = among_others(tmp_path, "suites/proxy", "suites/ingress")
    assert cell.run(options, None) == 0  # type: ignore[arg-type]
    stream = reports.read(options.run)
    assert {result.verdict for result in stream.results} == {Verdict.UNSUPPORTED}
    assert all(result.reason.startswith(LACKING) for result in stream.results)
    found = {result.feature for result in stream.results}
    assert found == {name for name, feature in catalogue().items() if feature.api == "proxy"}
    assert [(end.cell, end.trouble) for end in stream.ends] == [("ipvs", "")]


def test_what_the_user_does_not_select_is_not_on_record(tmp_path: Path) -> None:
    options = among_others(tmp_path, "--feature", "proxy.rules")
    assert cell.run(options, None) == 0  # type: ignore[arg-type]
    assert {result.feature for result in reports.read(options.run).results} == {"proxy.rules"}


def test_a_run_of_load_alone_has_no_checks_to_leave_out(tmp_path: Path) -> None:
    options = among_others(tmp_path, verb="load")
    assert cell.run(options, None) == 0  # type: ignore[arg-type]
    assert not reports.read(options.run).cells
