"""Responses: where they end, and what is none."""

from __future__ import annotations

import pytest

from loadprofiles.engine.response import BadResponseError, Reply

WHOLE = {
    "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, True),
    "no body": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, True),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, True),
    "304 with length": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", 304, True),
    "close": (b"HTTP/1.1 503 Busy\r\nconnection: Close\r\ncontent-length: 2\r\n\r\nno", 503, False),
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=1\r\n0123456789\r\n0\r\n\r\n",
        200,
        True,
    ),
    "trailer": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n", 200, True),
    "interim first": (b"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, True),
    "1.0": (b"HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, False),
    "1.0 keep-alive": (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\nx", 200, True),
}
WRONG = {
    "no status line": b"SSH-2.0-OpenSSH\r\n\r\n",
    "http/2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",
    "status of letters": b"HTTP/1.1 OK\r\n\r\n",
    "more than the length": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc",
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    "bad chunk size": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "chunk without end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabcdef",
    "after the last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx",
    "header without colon": b"HTTP/1.1 200 OK\r\nnonsense\r\n\r\n",
}


@pytest.mark.parametrize("name", WHOLE)
def test_a_response_is_whole_at_its_last_byte_and_not_before(name: str) -> None:
    data, status, keep_alive = WHOLE[name]
    for pieces in ([data], [data[i : i + 1] for i in range(len(data))], [data[:20], data[20:]]):
        reply = Reply()
        assert [reply.feed(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
        assert (reply.status, reply.keep_alive) == (status, keep_alive)


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_response_is_refused(name: str) -> None:
    with pytest.raises(BadResponseError):
        Reply().feed(WRONG[name])


def test_the_end_of_the_connection_ends_only_a_response_without_length() -> None:
    unbounded, bounded, unheard = Reply(), Reply(), Reply()
    assert not unbounded.feed(b"HTTP/1.1 200 OK\r\n\r\nhello")
    assert unbounded.end()
    assert not unbounded.keep_alive
    assert not bounded.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello")
    assert not bounded.end()
    assert not unheard.end()
    assert not unheard.begun
