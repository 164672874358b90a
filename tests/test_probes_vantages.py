"""Commands run at every vantage, and a pod's exec tells how they ended; threads keep to their network namespace."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kubernetes.client.exceptions import ApiException

from clusters.errors import RoadtestError
from clusters.provider import Place
from fixtures.netns import CLONE_NEWNET
from fixtures.pod_exec import refusal
from fixtures.probes.repeated import repeated, told
from fixtures.vantages import CommandVantage, NetnsVantage, Vantage, vantage_of
from fixtures.verdicts import ArrangementError
from fixtures.whole import Completed, Marked
from tests.vantages import HERE, PodHere, every_vantage

NETNS_HERE = Path("/proc/thread-self/ns/net")


@every_vantage
def test_a_command_tells_its_output_errors_and_status(vantage: Vantage) -> None:
    done = vantage.exec(["sh", "-c", "printf out; printf err >&2; exit 3"])
    assert (done.stdout, done.stderr, done.status) == ("out", "err", 3)


@every_vantage
def test_long_output_comes_whole_and_its_characters_too(vantage: Vantage) -> None:
    assert vantage.exec(["sh", "-c", "printf 'äöü€%.0s' $(seq 5000)"]).stdout == "äöü€" * 5000


@every_vantage
def test_a_command_that_does_not_end_is_a_time_out(vantage: Vantage) -> None:
    with pytest.raises(TimeoutError, match=r"sleep .*did not end within 0.2 s"):
        vantage.exec(["sleep", "1"], timeout=0.2)


def test_a_command_that_the_pod_lacks_is_an_error_of_ours_with_the_runtimes_words() -> None:
    with pytest.raises(
        ArrangementError, match=r"no-such-tool in pod pod of namespace could not be run: .*no-such-tool: not found"
    ):
        PodHere().exec(["no-such-tool"])


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ('Handshake status 403 Forbidden -+-+- {} -+-+- {"message": "you may not"}\n', "you may not"),
        ("Handshake status 404 Not Found -+-+- {} -+-+- <html>", "Handshake status 404 Not Found"),
        ("Handshake status 500 Error -+-+- {} -+-+- None", "Handshake status 500 Error"),
        ("[Errno 111] Connection refused", "[Errno 111] Connection refused"),
    ],
)
def test_an_api_server_that_opens_no_stream_is_quoted(reason: str, told: str) -> None:
    assert refusal(ApiException(status=0, reason=reason)) == told


def test_an_exec_that_breaks_off_is_an_error_of_ours() -> None:
    with pytest.raises(ArrangementError, match="The connection broke while true ran in pod breaks-off"):
        PodHere("breaks-off").exec(["true"])


@pytest.mark.parametrize("pod", ["status-first", "by-the-byte", "in-fragments"])
def test_an_exec_comes_whole_however_its_frames_lie(pod: str) -> None:
    done = PodHere(pod).exec(["sh", "-c", "seq 2000; seq 3000 >&2; exit 3"])
    assert (done.stdout.split()[-1], done.stderr.split()[-1], done.status) == ("2000", "3000", 3)
    assert (done.stdout.count("\n"), done.stderr.count("\n")) == (2000, 3000)


@pytest.mark.parametrize(
    ("pod", "came"),
    [
        ("loses-output", "bytes of output cut off, .* bytes of errors whole"),
        ("loses-errors", "bytes of output whole, .* bytes of errors cut off"),
        ("loses-both", "bytes of output cut off, .* bytes of errors cut off"),
    ],
)
def test_a_lost_end_is_an_error_of_ours_whatever_the_status_tells(pod: str, came: str) -> None:
    with pytest.raises(ArrangementError, match=f"The end of what sh in pod {pod} .* did not come.*{came}"):
        PodHere(pod).exec(["sh", "-c", "seq 200; seq 300 >&2"])


def test_a_cluster_tool_that_loses_the_end_is_an_error_of_ours() -> None:
    cut = ["sh", "-c", 'out=$("$@" 2>/dev/null | head -c 20); printf %s "$out"; echo engine: gone >&2', "cut"]
    with pytest.raises(ArrangementError, match=r"The end of what seq on n1 wrote did not come.*'engine: gone' last"):
        CommandVantage(Place(name="n1", role="node", address="", command=cut)).exec(["seq", "100"])


def test_a_command_ended_from_outside_is_an_error_of_ours() -> None:
    with pytest.raises(ArrangementError, match=r"or the command was ended .*4 bytes of output cut off"):
        Marked(["curl"]).completed(b"half", b"", "curl in a pod")


def test_many_threads_exec_at_once() -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: PodHere().exec(["printf", str(number)]).stdout, range(24)))
    assert found == [str(number) for number in range(24)]


@every_vantage
def test_runs_of_one_command_are_told_apart(vantage: Vantage) -> None:
    runs = repeated(vantage, ["sh", "-c", "cat; echo no >&2; exit 4"], 3, stdin="a b", each=5)
    assert [(run.stdout, run.stderr, run.status) for run in runs] == [("a b", "no\n", 4)] * 3
    assert [run.at for run in runs] == sorted(run.at for run in runs)


def test_runs_end_when_their_shell_returns() -> None:
    done = Completed(status=0, stdout="a\x1e0 7.00 7.25\x1db\x1e0 7.50 8.00\x1d", stderr="\x1d\x1d")
    assert [(run.at, run.seconds) for run in told(done, 2, 1000.0, 1002.0)] == [(1001.0, 0.25), (1001.5, 0.5)]
    assert [run.at for run in told(done, 2, 1001.25, 1002.0)] == [1001.25, 1001.5]


def test_a_shell_that_does_not_tell_of_all_runs_is_an_error_of_ours() -> None:
    with pytest.raises(RuntimeError, match="0 of 2 runs: sh: not found"):
        told(Completed(status=127, stdout="", stderr="sh: not found"), 2, 0, 1)


def test_a_place_that_can_be_entered_is_entered(tmp_path: Path) -> None:
    assert isinstance(vantage_of(Place(name="n", role="node", address="", netns=str(tmp_path))), NetnsVantage)
    assert type(vantage_of(Place(name="n", role="node", address="", command=["nsenter"]))) is CommandVantage
    assert isinstance(vantage_of(HERE), NetnsVantage)


def test_a_place_without_a_way_in_sends_nothing_from_this_machine() -> None:
    with pytest.raises(RoadtestError, match="no way into its network"):
        vantage_of(Place(name="pod", role="client", address="10.244.1.2"))
    lost = vantage_of(Place(name="pod", role="client", address="10.244.1.2", netns="/nowhere/netns"))
    assert isinstance(lost, NetnsVantage)
    with pytest.raises(RoadtestError, match="cannot be entered"):
        lost.call(os.getpid)
    with pytest.raises(RoadtestError, match="No command can be run at pod"):
        lost.exec(["true"])


def test_a_namespace_that_cannot_be_entered_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "netns").touch()
    vantage = NetnsVantage(Place(name="n1", role="node", address="", netns=str(tmp_path / "netns")))
    for _ in range(2):
        with pytest.raises(RoadtestError, match="network namespace of n1"):
            vantage.call(os.getpid)


@pytest.fixture
def another_netns() -> Iterator[str]:
    """A network namespace of a thread's own, which goes with it."""
    made, done, told = threading.Event(), threading.Event(), {}

    def stay() -> None:
        told["failed"] = ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET)
        told["thread"] = threading.get_native_id()
        made.set()
        done.wait()

    thread = threading.Thread(target=stay)
    thread.start()
    made.wait()
    try:
        if told["failed"]:
            pytest.skip("network namespaces cannot be made here")
        yield f"/proc/{os.getpid()}/task/{told['thread']}/ns/net"
    finally:
        done.set()
        thread.join()


def test_only_the_vantages_threads_are_in_its_namespace(another_netns: str) -> None:
    here = NETNS_HERE.readlink()
    vantage = NetnsVantage(Place(name="n1", role="node", address="", netns=another_netns))
    seen = vantage.call_all([NETNS_HERE.readlink] * 40)
    assert len(set(seen)) == 1
    assert seen[0] != here
    assert NETNS_HERE.readlink() == here
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(NETNS_HERE.readlink).result() == here
