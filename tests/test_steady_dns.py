"""The steady load of DNS queries: every query is accounted for, and slow ones hold nothing up."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from fixtures.observations import DnsObservation, Outcome
from fixtures.senders.dns import Pending, Sender, send
from fixtures.senders.orders import Said
from fixtures.senders.schedule import Schedule
from fixtures.servers import dns_recorder
from fixtures.steady_dns import SteadyDns, account, moments
from fixtures.vantages import NetnsVantage
from tests.miniatures.dns import another_address, server_failure, to_another_query
from tests.miniatures.ports import refusing_port, udp_server
from tests.vantages import HERE

NAME = "api.example.com."


def load(port: int, seconds: float = 0.3) -> SteadyDns:
    with SteadyDns(NetnsVantage(HERE), NAME, server="127.0.0.1", port=port, rate=50, timeout=0.2) as made:
        time.sleep(seconds)
    return made


def test_every_query_is_sent_once_and_answered() -> None:
    with dns_recorder(NetnsVantage(HERE), {NAME: "192.0.2.7"}, port := refusing_port()) as recorder:
        made = load(port)
        heard = len(recorder.queries)
    kinds, wrong = account(made, ["192.0.2.7"])
    assert made.sent == heard == len(made.seen) >= 5
    assert dict(kinds) == {"answered": made.sent}
    assert wrong == []
    assert len({seen.local for seen in made.seen}) > 1, "each query has a socket of its own"


@pytest.mark.parametrize(
    ("respond", "kind"),
    [(None, "timeout"), (to_another_query, "timeout"), (server_failure, "SERVFAIL"), (another_address, "NOERROR")],
    ids=["silence", "another-query", "failure", "another-address"],
)
def test_what_is_not_the_right_answer_is_lost_by_its_kind(respond: Callable[[bytes], bytes] | None, kind: str) -> None:
    with udp_server(respond) as port:
        made = load(port)
    kinds, wrong = account(made, ["192.0.2.7"])
    assert made.sent == len(made.seen) == len(wrong) >= 5
    assert dict(kinds) == {kind: made.sent}


def test_a_port_that_refuses_is_told_at_once() -> None:
    made = load(refusing_port(socket.SOCK_DGRAM))
    assert set(account(made, [])[0]) == {"refused"}


def test_losses_that_lie_together_are_of_one_moment() -> None:
    def at(*times: float) -> list[DnsObservation]:
        seen = partial(DnsObservation, vantage="n1", target="dns://…", seconds=0.0, outcome=Outcome.TIMEOUT)
        return [seen(at=time) for time in times]

    assert moments([], 0.5) == []
    assert moments(at(9.0, 1.0, 1.4, 1.5), 0.5) == [(1.0, 3), (9.0, 1)]
    assert len(moments(at(*(0.4 * number for number in range(20))), 0.5)) == 10, "an outage is no moment"
    assert len(moments(at(*range(20)), 0.5)) == 20


def test_silence_does_not_slow_the_schedule() -> None:
    with udp_server(None) as port:
        began = time.monotonic()
        made = load(port, 0.5)
        took = time.monotonic() - began
    assert made.sent >= 10, "a query waits 0.2 s, and one is due every 0.02 s"
    assert took < 5


def test_an_answer_that_came_in_time_counts_however_late_it_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    sent = Sender._send

    def stalled(self: Sender, selector: selectors.BaseSelector, due: float) -> Pending | None:
        """The sender's machine does something else for longer than a query may take."""
        pending = sent(self, selector, due)
        if schedule.sent == 3:
            time.sleep(0.5)
        return pending

    monkeypatch.setattr(Sender, "_send", stalled)
    said: list[Said[DnsObservation]] = []
    schedule = Schedule(said.append)
    with dns_recorder(NetnsVantage(HERE), {NAME: "192.0.2.7"}, port := refusing_port()):
        where = SteadyDns(NetnsVantage(HERE), NAME, server="127.0.0.1", port=port, rate=50, timeout=0.2)
        threading.Timer(0.8, schedule.over.set).start()
        send(where._order, schedule)
    outcomes = [one.seen.outcome for one in said if one.seen]
    assert outcomes == [Outcome.ANSWERED] * schedule.sent
    assert schedule.latest > 0.4
