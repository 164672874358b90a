"""A master as a pod: what it is told and tells over the API server, and what becomes of it when its command is gone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec
import pytest

from clusters.errors import UsageError
from fixtures.verdicts import ArrangementError
from loadprofiles import carrier
from loadprofiles.carrier import GeneratorError, TooFewWorkersError
from loadprofiles.engine import version
from loadprofiles.engine.histogram import Histogram, merged
from loadprofiles.engine.plan import Measurement
from loadprofiles.pods.sending import Conversation, check_engine
from tests.load_servers import server
from tests.miniatures.api_server import attach_api
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
        whole = conversation.carry(plan, told.append, "")
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
                conversation.carry(a_plan(target, processes=1, seconds=60.0, wait_seconds=60.0), tell, "")
        assert processes[0].wait(SOON) == 0
        assert worker.wait(SOON) == 0
        assert worker.stdout is not None
        assert worker.stdout.read().splitlines()[-1] == "the run is over"


def test_errors_of_the_master_pod_are_those_of_a_master_here() -> None:
    with a_master_pod(*serving(free_port(), 2)) as (conversation, _):
        with pytest.raises(TooFewWorkersError, match=r"0 of 2 workers came within 0\.5 s\. Look at them\."):
            conversation.carry(a_plan(1, users=2, processes=2, wait_seconds=0.5), print, "Look at them.")
        with pytest.raises(UsageError, match=r"192\.0\.2\.1 is refused"):
            conversation.carry(a_plan(1, address="192.0.2.1"), print, "")
    with (
        a_master_pod(*MASTER, "--listen", "192.0.2.1:5557", "--workers", "1") as (conversation, _),
        pytest.raises(GeneratorError, match="The generator of load test ended with status 1"),
    ):
        conversation.carry(a_plan(1, processes=1), print, "")


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
    with pytest.raises(ArrangementError, match=r"It was not heard for 0\.3 s\."):
        conversation.engine()
    conversation.close()


def test_a_command_that_says_nothing_is_taken_for_gone() -> None:
    script = """
import signal, sys
from loadprofiles.__main__ import _interrupted
from loadprofiles.grid import Grid
from loadprofiles.pods.master import Master
signal.signal(signal.SIGTERM, _interrupted)
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
