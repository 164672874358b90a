"""Programs of the system: there, installed, or named in one command."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from clusters.errors import MachineError, UsageError
from clusters.progress import LineProgress, SilentProgress
from clusters.system_packages import ensure, missing, packages_of_programs

NEEDED = {"lamp": "lamps", "shade": "lamps", "fan": "fans"}


class Machine:
    """Which programs it has, and an apt that installs, or does not."""

    def __init__(self, *programs: str, failures: int = 0, empty: bool = False) -> None:
        self.programs = set(programs)
        self.failures = failures
        self.empty = empty
        self.runs: list[Sequence[str]] = []

    def search(self, program: str) -> str:
        return f"/bin/{program}" if program in self.programs else ""

    def run(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        self.runs.append(words)
        if words[1] == "install" and self.failures:
            self.failures -= 1
            return subprocess.CompletedProcess(words, 100, "", "W: old lists\nE: Unable to locate package lamps\n")
        if words[1] == "install" and not self.empty:
            self.programs |= {program for program, package in NEEDED.items() if package in words}
        return subprocess.CompletedProcess(words, 0, "", "")


def run(machine: Machine, *, root: bool = True) -> str:
    log = io.StringIO()
    ensure(LineProgress(log), NEEDED, search=machine.search, run=machine.run, is_root=root)
    return log.getvalue()


def test_nothing_is_run_where_everything_is_there() -> None:
    machine = Machine("lamp", "shade", "fan")
    assert run(machine) == ""
    assert machine.runs == []


def test_what_is_missing_is_installed_and_one_line_says_so() -> None:
    machine = Machine("apt-get", "fan")
    assert run(machine).splitlines()[0].endswith("installing with apt: lamps (for lamp, shade)")
    assert [words[1] for words in machine.runs] == ["install"]


def test_the_lists_are_updated_only_when_the_first_try_fails() -> None:
    machine = Machine("apt-get", failures=1)
    run(machine)
    assert [words[1] for words in machine.runs] == ["install", "update", "install"]


@pytest.mark.parametrize("programs", [(), ("apt-get",)], ids=["no apt", "no root"])
def test_without_root_or_apt_one_command_is_named(programs: tuple[str, ...]) -> None:
    with pytest.raises(
        MachineError, match=r"Missing on this machine: fan, lamp, shade\. Run: .*apt-get install .* fans lamps$"
    ):
        run(Machine(*programs), root=not programs)


def test_what_apt_says_is_told() -> None:
    with pytest.raises(MachineError, match=r"apt could not install fans lamps: .*E: Unable to locate package lamps"):
        run(Machine("apt-get", failures=2))


def test_a_package_without_its_program_is_told() -> None:
    with pytest.raises(MachineError, match="apt installed fans lamps, yet there is no fan, lamp, shade"):
        run(Machine("apt-get", empty=True))


def test_the_programs_of_a_cluster_are_listed_with_their_packages() -> None:
    assert packages_of_programs()["dig"] == "bind9-dnsutils"
    assert packages_of_programs("tests")["nc.openbsd"] == "netcat-openbsd"


def test_an_unknown_purpose_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"cluster, .*tests"):
        packages_of_programs("lunch")
    ensure(SilentProgress(), {})


def test_a_file_that_is_no_program_is_found_by_its_path(tmp_path: Path) -> None:
    there = tmp_path / "protocols"
    there.touch(mode=0o644)
    needed = {str(there): "netbase", str(tmp_path / "services"): "netbase"}
    assert missing(needed) == {str(tmp_path / "services"): "netbase"}
    assert packages_of_programs()["/etc/protocols"] == "netbase"
