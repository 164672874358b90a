"""The websocket probe tells whether one opened, what came back, and how long it lived."""

from __future__ import annotations

import pytest

from fixtures.observations import Outcome
from fixtures.probes import websocket
from fixtures.vantages import CommandVantage, NetnsVantage
from tests.miniatures.http import http_server, reply
from tests.miniatures.ports import refusing_port
from tests.miniatures.websockets import websocket_server
from tests.vantages import HERE

PYTHON = NetnsVantage(HERE)


def test_what_is_sent_comes_back() -> None:
    with (
        websocket_server() as port,
        websocket(PYTHON, f"ws://shop.example:{port}/ws", address="127.0.0.1") as open_one,
    ):
        assert (open_one.opened.outcome, open_one.opened.status) == (Outcome.ANSWERED, 101)
        assert open_one.opened.headers["x-host"] == f"shop.example:{port}"
        assert [open_one.exchange(text).reply for text in ("one", "two")] == ["one", "two"]


@pytest.mark.parametrize("proper_end", [True, False], ids=["close-frame", "cut"])
def test_an_idle_one_is_timed(proper_end: bool) -> None:
    with (
        websocket_server(idle=0.4, proper_end=proper_end) as port,
        websocket(PYTHON, f"ws://127.0.0.1:{port}/") as open_one,
    ):
        lived = open_one.idle(limit=5)
        assert lived is not None
        assert 0.3 < lived < 4
        assert open_one.exchange("still there?").outcome is Outcome.RESET


def test_one_that_lives_on_is_told() -> None:
    with websocket_server() as port, websocket(PYTHON, f"ws://127.0.0.1:{port}/") as open_one:
        assert open_one.idle(limit=0.3) is None
        assert open_one.exchange("still there").reply == "still there"


def test_a_refusal_is_told_with_its_status() -> None:
    with websocket_server(status=403) as port, websocket(PYTHON, f"ws://127.0.0.1:{port}/") as never_open:
        assert (never_open.opened.answered, never_open.opened.status) == (True, 403)
        assert never_open.opened.headers["x-why"] == "no"
        assert not never_open.exchange("anyone?").answered


def test_a_server_that_knows_no_websockets_answers_as_it_does() -> None:
    with http_server(reply(body="pod-a")) as port, websocket(PYTHON, f"ws://127.0.0.1:{port}/") as never_open:
        assert never_open.opened.status == 200


def test_nothing_that_listens_refuses() -> None:
    with websocket(PYTHON, f"ws://127.0.0.1:{refusing_port()}/") as never_open:
        assert never_open.opened.outcome is Outcome.REFUSED


def test_where_only_commands_are_run_the_check_is_skipped() -> None:
    with (
        pytest.raises(pytest.skip.Exception, match="websocket cannot be spoken from here"),
        websocket(CommandVantage(HERE), "ws://127.0.0.1:1/"),
    ):
        pass
