"""A steady stream accounts for every request, whatever becomes of it."""

from __future__ import annotations

import itertools
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from fixtures.certificates import fingerprint
from fixtures.observations import HttpObservation, Outcome
from fixtures.steady import Stream, check_sender, no_loss, steady, told
from fixtures.timeouts import sent, stretch
from fixtures.vantages import NetnsVantage
from fixtures.verdicts import ArrangementError, Mismatch
from reports.views.timelines import stream as drawn
from tests.miniatures.certificates import self_signed
from tests.miniatures.http import (
    Behaviour,
    alternate,
    babble,
    chunked,
    close_early,
    half,
    hang,
    http_server,
    mirror,
    reply,
    told_request,
)
from tests.miniatures.ports import refusing_port
from tests.vantages import HERE

VANTAGE = NetnsVantage(HERE)


def sent_to(behaviour: Behaviour, *, seconds: float = 0.5, rate: float = 40.0, connections: int = 0) -> Stream:
    """A stream to a miniature."""
    with (
        http_server(behaviour) as port,
        steady(VANTAGE, f"http://127.0.0.1:{port}/hostname", rate=rate, connections=connections, timeout=0.4) as stream,
    ):
        time.sleep(seconds)
    return stream


def test_everything_that_a_right_server_is_asked_is_answered_on_the_schedule() -> None:
    stream = sent_to(reply())
    assert 15 <= len(stream.seen) <= 22
    assert {(one.outcome, one.status, one.body) for one in stream.seen} == {(Outcome.ANSWERED, 200, "pod-a")}
    no_loss(stream, "while nothing happened")


@pytest.mark.parametrize(("factor", "rate"), [(4.0, 10.0), (1.0, 40.0), (0.5, 40.0)])
def test_a_slow_machine_is_sent_fewer_and_a_fast_one_no_more(factor: float, rate: float) -> None:
    stretch(factor)
    try:
        assert sent(40.0) == rate
        seen = sent_to(reply()).seen
    finally:
        stretch(1.0)
    starts = sorted(one.at for one in seen)
    assert (starts[-1] - starts[0]) / (len(starts) - 1) == pytest.approx(1 / rate, rel=0.3)


def test_a_sender_is_to_blame_later_on_a_slow_machine() -> None:
    with pytest.raises(ArrangementError, match="stood still"):
        check_sender(1.5)
    stretch(4.0)
    try:
        check_sender(1.5)
    finally:
        stretch(1.0)


def test_each_request_has_a_connection_of_its_own_or_some_are_kept() -> None:
    alone, kept = sent_to(mirror), sent_to(mirror, connections=3)
    assert len({one.body for one in alone.seen}) == len(alone.seen)
    assert len({one.body for one in kept.seen}) == 3 < len(kept.seen)


@pytest.mark.parametrize(
    ("behaviour", "kind"),
    [
        pytest.param(close_early, "reset", id="hangs-up"),
        pytest.param(half, "reset", id="hangs-up-in-the-body"),
        pytest.param(hang, "timeout", id="silent"),
        pytest.param(babble, "error", id="no-http"),
        pytest.param(reply(503), "HTTP 503", id="unavailable"),
    ],
)
@pytest.mark.parametrize("connections", [0, 2])
def test_every_loss_is_counted_by_its_kind_and_none_is_sent_again(
    behaviour: Behaviour, kind: str, connections: int
) -> None:
    asked = itertools.count()

    def counting(handler: BaseHTTPRequestHandler) -> None:
        next(asked)
        behaviour(handler)

    stream = sent_to(counting, connections=connections)
    sent = len(stream.seen)
    heard = next(asked)
    assert len(stream.lost) == sent
    # Who waits for no answer may be gone before a thread of the server looked.
    assert 0 < heard <= sent if behaviour is hang else heard == sent
    assert told(stream.seen) == f"{sent} sent = 0 answered + {sent} lost ({sent} × {kind})"
    with pytest.raises(Mismatch, match="no request to be lost while it was wrong"):
        no_loss(stream, "while it was wrong")


def test_a_closed_port_refuses() -> None:
    with steady(VANTAGE, f"http://127.0.0.1:{refusing_port()}/", rate=40.0) as stream:
        time.sleep(0.2)
    assert {one.outcome for one in stream.seen} == {Outcome.REFUSED}


def test_a_host_of_ones_own_is_told_to_the_server() -> None:
    with (
        http_server(told_request) as port,
        steady(VANTAGE, f"http://127.0.0.1:{port}/", host="shop.example", rate=40.0) as stream,
    ):
        stream.await_answers(2)
    assert {"Host: shop.example" in one.body.splitlines() for one in stream.seen} == {True}
    assert {one.target for one in stream.seen} == {f"http://127.0.0.1:{port}/ as shop.example"}


@pytest.mark.parametrize("connections", [0, 2])
def test_an_answer_in_chunks_is_read_to_its_end(connections: int) -> None:
    stream = sent_to(chunked("pod-", "a"), connections=connections)
    assert {(one.outcome, one.body) for one in stream.seen} == {(Outcome.ANSWERED, "pod-a")}


@pytest.fixture(params=[0, 2], ids=["fresh", "kept"])
def by_tls(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Stream, list[str | None], str]:
    """A stream to a server that speaks TLS, the server names that it was asked for, and its certificate."""
    path, pem = self_signed(tmp_path, "shop.example")
    names: list[str | None] = []
    with (
        http_server(reply(), certificate=path, asked=names.append) as port,
        steady(VANTAGE, f"https://127.0.0.1:{port}/", host="shop.example", connections=request.param) as stream,
    ):
        stream.await_answers(6)
    return stream, names, pem


def test_by_https_each_connection_asks_for_the_name_and_tells_the_certificate(
    by_tls: tuple[Stream, list[str | None], str],
) -> None:
    stream, names, pem = by_tls
    no_loss(stream, "while nothing happened")
    assert {fingerprint(one.certificate) for one in stream.seen} == {fingerprint(pem)}
    assert set(names) == {"shop.example"}


def test_a_handshake_with_what_speaks_no_tls_is_lost_by_its_kind() -> None:
    with (
        http_server(reply()) as port,
        steady(VANTAGE, f"https://127.0.0.1:{port}/", rate=40.0, timeout=0.4) as stream,
    ):
        stream.await_seen(lambda seen: len(seen) > 1, what="requests")
    assert {(one.outcome, one.certificate) for one in stream.seen} == {(Outcome.TLS_ERROR, "")}


def test_a_slow_answer_holds_up_no_other_request() -> None:
    first = threading.Event()

    def slow_once(handler: BaseHTTPRequestHandler) -> None:
        if not first.is_set():
            first.set()
            time.sleep(0.3)
        reply()(handler)

    stream = sent_to(slow_once)
    slow = max(stream.seen, key=lambda one: one.seconds)
    assert len([one for one in stream.seen if slow.at < one.at < slow.at + 0.3]) >= 5


def test_a_stream_that_sent_nothing_proves_nothing() -> None:
    with pytest.raises(ArrangementError, match="Nothing was sent"):
        no_loss(Stream("client-1", "http://192.0.2.1/"), "while nothing happened")


def test_one_loss_among_many_is_a_mismatch_that_tells_when_it_was() -> None:
    with (
        http_server(alternate(reply(), close_early)) as port,
        steady(VANTAGE, f"http://127.0.0.1:{port}/", rate=40.0) as stream,
    ):
        stream.await_seen(lambda seen: len(seen) >= 3, what="three requests")
        stream.mark("a change")
        stream.await_answers(2)
    with pytest.raises(Mismatch) as told_so:
        no_loss(stream, "during a change")
    assert "the first 0." in told_so.value.observed


def test_a_timeline_counts_every_request_once_and_is_drawn_so() -> None:
    stream = Stream("client-1", "http://192.0.2.1/")
    stream.began = 100.0
    stream.moments = [(100.25, "a change")]
    outcomes = [Outcome.ANSWERED] * 3 + [Outcome.TIMEOUT] + [Outcome.ANSWERED] * 2
    stream.seen = [
        HttpObservation(
            vantage="client-1", target="t", at=100.05 + number / 10, seconds=0.01 * number, outcome=outcome, status=200
        )
        for number, outcome in enumerate(outcomes)
    ]
    timeline = stream.timeline()
    lost = [sum(counts) for counts in zip(*timeline.failed.values(), strict=True)]
    assert (sum(timeline.answered), sum(lost), sum(map(sum, timeline.failed.values()))) == (5, 1, 1)
    assert len(timeline.answered) == len(lost) == len(timeline.slowest)
    shown = drawn(timeline)
    assert shown.sum == "6 sent = 5 answered + 1 lost (1 × timeout)"
    assert not shown.whole
    assert [round(bar.lost, 1) for bar in shown.bars if bar.lost] == [40.0]
    assert [(moment.at, moment.what) for moment in shown.moments] == [("250 ms", "a change")]
