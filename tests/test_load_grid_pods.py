"""A master as a pod: what it is told and tells over the API server, and what becomes of it when its command is gone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from clusters.errors import UsageError
from fixtures.verdicts import ArrangementError
from loadprofiles import carrier
from loadprofiles.carrier import GeneratorError, TooFewWorkersError
from loadprofiles.dismissal import Carry
from loadprofiles.engine import validity, version
from loadprofiles.engine.histogram import Histogram, merged
from loadprofiles.engine.plan import Measurement
from loadprofiles.grid import Grid
from loadprofiles.pods import sending
from loadprofiles.pods.placing import MASTER as MASTER_POD
from loadprofiles.pods.placing import WORKER
from loadprofiles.pods.sending import Conversation, by_pods, check_engine
from tests.load_servers import server
from tests.miniatures.api_server import attach_api
from tests.miniatures.cluster import a_cluster
from tests.test_load_grid import free_port
from tests.test_load_grid_processes import a_worker, started
from tests.test_load_locust import a_plan

SOON = 30.0
MASTER = ("-m", "loadprofiles", "master")


@contextmanager
def a_master_pod(*command: str) -> Iterator[tuple[Conversation, list[subprocess.Popen[bytes]]]]:
    """Python with a command line as a pod, spoken with as on a cluster; and its process."""
    api, processes = attach_api("env", f"PYTHONPATH={carrier.ROOT}", sys.executable, *command)
    with closing(Conversation(api.attach("namespace", "load-master"), silence=SOON)) as conversation:
        yield conversation, processes


def serving(port: int, workers: int) -> tuple[str, ...]:
    return (*MASTER, "--listen", f"127.0.0.1:{port}", "--workers", str(workers))


def test_the_figures_that_cross_the_api_server_are_exactly_the_workers_own(tmp_path: Path) -> None:
    told: list[str] = []
    port = free_port()
    with (
        server("sometimes-reset") as target,
        started(*a_worker(port, "--processes", "2", "--keep", str(tmp_path))) as workers,
        a_master_pod(*serving(port, 2)) as (conversation, processes),
    ):
        check_engine(conversation.engine(), "image")
        plan = a_plan(target, users=3, processes=2, rate=200.0, seconds=1.0, wait_seconds=60.0)
        whole = conversation.carry(plan, told.append)
        assert workers.wait(SOON) == 0
    assert processes[0].wait(SOON) == 0, "it has ended with its command"
    parts = [msgspec.json.decode(path.read_bytes(), type=Measurement) for path in tmp_path.glob("*.json")]
    assert len(parts) == whole.processes == 2
    assert [
        merged(Histogram.decode(part.latency[block]) for part in parts).encode() for block in range(plan.blocks)
    ] == whole.latency
    assert merged(Histogram.decode(part.lag) for part in parts).encode() == whole.lag
    assert sum(part.requests for part in parts) == whole.requests == 200
    assert whole.errors["reset"] == sum(part.errors.get("reset", 0) for part in parts) > 0
    assert whole.trouble == ""
    assert told[-2:] == ["all 2 workers are here", "the load begins"]


def test_a_command_that_goes_in_the_middle_of_a_load_leaves_nobody() -> None:
    port = free_port()
    with server("good") as target, started(*a_worker(port)) as worker:
        with a_master_pod(*serving(port, 1)) as (conversation, processes):

            def tell(text: str) -> None:
                if text == "the load begins":
                    raise KeyboardInterrupt

            with pytest.raises(KeyboardInterrupt):
                conversation.carry(a_plan(target, processes=1, seconds=60.0, wait_seconds=60.0), tell)
        assert processes[0].wait(SOON) == 0
        assert worker.wait(SOON) == 0
        assert worker.stdout is not None
        assert worker.stdout.read().splitlines()[-1] == "the run is over"


def test_errors_of_the_master_pod_are_those_of_a_master_here() -> None:
    with a_master_pod(*serving(free_port(), 2)) as (conversation, _):
        with pytest.raises(TooFewWorkersError, match=r"^0 of 2 workers came within 0\.5 s\."):
            conversation.carry(a_plan(1, users=2, processes=2, wait_seconds=0.5), print)
        with pytest.raises(UsageError, match=r"192\.0\.2\.1 is refused"):
            conversation.carry(a_plan(1, address="192.0.2.1"), print)
    with (
        a_master_pod(*MASTER, "--listen", "192.0.2.1:5557", "--workers", "1") as (conversation, _),
        pytest.raises(GeneratorError, match="The generator of load test ended with status 1"),
    ):
        conversation.carry(a_plan(1, processes=1), print)


class PodsHere:
    """Workers as processes of this machine, and a master that is only attached to; where each would be a pod."""

    def __init__(self, *_: object) -> None:
        self.workers: dict[str, subprocess.Popen[bytes]] = {}
        self.put_in: list[tuple[str, ...]] = []

    def put(self, app: str, *more: str) -> str:
        self.put_in.append((app, *more))
        name = f"{app}-{len(self.put_in)}"
        if app == WORKER:
            command = [sys.executable, "-m", "loadprofiles", "worker", "--master", *more]
            self.workers[name] = subprocess.Popen(
                command, cwd=carrier.ROOT, env=carrier.generator_environment(), stdout=subprocess.DEVNULL
            )
        return name

    def wait(self, names: list[str]) -> list[Any]:
        metadata = [SimpleNamespace(name=name) for name in names]
        spec, status = SimpleNamespace(node_name="n1"), SimpleNamespace(pod_ip="127.0.0.1")
        return [SimpleNamespace(metadata=each, spec=spec, status=status) for each in metadata]

    def living(self, _: str) -> list[Any]:
        return self.wait([name for name, process in self.workers.items() if process.poll() is None])

    def explained(self, name: str) -> str:
        return f"The last lines of {name}."


def sent_by(
    monkeypatch: pytest.MonkeyPatch, pods: PodsHere, port: int, tell: Callable[[str], object], *command: str
) -> AbstractContextManager[Carry]:
    """A grid of two such pods."""
    monkeypatch.setattr(sending, "Pods", lambda *_: pods)
    monkeypatch.setattr(sending, "PORT", port)
    api, _ = attach_api("env", f"PYTHONPATH={carrier.ROOT}", sys.executable, *command)
    grid = Grid(workers=2, pods=True, image="registry.example/load:1")
    return by_pods(grid, a_cluster(), SimpleNamespace(api=api, name="ours"), tell)  # type: ignore[arg-type]


def test_a_lost_worker_voids_its_load_and_is_replaced_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    pods, port = PodsHere(), free_port()

    def kill_one(text: str) -> None:
        if text == "the load begins" and len(pods.workers) == 2:
            next(iter(pods.workers.values())).kill()

    with server("good") as target, sent_by(monkeypatch, pods, port, kill_one, *serving(port, 2)) as carry:
        plan = a_plan(target, users=2, processes=2, rate=100.0, seconds=2.0, wait_seconds=60.0, silence_seconds=3.0)
        first = carry(msgspec.structs.replace(plan, more=True), "")
        assert validity.void(plan, first).startswith("of 2 workers 1 was lost (127.0.0.1, process")
        assert first.conditions["pods of the grid"] == "load-master-1 on n1, load-worker-2 on n1, load-worker-3 on n1"
        second = carry(plan, "")
        assert (second.processes, second.requests, second.trouble) == (2, 200, "")
        assert second.conditions["pods of the grid"] == "load-master-1 on n1, load-worker-3 on n1, load-worker-4 on n1"
    assert pods.put_in == [(MASTER_POD, "2"), *[(WORKER, f"127.0.0.1:{port}", "--wait", "240")] * 3]
    assert [process.wait(SOON) for process in pods.workers.values()] == [-9, 0, 0]


@pytest.mark.parametrize("dies", [False, True], ids=["all there", "one gone"])
def test_workers_that_do_not_come_are_asked_why(monkeypatch: pytest.MonkeyPatch, dies: bool) -> None:
    pods, port = PodsHere(), free_port()

    def tell(text: str) -> None:
        if dies and "workers are here" in text:
            pods.workers["load-worker-3"].kill()

    plan = a_plan(1, users=2, processes=2, wait_seconds=0.5)
    with (
        sent_by(monkeypatch, pods, free_port(), tell, *serving(port, 2)) as carry,
        pytest.raises(TooFewWorkersError) as error,
    ):
        carry(plan, "")
    for process in pods.workers.values():
        process.terminate()
        process.wait(SOON)
    assert error.value.cause == "0 of 2 workers came within 0.5 s."
    assert error.value.cure == (
        "Pod load-worker-3 is gone. The last lines of load-worker-3."
        if dies
        else "Does a network policy keep them from their master? The last lines of load-worker-2."
    )


def test_a_load_whose_master_pod_is_gone_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    script = f"""
import sys
print('{{"type": "Here", "engine": "{version.digest()}"}}', flush=True)
while not sys.stdin.readline().strip():
    pass
"""
    pods = PodsHere()
    pods.put = lambda app, *_: app  # type: ignore[method-assign,assignment]
    with (
        sent_by(monkeypatch, pods, 1, lambda _: None, "-c", script) as carry,
        pytest.raises(GeneratorError) as error,
    ):
        carry(a_plan(1), "")
    assert str(error.value) == (
        "Load test was not measured, as its master is gone: The connection to pod load-master of ours has ended. "
        "The last lines of load-master."
    )


def test_a_master_that_ends_is_told_with_its_last_words() -> None:
    script = "import sys; sys.stdin.readline(); print('no space left on device')"
    with (
        a_master_pod("-c", script) as (conversation, _),
        pytest.raises(ArrangementError, match=r"has ended\. Its last words: no space left on device"),
    ):
        conversation.engine()


def test_a_master_that_says_nothing_is_not_waited_for_without_end() -> None:
    api, _ = attach_api("sleep", "60")
    conversation = Conversation(api.attach("namespace", "load-master"), silence=0.3)
    conversation.check()
    with pytest.raises(ArrangementError, match=r"It was not heard for 0\.3 s\."):
        conversation.engine()
    with pytest.raises(ArrangementError, match=r"It was not heard for 0\.3 s\."):
        conversation.check()  # what it may say later would be of this load, and not of the next
    conversation.close()


def test_a_command_that_says_nothing_is_taken_for_gone() -> None:
    script = """
import sys
from clusters.interruption import interrupt_once
from loadprofiles.grid import Grid
from loadprofiles.pods.master import Master
interrupt_once()
Master(Grid(workers=1, address="127.0.0.1", port=1), 0, sys.stdout.buffer, silence=0.3).serve()
"""
    with subprocess.Popen([sys.executable, "-c", script], cwd=carrier.ROOT, stdin=subprocess.PIPE) as master:
        assert master.wait(SOON) == 0


def test_a_pod_that_cannot_be_attached_to_is_a_sentence() -> None:
    api, _ = attach_api()
    with pytest.raises(ArrangementError, match="Nothing could be attached to pod load-master of namespace: "):
        api.attach("namespace", "load-master")


def test_an_image_with_another_engine_is_refused() -> None:
    check_engine(version.digest(), "registry.example/load:1")
    with pytest.raises(UsageError, match=r"engine in image registry\.example/load:1 \(other\) is not this one"):
        check_engine("other", "registry.example/load:1")
