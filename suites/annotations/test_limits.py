"""Limits: how large, how fast, how many at a time."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial

import pytest

from fixtures.expectations import equal, holds, tally
from fixtures.observations import HttpObservation
from fixtures.probes.together import together
from fixtures.recipes import Asked, behaviour
from fixtures.timeouts import pause
from fixtures.vantages import Vantage
from fixtures.verdicts import ArrangementError, Mismatch

Note = Callable[[str, object], None]
BYTES = 8192
LIMIT = 10
"""Requests in a second."""
BURST, CONNECTIONS = 60, 8
OFFERED, SECONDS = 50.0, 5.0
OFF = 2
"""A limiter may let requests through evenly or all at the beginning of a second; the median second shows its limit,
even if a change of configuration makes a controller start its counts anew once meanwhile."""
AT_ONCE = 3
HELD = 1.5
REFUSALS = {429, 503}


@behaviour("proxy-body-size")
def test_the_limit_is_met_at_the_byte(asked: Asked) -> None:
    """“An 413 error will be returned to the client when the size in a request exceeds the maximum allowed size of the
    client request body.”

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#custom-max-body-size
    """
    whole = asked.get("proxy-body-size.example", method="POST", body="x" * BYTES)
    asked.echo(whole)
    over = asked.get("proxy-body-size.example", method="POST", body="x" * (BYTES + 1))
    equal(f"the status of a body of {BYTES + 1} bytes", 413, over.status, [over])


@behaviour("limit-rps")
@pytest.mark.disturbs  # it is itself disturbed: a changed route may start a controller's counts anew
def test_the_limit_holds_while_requests_keep_coming(asked: Asked, note: Note, calm: Callable[[], None]) -> None:
    """“limit-rps: number of requests accepted from a given IP each second. […] When clients exceed this limit, […] 503
    is returned.”

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#rate-limiting
    """
    calm()
    at_first = asked.get_many("limit-rps.example", count=BURST, connections=CONNECTIONS)
    note("of a burst at first", admitted(at_first))
    seen = asked.get_paced("limit-rps.example", rate=OFFERED, seconds=SECONDS)
    only_refusals(seen)
    refused = [one.at for one in seen if one.status != 200]
    used_up = [one for one in seen if one.at >= min(refused, default=0.0)]
    note("then", f"{admitted(used_up)}: {passed(used_up) / span(used_up):.1f} in a second")
    if len(used_up) < 2 * LIMIT * span(used_up):
        raise ArrangementError("The requests came too slowly to reach the limit.", "This machine has too much to do.")
    each = by_second(used_up)
    holds(
        abs(statistics.median(each) - LIMIT) <= OFF,
        f"{LIMIT} requests to be accepted in the median second, within {OFF}",
        f"{', '.join(map(str, each))}",
        used_up,
    )


@behaviour("limit-rps-each-address", feature="ann.limit-rps")
@pytest.mark.disturbs  # see above
def test_each_address_has_a_limit_of_its_own(
    asked: Asked,
    client_1: Vantage,
    client_2: Vantage,
    keeping_addresses: Callable[[], AbstractContextManager[None]],
    calm: Callable[[], None],
) -> None:
    """“limit-rps: number of requests accepted from a given IP each second.” While one address asks for far more than
    that, another one that asks for half of it gets it all.

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#rate-limiting
    """
    with keeping_addresses():
        calm()
        send = partial(asked.get_paced, "limit-rps-each-address.example", seconds=SECONDS)
        loud, quiet = partial(send, rate=OFFERED, client=client_1), partial(send, rate=LIMIT / 2, client=client_2)
        seen = together(loud, quiet)
    first, second = ([one for one in seen if one.vantage == client.name] for client in (client_1, client_2))
    only_refusals(seen)
    if passed(first) == len(first):
        raise Mismatch(f"requests above {LIMIT} in a second to be refused", admitted(first), first)
    equal(f"how many of {len(second)} from an address that stays below the limit", len(second), passed(second), second)


def by_second(seen: Sequence[HttpObservation]) -> list[int]:
    """How many were let through in each whole second."""
    began = min(one.at for one in seen)
    whole = int(max(one.at for one in seen) - began)
    return [passed([one for one in seen if number <= one.at - began < number + 1]) for number in range(whole)]


@behaviour("limit-burst-multiplier", ready=["burst-3.example/", "burst-1.example/"])
@pytest.mark.disturbs  # it is itself disturbed: a changed route may start a controller's counts anew
def test_the_burst_is_the_limit_times_the_multiplier(asked: Asked, note: Note, calm: Callable[[], None]) -> None:
    """“The burst limit is set to this limit multiplied by the burst multiplier, the default multiplier is 5.”
    ingress-nginx accepts one more: the one that starts the count. What the limit lets through meanwhile comes on top.

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#rate-limiting
    """
    calm()  # and what was asked until the route was there is granted again by then
    for multiplier in (3, 1):
        seen = asked.get_many(f"burst-{multiplier}.example", count=BURST, connections=CONNECTIONS)
        note(f"with multiplier {multiplier}", admitted(seen))
        only_refusals(seen)
        least = LIMIT * multiplier
        most = least + 1 + LIMIT * math.ceil(span(seen))
        holds(
            least <= passed(seen) <= most,
            f"{least} to {most} of {BURST} requests at once to be accepted with {LIMIT} × {multiplier}",
            admitted(seen),
            seen,
        )


@behaviour("limit-connections")
@pytest.mark.disturbs  # see above
def test_each_address_has_so_many_connections(
    asked: Asked,
    client_1: Vantage,
    client_2: Vantage,
    keeping_addresses: Callable[[], AbstractContextManager[None]],
    calm: Callable[[], None],
) -> None:
    """“limit-connections: number of concurrent connections allowed from a single IP address. A 503 error is returned
    when exceeding this limit.”

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#rate-limiting
    """
    with keeping_addresses():
        calm()
        seconds = pause(HELD)
        held = partial(asked.get, "limit-connections.example", f"/?delay={seconds:g}s", timeout=2 * seconds + pause(3))
        senders = [client_1] * (2 * AT_ONCE) + [client_2] * AT_ONCE
        seen = together(*[partial(alone, held, client) for client in senders])
    first, second = seen[: 2 * AT_ONCE], seen[2 * AT_ONCE :]
    if max(one.at for one in seen) - min(one.at for one in seen) > seconds / 2:
        raise ArrangementError("The requests were not sent at once.", "This machine has too much to do.")
    only_refusals(seen, closed=True)
    equal("how many of six at once from one address were let through", AT_ONCE, passed(first), first)
    equal("how many of three from another address were let through", AT_ONCE, passed(second), second)


def alone(send: Callable[..., HttpObservation], client: Vantage) -> list[HttpObservation]:
    return [send(client=client)]


def passed(seen: Sequence[HttpObservation]) -> int:
    return sum(one.status == 200 for one in seen)


def span(seen: Sequence[HttpObservation]) -> float:
    """Seconds from the first request to the last answer."""
    return max(one.at + one.seconds for one in seen) - min(one.at for one in seen)


def admitted(seen: Sequence[HttpObservation]) -> str:
    return f"{passed(seen)} of {len(seen)} in {span(seen):.2f} s"


def only_refusals(seen: Sequence[HttpObservation], *, closed: bool = False) -> None:
    """Whatever was not let through was refused, and nothing else became of it."""
    odd = [one for one in seen if not (one.status in {200, *REFUSALS} or (closed and not one.answered))]
    holds(not odd, "everything else to be refused with 429 or 503", tally(f"HTTP {one.status}" for one in odd), odd)
