"""Manifests on disk: plain YAML in which ``${name}`` stands for a value of the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

import yaml

FOLDER = Path(__file__).parent
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The C parser reads the Gateway API's definitions ten times as fast."""


def load(folder: Path, values: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Every object of a folder's YAML files, by file name, with the values filled in."""
    return [manifest for path in sorted(folder.glob("*.yaml")) for manifest in load_file(path, values)]


def load_file(path: Path, values: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Every object of one file; without values the text is taken as it is, with them a missing one is a `KeyError`."""
    text = path.read_text(encoding="utf-8")
    if values is not None:
        text = Template(text).substitute(values)
    return documents(text)


def documents(text: str) -> list[dict[str, Any]]:
    """The objects of a manifest, empty documents left out."""
    return [manifest for manifest in yaml.load_all(text, Loader=_LOADER) if manifest]
