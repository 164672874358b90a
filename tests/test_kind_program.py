"""kind as it is run: what it says is told and kept, and its failures come in its own words."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from clusters.errors import ClusterError
from clusters.kind.program import Program

pytestmark = pytest.mark.skipif(not shutil.which("setpriv"), reason="needs setpriv of util-linux")


class Told:
    """A task's notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def kind(folder: Path, script: str) -> tuple[Program, Told]:
    path, told = folder / "kind", Told()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    task: Any = told
    return Program(path, {**os.environ, "NETWORK": "of-its-own"}, folder / "logs/kind.log", task), told


def test_what_it_says_is_told_and_kept(tmp_path: Path) -> None:
    program, told = kind(tmp_path, 'echo " ✓ Preparing nodes"; echo; echo " • $1 $NETWORK" >&2')
    program.run("create", doing="create the cluster", seconds=10)
    assert told.notes == ["kind: Preparing nodes", "kind: create of-its-own"]
    program.run("load", doing="load images", seconds=10)
    assert (tmp_path / "logs/kind.log").read_text().count("Preparing nodes") == 2


def test_a_failure_is_told_in_its_own_words_and_not_in_those_of_an_earlier_step(tmp_path: Path) -> None:
    script = 'test "$1" = create && { echo "ERROR: of before"; exit 0; }; echo "ERROR: no such image"; exit 1'
    program, _ = kind(tmp_path, script)
    program.run("create", doing="create the cluster", seconds=10)
    with pytest.raises(ClusterError, match=r"kind could not load the images: ERROR: no such image"):
        program.run("load", doing="load the images", seconds=10)


@pytest.mark.parametrize("script", ["exit 3", "kill -9 $$"], ids=["ends", "is killed by somebody else"])
def test_one_that_says_nothing_is_told_so_and_not_called_slow(tmp_path: Path, script: str) -> None:
    program, _ = kind(tmp_path, script)
    with pytest.raises(ClusterError, match=r"kind could not create the cluster: it said nothing"):
        program.run("create", doing="create the cluster", seconds=10)


def test_one_that_does_not_end_is_ended(tmp_path: Path) -> None:
    program, _ = kind(tmp_path, "exec sleep 60")
    with pytest.raises(ClusterError, match=r"kind did not end within 0 s\. On a slow machine.*--patience 3"):
        program.run("create", doing="create the cluster", seconds=0.3)
