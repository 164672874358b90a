"""Ctrl-C, SIGTERM and a hang-up end a command the same way, once: as `KeyboardInterrupt`, so that it cleans up."""

from __future__ import annotations

import signal
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt_once() -> None:
    """Let the first of these signals unwind the stack as Ctrl-C does, and the others do nothing.

    Several come together: whoever ends a whole process group (`timeout`, a CI system, a closed terminal) ends this
    process and its parent, whose end is told to this one too. The second must not break off the clean-up that the
    first began. A signal that is ignored from the beginning (`nohup`) stays ignored.
    """
    heeded = [number for number in SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    interrupted = False

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal interrupted
        # Not SIG_IGN: the programs that clean up would inherit it.
        if not interrupted:
            interrupted = True
            raise KeyboardInterrupt

    for number in heeded:
        signal.signal(number, interrupt)
