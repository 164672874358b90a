"""Image archives: one tar that `ctr images import`, `kind load image-archive` and `docker load` take, in fixed bytes.

OCI image layout with a docker ``manifest.json`` beside it, whose paths point to the same blobs.
https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


class Descriptor(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """A blob by what it is, its checksum and its size."""

    media_type: str
    digest: str
    size: int
    annotations: dict[str, str] = {}


class Blob(msgspec.Struct, frozen=True):
    """Content of an archive: bytes, or a file of that size."""

    descriptor: Descriptor
    content: bytes | Path


def blob(content: bytes | Path, media_type: str) -> Blob:
    """A blob with its checksum."""
    if isinstance(content, bytes):
        digest, size = hashlib.sha256(content).hexdigest(), len(content)
    else:
        with content.open("rb") as file:
            digest, size = hashlib.file_digest(file, "sha256").hexdigest(), content.stat().st_size
    return Blob(Descriptor(media_type, f"sha256:{digest}", size), content)


def encoded(value: object) -> bytes:
    """JSON whose bytes depend on nothing but the value."""
    return msgspec.json.encode(value, order="sorted")


def config(*, arch: str, layers: Sequence[Blob], process: Mapping[str, object]) -> Blob:
    """An image's configuration; ``process`` is its ``config`` object (Entrypoint, Cmd, Env, User …)."""
    # The epoch, not the time: the same parts give the same bytes.
    content = {
        "architecture": arch,
        "os": "linux",
        "created": "1970-01-01T00:00:00Z",
        "config": dict(process),
        "rootfs": {"type": "layers", "diff_ids": [layer.descriptor.digest for layer in layers]},
    }
    return blob(encoded(content), CONFIG)


def manifest(image_config: Blob, layers: Sequence[Blob], media_type: str = MANIFEST) -> Blob:
    """The manifest that ties a configuration and layers together."""
    content = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": image_config.descriptor,
        "layers": [layer.descriptor for layer in layers],
    }
    return blob(encoded(content), media_type)


def write(target: Path, name: str, image_manifest: Blob, image_config: Blob, layers: Sequence[Blob]) -> None:
    """Write the archive of one image under its official name."""
    descriptor = msgspec.structs.replace(
        image_manifest.descriptor,
        annotations={"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.rpartition(":")[2]},
    )
    texts = {
        "index.json": encoded({"schemaVersion": 2, "mediaType": INDEX, "manifests": [descriptor]}),
        "manifest.json": encoded(
            [{"Config": _path(image_config), "RepoTags": [name], "Layers": [_path(layer) for layer in layers]}]
        ),
        "oci-layout": encoded({"imageLayoutVersion": "1.0.0"}),
    }
    blobs = {_path(each): each.content for each in (image_manifest, image_config, *layers)}
    with target.open("wb") as file, tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(texts):
            _add(tar, path, len(texts[path]), io.BytesIO(texts[path]))
        for path, content in sorted(blobs.items()):
            if isinstance(content, bytes):
                _add(tar, path, len(content), io.BytesIO(content))
            else:
                with content.open("rb") as source:
                    _add(tar, path, os.fstat(source.fileno()).st_size, source)


def names_in(archive: Path) -> list[str]:
    """The image names that an archive holds."""
    with tarfile.open(archive) as tar:
        member = tar.extractfile("manifest.json")
        assert member
        return [name for entry in msgspec.json.decode(member.read()) for name in entry["RepoTags"]]


def _path(each: Blob) -> str:
    return f"blobs/{each.descriptor.digest.replace(':', '/')}"


def _add(tar: tarfile.TarFile, path: str, size: int, source: BinaryIO) -> None:
    info = tarfile.TarInfo(path)
    info.size, info.mode = size, 0o644
    tar.addfile(info, source)
