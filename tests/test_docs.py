"""What the guides tell a reader to type or to open is there."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from clusters.controllers import described
from clusters.provider import MODES
from tests.test_workflows import sessions

ROOT = Path(__file__).parent.parent
GUIDES = [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md")), ROOT / "fixtures/API.md"]
OF_A_READER = {"mine", "<name>"}
"""Controllers that a guide has the reader make."""
EXAMPLES = {"suites/services/test_mine.py"}
"""Files that a guide has the reader make."""
WITH_OPTIONS = ("bench", "clusters", "conformance", "fixtures", "loadprofiles", "propagation", "reports")
PYTESTS = {"--collect-only"}
FENCED = re.compile(r"^```[a-z]*\n(.*?)^```", re.M | re.S)
QUOTED = re.compile(r"`([^`]+)`")

guides = pytest.mark.parametrize("guide", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))


def commands(text: str) -> list[list[str]]:
    """The words after each ./noxw, as a shell would hand them on."""
    text = text.replace("\\\n", " ")
    rest = FENCED.sub("", text)
    lines = [line for block in FENCED.findall(text) for line in block.splitlines()]
    lines += [line for line in rest.splitlines() if line.startswith("    ")]
    lines += [" ".join(span.split()) for span in QUOTED.findall(rest)]
    found = [shlex.split(typed, comments=True) for line in lines for typed in re.findall(r"\./noxw ([^`]*)", line)]
    return [words for words in found if words != ["…"]]


def options() -> set[str]:
    """Every option that a parser of ours has."""
    texts = [path.read_text(encoding="utf-8") for folder in WITH_OPTIONS for path in (ROOT / folder).rglob("*.py")]
    return {word for text in texts for word in re.findall(r'"(--[a-z][a-z-]+)"', text)}


def headings(text: str) -> set[str]:
    """What GitHub calls the headings of a page."""
    found = re.findall(r"^#+ (.*)$", FENCED.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_a_command_is_found_wherever_it_stands() -> None:
    fenced = "```\n$ A=b ./noxw -s load -- --profile 'a b' \\\n    --short   # less\nls\n```\n"
    text = f"Type `./noxw -s\ntests`:\n\n{fenced}\n    ./noxw -l\n"
    assert commands(text) == [["-s", "load", "--", "--profile", "a b", "--short"], ["-l"], ["-s", "tests"]]


@guides
def test_every_command_names_what_there_is(guide: Path) -> None:
    for words in commands(guide.read_text(encoding="utf-8")):
        split = words.index("--") if "--" in words else len(words)
        for session in [word for word in words[:split] if not word.startswith("-")]:
            name, _, cell = session.partition("(")
            assert name in sessions(), session
            asked = dict(re.findall(r"(mode|controller)='(.*?)'", cell))
            assert asked.get("mode", MODES[0]) in MODES, session
            assert asked.get("controller", "none") in {"none", *described(), *OF_A_READER}, session
        for word in words[split + 1 :]:
            if word.startswith("--"):
                assert word.partition("=")[0] in {*options(), *PYTESTS, "--"}, words
            elif word.startswith(("suites/", "tests/")):
                assert (ROOT / word.partition("::")[0]).exists() or word in EXAMPLES, words


@guides
def test_every_path_and_every_link_leads_somewhere(guide: Path) -> None:
    text = guide.read_text(encoding="utf-8")
    folders = {path.name for path in ROOT.iterdir() if path.is_dir()}
    for word in QUOTED.findall(FENCED.sub("", text)):
        if re.fullmatch(r"[\w./-]+", word) and word.partition("/")[0] in folders and word not in EXAMPLES:
            assert (ROOT / word).exists() or (ROOT / f"{word}.py").exists() or word.startswith("runs"), word
    for target, anchor in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", FENCED.sub("", text)):
        page = guide.parent / target if target else guide
        assert page.is_file(), target
        assert not anchor or anchor in headings(page.read_text(encoding="utf-8")), f"{target}#{anchor}"
