"""What is already on this machine: the right version on PATH, or in the cache. Fast: every run begins with it."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from .catalogue import MODULES, Catalogue, Component, recipe_digest
from .store import Store, same_time

ASK_SECONDS = 20.0
ELF_INTERPRETER = 3
"""https://refspecs.linuxfoundation.org/elf/gabi4+/ch5.pheader.html: PT_INTERP, the mark of a dynamic program."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A component on this machine."""

    name: str
    version: str
    path: Path
    """The program, or the folder of what has several files."""
    way: str
    """``PATH``, or how the cache had it."""
    source: str
    seconds: float = 0.0


class Answer(msgspec.Struct, frozen=True):
    """What a program on PATH said of its version when it was this big and this old."""

    size: int
    mtime_ns: int
    text: str


class Finder:
    """Looks on PATH, then in the cache."""

    def __init__(self, catalogue: Catalogue, cache: Path, modules: Path = MODULES) -> None:
        self.catalogue = catalogue
        self.modules = modules
        self.cache = cache
        self.store = Store(cache / "components")
        self._memory = cache / "components" / "asked.json"
        self._asked: dict[str, Answer] | None = None

    def find(self, name: str, *, thorough: bool = False) -> Found | None:
        """A whole component in the right version."""
        return self.on_path(name) or self.in_cache(name, thorough=thorough)

    def on_path(self, name: str) -> Found | None:
        component = self.catalogue.components[name]
        program = next(iter(component.programs), "")
        path = component.ask and shutil.which(program)
        if not path or (component.static and not is_static(Path(path))):
            return None
        if not tells(self._ask(Path(path), component.ask), component.version):
            return None
        return Found(name=name, version=component.version, path=Path(path), way="PATH", source=path)

    def in_cache(self, name: str, *, thorough: bool = False) -> Found | None:
        return None if self.damage(name, thorough=thorough) else self.cached(name)

    def damage(self, name: str, *, thorough: bool = False) -> str:
        """What is wrong with a component's cache entry; empty for a whole one."""
        return self.store.damage(name, self.key(name), thorough=thorough)

    def cached(self, name: str) -> Found | None:
        """A component's cache entry, unchecked."""
        entry = self.store.entry(name, self.key(name))
        if entry is None:
            return None
        files = self.store.place(name, self.key(name)) / "files"
        return Found(
            name=name,
            version=entry.version,
            path=files / name if name in self.catalogue.components[name].programs else files,
            way=entry.way,
            source=entry.source,
            seconds=entry.seconds,
        )

    def key(self, name: str) -> str:
        component = self.catalogue.components[name]
        return f"{component.version}-{recipe_digest(component, self.catalogue, self.modules)}"

    def _ask(self, path: Path, arguments: Sequence[str]) -> str:
        """A program's words about its version, remembered for as long as its file stays the same."""
        if self._asked is None:
            self._asked = {}
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                self._asked = msgspec.json.decode(self._memory.read_bytes(), type=dict[str, Answer])
        now = path.stat()
        known = self._asked.get(str(path))
        if known is None or known.size != now.st_size or not same_time(now.st_mtime_ns, known.mtime_ns):
            known = Answer(now.st_size, now.st_mtime_ns, words_of(path, arguments))
            self._asked[str(path)] = known
            self._remember(self._asked)
        return known.text

    def _remember(self, asked: Mapping[str, Answer]) -> None:
        with contextlib.suppress(OSError):
            self._memory.parent.mkdir(parents=True, exist_ok=True)
            draft = self._memory.with_name(f"asked.{os.getpid()}.{secrets.token_hex(4)}")
            draft.write_bytes(msgspec.json.encode(asked))
            draft.replace(self._memory)


def words_of(path: Path, arguments: Sequence[str]) -> str:
    """What a program prints; nothing where it fails."""
    try:
        done = subprocess.run(
            [str(path), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=ASK_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout + done.stderr if done.returncode == 0 else ""


def tells(words: str, version: str) -> bool:
    """Whether a program's words name exactly this version: 1.36.3, and neither 1.36.30 nor 1.36.3-rc.1."""
    return bool(re.search(rf"(?<![\d.]){re.escape(version)}(?![\d]|\.\d|-\w)", words))


def is_static(path: Path) -> bool:
    """Whether a program needs no libraries, so that it runs alone in an image."""
    with path.open("rb") as file:
        header = file.read(64)
        if header[:5] != b"\x7fELF\x02":
            return False
        offset, size, count = (int.from_bytes(header[a:b], "little") for a, b in ((32, 40), (54, 56), (56, 58)))
        file.seek(offset)
        table = file.read(size * count)
    kinds = [int.from_bytes(table[start : start + 4], "little") for start in range(0, len(table), size)]
    return ELF_INTERPRETER not in kinds


def program_path(found: Found, component: Component, name: str) -> Path:
    """Where ``name`` is: the component itself, or one of the programs in its folder."""
    return found.path / name if name != found.name and name in component.programs else found.path
