"""Changes merged into a document, as RFC 7386 merges JSON: what is given replaces what was, but maps are merged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merged(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the changes in it; both stay as they are."""
    found = dict(document)
    for key, value in changes.items():
        both_maps = isinstance(value, Mapping) and isinstance(found.get(key), Mapping)
        found[key] = merged(found[key], value) if both_maps else value
    return found
