"""What the questions of one change say: from when on they were answered right, and how sure that is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec

EVERY_SECONDS = 0.004
RIGHT_IN_A_ROW = 50
"""So many questions on end that were answered right end the watch: 0.2 s of them."""
SILENT_SECONDS = 0.1
"""A question that has no answer after this counts as wrong, until the answer comes."""
STOOD_STILL_SECONDS, STOOD_STILL_SHARE = 0.05, 0.1
"""A gap between two questions where the answers change that is longer than both, the second as a share of the time
that was measured, says more of the sender than of the cluster: what was seen is right but for the gap."""


class Question(msgspec.Struct, kw_only=True):
    """One question, judged by its answer and dated by its sending."""

    sent: float
    """`time.perf_counter`."""
    right: bool = False
    """Whether its answer was the one that the change leads to; a lost or refused one was not."""
    done: bool = False
    lost: bool = False
    """Nobody answered, and nobody listens any more."""


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """From when on a change was seen, in seconds since the API acknowledged it; before that, it is negative."""

    first_right: float
    last_wrong: float
    largest_gap: float
    """Between two questions, anywhere in the turn."""
    unanswered: int = 0
    """Questions after the first right answer that had none: of a backend that was held up, or packets dropped."""
    blurred: bool
    """The sender stood still where the answers changed: for longer than `allowed_gap`."""


def settled(asked: Sequence[Question], now: float) -> bool:
    """The last questions of those that had the time to be answered were all answered right."""
    old = [one for one in asked[-4 * RIGHT_IN_A_ROW :] if one.sent < now - SILENT_SECONDS][-RIGHT_IN_A_ROW:]
    return len(old) == RIGHT_IN_A_ROW and all(one.right for one in old)


def turn_of(asked: Sequence[Question], acknowledged: float, ended: float) -> Turn:
    """What settled questions say. Those without an answer are wrong, but for the youngest, of which nobody knows."""
    right = [number for number, one in enumerate(asked) if one.right]
    first = right[0]
    wrong = [
        number
        for number, one in enumerate(asked[: right[-1]])
        if not one.right and (one.done or one.sent < ended - SILENT_SECONDS)
    ]
    last = max(wrong, default=-1)
    gaps = [later.sent - earlier.sent for earlier, later in itertools.pairwise(asked)]
    around = gaps[max(0, min(first, last) - 1) : max(first, last) + 1]
    first_right = asked[first].sent - acknowledged
    last_wrong = (asked[last].sent if wrong else asked[first].sent - EVERY_SECONDS) - acknowledged
    return Turn(
        first_right=first_right,
        last_wrong=last_wrong,
        largest_gap=max(gaps, default=0.0),
        unanswered=sum(asked[number].lost or not asked[number].done for number in wrong if number > first),
        blurred=max(around, default=0.0) > allowed_gap(min(first_right, last_wrong)),
    )


def allowed_gap(seconds: float) -> float:
    """How long a sender may stand still where what took so long is judged by it."""
    return max(STOOD_STILL_SECONDS, STOOD_STILL_SHARE * seconds)
