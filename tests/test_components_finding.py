"""What is on this machine already: programs on PATH in the right version, whole cache entries, and what is neither."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path

import msgspec
import pytest

from clusters.components.catalogue import FILE, MODULES, Catalogue, catalogue, read, recipe_digest
from clusters.components.command_line import DAMAGED, MISSING, READY, prune, rows
from clusters.components.finding import Finder, is_static, tells
from clusters.components.gobuild import build_options
from clusters.components.gomodules import proxies, recorded_sum
from clusters.components.store import Entry, Store
from clusters.errors import UsageError

PINS = msgspec.convert(
    {"component": {"lamp": {"version": "1.2.3", "ask": ["--version"], "programs": {"lamp": {}}}}}, Catalogue
)


@pytest.fixture
def finder(tmp_path: Path) -> Finder:
    return Finder(PINS, tmp_path / "cache", tmp_path)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def program(folder: Path, words: str, name: str = "lamp") -> Path:
    file = folder / name
    file.write_text(f"#!/bin/sh\necho asked >> {folder}/asked\n{words}\n", encoding="utf-8")
    file.chmod(0o755)
    return file


def cached(finder: Finder, content: bytes = b"light") -> Path:
    with finder.store.draft("lamp") as draft:
        (draft / "files").mkdir()
        (draft / "files" / "lamp").write_bytes(content)
        entry = Entry(name="lamp", version="1.2.3", way="release", source="https://lamp", seconds=1.0, files={})
        return finder.store.install(draft, finder.key("lamp"), entry) / "files" / "lamp"


def test_the_right_version_on_path_comes_first(finder: Finder, path: Path) -> None:
    cached(finder)
    there = program(path, "echo lamp v1.2.3 linux/amd64")
    found = finder.find("lamp")
    assert found
    assert (found.path, found.way) == (there, "PATH")


@pytest.mark.parametrize("words", ["echo lamp 1.2.30", "echo lamp 1.2.3-rc.1", "echo v11.2.3", "echo 1.2.3; exit 1"])
def test_another_version_on_path_is_passed_over(finder: Finder, path: Path, words: str) -> None:
    program(path, words)
    assert finder.find("lamp") is None


def test_a_program_is_asked_once_until_it_changes(finder: Finder, path: Path, tmp_path: Path) -> None:
    program(path, "echo 1.2.3")
    for _ in range(2):
        assert Finder(PINS, finder.cache, tmp_path).find("lamp")
    assert (path / "asked").read_text(encoding="utf-8").count("asked") == 1
    program(path, "echo now 1.2.4")
    assert Finder(PINS, finder.cache, tmp_path).find("lamp") is None


def test_a_dynamic_program_does_not_go_into_an_image() -> None:
    shell = shutil.which("sh")
    assert shell
    assert not is_static(Path(shell).resolve())
    assert not is_static(Path(__file__))


@pytest.mark.parametrize(
    ("words", "right"),
    [
        ("Kubernetes v1.36.3", True),
        ("containerd github.com/containerd/containerd/v2 v2.4.2 abcdef", False),
        ("etcd Version: 1.36.3\nGit SHA: 1", True),
        ("Kubernetes v1.36.3+vendor.1", True),
        ("Kubernetes v1.36.3-alpha.1", False),
        ("1.36.3.1", False),
    ],
)
def test_a_version_is_recognised(words: str, right: bool) -> None:
    assert tells(words, "1.36.3") is right


def test_a_whole_entry_is_found(finder: Finder) -> None:
    there = cached(finder)
    found = finder.find("lamp")
    assert found
    assert (found.path, found.way) == (there, "release")


def test_a_touched_but_unchanged_file_is_still_whole(finder: Finder) -> None:
    there = cached(finder)
    copy = there.with_name("copy")
    shutil.copyfile(there, copy)
    copy.replace(there)
    assert finder.damage("lamp") == ""


def test_every_damage_is_told(finder: Finder) -> None:
    there = cached(finder)
    there.write_bytes(b"night")
    assert finder.damage("lamp") == "lamp has another checksum than when it was made"
    there.write_bytes(b"longer than it was")
    assert finder.damage("lamp") == "lamp has 18 bytes instead of 5"
    there.unlink()
    assert finder.damage("lamp") == "lamp is missing"
    (there.parent.parent / "entry.json").write_text("{", encoding="utf-8")
    assert finder.damage("lamp") == "its description is missing or unreadable"


def test_only_verify_sees_a_change_that_keeps_size_and_time(finder: Finder) -> None:
    import os

    there = cached(finder)
    before = there.stat()
    with there.open("r+b") as file:
        file.write(b"night")
    os.utime(there, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert finder.damage("lamp") == ""
    assert finder.damage("lamp", thorough=True) == "lamp has another checksum than when it was made"


def test_a_file_system_that_keeps_whole_seconds_is_no_reason_to_doubt_a_file(finder: Finder) -> None:
    import os

    there = cached(finder)
    before = there.stat()
    os.utime(there, ns=(before.st_atime_ns, before.st_mtime_ns // 10**9 * 10**9))
    written = (there.parent.parent / "entry.json").stat().st_mtime_ns
    assert finder.damage("lamp") == ""
    assert (there.parent.parent / "entry.json").stat().st_mtime_ns == written, "a cache may be one that is only read"


def test_a_damaged_entry_makes_way_and_a_whole_one_stays(finder: Finder) -> None:
    there = cached(finder)
    inode = there.stat().st_ino
    assert cached(finder).stat().st_ino == inode
    there.write_bytes(b"night")
    assert cached(finder).read_bytes() == b"light"


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    store = Store(tmp_path)
    gone = tmp_path / "drafts" / "999999999.lamp.00"
    (gone / "files").mkdir(parents=True)
    with store.draft("lamp") as draft:
        assert not gone.exists()
        assert draft.exists()


def test_the_list_shows_each_state(finder: Finder, path: Path) -> None:
    def state() -> tuple[str, str]:
        row = rows(finder, ["lamp"], thorough=False)[0]
        return row[2].partition(":")[0], row[4]

    assert state() == (MISSING, "would try ")
    there = cached(finder)
    assert state() == (READY, "release: https://lamp")
    there.unlink()
    assert state() == (DAMAGED, "release: https://lamp")
    program(path, "echo 1.2.3")
    assert state() == (READY, f"PATH: {path / 'lamp'}")


def test_pruning_removes_what_only_builds_need(tmp_path: Path) -> None:
    module = tmp_path / "go" / "modules" / "example.org" / "lamp@v1.0.0"
    module.mkdir(parents=True)
    (module / "lamp.go").write_bytes(b"package lamp")
    (module / "lamp.go").chmod(0o444)
    module.chmod(0o555)
    (tmp_path / "components").mkdir()
    assert prune(tmp_path / "go") == len("package lamp")
    assert [path.name for path in tmp_path.iterdir()] == ["components"]
    assert prune(tmp_path / "go") == 0


def test_a_key_changes_with_what_would_be_built(tmp_path: Path) -> None:
    (tmp_path / "lamp").mkdir()
    pins = {"component": {"lamp": {"version": "1", "module": "lamp"}}, "module": {"lamp": {}}}
    before = recipe_digest(*built(pins), tmp_path)
    pins["module"] = {"lamp": {"tags": ["bright"]}}
    assert recipe_digest(*built(pins), tmp_path) != before


def built(pins: dict[str, object]) -> tuple[object, Catalogue]:
    every = msgspec.convert(pins, Catalogue)
    return every.components["lamp"], every


def test_the_pins_are_whole() -> None:
    """Every component names releases, wheels, modules and packages that are there, in one version."""
    every = catalogue()
    for name, component in every.components.items():
        assert component.programs or component.source or component.tree, name
        assert not component.release or component.release in every.releases, name
        assert not component.module or component.module in every.modules, name
        assert not component.wheel or every.wheels[component.wheel].version == component.version, name
        for program_name, each in component.programs.items():
            assert every.holder(program_name) == name
            assert bool(each.package) == bool(component.module), program_name
        if component.source:
            assert recorded_sum(MODULES / component.module / "go.sum", component.source.path, f"v{component.version}")
    for release in every.releases.values():
        host = re.match(r"https://[^/]+/", release.url)
        assert host
        assert release.checksums.startswith(host.group())


def test_the_linker_sets_the_pinned_version() -> None:
    every = catalogue()
    holders = {"kubernetes": "kubelet", "containerd": "containerd", "cni-plugins": "cni-plugins", "kubeadm": "kubeadm"}
    for module, holder in holders.items():
        options = " ".join(build_options(every.modules[module]))
        assert f"=v{every.components[holder].version}" in options
    assert every.components["kubeadm"].version == every.components["kubelet"].version
    assert every.modules["kubeadm"].set == every.modules["kubernetes"].set
    assert "gitMinor=" + every.components["kubelet"].version.split(".")[1] in " ".join(every.modules["kubernetes"].set)


@pytest.mark.parametrize(
    ("component", "module", "line"),
    [
        ("kubelet", "kubernetes", "k8s.io/kubernetes v{}"),
        ("etcd", "etcd", "go.etcd.io/etcd/server/v3 v{}"),
        ("containerd", "containerd", "github.com/containerd/containerd/v2 v{}"),
        ("cni-plugins", "cni-plugins", "github.com/containernetworking/plugins v{}"),
        ("coredns", "coredns", "github.com/coredns/coredns v{}"),
        ("metallb-speaker", "metallb", "go.universe.tf/metallb v{}"),
        ("echo-basic", "gateway-api", "sigs.k8s.io/gateway-api/conformance v{}"),
        ("kind", "kind", "sigs.k8s.io/kind v{}"),
        ("kubeadm", "kubeadm", "k8s.io/kubernetes v{}"),
        ("cert-manager", "cert-manager", "github.com/cert-manager/cert-manager v{}"),
        ("pebble", "pebble", "github.com/letsencrypt/pebble/v2 v{}"),
        ("actionlint", "actionlint", "github.com/rhysd/actionlint v{}"),
    ],
)
def test_a_module_builds_the_pinned_version(component: str, module: str, line: str) -> None:
    text = (MODULES / module / "go.mod").read_text(encoding="utf-8")
    assert line.format(catalogue().components[component].version) in text


def test_images_and_controllers_have_the_versions_of_their_components() -> None:
    every = catalogue()
    every_image = {**every.images, **every.controller_images, **every.addon_images}
    for name, image in every_image.items():
        tag = image.rpartition(":")[2]
        assert tag.removeprefix("distroless-").removeprefix("v") == every.components[every.holder(name)].version
    for name, version in every.controllers.items():
        described = tomllib.loads(
            (FILE.parent.parent / "controllers" / name / "controller.toml").read_text(encoding="utf-8")
        )
        assert described["image"] == every_image[described["component"]]
        assert every.components[described["component"]].version == version


def test_a_pin_with_a_misspelt_field_is_refused(tmp_path: Path) -> None:
    (tmp_path / "versions.toml").write_text('[component.lamp]\nversion = "1"\nrelaese = "x"\n', encoding="utf-8")
    with pytest.raises(msgspec.ValidationError, match="relaese"):
        read(tmp_path / "versions.toml")


def test_an_unknown_name_lists_programs_of_sets_by_their_set() -> None:
    assert catalogue().holder("ptp") == "cni-plugins"
    with pytest.raises(UsageError, match=r"Components: etcd, .*cni-plugins"):
        catalogue().holder("kubeproxy")


@pytest.mark.parametrize(
    ("setting", "expected"),
    [("", ["https://proxy.golang.org"]), ("http://a/|https://b,direct", ["http://a", "https://b"]), ("off", [])],
)
def test_go_proxies_are_those_that_go_asks(setting: str, expected: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOPROXY", setting)
    assert proxies() == expected
