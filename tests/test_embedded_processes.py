"""Processes of a cluster: the dead are told with their last words, all of ours are killed, nobody else's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from clusters.embedded import names, remains, removal
from clusters.embedded.journal import Journal
from clusters.embedded.processes import Process, check_alive, children, last_lines, parent, start_time
from clusters.errors import ClusterError

Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def run(*command: str, mark: str = "") -> subprocess.Popen[bytes]:
        environment = {**os.environ, **({names.MARK: mark} if mark else {})}
        started.append(subprocess.Popen(command, env=environment, start_new_session=True))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def process(name: str, popen: subprocess.Popen[bytes], log: Path | None = None) -> Process:
    return Process(name=name, place="rt-a", pid=popen.pid, started=start_time(popen.pid), log=log)


def test_a_process_that_ended_is_told_with_its_name_and_last_lines(tmp_path: Path, start: Start) -> None:
    log = tmp_path / "etcd.log"
    log.write_text("".join(f"line {number}\n" for number in range(1000)) + "it went wrong\n")
    etcd = process("etcd", popen := start("sleep", "60"), log)
    check_alive([etcd])
    popen.kill()
    popen.wait()

    with pytest.raises(ClusterError) as told:
        check_alive([etcd])

    assert told.value.cause == "etcd in rt-a ended while the cluster came up."
    assert told.value.cure.endswith("line 999\nit went wrong")
    assert "line 100\n" not in told.value.cure


def test_a_process_that_is_only_still_listed_has_ended(start: Start) -> None:
    popen = start("sleep", "60")
    etcd = process("etcd", popen)
    popen.kill()

    until(lambda: state(popen.pid) == "Z")
    with pytest.raises(ClusterError, match="It wrote nothing"):
        check_alive([etcd])


def test_children_are_found_with_and_without_the_kernels_list(start: Start) -> None:
    popen = start("sleep", "60")

    assert popen.pid in children(os.getpid())
    assert parent(popen.pid) == os.getpid()
    assert children(2**22 - 1) == []


def test_last_lines_of_a_file_that_is_not_there_are_none(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "x.log", 3) == ""


def test_marked_processes_are_killed_and_others_are_not(start: Start) -> None:
    mine = start("sleep", "60", mark="test-of-mine")
    similar = start("sleep", "60", mark="test-of-mine-2")
    other = start("sleep", "60")
    until(lambda: remains.processes("test-of-mine") == [mine.pid])

    removal.kill("test-of-mine", [], {})

    assert not remains.processes("test-of-mine")
    assert similar.poll() is None
    assert other.poll() is None


def test_a_recorded_process_is_found_by_its_start_and_its_number_taken_over_is_not(
    tmp_path: Path, start: Start
) -> None:
    etcd = process("etcd", start("sleep", "60"))
    journal = Journal(tmp_path / "journal.jsonl")
    journal.started(etcd)
    recorded = journal.processes()
    taken_over = {etcd.pid: recorded[etcd.pid] - 1}

    assert remains.processes("nobody", [], recorded) == [etcd.pid]
    assert remains.processes("nobody", [], taken_over) == []


def test_a_dead_process_that_is_only_still_listed_is_none(start: Start) -> None:
    popen = start("true")
    recorded = {popen.pid: start_time(popen.pid)}
    until(lambda: state(popen.pid) == "Z")

    assert remains.processes("nobody", [], recorded) == []


def test_a_process_has_an_id_inside_until_it_ends(start: Start) -> None:
    alone = ["unshare", "--map-root-user", "--pid", "--fork", "--kill-child", "sleep", "60"]
    if subprocess.run([*alone[:-2], "true"], check=False, capture_output=True).returncode:
        pytest.skip("no namespaces for this user")
    outer = start(*alone)
    deadline = time.monotonic() + 30
    while not (inner := children(outer.pid)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert remains.pid_inside(inner[0]) == 1
    # It is the inner one that is killed: its parent waits for it, which the machine's own init need not do.
    os.kill(inner[0], signal.SIGKILL)
    outer.wait(timeout=30)
    assert remains.pid_inside(inner[0]) is None


def test_neither_the_remover_nor_what_it_runs_under_is_killed() -> None:
    code = "from clusters.embedded import remains; print(remains.processes('test-of-mine'))"
    child = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, names.MARK: "test-of-mine"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert child.stdout.strip() == "[]"


def test_a_half_written_line_of_the_journal_is_passed_over(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    journal.about_to("namespace", "rt-a")
    journal.started(Process(name="init", place="rt-a", pid=os.getpid(), started=start_time(os.getpid())))
    with journal.path.open("a") as file:
        file.write('{"at": 1.0, "wha')

    assert [entry.what for entry in journal.entries()] == ["rt-a", "rt-a init"]
    assert journal.processes() == {os.getpid(): start_time(os.getpid())}
