"""The end of a run, for workers that wait for its next load.

A load that ends as it should tells its workers whether the run has more of them. A run may end otherwise: its last
profile fails before it is sent, its generator is stopped, it is interrupted. Workers look at their master's port then,
and for a moment that port says that the run is over.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from clusters.provider import Place
from fixtures.vantages import NetnsVantage
from loadprofiles.carrier import TooFewWorkersError, carry
from loadprofiles.engine.messages import RUN_IS_OVER
from loadprofiles.engine.plan import Measurement, Plan
from loadprofiles.grid import Grid

LINGER_SECONDS = 10.0
"""For whoever is still busy with the end of a load; a worker that is dead never comes."""
ANSWER_SECONDS = 1.0
Carry = Callable[[Plan, str], Measurement]
"""Sends a load from a network namespace, or by a grid's workers wherever they are."""


@contextlib.contextmanager
def dismissing(grid: Grid | None, scratch: Path | None, tell: Callable[[str], object]) -> Iterator[Carry]:
    """`loadprofiles.carrier.carry` for the loads of one run; at its end no worker is left waiting.

    Workers that came when there were too few of them, and have served in no load, do wait: for the next try.
    """
    waiting = False

    def carry_one(plan: Plan, netns: str) -> Measurement:
        nonlocal waiting
        try:
            measured = carry(plan, netns, scratch, grid, tell)
        except TooFewWorkersError:
            raise
        except BaseException:
            waiting = True
            raise
        waiting = plan.more
        return measured

    try:
        yield carry_one
    finally:
        if waiting and grid is not None and grid.address:
            place = Place(name="master", role="client", address=grid.address, netns=grid.netns, here=not grid.netns)
            NetnsVantage(place).call(lambda: dismiss(grid, LINGER_SECONDS))


def dismiss(grid: Grid, seconds: float) -> None:
    """Tell who looks at the port that the run is over, until all know; nothing where the port cannot be had."""
    deadline = time.monotonic() + seconds
    know = 0
    with contextlib.suppress(OSError), socket.create_server((grid.address, grid.port)) as listening:  # a time-out too
        while know < grid.workers and (left := deadline - time.monotonic()) > 0:
            listening.settimeout(left)
            way, _ = listening.accept()
            with way, contextlib.suppress(OSError):
                way.settimeout(ANSWER_SECONDS)
                way.sendall(RUN_IS_OVER)
                answer = way.recv(grid.workers)
                know += len(answer) if not answer.strip(b".") else 0  # Locust's own worker may still greet its master
