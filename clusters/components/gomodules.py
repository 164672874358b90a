"""Folders of a Go module's sources, such as CRDs: the module's zip from the Go proxy, verified by go.sum.

https://go.dev/ref/mod#goproxy-protocol
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path

from clusters.errors import ComponentError

from .catalogue import Component, Source
from .store import disk_errors
from .ways import Workshop, files_folder

PROXY = "https://proxy.golang.org"
NOT_OBJECTS = {"kustomization.yaml"}


def proxies() -> list[str]:
    """The module proxies that Go would ask, as GOPROXY lists them."""
    words = re.split("[,|]", os.environ.get("GOPROXY") or PROXY)
    return [word.strip().rstrip("/") for word in words if word.strip().startswith(("http://", "https://"))]


class GoModules:
    """Files out of module zips."""

    name = "module"

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    def serves(self, name: str) -> bool:
        return self._workshop.catalogue.components[name].source is not None and bool(proxies())

    def hosts(self, name: str) -> list[str]:
        del name
        return proxies()[:1]

    def batch(self, name: str) -> str:
        component, source = self._of(name)
        return f"{source.path}@v{component.version}"

    def make(self, batch: str, drafts: Mapping[str, Path]) -> Mapping[str, str]:
        name = next(iter(drafts))
        component, _ = self._of(name)
        path, _, version = batch.partition("@")
        expected = recorded_sum(self._workshop.modules / component.module / "go.sum", path, version)
        address = f"{proxies()[0]}/{escaped(path)}/@v/{version}.zip"
        download = drafts[name] / "module.zip"
        with self._workshop.progress.task(batch, unit="B") as task:
            self._workshop.web.fetch(address, download, None, task)
        with disk_errors(download.parent):
            try:
                with zipfile.ZipFile(download) as archive:
                    if (found := module_sum(archive)) != expected:
                        raise ComponentError(
                            f"{address} has the sum {found}, but go.sum says {expected}.",
                            "Something on the way changes downloads; it was thrown away.",
                        )
                    for each, draft in drafts.items():
                        source = self._of(each)[1]
                        unpack(archive, f"{batch}/{source.folder}/", files_folder(draft), every=source.every_file)
            except zipfile.BadZipFile as error:
                raise ComponentError(f"{address} is not a module: {error}.") from error
            download.unlink()
        return dict.fromkeys(drafts, address)

    def _of(self, name: str) -> tuple[Component, Source]:
        component = self._workshop.catalogue.components[name]
        assert component.source
        return component, component.source


def escaped(path: str) -> str:
    """A module path as the proxy protocol writes it: ``Azure`` is ``!azure``."""
    return re.sub("[A-Z]", lambda match: f"!{match.group().lower()}", path)


def recorded_sum(go_sum: Path, path: str, version: str) -> str:
    """What go.sum says of a module's zip."""
    for line in go_sum.read_text(encoding="utf-8").splitlines():
        match line.split():
            case [module, tag, digest] if module == path and tag == version:
                return digest
    raise ComponentError(f"{go_sum} has no sum for {path}@{version}.", "Run `go mod tidy` there.")


def module_sum(archive: zipfile.ZipFile) -> str:
    """Go's ``h1:`` sum: https://pkg.go.dev/golang.org/x/mod/sumdb/dirhash#Hash1"""
    total = hashlib.sha256()
    for name in sorted(info.filename for info in archive.infolist() if not info.is_dir()):
        total.update(f"{hashlib.sha256(archive.read(name)).hexdigest()}  {name}\n".encode())
    return "h1:" + base64.b64encode(total.digest()).decode()


def unpack(archive: zipfile.ZipFile, prefix: str, folder: Path, *, every: bool = False) -> None:
    """Write the manifests below one folder of the zip, or ``every`` file."""
    wanted = [
        name
        for name in archive.namelist()
        if name.startswith(prefix)
        and not name.endswith("/")
        and (every or (name.endswith(".yaml") and Path(name).name not in NOT_OBJECTS))
    ]
    if not wanted:
        raise ComponentError(f"There is {'nothing' if every else 'no manifest'} in {prefix}.")
    for name in wanted:
        target = folder / name.removeprefix(prefix)
        if ".." in target.parts:
            raise ComponentError(f"The module holds a path that leaves it: {name}.")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(archive.read(name))
