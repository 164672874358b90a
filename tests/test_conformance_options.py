"""Ours is ours, and the rest is pytest's."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusters.provider import Cluster
from conformance.cell import suites_command
from conformance.options import parse

CELL = ["--run", "runs/x", "--mode", "nftables", "--controller", "traefik"]
CLUSTER = Cluster(
    name="c",
    provider="embedded",
    provider_reason="asked for",
    mode="nftables",
    kubeconfig=Path("kubeconfig"),
    state=Path("state"),
    nodes=[],
    clients=[],
    servers=[],
    pod_subnet="",
    service_subnet="",
    load_balancer_pool="",
    dns_address="",
)


def test_a_cell_is_named_by_its_mode_and_controller() -> None:
    assert parse("cell", CELL).cell == "nftables-traefik"


def test_selection_goes_to_pytest_as_typed() -> None:
    options = parse("cell", [*CELL, "--load", "none", "-k", "etp", "-m", "smoke"])
    assert options.pytest == ["-k", "etp", "-m", "smoke"]
    assert options.load == "none"


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        pytest.param([], "suites", id="everything"),
        pytest.param(["suites/dns"], "suites/dns", id="a folder"),
        pytest.param(["-k", "etp"], "suites", id="an expression is no path"),
    ],
)
def test_paths_narrow_what_runs(asked: list[str], expected: str) -> None:
    command = suites_command(parse("cell", [*CELL, *asked]), CLUSTER)
    assert [word for word in command if word.startswith("suites")] == [expected]


def test_an_unknown_mode_is_refused_with_the_right_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refusal:
        parse("cell", ["--run", "runs/x", "--mode", "userspace"])
    assert refusal.value.code == 2
    assert "iptables" in capsys.readouterr().err


def test_load_takes_no_selection(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse("load", [*CELL, "-k", "etp"])
    assert "knows no option -k" in capsys.readouterr().err
