"""Downloads: which hosts answer, and files that arrive whole with the right checksum, or not at all."""

from __future__ import annotations

import hashlib
import logging
import ssl
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import stamina

from clusters.errors import ComponentError
from clusters.progress import Task

from .store import disk_errors

logging.getLogger("stamina").addHandler(logging.NullHandler())  # it tells every retry; the failure says enough

PROBE_SECONDS = 4.0
READ_SECONDS = 30.0
ATTEMPTS = 3
CHUNK = 1 << 18
SYSTEM_CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")


class StoppedError(Exception):
    """The user wants this to end."""


class Truncated(httpx.TransportError):
    """Fewer bytes arrived than were announced."""


class Web:
    """One client for everything that is fetched; remembers which hosts answered."""

    def __init__(self, stop: threading.Event | None = None, *, probe_seconds: float = PROBE_SECONDS) -> None:
        self.stop = stop or threading.Event()
        self._probe_seconds = probe_seconds
        self._answers: dict[str, bool] = {}
        self._client: httpx.Client | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Web:
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.close()

    @property
    def client(self) -> httpx.Client:
        with self._lock:
            if self._client is None:
                timeout = httpx.Timeout(READ_SECONDS, connect=10.0)
                self._client = httpx.Client(verify=certificates(), timeout=timeout, follow_redirects=True)
            return self._client

    def probe(self, addresses: Iterable[str]) -> None:
        """Ask every host that was not asked yet, all at once, whether it is there."""
        hosts = {origin(address) for address in addresses} - self._answers.keys()
        if hosts:
            with ThreadPoolExecutor(max_workers=len(hosts)) as pool:
                self._answers.update(zip(hosts, pool.map(self._is_there, hosts), strict=True))

    def answers(self, address: str) -> bool:
        """Whether the host of an address is there."""
        self.probe([address])
        return self._answers[origin(address)]

    def text(self, address: str, headers: dict[str, str] | None = None) -> str:
        """A small text."""
        try:
            for attempt in stamina.retry_context(on=_is_passing, attempts=ATTEMPTS, wait_initial=0.2, wait_max=2.0):
                with attempt:
                    response = self.client.get(address, headers=headers)
                    response.raise_for_status()
                    return response.text
        except httpx.HTTPError as error:
            raise failure(address, error) from error
        raise AssertionError  # the attempts end with a return or an error

    def fetch(
        self, address: str, target: Path, sha256: str | None, task: Task, headers: dict[str, str] | None = None
    ) -> None:
        """Write what is at an address; `ComponentError` if it does not come, or not with this checksum.

        Without a checksum the caller verifies.
        """
        try:
            for attempt in stamina.retry_context(on=_is_passing, attempts=ATTEMPTS, wait_initial=0.2, wait_max=2.0):
                with attempt:
                    found = self._stream(address, target, task, headers or {})
        except httpx.HTTPError as error:
            target.unlink(missing_ok=True)
            raise failure(address, error) from error
        if sha256 is not None and found != sha256:
            target.unlink(missing_ok=True)
            raise ComponentError(
                f"{address} has the checksum sha256:{found}, but sha256:{sha256} is published.",
                "Something on the way changes downloads; it was thrown away.",
            )

    def _stream(self, address: str, target: Path, task: Task, headers: dict[str, str]) -> str:
        digest = hashlib.sha256()
        done = 0
        with self.client.stream("GET", address, headers=headers) as response, disk_errors(target.parent):
            response.raise_for_status()
            announced = int(response.headers.get("content-length", 0))
            task.total(announced)
            encoded = "content-encoding" in response.headers
            try:
                with target.open("wb") as file:
                    for chunk in response.iter_bytes(CHUNK):
                        if self.stop.is_set():
                            raise StoppedError
                        file.write(chunk)
                        digest.update(chunk)
                        done += len(chunk)
                        task.advance(len(chunk))
            except httpx.TransportError:
                task.advance(-done)
                raise
        if announced and not encoded and done != announced:
            task.advance(-done)
            raise Truncated(f"{done} of {announced} bytes arrived")
        return digest.hexdigest()

    def _is_there(self, host: str) -> bool:
        try:
            # Any answer will do: it is the host that is asked for, not a page.
            self.client.head(host, timeout=self._probe_seconds, follow_redirects=False)
        except httpx.HTTPError:
            return False
        return True


def origin(address: str) -> str:
    """``https://host:port/`` of an address."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}/"


def without_password(address: str) -> str:
    """An address that can be shown."""
    parts = urlsplit(address)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def certificates() -> ssl.SSLContext:
    """The machine's own trust, which knows a company's proxy; certifi's where the machine has none."""
    context = ssl.create_default_context()
    if not context.cert_store_stats()["x509_ca"]:
        for path in SYSTEM_CERTIFICATES:
            if Path(path).exists():
                context.load_verify_locations(path)
                return context
        return httpx.create_ssl_context()
    return context


def failure(address: str, error: httpx.HTTPError) -> ComponentError:
    """What became of a download, in a sentence."""
    shown = without_password(address)
    if isinstance(error, httpx.HTTPStatusError):
        return ComponentError(f"{shown} answered {error.response.status_code} {error.response.reason_phrase}.")
    return ComponentError(f"{shown} could not be fetched: {str(error) or type(error).__name__}.")


def _is_passing(error: Exception) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in {408, 429, 500, 502, 503, 504}
    return isinstance(error, httpx.TransportError)
