"""The Debian root: programs with the libraries that they load, out of packages that are not installed."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from clusters.errors import ComponentError, MachineError
from clusters.images import debian
from clusters.images.elf import needs
from clusters.images.recipes import DebianRoot
from clusters.progress import SilentProgress
from tests.miniatures.elf_file import elf

LOADER = "/lib64/ld-linux-x86-64.so.2"
LIBC = elf([])
PROGRAM = elf(["libc.so.6"], interpreter=LOADER)


def package(files: dict[str, bytes | str]) -> bytes:
    """A package's tar; a text is where a link points."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(f"./{name}")
            info.mode = 0o755
            if isinstance(content, str):
                info.type, info.linkname = tarfile.SYMTYPE, content
                archive.addfile(info)
            else:
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


@pytest.fixture
def packages() -> debian.Packages:
    made = debian.Packages()
    made.add(
        package(
            {
                "lib/x86_64-linux-gnu/libc.so.6": LIBC,
                "lib/x86_64-linux-gnu/ld-linux-x86-64.so.2": LIBC,
                "lib64/ld-linux-x86-64.so.2": "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
                "usr/share/doc/libc6/copyright": b"words",
            }
        )
    )
    made.add(
        package({"usr/lib/x86_64-linux-gnu/libl.so.1": "libl.so.1.2", "usr/lib/x86_64-linux-gnu/libl.so.1.2": LIBC})
    )
    made.add(package({"bin/busybox": b"static", "usr/bin/lamp": elf(["libl.so.1", "libc.so.6"], interpreter=LOADER)}))
    made.add(package({"sbin/torch": PROGRAM, "usr/bin/unwanted": PROGRAM}))
    return made


def test_a_program_comes_with_its_libraries_and_nothing_else(packages: debian.Packages) -> None:
    root = debian.tree(packages, DebianRoot(packages=[], programs=["lamp"]))
    assert {path for path, member in root.items() if member.kind == "file"} == {
        "usr/bin/lamp",
        "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
        "usr/lib/x86_64-linux-gnu/libc.so.6",
        "usr/lib/x86_64-linux-gnu/libl.so.1.2",
    }
    assert root["usr/lib/x86_64-linux-gnu/libl.so.1"].target == "libl.so.1.2"


def test_a_guest_comes_to_its_libraries_but_is_not_put_in_itself(packages: debian.Packages) -> None:
    alone = debian.tree(packages, DebianRoot(packages=[]), [b"static"])
    assert not [path for path, member in alone.items() if member.kind == "file"]
    root = debian.tree(packages, DebianRoot(packages=[]), [elf(["libl.so.1"], interpreter=LOADER)])
    assert {path for path, member in root.items() if member.kind == "file"} == {
        "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
        "usr/lib/x86_64-linux-gnu/libl.so.1.2",
    }


def test_old_places_lead_to_the_new_ones(packages: debian.Packages) -> None:
    root = debian.tree(packages, DebianRoot(packages=[], programs=["torch"]))
    assert root["usr/sbin/torch"].data == PROGRAM
    assert (root["sbin"].kind, root["sbin"].target) == ("link", "usr/sbin")
    assert root["usr/lib64/ld-linux-x86-64.so.2"].target == "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"


def test_applets_and_further_names_are_links(packages: debian.Packages) -> None:
    wanted = DebianRoot(packages=[], programs=["busybox", "torch"], links={"light": "torch"}, applets=["cat"])
    root = debian.tree(packages, wanted)
    assert root["usr/bin/cat"].target == "busybox"
    assert root["usr/bin/light"].target == "../sbin/torch"


@pytest.mark.parametrize(
    ("content", "message"),
    [(elf(["libgone.so.3"]), "has the library libgone.so.3"), (None, "has a program called lantern")],
    ids=["a library", "a program"],
)
def test_what_no_package_has_is_named(packages: debian.Packages, content: bytes | None, message: str) -> None:
    packages.add(package({"usr/bin/lantern": content} if content else {}))
    with pytest.raises(ComponentError, match=message):
        debian.tree(packages, DebianRoot(packages=[], programs=["lantern"]))


def test_a_program_s_own_library_folder_comes_first(packages: debian.Packages) -> None:
    packages.add(
        package(
            {
                "usr/lib/lantern/libc.so.6": LIBC,
                "usr/bin/lantern": elf(["libc.so.6"], folders="/usr/lib/lantern"),
            }
        )
    )
    root = debian.tree(packages, DebianRoot(packages=[], programs=["lantern"]))
    assert "usr/lib/lantern/libc.so.6" in root
    assert "usr/lib/x86_64-linux-gnu/libc.so.6" not in root


def test_links_in_a_ring_are_an_error(packages: debian.Packages) -> None:
    packages.add(package({"usr/bin/a": "b", "usr/bin/b": "a"}))
    with pytest.raises(ComponentError, match="without an end"):
        debian.tree(packages, DebianRoot(packages=[], programs=["a"]))


def test_a_real_program_tells_what_it_loads() -> None:
    found = needs(Path("/bin/sh").resolve().read_bytes())
    assert "libc.so.6" in found.libraries
    assert found.interpreter.startswith("/lib")


@pytest.mark.parametrize(
    "data", [b"", b"#!/bin/sh\n", b"\x7fELF\x01\x01" + bytes(100)], ids=["empty", "script", "32-bit"]
)
def test_what_is_no_64_bit_program_loads_nothing(data: bytes) -> None:
    assert needs(data).libraries == ()


APT = """#!/bin/sh
echo "$@" >> {log}
for word; do case "$word" in Dir::Cache::archives=*) archives=${{word#*=}};; esac; done
case " $* " in
  *" update "*) touch {log}.updated; exit 0;;
esac
if [ "{works}" = always ] || {{ [ "{works}" = later ] && [ -e {log}.updated ]; }}; then
  cp {deb} "$archives/lamp.deb"; exit 0
fi
echo "E: Unable to locate package lamp" >&2
exit 100
"""


def apt(place: Path, monkeypatch: pytest.MonkeyPatch, works: str) -> Path:
    """An apt-get that always works, only after an update, or never; and its log."""
    place.mkdir(exist_ok=True)
    (place / "lamp.tar").write_bytes(package({"usr/bin/lamp": b"light"}))
    log = place / "log"
    for name, text in {
        "apt-get": APT.format(log=log, works=works, deb=place / "lamp.tar"),
        "dpkg-deb": '#!/bin/sh\nexec cat "$2"\n',
    }.items():
        (place / name).write_text(text)
        (place / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}:{os.environ['PATH']}")
    return log


@pytest.mark.parametrize(("works", "calls"), [("always", 1), ("later", 3)])
def test_packages_are_fetched_and_never_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, works: str, calls: int
) -> None:
    log = apt(tmp_path / "bin", monkeypatch, works)
    place = tmp_path / "place"
    place.mkdir()
    assert debian.fetch(["lamp"], place, SilentProgress()).program("lamp") == "usr/bin/lamp"
    asked = log.read_text().splitlines()
    assert len(asked) == calls
    assert "--download-only" in asked[-1]


def test_apt_s_own_words_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    apt(tmp_path / "bin", monkeypatch, "never")
    with pytest.raises(ComponentError, match="apt could not fetch lamp: E: Unable to locate package lamp"):
        debian.fetch(["lamp"], tmp_path, SilentProgress())


def test_without_apt_the_way_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineError, match="there is no apt-get"):
        debian.fetch(["lamp"], tmp_path, SilentProgress())


def test_debian_comes_from_the_mirror_that_apt_uses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = tmp_path / "apt-get"
    lines = (
        "Ubuntu noble http://u/",
        "Debian bookworm-security http://s/",
        "Debian bookworm http://mirror.example/debian/",
    )
    asked.write_text("#!/bin/sh\n" + "".join(f'echo "{line}"\n' for line in lines))
    asked.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert debian.mirror() == "http://mirror.example/debian/"
    asked.write_text("#!/bin/sh\nexit 1\n")
    assert debian.mirror() == debian.MIRROR


def test_another_suite_has_lists_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = apt(tmp_path / "bin", monkeypatch, "later")
    (place := tmp_path / "place").mkdir()
    (package,) = debian.download(["lamp"], place, SilentProgress(), "forky")
    assert package.is_relative_to(place)
    assert "forky main" in (place / "sources.list").read_text()
    asked = [line for line in log.read_text().splitlines() if "indextargets" not in line]
    assert "update" in asked[0], "this machine's lists are of another suite"
    assert all(f"Dir::Etc::sourcelist={place}/sources.list" in line for line in asked)
