"""Where Roadtest keeps what it makes: the cache (can be thrown away) and the state of clusters (must not be)."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Binaries, images and what is made of them; ``$ROADTEST_CACHE`` or the user's cache folder."""
    return _folder("ROADTEST_CACHE", platformdirs.user_cache_path("roadtest"))


def state_folder() -> Path:
    """What running clusters are; ``$ROADTEST_STATE`` or the user's state folder."""
    return _folder("ROADTEST_STATE", platformdirs.user_state_path("roadtest"))


def temporary_folder(prefix: str, scratch: Path | None) -> tempfile.TemporaryDirectory[str]:
    """A folder that goes at the end; what a killed process leaves of it goes with ``scratch``."""
    if scratch:
        scratch.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix=prefix, dir=scratch)


def _folder(variable: str, default: Path) -> Path:
    return Path(os.environ.get(variable) or default).expanduser().absolute()
