"""Upstream's program, selected and followed without a cluster: what it is asked, what it may do wrong, how it ends."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import msgspec
import pytest

from clusters.errors import ComponentError, MachineError, UsageError
from clusters.provider import Cluster, Place
from conformance.upstream import command, options, running, selection
from conformance.upstream.progress import Ended, Reader
from conformance.upstream.running import Asked, Programs
from conformance.upstream.selection import focus_of
from reports.model import Verdict
from tests.miniatures.cluster import a_cluster
from tests.miniatures.e2e_program import DASHES, LABELS, TESTS, program

SHINE, DIM, HUM = TESTS
ASKED = Asked(focus=".", skip="", processes=2, minutes=1)


def test_the_program_itself_selects(tmp_path: Path) -> None:
    found = selection.select(program(tmp_path), "1.36.3", r"\[Conformance\]", "LinuxOnly")
    assert found.every == list(TESTS)
    assert [test.name for test in found.chosen] == [SHINE]
    assert found.chosen[0].source == ("https://github.com/kubernetes/kubernetes/blob/v1.36.3/test/e2e/toys/lamp.go#L7")


def test_a_pattern_of_one_test_selects_it_alone(tmp_path: Path) -> None:
    (found,) = selection.select(program(tmp_path), "1.36.3", focus_of(DIM), "").chosen
    assert found.name == DIM


def test_a_focus_that_matches_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No test of 3 is selected by --focus 'nowhere'"):
        selection.select(program(tmp_path), "1.36.3", "nowhere", "")


def test_a_focus_that_is_no_pattern_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"regular expressions of Go: error parsing regexp: missing closing \)"):
        selection.select(program(tmp_path), "1.36.3", "(", "")


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("#!/bin/sh\necho 'cannot execute' >&2; exit 126", "ended with status 126 and told no tests: cannot execute"),
        ("#!/bin/sh\nexit 0", "ended with status 0 and told no tests: it said nothing"),
        ("\x7fELF nothing", "does not run"),
    ],
    ids=["fails", "says nothing", "is no program"],
)
def test_a_broken_program_is_told(tmp_path: Path, script: str, told: str) -> None:
    path = tmp_path / "e2e.test"
    path.write_text(script, encoding="utf-8")
    path.chmod(0o755)
    with pytest.raises(ComponentError, match=told):
        selection.select(path, "1.36.3", ".", "")
    with pytest.raises(ComponentError):
        selection.images(path)


def test_the_images_are_those_that_it_lists(tmp_path: Path) -> None:
    assert selection.images(program(tmp_path, ("a/b:1", "c/d:2"))) == ["a/b:1", "c/d:2"]


def test_it_runs_inside_the_network_of_an_outside_client(tmp_path: Path) -> None:
    programs = Programs(e2e=Path("/e2e.test"), ginkgo=Path("/ginkgo"), kubectl=Path("/kubectl"))
    one = inside()
    words = running.command(one, programs, ASKED, tmp_path / "kubeconfig", tmp_path)
    place = words.index(f"--net={one.clients[0].netns}")
    assert words[place - 1] == "nsenter"
    assert place < words.index("/ginkgo") < words.index("/e2e.test") < words.index("--")
    assert f"--kubeconfig={tmp_path}/kubeconfig" in words[words.index("--") :]
    assert "--focus=." in words[: words.index("/e2e.test")]


def test_nothing_runs_in_the_network_of_this_machine() -> None:
    here = a_cluster(clients=[Place(name="client-1", role="client", address="172.30.0.101", here=True)])
    with pytest.raises(MachineError, match="this user cannot enter it"):
        running.place(here)


def inside() -> Cluster:
    netns = "/run/netns/rt-c-client-1"
    return a_cluster(clients=[Place(name="client-1", role="client", address="172.30.0.101", netns=netns)])


def words(folder: Path, script: str) -> list[str]:
    path = folder / "ginkgo.py"
    path.write_text(script, encoding="utf-8")
    return [sys.executable, "-u", str(path)]


ENDS = f"""
print("{DASHES}\\n• [0.5 seconds]\\n{SHINE} {LABELS}", flush=True)
"""


def test_each_end_is_told_when_it_comes_and_everything_is_kept(tmp_path: Path) -> None:
    told: list[Ended] = []
    script = ENDS + "print('Test Suite Failed')\nraise SystemExit(1)"
    run = running.follow(words(tmp_path, script), tmp_path / "e2e.log", Reader(list(TESTS)), ASKED.minutes, told.append)
    assert told == [Ended(SHINE, Verdict.PASSED, 0.5)] == list(run.ended.values())
    assert (run.status, run.trouble, run.last_words) == (1, "", "Test Suite Failed")
    assert SHINE in (tmp_path / "e2e.log").read_text(encoding="utf-8")


def test_a_program_that_hangs_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "GRACE_SECONDS", 0.0)
    hangs = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + ENDS + "time.sleep(60)"
    asked = msgspec.structs.replace(ASKED, minutes=0.02)
    run = running.follow(
        words(tmp_path, hangs), tmp_path / "e2e.log", Reader(list(TESTS)), asked.minutes, lambda _: None
    )
    assert "did not end within 0.02 minutes" in run.trouble
    assert (run.status, list(run.ended)) == (-signal.SIGKILL, [SHINE])


def test_an_interrupted_program_may_write_its_report(tmp_path: Path) -> None:
    script = f"""
import signal, sys, time
def end(*_):
    print("• [INTERRUPTED] [1.0 seconds]\\n{DIM} {LABELS}", flush=True)
    open(r"{tmp_path}/report", "w").write("written")
    sys.exit(1)
signal.signal(signal.SIGINT, end)
{ENDS}
time.sleep(60)
"""

    def tell(ended: Ended) -> None:
        if ended.test == SHINE:
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()

    run = running.follow(words(tmp_path, script), tmp_path / "e2e.log", Reader(list(TESTS)), ASKED.minutes, tell)
    assert run.trouble == "interrupted by the user"
    assert {test: ended.verdict for test, ended in run.ended.items()} == {SHINE: Verdict.PASSED, DIM: Verdict.SKIPPED}
    assert (tmp_path / "report").read_text() == "written"


def test_what_is_asked_has_defaults() -> None:
    asked = options.parse(["--run", "runs/x"])
    assert (asked.suite, asked.focus, asked.modes, asked.cluster) == ("k8s", "", ["iptables", "nftables"], "")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--suite", "istio"], "invalid choice: 'istio'"),
        (["--suite", "gateway-api"], "--controller NAME"),
        (["--modes", "userspace"], "there is no mode 'userspace'"),
        (["--modes", ","], "there is no mode ','"),
        (["--provider", "existing"], "its network not be entered"),
        (["--minutes", "0"], "greater than nothing"),
        (["--cluster", "not-there"], "no cluster called not-there"),
        (["--families", "ipv5"], "does not name IP families"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: list[str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROADTEST_STATE", str(tmp_path / "state"))
    monkeypatch.setattr("clusters.components.resolve", lambda *_: pytest.fail("something was fetched"))
    assert command.main(["--run", str(tmp_path / "run"), *asked]) == os.EX_USAGE
    assert told in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
