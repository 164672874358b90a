"""Several UDP exchanges by netcat: one command, one datagram each, and nothing but the payload."""

from __future__ import annotations

import socket
import threading

from fixtures.observations import Outcome
from fixtures.probes import udp
from fixtures.vantages import CommandVantage
from tests.vantages import HERE


def test_each_datagram_is_sent_once_and_nothing_but_the_payload() -> None:
    heard: list[bytes] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(10)

        def serve() -> None:
            for _ in range(3):
                said, peer = server.recvfrom(100)
                heard.append(said)
                server.sendto(b"pod says " + said, peer)

        thread = threading.Thread(target=serve)
        thread.start()
        seen = udp(CommandVantage(HERE), "127.0.0.1", server.getsockname()[1], "it's me", count=3)
        thread.join()
    assert heard == [b"it's me"] * 3
    assert [(one.outcome, one.reply) for one in seen] == [(Outcome.ANSWERED, "pod says it's me")] * 3
