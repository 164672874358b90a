"""``python -m clusters images``: prepare images, list them, or verify what the cache holds."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

from rich.table import Table

from clusters import paths
from clusters.progress import console_for_tables, progress_for_terminal

from . import resolve_with
from .finding import Finder
from .recipes import Image, image, images


def run(arguments: Sequence[str]) -> int:
    asked = parse(arguments)
    finder = Finder(paths.cache_folder())
    wanted = [image(name, images()) for name in dict.fromkeys(asked.names or images())]
    if asked.list:
        show(finder, wanted, thorough=asked.verify)
        return 0
    began = time.monotonic()
    with progress_for_terminal() as progress:
        resolve_with(finder, wanted, progress, thorough=asked.verify)
    print(f"{len(wanted)} images ready in {time.monotonic() - began:.1f} s, in {finder.store.folder}")
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m clusters images",
        description="Prepare the archives of the images that a cluster uses.",
        epilog="Ways, in order: the cache, the image's registry, the recipe with our own components.",
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="official or short name (all)")
    parser.add_argument("--list", action="store_true", help="show state and source; make nothing")
    parser.add_argument("--verify", action="store_true", help="compare the checksum of every cached archive")
    return parser.parse_args(arguments)


def show(finder: Finder, wanted: Sequence[Image], *, thorough: bool) -> None:
    console = console_for_tables()
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("image", "state"):
        drawn.add_column(title, overflow="fold")
    drawn.add_column("size", justify="right", no_wrap=True)
    drawn.add_column("source", overflow="fold")
    for one in wanted:
        drawn.add_row(one.name, *row(finder, one, thorough=thorough))
    console.print(drawn)
    console.print(f"cache: {finder.store.folder}", highlight=False, soft_wrap=True)


def row(finder: Finder, one: Image, *, thorough: bool) -> tuple[str, str, str]:
    """State, size and source."""
    entry = finder.entry(one)
    if entry is None:
        return "[yellow]missing[/yellow]", "", "would try its registry, then the recipe"
    if damage := finder.damage(one, thorough=thorough):
        return f"[red]damaged: {damage}[/red]", "", f"{entry.way}: {entry.source}"
    return "[green]ready[/green]", f"{finder.path(one).stat().st_size / 1e6:.1f} MB", f"{entry.way}: {entry.source}"
