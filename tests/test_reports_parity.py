"""The table of parity, from a stream alone."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console

import reports
from reports import Cell, CellEnd, Result, Verdict
from reports.drawing import render
from reports.model import Recipe
from reports.views.merged import merge
from reports.views.parity import as_data, parity

RECIPE = "# https://example.com/docs\nkind: Ingress\nmetadata: {name: a<b}\n"


def result(cell: str, behaviour: str, way: str, verdict: Verdict, **told: object) -> Result:
    """One check of a behaviour; its recipe is told where it is not unsupported."""
    text = "" if verdict is Verdict.UNSUPPORTED else RECIPE
    like = told.pop("like", None)
    made = Recipe(
        behaviour=behaviour, controller="traefik", way=way, title=f"way {way}", text=text,
        like_ingress_nginx=like if isinstance(like, bool) else None,
    )  # fmt: skip
    values = {
        "cell": cell, "feature": f"ann.{behaviour}", "test": f"test_{behaviour}[{way}]", "title": behaviour,
        "verdict": verdict, "requirement": "It holds.", "source": "https://example.com/", "started": "", "seconds": 1.0,
        "recipe": made, **told,
    }  # fmt: skip
    return Result(**values)  # type: ignore[arg-type]


def written(run: Path, *results: Result) -> Path:
    reports.start(run, command="test", seed=1)
    for cell in dict.fromkeys(one.cell for one in results):
        reports.append(run, Cell(
            cell=cell, started="", provider="embedded", provider_reason="", mode=cell.partition("-")[0],
            controller="traefik", nodes=2,
        ))  # fmt: skip
    for one in results:
        reports.append(run, one)
    for cell in dict.fromkeys(one.cell for one in results):
        reports.append(run, CellEnd(cell=cell, finished="", seconds={}))
    reports.finish(run)
    return run


def test_each_way_is_a_column_and_modes_are_one(tmp_path: Path) -> None:
    run = written(
        tmp_path / "run",
        result("nftables-traefik", "cors", "a", Verdict.PASSED, notes={"admitted": "31 of 60"}),
        result("iptables-traefik", "cors", "a", Verdict.FAILED, reason="It did not."),
        result("nftables-traefik", "cors", "b", Verdict.UNSUPPORTED, reason="Nobody said so (declared at https://x/)"),
        result("nftables-traefik", "whitelist", "a", Verdict.PASSED),
    )
    table = parity(merge([reports.read(run)]))
    assert [column.way for column in table.columns] == ["a", "b"]
    answers = {row.behaviour: [square.answer for square in row.squares] for row in table.rows}
    assert answers == {"cors": ["no", "unsupported"], "whitelist": ["yes", ""]}
    assert [(row.behaviour, square.recipe) for row, square in table.recipes] == [("whitelist", RECIPE)]


def test_a_quirk_is_told_as_what_it_is_whatever_it_ought_to_be(tmp_path: Path) -> None:
    run = written(
        tmp_path / "run",
        result("nftables-traefik", "slash", "a", Verdict.PASSED, like=False),
        result("nftables-traefik", "slash", "b", Verdict.FAILED, like=True),
        result("nftables-traefik", "slash", "c", Verdict.ERROR),
    )
    ((row,),) = [parity(merge([reports.read(run)])).rows]
    assert [square.answer for square in row.squares] == ["otherwise", "as ingress-nginx", "not judged"]


def test_what_nobody_has_looked_up_is_not_asked_yet(tmp_path: Path) -> None:
    run = written(
        tmp_path / "run",
        result("nftables-traefik", "cors", "a", Verdict.SKIPPED, recipe=Recipe(
            behaviour="cors", controller="traefik", way="a", title="Ingress",
        )),
        result("nftables-traefik", "cors", "b", Verdict.SKIPPED),
    )  # fmt: skip
    (row,) = parity(merge([reports.read(run)])).rows
    assert [square.answer for square in row.squares] == ["not asked yet", "not verified"]


def test_the_page_the_summary_and_the_data_have_it(tmp_path: Path) -> None:
    run = written(
        tmp_path / "run",
        result("nftables-traefik", "cors", "a", Verdict.PASSED, notes={"admitted": "31 of 60"}),
    )
    assert render([run], console=Console(quiet=True)) == 0
    page = (run / "report.html").read_text()
    assert 'id="parity"' in page
    assert "metadata: {name: a&lt;b}" in page
    assert "| `cors` | ✅ yes |" in (run / "summary.md").read_text()
    (told,) = json.loads((run / "parity.json").read_text())
    assert (told["behaviour"], told["answer"], told["recipe"]) == ("cors", "yes", RECIPE)
    assert told["measured"] == {"admitted": "31 of 60"}
    assert as_data(parity(merge([reports.read(run)]))) == [told]


def test_without_recipes_there_is_no_table(tmp_path: Path) -> None:
    run = written(tmp_path / "run", result("nftables-traefik", "cors", "a", Verdict.PASSED, recipe=None))
    render([run], console=Console(quiet=True))
    assert 'id="parity"' not in (run / "report.html").read_text()
    assert not (run / "parity.json").exists()
