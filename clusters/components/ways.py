"""The ways by which a component can be had, each knowing for which components it serves and what it needs."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from clusters.progress import Progress

from .catalogue import Catalogue
from .store import Store
from .web import Web


class Workshop(msgspec.Struct, frozen=True, kw_only=True):
    """What every way works with."""

    catalogue: Catalogue
    modules: Path
    """The folder that holds the Go modules."""
    store: Store
    cache: Path
    web: Web
    progress: Progress
    arch: str
    stop: threading.Event


class Way(Protocol):
    """One way to have components."""

    name: str

    def serves(self, name: str) -> bool:
        """Whether a component can be had this way at all."""
        ...

    def hosts(self, name: str) -> list[str]:
        """Addresses whose hosts must answer."""
        ...

    def batch(self, name: str) -> str:
        """Components of one batch are made together: out of one archive, by one `go build`."""
        ...

    def make(self, batch: str, drafts: Mapping[str, Path]) -> Mapping[str, str]:
        """Put each component's files into its draft's ``files`` folder; name → where it came from."""
        ...


def files_folder(draft: Path) -> Path:
    folder = draft / "files"
    folder.mkdir(exist_ok=True)
    return folder


def listed(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
