"""What the engine is told, and what it tells: plain values that cross process and machine borders as JSON."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Literal, Self

import msgspec

from clusters.errors import UsageError
from loadprofiles.engine.schedule import Arrivals

MAX_REQUESTS = 20_000_000
MAX_SECONDS = 3600.0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One load, ready to be sent: the same for every process that takes part."""

    name: str
    address: str
    """A literal, of IPv4 or IPv6."""
    port: int
    request: str
    """The request's bytes, as text; sent as they are."""
    expect_status: int = 200
    shape: Literal["arrival-rate", "saturation"]
    arrivals: Arrivals = "poisson"
    rate: float = 0.0
    """Requests per second of all processes together; 0 for saturation."""
    users: int = 1
    """Saturation: connections that are always busy, over all processes. Arrival rate: streams of arrivals."""
    keep_alive: bool
    warmup_seconds: float
    seconds: float
    timeout_seconds: float
    max_connections: int = 4096
    """Per process."""
    seed: int = 0
    processes: int = 0
    """0: one process that is its own runner; otherwise Locust workers under a master."""
    blocks: int = 32
    """Equal blocks of time that the measured seconds are cut into, for the intervals."""
    allowed: list[str] = []
    """Networks that load may go to, beside loopback."""
    outcome: str = ""
    """Where the master, or the only process, writes the merged `Measurement`."""
    wait_seconds: float = 25.0
    """How long the master waits for its workers to come."""
    silence_seconds: float = 10.0
    """A worker that the master has not heard for so long is lost; one that has not heard its master stops sending."""
    more: bool = False
    """Whether the run has further loads for the same workers."""

    def check(self) -> Self:
        """`UsageError` where the plan leaves its bounds or its cluster."""
        check_target(self.address, self.allowed)
        if not 0 < self.seconds <= MAX_SECONDS or self.warmup_seconds < 0 or self.timeout_seconds <= 0:
            raise UsageError(
                f"Load {self.name}: seconds must be in (0, {MAX_SECONDS:g}], the warm-up at least 0, "
                "the time-out above 0."
            )
        if self.blocks < 4:
            raise UsageError(f"Load {self.name}: intervals need at least 4 blocks of time, not {self.blocks}.")
        if self.users < 1 or self.users < self.processes:
            raise UsageError(f"Load {self.name}: {self.users} users cannot be shared by {self.processes} processes.")
        if self.shape == "arrival-rate":
            if self.rate <= 0:
                raise UsageError(f"Load {self.name}: an arrival rate must be above 0.")
            requests = self.rate * (self.seconds + self.warmup_seconds)
            if requests > MAX_REQUESTS:
                raise UsageError(f"Load {self.name}: {requests:.0f} requests are more than {MAX_REQUESTS}.")
        return self


def share(users: int, place: int, of: int) -> tuple[int, ...]:
    """Which of a plan's users the worker at ``place`` of so many is. Together they are each user exactly once."""
    return tuple(range(place, users, of))


def check_target(address: str, allowed: list[str]) -> None:
    """`UsageError` unless the address is loopback or in one of the allowed networks."""
    try:
        target = ip_address(address)
    except ValueError:
        raise UsageError(f"{address!r} is no IP address.", "Load goes to addresses, never to names.") from None
    if target.is_loopback or any(target in ip_network(network) for network in allowed):
        return
    raise UsageError(
        f"Load to {address} is refused: it is neither loopback nor an address of this run's cluster.",
        f"Allowed: loopback, {', '.join(allowed) or 'nothing else'}.",
    )


class Measurement(msgspec.Struct, frozen=True, kw_only=True):
    """What one process measured, or several together (`merge`). Histograms are HdrHistogram V2 in base64."""

    processes: int = 1
    seconds: float
    """Measured time: the warm-up left out."""
    requests: int
    """Requests of the measured time: due in it (arrival rate) or ended in it (saturation)."""
    answered: int
    """``requests = answered + sum(errors)``, always."""
    errors: dict[str, int]
    statuses: dict[str, int] = {}
    """Unexpected status → count."""
    latency: list[str]
    """A histogram per block of time."""
    completions: list[int]
    """Answers that arrived in each block of time, whenever their requests were due."""
    lag: str
    """Histogram of actual minus intended send time; empty for saturation."""
    waited: int = 0
    """Requests that were sent late because all ``max_connections`` were busy; their latency counts the wait."""
    begun_total: int
    """Requests from the first to the last, warm-up and what was under way at the end included."""
    ended_total: int
    """Of those, answered or failed. Always equal to ``begun_total``."""
    connections: int
    """Opened, over the whole load."""
    cpu_share: float
    """Of one core, user and system time, over the measured time; the largest of all processes."""
    steal_share: float
    """Of the machine's CPU time, over the measured time; the largest of all."""
    users: list[int] = []
    """Which of the plan's ``users`` this was."""
    started: float = 0.0
    """When the first request could be due, by this process's own clock."""
    conditions: dict[str, str] = {}
    trouble: str = ""
    """Why this measurement is not whole; empty when it is."""
    start_spread: float = 0.0
    """Seconds between the first and the last worker's start."""
    doubt: str = ""
    """Why one worker's part may not be used, by the rules that hold for the whole; empty when each may."""
