"""``python -m clusters components``: prepare components, list them, or verify what the cache holds."""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from clusters import paths
from clusters.progress import console_for_tables, progress_for_terminal

from . import resolve_with
from .catalogue import catalogue
from .finding import Finder

READY, MISSING, DAMAGED = "ready", "missing", "damaged"


def run(arguments: Sequence[str]) -> int:
    asked = parse(arguments)
    finder = Finder(catalogue(), paths.cache_folder())
    names = asked.names or finder.catalogue.names()
    holders = list(dict.fromkeys(finder.catalogue.holder(name) for name in names))
    if asked.list:
        show(rows(finder, holders, thorough=asked.verify), finder.cache)
        return 0
    if asked.prune:
        print(f"{prune(finder.cache / 'go') / 1e9:.1f} GB of what only builds from source need are gone")
        return 0
    began = time.monotonic()
    with progress_for_terminal() as progress:
        resolve_with(finder, names, progress, thorough=asked.verify)
    took = time.monotonic() - began
    print(f"{len(holders)} components ready in {took:.1f} s, in {finder.cache / 'components'}")
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./noxw -s components --",
        description="Prepare the programs and manifests that a cluster is made of.",
        epilog="Ways, in order: the right version on PATH, the cache, the official release, PyPI, go build.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="component (all)")
    parser.add_argument("--list", action="store_true", help="show version, source and state; make nothing")
    parser.add_argument("--verify", action="store_true", help="compare the checksum of every cached file")
    parser.add_argument("--prune", action="store_true", help="remove sources and intermediate files of builds")
    return parser.parse_args(arguments)


def prune(folder: Path) -> int:
    """Remove Go's modules and build cache and give their bytes. No component is touched; no build may be running."""
    files = [file for file in folder.rglob("*") if file.is_file()]
    removed = sum(file.stat().st_size for file in files)
    for parent in {file.parent for file in files}:
        parent.chmod(0o755)  # Go keeps modules in folders that nobody may write to
    shutil.rmtree(folder, ignore_errors=True)
    return removed


Row = tuple[str, str, str, str, str]
"""Name, version, state, size and source."""


def rows(finder: Finder, names: Sequence[str], *, thorough: bool) -> list[Row]:
    """One row for each component."""
    table = []
    for name in names:
        version = finder.catalogue.components[name].version
        if here := finder.on_path(name):
            table.append((name, version, READY, size(here.path), f"PATH: {here.source}"))
            continue
        cached = finder.cached(name)
        if cached is None:
            table.append((name, version, MISSING, "", f"would try {', '.join(ways(finder, name))}"))
            continue
        damage = finder.damage(name, thorough=thorough)
        state = f"{DAMAGED}: {damage}" if damage else READY
        table.append((name, version, state, size(cached.path), f"{cached.way}: {cached.source}"))
    return table


def ways(finder: Finder, name: str) -> list[str]:
    """The ways that a component knows, in the order in which they are tried."""
    component = finder.catalogue.components[name]
    known = {
        "release": component.release,
        "wheel": component.wheel,
        "go build": component.module and component.programs,
        "module": component.source,
    }
    return [way for way, there in known.items() if there]


def size(path: Path) -> str:
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return f"{sum(file.stat().st_size for file in files) / 1e6:.1f} MB"


def show(table: Sequence[Row], cache: Path) -> None:
    console = console_for_tables()
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("component", "version", "state"):
        drawn.add_column(title, no_wrap=title != "state")
    drawn.add_column("size", justify="right", no_wrap=True)
    drawn.add_column("source", overflow="fold")
    for name, version, state, megabytes, source in table:
        colour = "green" if state == READY else "yellow" if state == MISSING else "red"
        drawn.add_row(name, version, f"[{colour}]{state}[/{colour}]", megabytes, source)
    console.print(drawn)
    console.print(f"cache: {cache}", highlight=False, soft_wrap=True)
