"""The workflows of .github/ say what Roadtest understands; what GitHub itself understands, actionlint checks."""

from __future__ import annotations

import ast
import itertools
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import reports
from clusters.controllers import describe, folders
from clusters.provider import MODES
from conformance import options
from conformance.__main__ import report, report_parser
from reports.__main__ import parser
from reports.model import Verdict
from tests.test_reports_comparison import cells_of

ROOT = Path(__file__).parent.parent
WORKFLOWS = {path.name: yaml.safe_load(path.read_text()) for path in sorted(ROOT.glob(".github/workflows/*.yml"))}
SCRIPT = ROOT / ".github/scripts/compare-with-last-run.sh"
PLACEHOLDER = {"$LOAD": "none", "$MODE": "nftables", "${selection[@]}": "-k"}
"""What stands for a value, where a word of the command must be one of several."""


def scripts() -> list[str]:
    steps = [
        step.get("run", "")
        for workflow in WORKFLOWS.values()
        for job in workflow["jobs"].values()
        for step in job.get("steps", [])
    ]
    return [*steps, SCRIPT.read_text()]


def commands() -> list[list[str]]:
    """The words after each ./noxw, as the shell would hand them on."""
    found = []
    for script in scripts():
        text = re.sub(r"\$\{\{[^}]*?'(\w+)'[^}]*?\}\}", r"\1", script.replace("\\\n", " "))
        for line in re.findall(r"\./noxw (.*)", text):
            words = itertools.takewhile(lambda word: word not in {">", "||"}, shlex.split(line))
            found.append([PLACEHOLDER.get(word, word.replace("$MODE", "nftables")) for word in words])
    return found


def sessions() -> set[str]:
    names = set()
    for function in ast.parse((ROOT / "noxfile.py").read_text()).body:
        if isinstance(function, ast.FunctionDef) and "nox.session" in ast.unparse(function.decorator_list[0:1]):
            renamed = re.search(r"name='(.*?)'", ast.unparse(function.decorator_list[0]))
            names.add(renamed.group(1) if renamed else function.name)
    return names


def test_every_command_names_a_session_and_options_that_are_there() -> None:
    verbs = []
    for words in commands():
        verb = words[words.index("-s") + 1].partition("(")[0]
        given = words[words.index("--") + 1 :] if "--" in words else []
        verbs.append(verb)
        assert verb in sessions()
        if verb == "conformance":
            filled = [word.replace("$FAMILIES", "ipv4,ipv6") for word in given]
            assert options.parse("cell", ["--run", "runs/x", *filled]).pytest == ["-k"]
        elif verb == "report":
            report_parser().parse_args(given)
        elif verb == "compare":
            parser().parse_args(["compare", *given])
        else:
            assert given == []
    assert {"conformance", "report", "compare", "tests", "lint", "workflows"} == set(verbs)


def test_the_night_has_every_mode_and_every_controller() -> None:
    asked = WORKFLOWS["nightly.yml"]["jobs"]["night"]["with"]
    assert set(json.loads(asked["modes"])) == set(MODES)
    ours = {name for name in folders.within(folders.OWN) if describe(name).verified and not describe(name).on_request}
    assert set(json.loads(asked["controllers"])) == {"none", *ours}


def test_the_workflow_that_the_guide_shows_asks_for_what_there_is() -> None:
    guide = (ROOT / "docs/add-a-controller.md").read_text()
    (shown,) = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    job = yaml.safe_load(shown)["jobs"]["conformance"]
    assert "/.github/workflows/conformance.yml@" in job["uses"]
    called = WORKFLOWS["conformance.yml"][True]["workflow_call"]  # YAML 1.1 reads `on` as true
    assert job["with"].keys() <= called["inputs"].keys()
    assert all(given["description"] and given["type"] for given in called["inputs"].values())


def test_no_value_of_a_caller_is_pasted_into_a_script() -> None:
    """It would be run as code: it comes as a variable of the environment."""
    for script in scripts():
        for pasted in re.findall(r"\$\{\{(.*?)\}\}", script):
            assert re.fullmatch(r" inputs\.fail-on == 'failures' && '\w+' \|\| '\w+' ", pasted), pasted


def test_every_job_has_a_limit_and_asks_for_no_more_than_it_needs() -> None:
    for name, workflow in WORKFLOWS.items():
        assert workflow["permissions"]["contents"] == "read"
        for job in workflow["jobs"].values():
            assert "timeout-minutes" in job or "uses" in job, name
            assert set(job.get("permissions", {}).values()) <= {"read"}


@pytest.mark.parametrize(
    ("verdict", "fail_on", "status"),
    [
        (Verdict.PASSED, "failures", 0),
        (Verdict.FAILED, "failures", 1),
        (Verdict.FAILED, "errors", 0),
        (Verdict.ERROR, "errors", 2),
    ],
)
def test_what_turns_a_cell_red(tmp_path: Path, verdict: Verdict, fail_on: str, status: int) -> None:
    (run,) = cells_of(tmp_path / "runs", "nftables-traefik", verdict=verdict).iterdir()
    assert report([str(run), "--fail-on", fail_on]) == status


GH = """\
import json, os, shutil, sys
words = sys.argv[1:]
if os.environ.get("GH_BROKEN"):
    sys.exit("gh: HTTP 403")
elif words[0] == "api" and "/artifacts?name=" in words[1]:
    print(1 if words[1].split("/runs/")[1].split("/")[0] == os.environ["WHOLE"] else 0)
elif words[0] == "api":
    print(77)
elif words[1] == "list":
    print("7\\n6\\n5")
else:
    assert words[:3] == ["run", "download", os.environ["WHOLE"]], words
    shutil.copytree(os.environ["LAST"], words[words.index("--dir") + 1])
"""


class Job:
    """A job of GitHub's, with a miniature of gh."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = cells_of(folder / "now", "iptables-traefik", "nftables-traefik")
        self.program("gh", GH)
        self.program(
            "noxw", "import sys; from reports.__main__ import main; sys.exit(main(['compare', *sys.argv[4:]]))"
        )

    def program(self, name: str, code: str) -> None:
        path = self.folder / name
        path.write_text(f"#!{sys.executable}\n{code}\n")
        path.chmod(0o755)

    def run(self, **more: str) -> tuple[int, str]:
        summary = self.folder / "summary.md"
        github: dict[str, Any] = {
            "GITHUB_REPOSITORY": "a/b", "GITHUB_RUN_ID": "8", "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_STEP_SUMMARY": str(summary), "BRANCH": "main", "WHOLE": "0", "LAST": "",
            "PATH": f"{self.folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        done = subprocess.run(
            [SCRIPT, "nightly-verdicts", str(self.now)],
            cwd=self.folder, capture_output=True, text=True, check=False, timeout=60,
            env={**os.environ, **github, **more},
        )  # fmt: skip
        return done.returncode, summary.read_text() if summary.exists() else done.stderr


def test_the_first_night_says_that_there_is_none_before_it(tmp_path: Path) -> None:
    status, told = Job(tmp_path).run()
    assert status == 0
    assert "No earlier run of this workflow on main left verdicts" in told


def test_a_night_like_the_last_whole_one_is_green(tmp_path: Path) -> None:
    last = cells_of(tmp_path / "last", "iptables-traefik", "nftables-traefik")
    status, told = Job(tmp_path).run(WHOLE="6", LAST=str(last))
    assert status == 0
    assert "https://github.com/a/b/actions/runs/6" in told
    assert "2 checks with the same verdict; 0 differences" in told


def test_a_regression_turns_the_night_red_and_is_in_the_summary(tmp_path: Path) -> None:
    job = Job(tmp_path)
    (run,) = job.now.glob("*nftables*")
    for path in run.iterdir():
        path.unlink()
    cells_of(tmp_path / "lost", "nftables-traefik", verdict=Verdict.FAILED)
    (tmp_path / "lost/run-nftables-traefik-0" / "results.jsonl").rename(run / "results.jsonl")
    last = cells_of(tmp_path / "last", "iptables-traefik", "nftables-traefik")
    status, told = job.run(WHOLE="7", LAST=str(last))
    assert status == 1
    assert "1 regression" in told


def test_a_night_that_cannot_ask_github_is_red(tmp_path: Path) -> None:
    assert Job(tmp_path).run(GH_BROKEN="1")[0] != 0


def test_a_night_that_is_not_whole_is_red(tmp_path: Path) -> None:
    last = cells_of(tmp_path / "last", "iptables-traefik", "nftables-traefik")
    job = Job(tmp_path)
    reports.start(job.now / "broken", command="nox", seed=1)
    assert job.run(WHOLE="7", LAST=str(last))[0] == 2
