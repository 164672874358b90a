"""Pulls an image from its registry by the plain protocol, every part checked against its digest.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pull
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode

import httpx
import msgspec
import stamina

from clusters.components.web import Web, failure
from clusters.errors import ComponentError
from clusters.progress import Progress, Task

from .archive import INDEX, MANIFEST, FileBlob, write
from .names import HOSTS

ATTEMPTS = 3
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
INDEXES = {INDEX, DOCKER_INDEX}
MANIFESTS = {MANIFEST, DOCKER_MANIFEST}
T = TypeVar("T")
PASSING = {408, 429, 500, 502, 503, 504}


class Platform(msgspec.Struct, frozen=True):
    architecture: str
    os: str


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """https://github.com/opencontainers/image-spec/blob/main/descriptor.md"""

    media_type: str = msgspec.field(name="mediaType")
    digest: str
    size: int
    platform: Platform | None = None

    @property
    def sha256(self) -> str:
        algorithm, _, value = self.digest.partition(":")
        if algorithm != "sha256" or not re.fullmatch("[0-9a-f]{64}", value):
            raise ComponentError(f"The registry names a part by the digest {self.digest!r}, which is no SHA-256.")
        return value


class Index(msgspec.Struct, frozen=True):
    manifests: list[Part]


class Manifest(msgspec.Struct, frozen=True):
    config: Part
    layers: list[Part]


class Token(msgspec.Struct, frozen=True):
    """https://distribution.github.io/distribution/spec/auth/token/"""

    token: str = ""
    access_token: str = ""


class Registry:
    """One repository of one registry."""

    def __init__(self, web: Web, name: str, *, scheme: str = "https") -> None:
        self._web = web
        self._name = name
        host, _, rest = name.partition("/")
        self._repository, _, self._tag = rest.rpartition(":")
        self._address = f"{scheme}://{HOSTS.get(host, host)}/v2/{self._repository}"
        self._headers: dict[str, str] = {}

    @property
    def address(self) -> str:
        return self._address

    def digest(self) -> str:
        """Of what the tag leads to now."""
        return self._manifest(self._tag, INDEXES | MANIFESTS)[2]

    def pull(self, target: Path, arch: str, progress: Progress) -> str:
        """Write the image as an archive; the digest of its manifest."""
        data, media_type, _ = self._manifest(self._tag, INDEXES | MANIFESTS)
        if media_type in INDEXES:
            part = _for_platform(_decoded(data, Index), arch, self._name)
            data, media_type, digest = self._manifest(part.digest, MANIFESTS)
            if digest != part.sha256:
                raise ComponentError(f"The manifest of {self._name} has another digest than its index says.")
        manifest = _decoded(data, Manifest)
        config, *layers = [manifest.config, *manifest.layers]
        title = self._name.rpartition("/")[2]
        with progress.task(f"pulling {title}", sum(layer.size for layer in layers), "B") as task:
            parts = {part.sha256: target.with_name(part.sha256) for part in [config, *layers]}
            for part in [config, *layers]:
                place = parts[part.sha256]
                if not place.exists():
                    address = f"{self._address}/blobs/{part.digest}"
                    self._web.fetch(address, place, part.sha256, _Share(task), self._headers)
        write(
            target,
            self._name,
            data,
            media_type,
            parts[config.sha256].read_bytes(),
            [FileBlob(parts[layer.sha256], layer.sha256) for layer in layers],
        )
        for place in parts.values():
            place.unlink()
        return f"sha256:{hashlib.sha256(data).hexdigest()}"

    def _manifest(self, reference: str, accepted: set[str]) -> tuple[bytes, str, str]:
        """A manifest or index, its type, and the checksum of what came."""
        address = f"{self._address}/manifests/{reference}"
        response = self._get(address, {"accept": ", ".join(sorted(accepted))})
        if response.status_code == httpx.codes.UNAUTHORIZED:
            self._log_in(response.headers.get("www-authenticate", ""))
            response = self._get(address, {"accept": ", ".join(sorted(accepted))})
        _raise_for_status(address, response)
        media_type = response.headers.get("content-type", "").partition(";")[0]
        if media_type not in accepted:
            raise ComponentError(f"{address} answered with {media_type or 'nothing'} instead of a manifest.")
        return response.content, media_type, hashlib.sha256(response.content).hexdigest()

    def _log_in(self, challenge: str) -> None:
        """As nobody in particular: public registries want a token all the same."""
        told = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        if not challenge.lower().startswith("bearer ") or "realm" not in told:
            raise ComponentError(f"{self._address} wants to know who asks, in a way that is not known: {challenge}.")
        scope = told.get("scope", f"repository:{self._repository}:pull")
        address = f"{told['realm']}?{urlencode({'service': told.get('service', ''), 'scope': scope})}"
        response = self._get(address, {})
        _raise_for_status(address, response)
        token = _decoded(response.content, Token)
        self._headers = {"authorization": f"Bearer {token.token or token.access_token}"}

    def _get(self, address: str, headers: dict[str, str]) -> httpx.Response:
        try:
            for attempt in stamina.retry_context(on=_Passing, attempts=ATTEMPTS, wait_initial=0.2, wait_max=2.0):
                with attempt:
                    return self._get_once(address, headers)
        except _Passing as passing:
            raise passing.error from passing
        raise AssertionError  # the attempts end with a return or an error

    def _get_once(self, address: str, headers: dict[str, str]) -> httpx.Response:
        try:
            response = self._web.client.get(address, headers=self._headers | headers)
        except httpx.TransportError as error:
            raise _Passing(failure(address, error)) from error
        if response.status_code in PASSING:
            raise _Passing(_refusal(address, response))
        return response


class _Passing(Exception):  # noqa: N818 - it is no error until it has come three times
    def __init__(self, error: ComponentError) -> None:
        self.error = error
        super().__init__(str(error))


class _Share:
    """A part of a task: what it announces is in the task's total already."""

    def __init__(self, task: Task) -> None:
        self._task = task

    def advance(self, amount: float) -> None:
        self._task.advance(amount)

    def note(self, text: str) -> None:
        pass

    def total(self, total: float) -> None:
        pass


def _for_platform(index: Index, arch: str, name: str) -> Part:
    wanted = Platform(arch, "linux")
    for part in index.manifests:
        if part.platform == wanted and part.media_type in MANIFESTS:
            return part
    raise ComponentError(f"{name} is not published for linux/{arch}.")


def _decoded(data: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.MsgspecError as error:
        raise ComponentError(f"A registry answered with something that is not understood: {error}.") from error


def _raise_for_status(address: str, response: httpx.Response) -> None:
    if response.is_error:
        raise _refusal(address, response)


def _refusal(address: str, response: httpx.Response) -> ComponentError:
    return ComponentError(f"{address.partition('?')[0]} answered {response.status_code} {response.reason_phrase}.")
