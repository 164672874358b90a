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


def late(order: list[str]) -> int:
    """How many came after the first that runs alone: at most one of each other worker's, which had it already."""
    first = next(number for number, name in enumerate(order) if "alone" in name)
    return sum("alone" not in name for name in order[first:])


@pytest.mark.parametrize("workers", ["1", "3"])
@pytest.mark.parametrize("crash", [False, True], ids=["as usual", "a crash"])
def test_what_runs_alone_comes_when_the_rest_is_done(pytester: pytest.Pytester, workers: str, crash: bool) -> None:
    options = ["-n", workers, "--dist", "worksteal"]
    _, results = run_cases(pytester, *options, cases=f"{HEAD}\nCRASH = {crash}\n{CASES}")
    ran = [line.split() for line in (pytester.path / "order.txt").read_text().splitlines()]
    order = [name for name, _ in ran]
    assert sorted(order) == ["alone"] * 4 + ["alone-and-long", "long"] + ["together"] * 30
    assert late(order) < int(workers)
    alone = [name for name in order if "alone" in name]
    assert crash or alone[-1] == "alone-and-long", "alone, they keep their order"
    assert order.index("long") < 10, "what takes long is among the first, however slowly its worker starts"
    # A worker in the place of one that crashed may come when nothing is left, or take over half of that.
    assert len({process for name, process in ran if name == "alone"}) <= 1 + crash
    verdicts = [result.verdict for result in results.values()]
    assert verdicts.count(Verdict.PASSED) == 36 - crash
    assert not list((pytester.path / "runs" / "r").glob(".alone-*"))


@pytest.mark.parametrize(("together", "alone"), [(1, 1), (1, 3), (2, 3), (3, 2), (4, 1), (5, 5)])
def test_a_few_checks_for_more_workers_all_run(pytester: pytest.Pytester, together: int, alone: int) -> None:
    cases = CASES.replace("range(4)", f"range({alone})").replace("range(30)", f"range({together})")
    options = ["-n", "3", "--dist", "worksteal", "-k", "test_alone or test_together"]
    _, results = run_cases(pytester, *options, cases=f"{HEAD}\nCRASH = False\n{cases}")
    assert [result.verdict for result in results.values()] == [Verdict.PASSED] * (together + alone)
    ran = [line.split()[0] for line in (pytester.path / "order.txt").read_text().splitlines()]
    assert late(ran) < 3


@pytest.mark.parametrize("count", [1, 2, 5])
def test_where_all_run_alone_all_run(pytester: pytest.Pytester, count: int) -> None:
    cases = f"{HEAD}{CASES.replace('range(4)', f'range({count})')}"
    options = ["-n", "2", "--dist", "worksteal", "-k", "test_alone"]
    _, results = run_cases(pytester, *options, cases=f"CRASH = False\n{cases}")
    assert [result.verdict for result in results.values()] == [Verdict.PASSED] * count
