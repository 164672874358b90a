"""Just enough of HTTP/1.1 to know when a response is whole, what its status is and whether the connection lives on.

`Reply` is fed whatever arrived; it follows RFC 9112 section 6.3 for where a body ends: no body for 1xx, 204 and 304,
chunked, Content-Length, or the end of the connection. Bodies are counted, not kept.
"""

from __future__ import annotations

_HEAD_LIMIT = 64 * 1024


class BadResponseError(Exception):
    """What arrived is not one HTTP/1.1 response."""


class Reply:
    """One response on its way in."""

    __slots__ = (
        "_body",
        "_chunked",
        "_headed",
        "_interim",
        "_pending",
        "_trailer",
        "_until_close",
        "keep_alive",
        "status",
    )

    def __init__(self) -> None:
        self.status = 0
        self.keep_alive = True
        self._pending = b""
        self._headed = False
        self._chunked = False
        self._trailer = False
        self._until_close = False
        self._interim = False
        self._body = 0

    @property
    def begun(self) -> bool:
        """Whether anything of it has arrived."""
        return self._headed or bool(self._pending)

    @property
    def plain(self) -> bool:
        """Whether its first head alone says how long it is."""
        return not (self._chunked or self._until_close or self._interim)

    def feed(self, data: bytes) -> bool:
        """Take what arrived; true when the response is whole. `BadResponseError` for what is not one response."""
        data = self._pending + data
        self._pending = b""
        while not self._headed:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                if len(data) > _HEAD_LIMIT or not data.startswith(b"HTTP/1."[: len(data)]):
                    raise BadResponseError(f"no HTTP/1.1 response: {data[:40]!r}")
                self._pending = data
                return False
            self._read_head(data[:end])
            data = data[end + 4 :]
            if 100 <= self.status < 200:
                self._headed = False
                self._interim = True
        if self._chunked:
            return self._feed_chunks(data)
        if self._until_close:
            return False
        self._body -= len(data)
        if self._body < 0:
            raise BadResponseError(f"{-self._body} bytes after the response")
        return self._body == 0

    def end(self) -> bool:
        """The peer has closed: true when that is how this response ends."""
        return self._headed and self._until_close

    def _read_head(self, head: bytes) -> None:
        lines = head.split(b"\r\n")
        version, _, rest = lines[0].partition(b" ")
        code = rest[:3]
        if version not in {b"HTTP/1.1", b"HTTP/1.0"} or len(code) != 3 or not code.isdigit():
            raise BadResponseError(f"no HTTP/1.1 status line: {lines[0][:40]!r}")
        self.status = int(code)
        self.keep_alive = version == b"HTTP/1.1"
        length = -1
        self._chunked = False
        for line in lines[1:]:
            name, colon, value = line.partition(b":")
            if not colon:
                raise BadResponseError(f"no header field: {line[:40]!r}")
            name, value = name.lower(), value.strip()
            if name == b"content-length":
                if not value.isdigit() or length not in {-1, int(value)}:
                    raise BadResponseError(f"content-length {value[:40]!r}")
                length = int(value)
            elif name == b"transfer-encoding":
                self._chunked = value.lower().split(b",")[-1].strip() == b"chunked"
            elif name == b"connection":
                tokens = {token.strip() for token in value.lower().split(b",")}
                if b"close" in tokens:
                    self.keep_alive = False
                elif b"keep-alive" in tokens:
                    self.keep_alive = True
        self._headed = True
        if self.status in {204, 304} or 100 <= self.status < 200:
            self._chunked = False
            self._body = 0
        elif not self._chunked:
            self._until_close = length < 0
            self._body = max(length, 0)
        if self._until_close:
            self.keep_alive = False

    def _feed_chunks(self, data: bytes) -> bool:
        while data:
            if self._body:  # what is left of a chunk, with its CRLF
                taken = data[: self._body]
                data = data[len(taken) :]
                self._body -= len(taken)
                if not self._body and not taken.endswith(b"\n"):
                    raise BadResponseError("a chunk without its end")
                continue
            line, found, after = data.partition(b"\r\n")
            if not found:
                if len(data) > _HEAD_LIMIT:
                    raise BadResponseError("a chunk's size without end")
                self._pending = data
                return False
            data = after
            if self._trailer:
                if line:
                    continue
                if data:
                    raise BadResponseError(f"{len(data)} bytes after the response")
                return True
            try:
                size = int(line.split(b";")[0], 16)
            except ValueError:
                raise BadResponseError(f"a chunk's size: {line[:40]!r}") from None
            if size:
                self._body = size + 2
            else:
                self._trailer = True
        return False
