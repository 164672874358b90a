"""A run that does not end as it should leaves no worker waiting, and one that may be tried again does."""

from __future__ import annotations

import _thread
import threading
import time
from contextlib import suppress

import pytest

from loadprofiles import dismissal
from loadprofiles.carrier import TooFewWorkersError
from loadprofiles.dismissal import dismiss, dismissing
from loadprofiles.engine.messages import RUN_IS_OVER
from loadprofiles.worker import LOOK_EVERY, OVER, Joining, _absence
from tests.load_servers import server
from tests.test_load_grid import free_port, taken_port
from tests.test_load_grid_processes import a_worker, at, started
from tests.test_load_locust import a_plan

SOON = 30.0
"""Seconds; a worker that has not heard waits for two minutes."""


@pytest.fixture(autouse=True)
def _patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a starved machine a worker takes longer than a master lingers to see that its load has ended."""
    monkeypatch.setattr(dismissal, "LINGER_SECONDS", SOON)


def test_the_last_profile_fails_before_it_is_sent_and_the_workers_end_at_once() -> None:
    port = free_port()
    with server("good") as target, started(*a_worker(port)) as worker:
        with suppress(RuntimeError), dismissing(at(port, 1), None, lambda _: None) as carry:
            carry(a_plan(target, processes=1, more=True, wait_seconds=60.0), "")
            raise RuntimeError("the next profile's target does not answer")
        assert worker.wait(SOON) == 0
        assert worker.stdout is not None
        assert worker.stdout.read().splitlines()[-2:] == ["took part in a load", "the run is over"]


def test_a_run_that_is_interrupted_in_a_load_tells_its_workers() -> None:
    port = free_port()
    interrupted = threading.Timer(1.0, _thread.interrupt_main)

    def tell(text: str) -> None:
        if text == "the load begins":
            interrupted.start()

    with server("good") as target, started(*a_worker(port)) as worker:
        with pytest.raises(KeyboardInterrupt), dismissing(at(port, 1), None, tell) as carry:
            carry(a_plan(target, processes=1, seconds=30.0, wait_seconds=60.0), "")
        assert worker.wait(SOON) == 0
        assert worker.stdout is not None
        assert worker.stdout.read().splitlines()[-1] == "the run is over"


def test_workers_that_were_too_few_wait_for_the_next_try() -> None:
    port = free_port()
    with started(*a_worker(port)) as one:
        with pytest.raises(TooFewWorkersError), dismissing(at(port, 2), None, lambda _: None) as carry:
            carry(a_plan(1, users=2, processes=2, wait_seconds=2.0), "")
        assert one.poll() is None


def test_what_a_worker_sees_at_its_master_s_port() -> None:
    port = free_port()
    asked = Joining(address="127.0.0.1", port=port, processes=2)
    assert _absence(asked, met=True) == "Connection refused"
    telling = threading.Thread(target=dismiss, args=(at(port, 2), SOON))
    began = time.monotonic()
    telling.start()
    while (seen := _absence(asked, met=False)) == "Connection refused":
        time.sleep(LOOK_EVERY / 10)
    assert seen == "another run ends there"
    assert _absence(Joining(address="127.0.0.1", port=port, stay=True), met=True) == "another run ends there"
    assert _absence(asked, met=True) == OVER
    telling.join()
    assert time.monotonic() - began < SOON, "all know, and nobody is waited for"
    with taken_port() as silent:
        assert _absence(Joining(address="127.0.0.1", port=silent), met=True) == ""
        dismiss(at(silent, 2), SOON)  # nobody is told, and nothing is raised
    assert not RUN_IS_OVER.startswith(b"\xff"), "a master's own greeting does"
