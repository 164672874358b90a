"""What a master and its workers say to each other beside Locust's own messages, over Locust's own connection.

    worker → master    HELLO    who it is and which engine it runs
    master → worker    REFUSED  why it cannot take part
    both               CLOCK    what the worker's clock shows: asked several times, the quickest answer counts
    master → worker    PLACE    which of the workers it is
    worker → master    READY    its load is prepared
    master → worker    GO       when to start, by the worker's own clock
    master → worker    OVER     this load is over, and whether the run has more of them

Clocks are `time.perf_counter`: those of two machines have nothing in common, and need not.
"""

from __future__ import annotations

from typing import Final

HELLO: Final = "roadtest-hello"
REFUSED: Final = "roadtest-refused"
CLOCK: Final = "roadtest-clock"
PLACE: Final = "roadtest-place"
READY: Final = "roadtest-ready"
GO: Final = "roadtest-go"
OVER: Final = "roadtest-over"

SERVED: Final = 0
"""Exit status of a worker whose load is over while the run has more."""
WAS_REFUSED: Final = 2
LOST_MASTER: Final = 3
NO_MORE: Final = 10
"""Exit status of a worker whose run is over."""

RUN_IS_OVER: Final = b"roadtest: the run is over\n"
"""What the master's port says, to whoever looks, where a run ended between its loads. A master's own begins otherwise:
with the greeting of ZeroMQ (https://rfc.zeromq.org/spec/23/)."""

SAID: Final = "roadtest: "
"""How a line of the master's output begins that is for the user."""
