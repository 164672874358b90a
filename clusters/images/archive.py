"""Image archives that `ctr images import`, `kind load image-archive` and `docker load` take.

An OCI layout with Docker's manifest.json beside it, as `docker save` writes it.
https://github.com/opencontainers/image-spec/blob/main/image-layout.md
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypedDict

import msgspec

from clusters.components.store import disk_errors
from clusters.errors import ComponentError, UsageError

from .layers import CHUNK, END, file, header, padding
from .names import full_name

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
INDEX = "application/vnd.oci.image.index.v1+json"
ANY_FILE = file(b"")
Json = dict[str, object]


class Descriptor(TypedDict):
    """https://github.com/opencontainers/image-spec/blob/main/descriptor.md"""

    mediaType: str
    digest: str
    size: int


class Blob(Protocol):
    """Bytes that can be read several times."""

    def chunks(self) -> Iterator[bytes]: ...

    def measure(self) -> tuple[str, int]: ...


class FileBlob:
    """A blob that is a file, whose checksum is known."""

    def __init__(self, path: Path, sha256: str) -> None:
        self._path = path
        self._sha256 = sha256

    def chunks(self) -> Iterator[bytes]:
        with self._path.open("rb") as source:
            while chunk := source.read(CHUNK):
                yield chunk

    def measure(self) -> tuple[str, int]:
        return self._sha256, self._path.stat().st_size


class BytesBlob:
    def __init__(self, data: bytes) -> None:
        self._data = data

    def chunks(self) -> Iterator[bytes]:
        yield self._data

    def measure(self) -> tuple[str, int]:
        return hashlib.sha256(self._data).hexdigest(), len(self._data)


def encoded(value: object) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def build(target: Path, name: str, arch: str, layers: Sequence[Blob], settings: Json) -> None:
    """Write an image of these layers, the lowest first."""
    measured = [layer.measure() for layer in layers]
    config = encoded(
        {
            "architecture": arch,
            "os": "linux",
            "config": settings,
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}" for digest, _ in measured]},
        }
    )
    manifest = encoded(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": descriptor(CONFIG, *BytesBlob(config).measure()),
            "layers": [descriptor(LAYER, digest, length) for digest, length in measured],
        }
    )
    write(target, name, manifest, MANIFEST, config, list(layers))


def descriptor(media_type: str, sha256: str, length: int) -> Descriptor:
    return {"mediaType": media_type, "digest": f"sha256:{sha256}", "size": length}


def write(target: Path, name: str, manifest: bytes, media_type: str, config: bytes, layers: list[Blob]) -> None:
    """Write an archive of an image whose parts are there."""
    blobs: dict[str, Blob] = {}
    paths: list[str] = []
    for blob in [BytesBlob(manifest), BytesBlob(config), *layers]:
        path = f"blobs/sha256/{blob.measure()[0]}"
        paths.append(path)
        blobs[path] = blob
    annotations = {
        "io.containerd.image.name": name,
        "org.opencontainers.image.ref.name": name.rpartition(":")[2],
    }
    top = {**descriptor(media_type, *BytesBlob(manifest).measure()), "annotations": annotations}
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [top]}
    docker = [{"Config": paths[1], "RepoTags": [name], "Layers": paths[2:]}]
    blobs["index.json"] = BytesBlob(encoded(index))
    blobs["manifest.json"] = BytesBlob(encoded(docker))
    blobs["oci-layout"] = BytesBlob(encoded({"imageLayoutVersion": "1.0.0"}))
    with disk_errors(target.parent), target.open("wb") as out:
        for path, blob in sorted(blobs.items()):
            _, length = blob.measure()
            out.write(header(path, ANY_FILE, length))
            written = sum(out.write(chunk) for chunk in blob.chunks())
            if written != length:
                raise ComponentError(f"A file of the image {name} changed while it was put together.", "Run again.")
            out.write(padding(length))
        out.write(END)


class Listed(msgspec.Struct, frozen=True):
    """An image in manifest.json."""

    tags: list[str] | None = msgspec.field(name="RepoTags", default=None)


def names_in(path: Path) -> list[str]:
    """Full names of the images in an archive that somebody else wrote."""
    try:
        with tarfile.open(path) as archive:
            found = archive.extractfile("manifest.json")
            assert found is not None
            listed = msgspec.json.decode(found.read(), type=list[Listed])
    except (tarfile.TarError, KeyError, AssertionError, msgspec.DecodeError) as error:
        raise UsageError(f"{path} is no archive of images: {error}.", "docker save writes one.") from error
    return [full_name(tag) for image in listed for tag in image.tags or []]
