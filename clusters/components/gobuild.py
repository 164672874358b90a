"""`go build` from the committed go.mod and go.sum: one per module, with all of its packages that are wanted."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from clusters.errors import ComponentError
from clusters.progress import Task

from .catalogue import Module
from .gomodules import proxies
from .store import disk_errors, no_space
from .ways import Workshop, files_folder, listed
from .web import StoppedError

AT_ONCE = 2
"""A second build fills the cores while the first one links."""
LAST_LINES = 6
TESTS = ".test"
"""How `go test -c` calls the tests of a package."""
FLAGS = "-trimpath -buildvcs=false -mod=readonly -modcacherw"
KEPT_VARIABLES = {
    "GOPROXY",
    "GOPRIVATE",
    "GONOPROXY",
    "GOSUMDB",
    "GONOSUMDB",
    "GOINSECURE",
    "GOAUTH",
    "GOENV",
    "GOGC",
    "GOMAXPROCS",
    "GOMEMLIMIT",
}
COMPILER_MEMORY = {"GOGC": "300", "GOMEMLIMIT": "2GiB"}
"""The compiler collects its garbage later: a seventh less work for a build, and no single compilation grows big.
https://go.dev/doc/gc-guide
"""
TOOLCHAIN = "auto"
"""Where a go.mod asks for a newer Go than ours, Go itself takes just that one from the module proxy, checked against
the checksum database. https://go.dev/doc/toolchain
"""
VERSION = re.compile(r"\bgo(\d+(?:\.\d+)+)")


class GoBuild:
    """Programs built on this machine."""

    name = "go build"

    def __init__(self, workshop: Workshop, toolchain: Callable[[], Path]) -> None:
        self._workshop = workshop
        self._toolchain = toolchain
        self._places = threading.Semaphore(AT_ONCE)

    def serves(self, name: str) -> bool:
        component = self._workshop.catalogue.components[name]
        packages = [program.package for program in component.programs.values()]
        return bool(component.module and packages) and all(packages)

    def hosts(self, name: str) -> list[str]:
        del name
        return proxies()[:1]

    def batch(self, name: str) -> str:
        return self._workshop.catalogue.components[name].module

    def make(self, batch: str, drafts: Mapping[str, Path]) -> Mapping[str, str]:
        module = self._workshop.catalogue.modules[batch]
        go = self._toolchain()
        with disk_errors(self._workshop.cache):
            work = next(iter(drafts.values()))
            output, temporary = work / "built", work / "tmp"
            output.mkdir()
            temporary.mkdir()
            environment = self._environment(temporary)
        programs = {
            program: (name, built)
            for name in drafts
            for program, built in self._workshop.catalogue.components[name].programs.items()
        }
        tests = {name: built.package for name, (_, built) in programs.items() if name.endswith(TESTS)}
        packages = sorted({built.package for name, (_, built) in programs.items() if name not in tests})
        options = build_options(module)
        title = f"go build {listed(sorted(drafts))}"
        # `go test -c` tells nothing while it compiles, so what it needs is built first.
        parts = self._imported_by_tests(go, batch, options, sorted(tests.values()), environment)
        stale = self._stale_packages(go, batch, options, [*packages, *parts], environment)
        with self._place(), self._workshop.progress.task(title, total=stale or None, unit="packages") as task:

            def run(*words: str) -> None:
                self._run([str(go), *words], batch, environment, lambda line: count_package(line, task))

            if packages:
                run("build", "-v", *options, "-o", f"{output}/", *packages)
            if parts:
                run("build", "-v", *options, *parts)
            for name, package in tests.items():
                task.note(f"linking {name}")
                run("test", "-c", "-vet=off", *options, "-o", str(output / name), package)
        with disk_errors(work):
            for program, (name, built) in programs.items():
                target = files_folder(drafts[name]) / program
                (output / (built.built_as or program)).rename(target)
                target.chmod(0o755)
            shutil.rmtree(temporary, ignore_errors=True)
            shutil.rmtree(output)
        return dict.fromkeys(drafts, f"clusters/components/go/{batch}")

    def _imported_by_tests(
        self, go: Path, batch: str, options: Sequence[str], packages: Sequence[str], environment: Mapping[str, str]
    ) -> list[str]:
        """What the tests of packages import. Fetches the sources on the way."""
        if not packages:
            return []
        found: list[str] = []
        template = '{{join .TestImports "\\n"}}\n{{join .XTestImports "\\n"}}'
        command = [str(go), "list", *options, "-f", template, *packages]
        self._run(command, batch, environment, lambda _: None, found.append)
        return sorted({line for line in found if line})

    def _stale_packages(
        self, go: Path, batch: str, options: Sequence[str], packages: Sequence[str], environment: Mapping[str, str]
    ) -> int:
        """How many packages have to be compiled. Fetches the sources on the way."""
        stale = 0

        def count(line: str) -> None:
            nonlocal stale
            stale += 1

        with self._workshop.progress.task(f"sources of {batch}", unit="modules") as task:

            def follow(line: str) -> None:
                if line.startswith("go: downloading "):
                    task.advance(1)
                    task.note(line.removeprefix("go: downloading "))

            template = "{{if .Stale}}{{.ImportPath}}{{end}}"
            command = [str(go), "list", "-deps", *options, "-f", template, *packages]
            self._run(command, batch, environment, follow, count)
        return stale

    def _environment(self, temporary: Path) -> dict[str, str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("GO") or name in KEPT_VARIABLES
        }
        caches = {
            name: os.environ.get(name) or str(self._workshop.cache / "go" / folder)
            for name, folder in {"GOCACHE": "build", "GOMODCACHE": "modules"}.items()
        }
        for folder in caches.values():
            Path(folder).mkdir(parents=True, exist_ok=True)
        return {
            **COMPILER_MEMORY,
            **inherited,
            **caches,
            "CGO_ENABLED": "0",
            "GOARCH": self._workshop.arch,
            "GOFLAGS": FLAGS,
            "GOOS": "linux",
            "GOTMPDIR": str(temporary),
            "GOTOOLCHAIN": TOOLCHAIN,
            "GOWORK": "off",
        }

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        while not self._places.acquire(timeout=0.2):
            if self._workshop.stop.is_set():
                raise StoppedError
        try:
            yield
        finally:
            self._places.release()

    def _run(
        self,
        command: Sequence[str],
        batch: str,
        environment: Mapping[str, str],
        follow: Callable[[str], None],
        read: Callable[[str], None] | None = None,
    ) -> None:
        """Run go, telling each line of its standard error (and output); `ComponentError` with its last words."""
        last: list[str] = []
        with subprocess.Popen(
            [*ends_with_us(), *command],
            cwd=self._workshop.modules / batch,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            watcher = threading.Thread(target=self._end_when_stopped, args=(process,), daemon=True)
            watcher.start()
            reader = threading.Thread(target=_each_line, args=(process.stdout, read or (lambda _: None)), daemon=True)
            reader.start()
            assert process.stderr
            for line in process.stderr:
                follow(line.rstrip())
                if not is_progress(line.rstrip()):
                    last = [*last, line.strip()][-LAST_LINES:]
            status = process.wait()
            reader.join()
        if self._workshop.stop.is_set():
            raise StoppedError
        if status:
            raise self._failed(batch, last, environment)

    def _end_when_stopped(self, process: subprocess.Popen[str]) -> None:
        while process.poll() is None:
            if self._workshop.stop.wait(0.1):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                return

    def _failed(self, batch: str, last: Sequence[str], environment: Mapping[str, str]) -> Exception:
        words = "; ".join(last)
        if "no space left on device" in words or "disk quota exceeded" in words:
            return no_space(Path(environment["GOCACHE"]))
        return ComponentError(f"`go build` of {batch} failed: {words or 'it said nothing'}")


def ends_with_us() -> list[str]:
    """Prefix of a command that is killed with this process, even when that is killed itself."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def build_options(module: Module) -> list[str]:
    """Options of `go build`."""
    link = " ".join(["-s", "-w", *(f"-X {variable}" for variable in module.set)])
    return ["-ldflags", link, *(["-tags", ",".join(module.tags)] if module.tags else [])]


def count_package(line: str, task: Task) -> None:
    """`go build -v` names each package when it is compiled."""
    if is_progress(line) and not line.startswith("go: "):
        task.advance(1)
        task.note(line)


def is_progress(line: str) -> bool:
    """Whether Go tells how far it is: a download, or the name of a package."""
    return line.startswith("go: downloading ") or bool(line and " " not in line and not line.startswith("\t"))


def go_version(program: str) -> tuple[int, ...]:
    """The version of a Go toolchain on this machine; empty where it does not tell."""
    try:
        done = subprocess.run(
            [program, "version"],
            env={**os.environ, "GOTOOLCHAIN": "local"},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = VERSION.search(done.stdout)
    return numbers(found.group(1)) if found and not done.returncode else ()


def numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))


def _each_line(stream: Iterator[str] | None, read: Callable[[str], None]) -> None:
    for line in stream or ():
        read(line.rstrip("\n"))
