"""Sends loads by a grid of pods: puts its master on the cluster, speaks with it, and sees to its workers."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator

import msgspec

from clusters.errors import RoadtestError, UsageError
from clusters.provider import Cluster
from fixtures.pod_exec import Attached
from fixtures.verdicts import ArrangementError
from fixtures.workloads import Namespace
from loadprofiles.carrier import LAST_LINES, GeneratorError, TooFewWorkersError
from loadprofiles.dismissal import Carry
from loadprofiles.engine import version
from loadprofiles.engine.plan import Measurement, Plan
from loadprofiles.grid import PORT, Grid
from loadprofiles.pods.bringing import brought
from loadprofiles.pods.placing import MASTER, WORKER, Pods
from loadprofiles.pods.talk import BEAT_SECONDS, SILENCE_SECONDS, Ended, Here, Said, Told

CLOSE_SECONDS = 2.0
LISTEN_SECONDS = 0.1
"""What a plan waits at the most before it is sent."""


@contextlib.contextmanager
def by_pods(grid: Grid, cluster: Cluster, namespace: Namespace, tell: Callable[[str], object]) -> Iterator[Carry]:
    """Loads of one run, sent by pods of a namespace, with which they go.

    A worker that was lost, and made a load void, is replaced before the next one.
    """
    pods = Pods(namespace, grid.image or brought(cluster), grid.wait_seconds)
    (master,) = pods.wait([pods.put(MASTER, str(grid.workers))])
    name, address = master.metadata.name, master.status.pod_ip
    with contextlib.closing(Conversation(namespace.api.attach(namespace.name, name))) as conversation:
        check_engine(conversation.engine(), grid.image)
        tell(f"the master is pod {name} on {master.spec.node_name}")
        patience = f"{2 * grid.wait_seconds:g}"  # the others may take as long to come, and then the master begins

        def carry(plan: Plan, _: str) -> Measurement:
            gone = f"Load {plan.name} was not measured, as its master is gone"
            try:
                conversation.check()
            except ArrangementError as error:
                raise GeneratorError(f"{gone}: {error.cause}", pods.explained(name)) from error
            wanting = grid.workers - len(pods.living(WORKER))
            put = [pods.put(WORKER, f"{address}:{PORT}", "--wait", patience) for _ in range(wanting)]
            pods.wait(put)
            workers = pods.living(WORKER)
            stand = ", ".join(f"{pod.metadata.name} on {pod.spec.node_name}" for pod in [master, *workers])
            try:
                measured = conversation.carry(plan, tell)
            except TooFewWorkersError as error:
                names = [pod.metadata.name for pod in workers] or put
                living = {pod.metadata.name for pod in pods.living(WORKER)}
                one = next((name for name in names if name not in living), "")
                why = f"Pod {one} is gone." if one else grid.joining
                raise TooFewWorkersError(error.cause, f"{why} {pods.explained(one or names[0])}".strip()) from error
            except ArrangementError as error:
                raise GeneratorError(f"{gone}: {error.cause}", pods.explained(name)) from error
            return msgspec.structs.replace(measured, conditions=measured.conditions | {"pods of the grid": stand})

        yield carry


def check_engine(engine: str, image: str) -> None:
    """`UsageError` where the image holds another load engine than this one."""
    if engine != version.digest():
        raise UsageError(
            f"The load engine in image {image} ({engine}) is not this one ({version.digest()}).",
            "Write and push the image again: ./noxw -s worker -- --image FOLDER.",
        )


class Conversation:
    """The command's side of `loadprofiles.pods.talk`. A thread of its own owns the connection."""

    def __init__(self, attached: Attached, silence: float = SILENCE_SECONDS) -> None:
        self._attached = attached
        self._silence = silence
        self._to_say: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._heard: queue.SimpleQueue[bytes | ArrangementError] = queue.SimpleQueue()
        self._strange: list[str] = []
        self._lost: ArrangementError | None = None
        """Why nothing is heard any more: what came later would be of an earlier load."""
        self._over = threading.Event()
        self._talking = threading.Thread(target=self._talk, daemon=True)
        self._talking.start()

    def engine(self) -> str:
        """What the master runs; `ArrangementError` where it does not answer."""
        while not isinstance(said := self._hear(), Here):
            pass
        return said.engine

    def carry(self, plan: Plan, tell: Callable[[str], object]) -> Measurement:
        """As `loadprofiles.carrier.carry`; `ArrangementError` where the master is gone."""
        self._to_say.put(msgspec.json.encode(plan.check()))
        while not isinstance(said := self._hear(), Ended):
            if isinstance(said, Told):
                tell(said.text)
        if said.measured is None:
            raise (TooFewWorkersError if said.too_few else GeneratorError)(said.cause, said.cure)
        return said.measured

    def close(self) -> None:
        """The master hears that there is nobody any more, and ends."""
        self._over.set()
        self._talking.join(CLOSE_SECONDS)
        self._attached.close()

    def check(self) -> None:
        """`ArrangementError` where the master is gone, also long since."""
        if self._lost:
            raise self._lost

    def _hear(self) -> Said:
        self.check()
        while True:
            try:
                line = self._heard.get(timeout=self._silence)
            except queue.Empty:
                self._lost = ArrangementError(f"It was not heard for {self._silence:g} s.{self._last()}")
                raise self._lost from None
            if isinstance(line, RoadtestError):
                self._lost = ArrangementError(f"{line.cause}{self._last()}")
                raise self._lost from line
            try:
                said: Said = msgspec.json.decode(line, type=Said)
            except msgspec.DecodeError:  # Python's own words, of a crash for example
                self._strange.append(line.decode(errors="replace").strip())
                continue
            return said

    def _last(self) -> str:
        lines = [line for line in self._strange if line]
        return f" Its last words: {' | '.join(lines[-LAST_LINES:])}" if lines else ""

    def _talk(self) -> None:
        beat = 0.0
        try:
            while not self._over.is_set():
                if time.monotonic() > beat:
                    self._attached.send(b"")
                    beat = time.monotonic() + BEAT_SECONDS
                with contextlib.suppress(queue.Empty):
                    self._attached.send(self._to_say.get_nowait())
                for line in self._attached.lines(LISTEN_SECONDS):
                    self._heard.put(line)
        except ArrangementError as error:
            self._heard.put(error)
