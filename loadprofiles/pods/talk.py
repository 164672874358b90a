"""What the command and the master pod say to each other: a JSON value a line, on the pod's standard input and output.

    command → master   a load's `Plan`; an empty line now and then: the command is still there
    master → command   `Here` to each empty line; `Told` as a load goes; `Ended`, once for each plan

Who has heard nothing for `SILENCE_SECONDS` takes the other for gone. The master then stops what is being sent and ends,
and its workers end with it: pods of a command that was killed, or whose machine was switched off, do not stay.
"""

from __future__ import annotations

import msgspec

from loadprofiles.engine.plan import Measurement

BEAT_SECONDS = 5.0
SILENCE_SECONDS = 60.0


class Here(msgspec.Struct, frozen=True, tag=True):
    """The master listens, and runs this load engine."""

    engine: str


class Told(msgspec.Struct, frozen=True, tag=True):
    """For the user."""

    text: str


class Ended(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """A load is over: what was measured, or why nothing was."""

    measured: Measurement | None = None
    cause: str = ""
    cure: str = ""
    too_few: bool = False
    """Workers did not come."""


Said = Here | Told | Ended
