"""`go build` with a miniature Go that builds, fails, fills the disk or hangs; and module zips from a small proxy."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import stamina

from clusters.components import resolve_with
from clusters.components.catalogue import Catalogue
from clusters.components.finding import Finder
from clusters.components.gomodules import escaped, module_sum
from clusters.errors import ComponentError, MachineError
from clusters.progress import LineProgress, SilentProgress
from tests.miniatures.release_host import ReleaseHost, release_host

LIMIT = 30
GO = """#!/bin/sh
case "$1" in
    version) echo go version go1.26.6 linux/amd64 ;;
    list) echo example.com/lamp; echo example.com/bulb; echo "go: downloading example.com/bulb v1.0.0" >&2 ;;
    build)
        while [ "$1" != -o ]; do [ $# = 0 ] && exit 0; shift; done
        echo "$@" >> "$LAMP_LOG"
        echo example.com/bulb >&2
        {build}
        echo light > "$2/lamp"; echo wind > "$2/blower" ;;
    test)
        while [ "$1" != -o ]; do shift; done
        echo "test $@" >> "$LAMP_LOG"
        echo tried > "$2" ;;
esac
"""
PINS = {
    "component": {
        "go": {"version": "1.26.6", "tool": True},
        "lamp": {"version": "1.2.3", "module": "set", "programs": {"lamp": {"package": "example.com/lamp"}}},
        "fan": {
            "version": "1.2.3",
            "module": "set",
            "programs": {"fan": {"package": "example.com/cmd/blower", "built_as": "blower"}},
        },
        "trial": {
            "version": "1.2.3",
            "module": "tests",
            "programs": {"trial.test": {"package": "example.com/trial"}, "lamp": {"package": "example.com/lamp"}},
        },
        "texts": {"version": "1.2.3", "module": "set", "source": {"path": "example.com/Texts", "folder": "crd"}},
    },
    "module": {"tests": {}, "set": {"tags": ["bright"], "set": ["example.com/lamp.Version=v1.2.3"]}},
}


@pytest.fixture(autouse=True)
def retry_at_once() -> Iterator[None]:
    stamina.set_testing(True, attempts=2)
    yield
    stamina.set_testing(False)


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReleaseHost]:
    with release_host() as host:
        monkeypatch.setenv("GOPROXY", host.address)
        yield host


@pytest.fixture
def finder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: ReleaseHost) -> Finder:
    for name in ("set", "tests"):
        module = tmp_path / "go" / name
        module.mkdir(parents=True)
        (module / "go.mod").write_text(f"module {name}\n", encoding="utf-8")
    monkeypatch.setenv("LAMP_LOG", str(tmp_path / "log"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    go(tmp_path, "")
    return Finder(msgspec.convert(PINS, Catalogue), tmp_path / "cache", tmp_path / "go")


def go(folder: Path, build: str) -> None:
    program = folder / "bin" / "go"
    program.parent.mkdir(exist_ok=True)
    program.write_text(GO.format(build=build), encoding="utf-8")
    program.chmod(0o755)


def test_a_module_is_built_once_with_all_that_is_wanted_of_it(finder: Finder, tmp_path: Path) -> None:
    told = io.StringIO()
    found = resolve_with(finder, ["lamp", "fan"], LineProgress(told))
    assert found["lamp"].read_text(encoding="utf-8") == "light\n"
    assert found["fan"].read_text(encoding="utf-8") == "wind\n"
    builds = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert len(builds) == 1
    assert builds[0].endswith("example.com/cmd/blower example.com/lamp")
    assert "fan and lamp: go build" in told.getvalue()
    assert list((finder.cache / "components" / "drafts").iterdir()) == []


def test_the_tests_of_a_package_are_built_beside_its_programs(finder: Finder, tmp_path: Path) -> None:
    found = resolve_with(finder, ["trial.test", "lamp"], SilentProgress())
    assert found["trial.test"].read_text(encoding="utf-8") == "tried\n"
    assert os.access(found["trial.test"], os.X_OK)
    builds = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert any(line.startswith("test -o ") and line.endswith("/trial.test example.com/trial") for line in builds)


def test_a_failed_build_is_told_with_its_last_words(finder: Finder, tmp_path: Path) -> None:
    go(tmp_path, "echo 'lamp.go:7: undefined: bulb' >&2; exit 1")
    with pytest.raises(
        ComponentError,
        match=r"lamp 1\.2\.3 could not be had\. go build: `go build` of set failed: lamp\.go:7: undefined: bulb",
    ):
        resolve_with(finder, ["lamp"], SilentProgress())
    assert finder.cached("lamp") is None


def test_a_full_disk_is_told_as_such(finder: Finder, tmp_path: Path) -> None:
    go(tmp_path, "echo 'write /tmp/x: no space left on device' >&2; exit 1")
    with pytest.raises(MachineError, match=r"No space is left on /.*, the disk of the cache"):
        resolve_with(finder, ["lamp"], SilentProgress())


def test_without_the_proxy_no_build_is_begun(finder: Finder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with release_host() as gone:
        pass
    monkeypatch.setenv("GOPROXY", gone.address)
    with pytest.raises(ComponentError, match=f"go build: no answer from {gone.address}"):
        resolve_with(finder, ["lamp"], SilentProgress())
    assert not (tmp_path / "log").exists()


PROCESS = """
import sys, msgspec
from pathlib import Path
from clusters.components import resolve_with
from clusters.components.catalogue import Catalogue
from clusters.components.finding import Finder
from clusters.progress import SilentProgress
catalogue = msgspec.json.decode(sys.argv[1], type=Catalogue)
resolve_with(Finder(catalogue, Path(sys.argv[2]), Path(sys.argv[3])), ["lamp"], SilentProgress())
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda number: number.name)
def test_an_interrupted_build_ends_its_processes_and_leaves_nothing(
    finder: Finder, tmp_path: Path, number: signal.Signals
) -> None:
    go(tmp_path, f"echo $$ > {tmp_path}/child; exec sleep 600")
    pins = msgspec.json.encode(finder.catalogue).decode()
    running = subprocess.Popen(
        [sys.executable, "-c", PROCESS, pins, str(finder.cache), str(finder.modules)], stderr=subprocess.PIPE
    )
    child = int(until(lambda: (tmp_path / "child").read_text(encoding="utf-8").strip()))
    running.send_signal(number)
    running.communicate(timeout=LIMIT)
    assert running.returncode != 0
    until(lambda: ended(child))
    assert finder.cached("lamp") is None
    go(tmp_path, "")
    resolve_with(finder, ["lamp"], SilentProgress())
    assert list((finder.cache / "components" / "drafts").iterdir()) == []


def until(condition: object) -> str:
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        try:
            if value := condition():  # type: ignore[operator]
                return str(value)
        except OSError:
            pass
        time.sleep(0.02)
    raise TimeoutError


def ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def zipped(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {
            "crd/a.yaml": text,
            "crd/more/b.yaml": "b",
            "crd/kustomization.yaml": "no",
            "crd/readme.md": "no",
            "go.mod": "module x",
        }.items():
            archive.writestr(f"example.com/Texts@v1.2.3/{name}", content)
    return buffer.getvalue()


def record(finder: Finder, content: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        line = f"example.com/Texts v1.2.3 {module_sum(archive)}\n"
    (finder.modules / "set" / "go.sum").write_text(line, encoding="utf-8")


def test_a_folder_of_a_module_is_taken_by_its_recorded_sum(finder: Finder, proxy: ReleaseHost) -> None:
    proxy.files["/example.com/!texts/@v/v1.2.3.zip"] = content = zipped("kind: A")
    record(finder, content)
    folder = resolve_with(finder, ["texts"], SilentProgress())["texts"]
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*")) == ["a.yaml", "more/b.yaml"]


def test_a_changed_module_is_refused(finder: Finder, proxy: ReleaseHost) -> None:
    proxy.files["/example.com/!texts/@v/v1.2.3.zip"] = zipped("kind: Evil")
    record(finder, zipped("kind: A"))
    with pytest.raises(ComponentError, match=r"but go\.sum says h1:"):
        resolve_with(finder, ["texts"], SilentProgress())
    assert finder.cached("texts") is None


def test_a_module_that_is_no_zip_is_refused(finder: Finder, proxy: ReleaseHost) -> None:
    proxy.files["/example.com/!texts/@v/v1.2.3.zip"] = b"<html>"
    record(finder, zipped("kind: A"))
    with pytest.raises(ComponentError, match="is not a module"):
        resolve_with(finder, ["texts"], SilentProgress())


def test_capitals_are_escaped_as_the_proxy_wants_it() -> None:
    assert escaped("github.com/Azure/go") == "github.com/!azure/go"
