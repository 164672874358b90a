"""The guest's kernel: built once from Debian's sources with all that was asked for, or refused in words."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from clusters.errors import ComponentError
from clusters.guest import kernel
from clusters.progress import LineProgress, SilentProgress

MAKE = """\
#!/bin/sh
case "$*" in
*allnoconfig*) cp "$OPTIONS" "$2/.config" ;;
*) for file in a b c; do echo "  CC      $file.o"; done; echo "#!/bin/sh" > "$2/linux"
   echo kernel/net/ip_vs.ko > "$2/modules.builtin"; touch "$2/modules.builtin.modinfo" ;;
esac
"""


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Debian's sources are an empty tree, and `make` copies a file; the rest is what it is."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in {
        "make": MAKE,
        "strip": '#!/bin/sh\ncp "$3" "$2"\n',
        "dpkg-deb": '#!/bin/sh\ncp -r "$2.d" "$3"\n',
    }.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("OPTIONS", str(kernel.OPTIONS))
    monkeypatch.setenv("ROADTEST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(kernel.system_packages, "ensure", lambda *_: None)

    def download(names: list[str], place: Path, progress: object, suite: str) -> list[Path]:
        assert (names, suite) == ([kernel.SOURCES], kernel.SUITE)
        package = place / "linux-source-7.2_7.2.12-1_all.deb"
        package.touch()
        (source := Path(f"{package}.d") / "usr" / "src").mkdir(parents=True)
        with tarfile.open(source / "linux-source-7.2.tar.xz", "w:xz") as archive:
            archive.addfile(made_folder(tarfile.TarInfo("linux-source-7.2")))
        return [place / "binutils_2.45_amd64.deb", package]

    monkeypatch.setattr(kernel.debian, "download", download)
    return folder


def made_folder(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.type, info.mode = tarfile.DIRTYPE, 0o755
    return info


def test_it_is_built_once_and_found_from_then_on(tools: Path) -> None:
    assert kernel.find() is None
    said = io.StringIO()
    made = kernel.obtain(LineProgress(said))
    assert made.read_text() == "#!/bin/sh\n"
    assert kernel.find() == made
    assert "ip_vs" in made.with_name("modules.builtin").read_text()
    (tools / "make").write_text("#!/bin/sh\nexit 1\n")
    assert kernel.obtain(SilentProgress()) == made
    drafts = list((made.parents[3] / "drafts").iterdir())
    assert not drafts, "the sources are not kept"


def test_other_options_are_another_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kernel.key()
    (other := tmp_path / "kernel.config").write_text("CONFIG_NET=y\n")
    monkeypatch.setattr(kernel, "OPTIONS", other)
    assert kernel.key() != before


@pytest.mark.usefixtures("tools")
def test_an_option_that_these_sources_lack_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (less := tmp_path / "less").write_text(kernel.OPTIONS.read_text().replace("CONFIG_IP_VS=y\n", ""))
    monkeypatch.setenv("OPTIONS", str(less))
    with pytest.raises(ComponentError, match=r"cannot be built with CONFIG_IP_VS=y\.$"):
        kernel.obtain(SilentProgress())
    assert kernel.find() is None


def test_a_build_that_fails_tells_its_last_words(tools: Path) -> None:
    (tools / "make").write_text('#!/bin/sh\necho "No rule to make target"\nexit 2\n')
    with pytest.raises(ComponentError, match="make ended with status 2: No rule to make target"):
        kernel.obtain(SilentProgress())


def test_the_options_are_what_a_cluster_needs() -> None:
    asked = kernel.OPTIONS.read_text().splitlines()
    for option in ("IP_VS", "IP_SET", "NF_TABLES_IPV4", "OVERLAY_FS", "VETH", "HOSTFS"):
        assert f"CONFIG_{option}=y" in asked
    assert not [line for line in asked if line.endswith("=m")], "there is nowhere to load modules from"
