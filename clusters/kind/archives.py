"""Several image archives as one, under the names that kind and kubeadm look for.

`kind build node-image` takes a Kubernetes release with four archives, and pulls every image that is in none of them. It
reads the names of all images of an archive only from a file ``repositories`` that comes first
(https://github.com/moby/moby/blob/v20.10.22/image/spec/v1.md); of ``manifest.json`` it reads the first entry alone.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any


def combine(target: Path, archives: Mapping[Path, Sequence[str]]) -> None:
    """Write an archive of all images of these archives, each under the names that are given for it."""
    repositories: dict[str, dict[str, str]] = {}
    index: list[dict[str, Any]] = []
    manifest: list[dict[str, Any]] = []
    for archive, names in archives.items():
        with tarfile.open(archive) as source:
            (described,) = _json(source, "manifest.json")
            (pointed,) = _json(source, "index.json")["manifests"]
        manifest.append({**described, "RepoTags": list(names)})
        for name in names:
            repository, _, tag = name.rpartition(":")
            repositories.setdefault(repository, {})[tag] = Path(described["Layers"][-1]).name
            notes = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": tag}
            index.append({**pointed, "annotations": notes})
    with tarfile.open(target, "w") as made:
        _add(made, "repositories", repositories)
        _copy_blobs(made, archives)
        _add(made, "index.json", {"schemaVersion": 2, "manifests": index})
        _add(made, "manifest.json", manifest)
        _add(made, "oci-layout", {"imageLayoutVersion": "1.0.0"})


def _copy_blobs(made: tarfile.TarFile, archives: Iterable[Path]) -> None:
    there: set[str] = set()
    for archive in archives:
        with tarfile.open(archive) as source:
            for member in source:
                if member.name.startswith("blobs/") and member.name not in there:
                    there.add(member.name)
                    made.addfile(member, source.extractfile(member))


def _json(source: tarfile.TarFile, name: str) -> Any:
    file = source.extractfile(name)
    assert file is not None
    return json.load(file)


def _add(made: tarfile.TarFile, name: str, value: object) -> None:
    data = json.dumps(value).encode()
    member = tarfile.TarInfo(name)
    member.size = len(data)
    made.addfile(member, io.BytesIO(data))
