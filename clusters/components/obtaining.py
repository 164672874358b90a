"""Makes what is missing: each component by the first way whose hosts answer, batches at the same time."""

from __future__ import annotations

import contextlib
import re
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

from filelock import FileLock, Timeout

from clusters.errors import ComponentError
from clusters.progress import Progress

from .catalogue import architecture
from .finding import Finder, Found
from .gobuild import GoBuild, go_version, numbers
from .gomodules import GoModules
from .releases import Releases
from .store import Entry, disk_errors
from .ways import Way, Workshop, listed
from .web import StoppedError, Web, without_password
from .wheels import Wheels

AT_ONCE = 12


class Obtainer:
    """Makes components in the cache. Used once, then closed."""

    def __init__(self, finder: Finder, progress: Progress) -> None:
        self._finder = finder
        self._progress = progress
        self._stop = threading.Event()
        self._web = Web(self._stop)
        self._toolchain_lock = threading.Lock()
        self._go: Path | None = None
        workshop = Workshop(
            catalogue=finder.catalogue,
            modules=finder.modules,
            store=finder.store,
            cache=finder.cache,
            web=self._web,
            progress=progress,
            arch=architecture(),
            stop=self._stop,
        )
        # A wheel before a build: where a project publishes its binary, having it takes seconds instead of minutes.
        self._ways: list[Way] = [
            Releases(workshop),
            Wheels(workshop),
            GoBuild(workshop, self._toolchain),
            GoModules(workshop),
        ]

    def obtain(self, names: Sequence[str]) -> dict[str, Found]:
        """Make components; `ComponentError` naming every way that was tried where one cannot be had."""
        with self._web:
            self._web.probe(
                host for name in [*names, *self._tools()] for way in self._serving(name) for host in way.hosts(name)
            )
            return self._obtain(names)

    def _obtain(self, names: Sequence[str]) -> dict[str, Found]:
        ways = {name: self._serving(name) for name in names}
        reasons: dict[str, list[str]] = {name: [] for name in names}
        pending = list(names)
        making: dict[Future[None], tuple[Way, list[str]]] = {}
        pool = ThreadPoolExecutor(max_workers=AT_ONCE, thread_name_prefix="components")
        try:
            while pending or making:
                # What failed waits for the other downloads, so that those which fail too are built together with it.
                if all(isinstance(way, GoBuild) for way, _ in making.values()):
                    for (way, batch), members in self._batches(pending, ways, reasons):
                        making[pool.submit(self._make, way, batch, members)] = (way, members)
                    pending = []
                done, _ = wait(making, return_when=FIRST_COMPLETED)
                for future in done:
                    way, members = making.pop(future)
                    try:
                        future.result()
                    except ComponentError as error:
                        pending += members
                        for name in members:
                            ways[name].remove(way)
                            reasons[name].append(f"{way.name}: {error.cause.rstrip('.')}")
                        self._progress.say(f"{listed(sorted(members))}: not by {way.name}: {error}")
        except BaseException:
            self._stop.set()
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return {name: found for name in names if (found := self._finder.cached(name))}

    def _batches(
        self, names: Sequence[str], ways: dict[str, list[Way]], reasons: dict[str, list[str]]
    ) -> list[tuple[tuple[Way, str], list[str]]]:
        """What is made together, the biggest first."""
        batches: dict[tuple[int, str], list[str]] = {}
        for name in names:
            way = self._choose(name, ways[name], reasons[name])
            batches.setdefault((self._ways.index(way), way.batch(name)), []).append(name)
        order = sorted(batches.items(), key=lambda item: (-len(item[1]), item[0]))
        return [((self._ways[way], batch), members) for (way, batch), members in order]

    def _tools(self) -> list[str]:
        return [name for name, component in self._finder.catalogue.components.items() if component.tool]

    def _serving(self, name: str) -> list[Way]:
        return [way for way in self._ways if way.serves(name)]

    def _choose(self, name: str, ways: list[Way], reasons: list[str]) -> Way:
        """The first way that is left and whose hosts answer; those before it are dropped with the reason."""
        while ways:
            silent = [host for host in ways[0].hosts(name) if not self._web.answers(host)]
            if not silent:
                return ways[0]
            reasons.append(f"{ways[0].name}: no answer from {listed([without_password(host) for host in silent])}")
            del ways[0]
        version = self._finder.catalogue.components[name].version
        raise ComponentError(
            f"{name} {version} could not be had. {'; '.join(reasons) or 'No way is known'}.",
            f"Let one of these answer, or put {name} {version} on PATH or into the cache {self._finder.cache}.",
        )

    def _make(self, way: Way, batch: str, names: Sequence[str]) -> None:
        with self._lock(batch, names):
            # Somebody else may have made some of them while this waited.
            names = [name for name in [*names, *self._siblings(way, batch, names)] if self._finder.damage(name)]
            with contextlib.ExitStack() as stack:
                drafts = {name: stack.enter_context(self._finder.store.draft(name)) for name in names}
                if not drafts:
                    return
                began = time.monotonic()
                sources = way.make(batch, drafts)
                seconds = round(time.monotonic() - began, 1)
                for name, draft in drafts.items():
                    version = self._finder.catalogue.components[name].version
                    entry = Entry(
                        name=name, version=version, way=way.name, source=sources[name], seconds=seconds, files={}
                    )
                    self._finder.store.install(draft, self._finder.key(name), entry)
        self._progress.say(f"{listed(sorted(drafts))}: {way.name}, {seconds:.0f} s")

    def _siblings(self, way: Way, batch: str, names: Sequence[str]) -> list[str]:
        """What a build makes along: only this build can make it, and another run of it would start all over again."""
        return (
            [
                name
                for name in self._finder.catalogue.components
                if name not in names and self._serving(name) == [way] and way.batch(name) == batch
            ]
            if isinstance(way, GoBuild)
            else []
        )

    @contextlib.contextmanager
    def _lock(self, batch: str, names: Sequence[str]) -> Iterator[None]:
        """Nobody else makes these at the same time."""
        folder = self._finder.cache / "locks"
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / f"{re.sub('[^A-Za-z0-9.]+', '-', batch)}.lock")
        told = False
        while True:
            if self._stop.is_set():
                raise StoppedError
            try:
                lock.acquire(timeout=0.3)
                break
            except Timeout:
                if not told:
                    self._progress.say(f"{listed(sorted(names))}: another run makes it; waiting")
                told = True
        try:
            yield
        finally:
            lock.release()

    def _toolchain(self) -> Path:
        """The pinned Go, or a newer one of this machine where that cannot be had."""
        with self._toolchain_lock:
            if self._go is None:
                self._go = self._find_go()
            return self._go

    def _find_go(self) -> Path:
        wanted = numbers(self._finder.catalogue.components["go"].version)
        here = shutil.which("go") or ""
        version = go_version(here) if here else ()
        if version == wanted:
            return Path(here)
        found = self._finder.in_cache("go")
        if found is None:
            try:
                found = self._obtain(["go"])["go"]
            except ComponentError:
                if version < wanted:
                    raise
                self._progress.say(f"building with {here}, which is newer than the pinned Go")
                return Path(here)
        return found.path / "bin" / "go"
