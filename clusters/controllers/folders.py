"""Where controllers are described: in our own folder, and in those of others that ROADTEST_CONTROLLERS names."""

from __future__ import annotations

import os
from pathlib import Path

from clusters.errors import UsageError

OWN = Path(__file__).parent
VARIABLE = "ROADTEST_CONTROLLERS"
"""Folders, with a colon between two, that hold a folder for each controller, as ours does."""


def named() -> list[Path]:
    """Folders of others, as the user names them."""
    words = os.environ.get(VARIABLE, "").split(os.pathsep)
    return [Path(word).expanduser().absolute() for word in words if word]


def within(folder: Path) -> dict[str, Path]:
    """Name → folder of every controller that one folder holds."""
    return {path.parent.name: path.parent for path in sorted(folder.glob("*/controller.toml"))}


def every() -> dict[str, Path]:
    """Name → folder of every controller. `UsageError` for a folder that holds none, and for a name that is taken."""
    found = within(OWN)
    for folder in named():
        theirs = within(folder)
        if not theirs:
            raise UsageError(
                f"{VARIABLE} names {folder}, which holds no controller.",
                "A controller NAME is described in NAME/controller.toml of such a folder.",
            )
        if taken := sorted(found.keys() & theirs.keys()):
            raise UsageError(
                f"{theirs[taken[0]]} has the name of another controller, {found[taken[0]]}.",
                "Give it another one: its folder, and name in its controller.toml.",
            )
        found |= theirs
    return found


def is_own(name: str) -> bool:
    """Whether a controller is of our own folder."""
    return name in within(OWN)
