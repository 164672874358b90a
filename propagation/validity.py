"""When figures may not be used: the sender stood still too often just where the answers changed."""

from __future__ import annotations

from collections.abc import Sequence

from propagation.turns import STOOD_STILL_SECONDS, STOOD_STILL_SHARE, Turn

TOO_LONG = f"{STOOD_STILL_SECONDS * 1000:g} ms and {STOOD_STILL_SHARE:.0%} of what was measured"
BLURRED_SHARE = 0.1
"""More turns than this in which the sender stood still, and their figures may not be used."""


def void(turns: Sequence[Turn]) -> str:
    """Why figures may not be used: the sender stood still in too many turns just where the answers changed."""
    blurred = sum(turn.blurred for turn in turns)
    if blurred <= BLURRED_SHARE * len(turns):
        return ""
    return (
        f"In {blurred} of {len(turns)} turns the sender stood still for more than {TOO_LONG} "
        f"where the answers changed; {BLURRED_SHARE:.0%} are allowed. Measure again on a machine that has less to do."
    )
