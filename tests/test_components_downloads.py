"""Components from a release host that is right, and from ones that are wrong in every way that happens."""

from __future__ import annotations

import hashlib
import io
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import pytest
import stamina

from clusters.components import resolve_with
from clusters.components.catalogue import Catalogue
from clusters.components.finding import Finder
from clusters.components.releases import published
from clusters.components.wheels import link_of
from clusters.errors import ComponentError, UsageError
from clusters.progress import LineProgress, SilentProgress
from tests.miniatures.release_host import ReleaseHost, release_host

PROGRAM = b"#!/bin/sh\necho lamp 1.2.3\n" + b"#" * 200_000
ADDRESS = "/v1.2.3/lamp"
LIMIT = 30


@pytest.fixture(autouse=True)
def retry_at_once() -> Iterator[None]:
    stamina.set_testing(True, attempts=2)
    yield
    stamina.set_testing(False)


@pytest.fixture
def host() -> Iterator[ReleaseHost]:
    with release_host() as running:
        running.files[ADDRESS] = PROGRAM
        running.files[f"{ADDRESS}.sha256"] = hashlib.sha256(PROGRAM).hexdigest().encode()
        yield running


@pytest.fixture
def finder(host: ReleaseHost, tmp_path: Path) -> Finder:
    return Finder(pins(host), tmp_path / "cache", tmp_path)


def pins(host: ReleaseHost, **changes: object) -> Catalogue:
    lamp = {"version": "1.2.3", "release": "lamp", "programs": {"lamp": {}}, **changes}
    release = {"url": host.address + "/v{version}/{name}", "checksums": host.address + "/v{version}/{name}.sha256"}
    return msgspec.convert({"component": {"lamp": lamp}, "release": {"lamp": release}}, Catalogue)


def resolve(finder: Finder, *names: str) -> Mapping[str, Path]:
    return resolve_with(finder, names or ["lamp"], SilentProgress())


def leftovers(finder: Finder) -> list[Path]:
    drafts = finder.cache / "components" / "drafts"
    return list(drafts.iterdir()) if drafts.exists() else []


def test_a_release_is_taken_with_its_published_checksum(finder: Finder) -> None:
    path = resolve(finder)["lamp"]
    assert path.read_bytes() == PROGRAM
    assert os.access(path, os.X_OK)
    assert leftovers(finder) == []


def test_what_is_in_the_cache_is_not_asked_for_again(finder: Finder, host: ReleaseHost) -> None:
    resolve(finder)
    host.asked.clear()
    resolve(finder)
    assert host.asked == []


def test_a_changed_download_is_refused(finder: Finder, host: ReleaseHost) -> None:
    host.files[ADDRESS] = PROGRAM.replace(b"lamp", b"evil")
    with pytest.raises(ComponentError, match="has the checksum sha256:"):
        resolve(finder)
    assert finder.cached("lamp") is None
    assert leftovers(finder) == []


def test_a_truncated_download_is_refused(finder: Finder, host: ReleaseHost) -> None:
    host.truncated[ADDRESS] = 1000
    with pytest.raises(ComponentError, match="could not be fetched"):
        resolve(finder)
    assert finder.cached("lamp") is None
    assert leftovers(finder) == []


def test_a_release_that_is_gone_is_named(finder: Finder, host: ReleaseHost) -> None:
    del host.files[ADDRESS]
    with pytest.raises(ComponentError, match=r"lamp 1\.2\.3 could not be had\. release: .* answered 404"):
        resolve(finder)


def test_a_host_that_publishes_no_checksum_is_not_trusted(finder: Finder, host: ReleaseHost) -> None:
    host.files[f"{ADDRESS}.sha256"] = b"<html>welcome</html>"
    with pytest.raises(ComponentError, match="publishes no SHA-256"):
        resolve(finder)
    assert ADDRESS not in host.asked


def test_a_passing_failure_is_tried_again(finder: Finder, host: ReleaseHost) -> None:
    host.failures[ADDRESS] = 1
    assert resolve(finder)["lamp"].read_bytes() == PROGRAM


def test_a_host_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with release_host() as gone:
        pass
    with pytest.raises(ComponentError, match="release: no answer from http://127"):
        resolve(Finder(pins(gone), tmp_path / "cache", tmp_path))


def test_an_archive_gives_several_programs(host: ReleaseHost, tmp_path: Path) -> None:
    host.files["/v1.2.3/set.tar.gz"] = archive = tar_of({"bin/lamp": b"lamp", "bin/fan": b"fan", "bin/other": b"no"})
    host.files["/v1.2.3/SUMS"] = (
        f"{'0' * 64}  other.tar.gz\n{hashlib.sha256(archive).hexdigest()}  set.tar.gz\n".encode()
    )
    programs = {"lamp": {"member": "bin/lamp"}, "fan": {"member": "bin/fan"}}
    together = {"version": "1.2.3", "release": "set", "programs": programs}
    release = {"url": host.address + "/v{version}/set.tar.gz", "checksums": host.address + "/v{version}/SUMS"}
    catalogue = msgspec.convert({"component": {"set": together}, "release": {"set": release}}, Catalogue)
    found = resolve(Finder(catalogue, tmp_path / "cache", tmp_path), "set", "fan")
    assert sorted(path.name for path in found["set"].iterdir()) == ["fan", "lamp"]
    assert found["fan"].read_bytes() == b"fan"


def test_an_archive_without_the_program_is_refused(host: ReleaseHost, tmp_path: Path) -> None:
    host.files["/v1.2.3/set.tgz"] = archive = tar_of({"readme": b"nothing here"})
    host.files["/v1.2.3/set.tgz.sha256"] = hashlib.sha256(archive).hexdigest().encode()
    component = {"version": "1.2.3", "release": "set", "programs": {"lamp": {"member": "lamp"}}}
    release = {"url": host.address + "/v{version}/set.tgz", "checksums": host.address + "/v{version}/set.tgz.sha256"}
    catalogue = msgspec.convert({"component": {"lamp": component}, "release": {"set": release}}, Catalogue)
    with pytest.raises(ComponentError, match=r"There is no lamp in set\.tgz"):
        resolve(Finder(catalogue, tmp_path / "cache", tmp_path))


def tar_of(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o755
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def test_an_unknown_component_lists_the_right_names(finder: Finder) -> None:
    with pytest.raises(UsageError, match=r"no component called 'lmap'.*Components: lamp\."):
        resolve(finder, "lmap")


def test_a_damaged_entry_is_found_and_made_anew(finder: Finder) -> None:
    path = resolve(finder)["lamp"]
    path.write_bytes(PROGRAM.replace(b"lamp", b"LAMP"))
    told = io.StringIO()
    again = resolve_with(finder, ["lamp"], LineProgress(told))["lamp"]
    assert again.read_bytes() == PROGRAM
    assert "lamp in the cache is damaged and is made anew: lamp has another checksum" in told.getvalue()


PROCESS = """
import sys, msgspec
from pathlib import Path
from clusters.components import resolve_with
from clusters.components.catalogue import Catalogue
from clusters.components.finding import Finder
from clusters.progress import LineProgress
catalogue = msgspec.json.decode(sys.argv[1], type=Catalogue)
found = resolve_with(Finder(catalogue, Path(sys.argv[2]), Path(sys.argv[2])), ["lamp"], LineProgress(sys.stderr))
print(found["lamp"].stat().st_size)
"""


def process(catalogue: Catalogue, cache: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROCESS, msgspec.json.encode(catalogue).decode(), str(cache)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_two_processes_at_once_fetch_it_once(finder: Finder, host: ReleaseHost) -> None:
    both = [process(finder.catalogue, finder.cache) for _ in range(2)]
    for each in both:
        out, errors = each.communicate(timeout=LIMIT)
        assert (out.strip(), each.returncode) == (str(len(PROGRAM)), 0), errors
    assert host.asked.count(ADDRESS) == 1


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_an_interrupted_fetch_leaves_no_half_file(finder: Finder, host: ReleaseHost, number: signal.Signals) -> None:
    host.stuck.add(ADDRESS)
    running = process(finder.catalogue, finder.cache)
    assert host.halfway.wait(LIMIT)
    running.send_signal(number)
    if number == signal.SIGINT:
        host.closing.set()
    running.communicate(timeout=LIMIT)
    assert finder.cached("lamp") is None
    host.stuck.clear()
    assert resolve(finder)["lamp"].read_bytes() == PROGRAM
    assert leftovers(finder) == []


def test_a_checksum_is_read_in_each_form_that_projects_publish() -> None:
    digest = "ab" * 32
    assert published(f"{digest}\n", "lamp", "address") == digest
    assert published(f"{digest}  lamp\n", "lamp", "address") == digest
    assert published(f"{'cd' * 32} *fan\n{digest} *dist/lamp\n", "lamp", "address") == digest


@pytest.mark.parametrize("text", ["", f"{'ab' * 32}  fan\n", "404 page not found", f"{'ab' * 32}  lamp.sig\n"])
def test_a_checksum_of_something_else_is_not_taken(text: str) -> None:
    with pytest.raises(ComponentError, match="publishes no SHA-256 of lamp"):
        published(text, "lamp", "address")


def test_an_index_page_leads_to_the_file() -> None:
    page = '<a href="../../files/fan-1.whl#sha256=00">fan-1.whl</a> <a href="../../files/lamp-1.whl">lamp-1.whl</a>'
    assert link_of(page, "lamp-1.whl", "https://index/simple/lamp/") == "https://index/files/lamp-1.whl"
    with pytest.raises(ComponentError, match=r"does not list lamp-2\.whl"):
        link_of(page, "lamp-2.whl", "https://me:secret@index/simple/lamp/")
