"""A process that sends: nothing that the judge does holds it up, and where it breaks off, no verdict rests on it."""

from __future__ import annotations

import os
import signal
import time

import msgspec
import pytest

from clusters.errors import MachineError
from fixtures.steady import steady
from fixtures.vantages import NetnsVantage
from fixtures.verdicts import ArrangementError
from tests.miniatures.http import http_server, reply
from tests.vantages import HERE

VANTAGE = NetnsVantage(HERE)


def test_a_judge_that_keeps_the_interpreter_to_itself_holds_no_request_up() -> None:
    with http_server(reply()) as port, steady(VANTAGE, f"http://127.0.0.1:{port}/", rate=40.0) as stream:
        stream.await_answers(2)
        began = time.time()
        sum(range(80_000_000))  # one call into C, which no other thread of this process can interrupt
        kept = time.time() - began
        stream.await_answers(2)
    during = [one.at for one in stream.seen if began <= one.at <= began + kept]
    assert kept > 0.5, "nothing was held up"
    assert len(during) > 0.5 * 40 * kept


def test_a_sender_that_breaks_off_is_an_error_of_ours() -> None:
    def broken() -> None:
        with http_server(reply()) as port, steady(VANTAGE, f"http://127.0.0.1:{port}/") as stream:
            assert stream._process is not None
            os.kill(stream._process.pid, signal.SIGKILL)
            stream.await_answers(1000)

    with pytest.raises(ArrangementError, match="What sends from here broke off"):
        broken()


def test_what_went_wrong_in_a_sender_is_told() -> None:
    with pytest.raises(ArrangementError, match="ValueError: Port could not be cast"), steady(VANTAGE, "http://a:b/"):
        pass


def test_a_network_that_cannot_be_entered_is_told_and_nothing_is_sent_from_elsewhere() -> None:
    elsewhere = NetnsVantage(msgspec.structs.replace(HERE, netns="/nowhere", here=False))
    with (
        http_server(reply()) as port,
        pytest.raises(MachineError, match="cannot be entered: No such file"),
        steady(elsewhere, f"http://127.0.0.1:{port}/") as stream,
    ):
        pass
    assert "stream" not in locals()
