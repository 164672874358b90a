"""Official releases: an archive or a program from its project's own host, with the checksum published there."""

from __future__ import annotations

import re
import shutil
import tarfile
from collections.abc import Mapping
from pathlib import Path

from clusters.errors import ComponentError

from .catalogue import Component, Release
from .store import disk_errors
from .ways import Workshop, files_folder
from .web import origin

ARCHIVES = (".tar.gz", ".tgz")
SHA256 = re.compile(r"\b[0-9a-f]{64}\b")


class Releases:
    """Downloads from the hosts of the projects."""

    name = "release"

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    def serves(self, name: str) -> bool:
        return bool(self._workshop.catalogue.components[name].release)

    def hosts(self, name: str) -> list[str]:
        _, release = self._of(name)
        return sorted({origin(release.url), origin(release.checksums)})

    def batch(self, name: str) -> str:
        return self._address(name, self._of(name)[1].url)

    def make(self, batch: str, drafts: Mapping[str, Path]) -> Mapping[str, str]:
        names = sorted(drafts)
        checksums = self._address(names[0], self._of(names[0])[1].checksums)
        file = batch.rsplit("/", 1)[1]
        digest = published(self._workshop.web.text(checksums), file, checksums)
        download = drafts[names[0]] / file
        with self._workshop.progress.task(file, unit="B") as task:
            self._workshop.web.fetch(batch, download, digest, task)
        with disk_errors(download.parent):
            for name, draft in drafts.items():
                self._unpack(download, name, draft)
            download.unlink(missing_ok=True)
        return dict.fromkeys(names, batch)

    def _unpack(self, download: Path, name: str, draft: Path) -> None:
        component, _ = self._of(name)
        folder = files_folder(draft)
        if not download.name.endswith(ARCHIVES):
            target = folder / name
            shutil.copyfile(download, target)
            target.chmod(0o755)
            return
        try:
            with tarfile.open(download) as archive:
                if component.tree:
                    extract_tree(archive, component.tree, folder)
                for program, where in component.programs.items():
                    extract_program(archive, self._filled(name, where.member), folder / program)
        except (tarfile.TarError, EOFError) as error:
            raise ComponentError(f"{download.name} is not an archive: {error}.") from error

    def _of(self, name: str) -> tuple[Component, Release]:
        component = self._workshop.catalogue.components[name]
        return component, self._workshop.catalogue.releases[component.release]

    def _address(self, name: str, template: str) -> str:
        return self._filled(name, template)

    def _filled(self, name: str, template: str) -> str:
        component = self._workshop.catalogue.components[name]
        return template.format(version=component.version, arch=self._workshop.arch, name=name)


def published(text: str, file: str, address: str) -> str:
    """The checksum of a file in what its project publishes: alone, or in ``sha256sum``'s format."""
    lines = [line for line in text.splitlines() if SHA256.search(line)]
    named = [line for line in lines if line.split()[-1].lstrip("*").rsplit("/", 1)[-1] == file]
    if not named and len(lines) == 1 and len(lines[0].split()) == 1:
        named = lines
    if not named:
        raise ComponentError(f"{address} publishes no SHA-256 of {file}.")
    found = SHA256.search(named[0])
    assert found
    return found.group()


def extract_program(archive: tarfile.TarFile, member: str, target: Path) -> None:
    """Write one program of an archive."""
    for info in archive:
        if info.isfile() and info.name.removeprefix("./") == member:
            source = archive.extractfile(info)
            assert source
            with source, target.open("wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
            target.chmod(0o755)
            return
    raise ComponentError(f"There is no {member} in {Path(str(archive.name)).name}.")


def extract_tree(archive: tarfile.TarFile, tree: str, folder: Path) -> None:
    """Write everything below one folder of an archive, and nothing outside ``folder``."""
    found = False
    for info in archive:
        name = info.name.removeprefix("./")
        if not (info.isfile() and name.startswith(f"{tree}/")):
            continue
        found = True
        target = folder / name.removeprefix(f"{tree}/")
        if ".." in target.parts:
            raise ComponentError(f"{Path(str(archive.name)).name} holds a path that leaves it: {name}.")
        target.parent.mkdir(parents=True, exist_ok=True)
        source = archive.extractfile(info)
        assert source
        with source, target.open("wb") as file:
            shutil.copyfileobj(source, file, 1 << 20)
        target.chmod(0o755 if info.mode & 0o100 else 0o644)
    if not found:
        raise ComponentError(f"There is no {tree}/ in {Path(str(archive.name)).name}.")
