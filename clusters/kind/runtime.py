"""An OCI runtime for a root that lacks capabilities: takes out of a container's description what cannot be given.

Run as a file: ``python -I runtime.py ARGUMENTS``, as Docker runs runc. A privileged container asks for every
capability there is, and runc refuses it where this machine's own root does not have CAP_SYS_RESOURCE; so do limits and
an OOM score that only this capability could set. Standard library only: it is started for every container and exec.
https://github.com/opencontainers/runtime-spec/blob/main/config.md#linux-process
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

RUNTIME = "runc"
ABSENT = "CAP_SYS_RESOURCE"


def described(arguments: list[str]) -> Path | None:
    """The file that describes what is about to run: a bundle's config.json, or the process of an exec."""
    for argument, following in zip(arguments, [*arguments[1:], ""], strict=False):
        option, _, value = argument.partition("=")
        if option in {"--bundle", "-b"}:
            return Path(value or following, "config.json")
        if option in {"--process", "-p"}:
            return Path(value or following)
    return None


def allowed(process: dict[str, Any]) -> dict[str, Any]:
    """The process without what needs the capability."""
    kept = {**process}
    if capabilities := kept.get("capabilities"):
        kept["capabilities"] = {
            kind: [one for one in given if one != ABSENT] for kind, given in capabilities.items() if given
        }
    if kept.get("oomScoreAdj", 0) < 0:
        del kept["oomScoreAdj"]
    kept.pop("rlimits", None)
    return kept


def amend(path: Path) -> None:
    """Rewrite a description in place."""
    told = json.loads(path.read_bytes())
    amended = {**told, "process": allowed(told["process"])} if "process" in told else allowed(told)
    path.write_text(json.dumps(amended), encoding="utf-8")


if __name__ == "__main__":
    if (file := described(sys.argv[1:])) and file.is_file():
        amend(file)
    os.execvp(RUNTIME, [RUNTIME, *sys.argv[1:]])  # noqa: S606 - it takes this process's place, as Docker expects
