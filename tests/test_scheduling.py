"""What runs alone comes when nothing else is left, whichever worker crashes meanwhile, and each check runs once."""

from __future__ import annotations

import pytest

from reports.model import Verdict
from tests.test_plugin import HEAD, _importable, run_cases

pytest_plugins = ["pytester"]
__all__ = ["_importable"]
"""For every test here too."""

CASES = """
import os, pathlib, time
import pytest

def told(name):
    with open("order.txt", "a") as file:
        file.write(f"{name} {os.getpid()}\\n")

@pytest.mark.disturbs
@pytest.mark.parametrize("number", range(4))
@reach
def test_alone(number):
    told("alone")

@pytest.mark.parametrize("number", range(30))
@reach
def test_together(number):
    told("together")
    time.sleep(0.05)
    if CRASH and number == 20:
        os._exit(1)

@pytest.mark.slow
@pytest.mark.disturbs
@reach
def test_long_alone():
    told("alone-and-long")

@pytest.mark.slow
@reach
def test_long():
    told("long")
    time.sleep(0.3)
"""


@pytest.mark.parametrize("workers", ["1", "3"])
@pytest.mark.parametrize("crash", [False, True], ids=["as usual", "a crash"])
def test_what_runs_alone_comes_when_the_rest_is_done(pytester: pytest.Pytester, workers: str, crash: bool) -> None:
    options = ["-n", workers, "--dist", "worksteal"]
    _, results = run_cases(pytester, *options, cases=f"{HEAD}\nCRASH = {crash}\n{CASES}")
    ran = [line.split() for line in (pytester.path / "order.txt").read_text().splitlines()]
    order = [name for name, _ in ran]
    assert sorted(order) == ["alone"] * 4 + ["alone-and-long", "long"] + ["together"] * 30
    assert sorted(order[-5:]) == ["alone"] * 4 + ["alone-and-long"]
    assert crash or order[-1] == "alone-and-long", "alone, they keep their order"
    assert order.index("long") < 10, "what takes long is among the first, however slowly its worker starts"
    # A worker in the place of one that crashed may come when nothing is left, or take over half of that.
    assert len({process for name, process in ran if name == "alone"}) <= 1 + crash
    verdicts = [result.verdict for result in results.values()]
    assert verdicts.count(Verdict.PASSED) == 36 - crash
    assert not list((pytester.path / "runs" / "r").glob(".alone-*"))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_where_all_run_alone_all_run(pytester: pytest.Pytester, count: int) -> None:
    cases = f"{HEAD}{CASES.replace('range(4)', f'range({count})')}"
    options = ["-n", "2", "--dist", "worksteal", "-k", "test_alone"]
    _, results = run_cases(pytester, *options, cases=f"CRASH = False\n{cases}")
    assert [result.verdict for result in results.values()] == [Verdict.PASSED] * count
