"""Wheels: what some projects publish on PyPI, a real binary in a zip whose checksum is pinned."""

from __future__ import annotations

import os
import shutil
import zipfile
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

from clusters.errors import ComponentError

from .catalogue import Component
from .store import disk_errors
from .ways import Workshop, files_folder
from .web import without_password

PYPI = "https://pypi.org/simple"
INDEX_VARIABLES = ("UV_DEFAULT_INDEX", "PIP_INDEX_URL", "UV_INDEX_URL")


def index() -> str:
    """The package index: the user's own where one is set, as pip and uv do it."""
    return next((os.environ[name] for name in INDEX_VARIABLES if os.environ.get(name)), PYPI).rstrip("/")


class Wheels:
    """Binaries out of wheels."""

    name = "wheel"

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    def serves(self, name: str) -> bool:
        component = self._workshop.catalogue.components[name]
        wheel = self._workshop.catalogue.wheels.get(component.wheel)
        return wheel is not None and wheel.for_machine(self._workshop.arch) is not None

    def hosts(self, name: str) -> list[str]:
        del name
        return [index()]

    def batch(self, name: str) -> str:
        return self._workshop.catalogue.components[name].wheel

    def make(self, batch: str, drafts: Mapping[str, Path]) -> Mapping[str, str]:
        wheel = self._workshop.catalogue.wheels[batch].for_machine(self._workshop.arch)
        assert wheel
        page = f"{index()}/{batch}/"
        address = link_of(self._workshop.web.text(page, {"accept": "text/html"}), wheel.file, page)
        download = next(iter(drafts.values())) / wheel.file
        with self._workshop.progress.task(wheel.file.split("-py3")[0], unit="B") as task:
            self._workshop.web.fetch(address, download, wheel.sha256, task, {"accept-encoding": "identity"})
        with disk_errors(download.parent):
            for name, draft in drafts.items():
                unpack(download, self._workshop.catalogue.components[name], files_folder(draft))
            download.unlink()
        return dict.fromkeys(drafts, f"PyPI {batch} {self._workshop.catalogue.wheels[batch].version}")


class _Links(HTMLParser):
    """https://packaging.python.org/en/latest/specifications/simple-repository-api/#base-html-api"""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links.extend(value for name, value in attrs if name == "href" and value)


def link_of(page: str, file: str, address: str) -> str:
    """Where an index says that a file is."""
    parser = _Links()
    parser.feed(page)
    for link in parser.links:
        target = link.partition("#")[0]
        if target.rsplit("/", 1)[-1] == file:
            return urljoin(address, target)
    raise ComponentError(f"{without_password(address)} does not list {file}.")


def unpack(download: Path, component: Component, folder: Path) -> None:
    """Write a component's programs (a wheel's scripts) or its tree."""
    try:
        with zipfile.ZipFile(download) as archive:
            for info in archive.infolist():
                name = _target(info.filename, component)
                if info.is_dir() or not name or ".." in Path(name).parts:
                    continue
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as source, target.open("wb") as file:
                    shutil.copyfileobj(source, file, 1 << 20)
                target.chmod(0o755 if (info.external_attr >> 16) & 0o100 else 0o644)
    except zipfile.BadZipFile as error:
        raise ComponentError(f"{download.name} is not a wheel: {error}.") from error
    missing = [program for program in component.programs if not (folder / program).exists()]
    if missing or not any(folder.iterdir()):
        raise ComponentError(f"There is no {', '.join(missing) or component.tree} in {download.name}.")


def _target(path: str, component: Component) -> str:
    """Below which name a file of the wheel is kept; empty for what is not wanted."""
    if component.tree:
        return path.removeprefix(f"{component.tree}/") if path.startswith(f"{component.tree}/") else ""
    folder, _, name = path.rpartition("/")
    return name if folder.endswith(".data/scripts") and name in component.programs else ""
