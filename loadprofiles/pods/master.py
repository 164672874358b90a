"""``python -m loadprofiles master``: a grid's master as a pod. It needs no way to the machine of whoever started it:
plans come on its standard input, figures leave on its standard output (`loadprofiles.pods.talk`), and the API server
carries both.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from queue import SimpleQueue
from typing import BinaryIO

import msgspec

from clusters.errors import RoadtestError
from loadprofiles.carrier import TooFewWorkersError
from loadprofiles.dismissal import Carry, dismissing
from loadprofiles.engine import version
from loadprofiles.engine.plan import Plan
from loadprofiles.grid import Grid
from loadprofiles.pods.talk import SILENCE_SECONDS, Ended, Here, Said, Told


class Master:
    """Carries each load that it is told of, until the command is gone or silent for ``silence`` seconds."""

    def __init__(self, grid: Grid, stdin: int, stdout: BinaryIO, silence: float = SILENCE_SECONDS) -> None:
        self._grid = grid
        self._stdin = stdin
        self._stdout = stdout
        self._silence = silence
        self._loads: SimpleQueue[Plan] = SimpleQueue()
        self._saying = threading.Lock()

    def serve(self) -> None:
        """SIGTERM must raise `KeyboardInterrupt`, as in `loadprofiles.__main__`."""
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            with dismissing(self._grid, None, lambda text: self._say(Told(text))) as carry:
                while True:
                    self._say(carried(self._loads.get(), carry))
        except KeyboardInterrupt:
            return

    def _listen(self) -> None:
        rest = b""
        try:
            while select.select([self._stdin], [], [], self._silence)[0] and (data := os.read(self._stdin, 1 << 16)):
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    if line:
                        self._loads.put(msgspec.json.decode(line, type=Plan))
                    else:
                        self._say(Here(version.digest()))
        finally:
            os.kill(os.getpid(), signal.SIGTERM)  # ends the main thread wherever it is, and the generator with it

    def _say(self, said: Said) -> None:
        with self._saying:
            self._stdout.write(msgspec.json.encode(said) + b"\n")
            self._stdout.flush()


def carried(plan: Plan, carry: Carry) -> Ended:
    """What became of a load."""
    try:
        return Ended(measured=carry(plan, ""))
    except RoadtestError as error:
        return Ended(cause=error.cause, cure=error.cure, too_few=isinstance(error, TooFewWorkersError))
