"""Controllers from folders of others: found beside ours, refused in a sentence, and their images had before a start."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from clusters import controllers
from clusters.components.catalogue import architecture, catalogue
from clusters.controllers import folders
from clusters.embedded.description import conditions
from clusters.errors import ClusterError, ComponentError, MachineError, UsageError
from clusters.images import outside
from clusters.images.names import full_name
from clusters.kind import controller_images
from clusters.kind.configuration import Node
from clusters.kind.engine import Engine
from clusters.progress import SilentProgress
from clusters.provider import ClusterSpec
from tests.miniatures.image_registry import ImageRegistry, image_registry

TRAEFIK = folders.OWN / "traefik"
OURS = catalogue().controller_images["traefik"]


@pytest.fixture
def theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of somebody else's with one controller, which ROADTEST_CONTROLLERS names."""
    folder = tmp_path / "theirs"
    shutil.copytree(TRAEFIK, folder / "mine")
    edit(folder / "mine/controller.toml", 'name = "traefik"', 'name = "mine"')
    monkeypatch.setenv(folders.VARIABLE, str(folder))
    return folder


def edit(path: Path, before: str, after: str) -> None:
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))


def edit_manifests(folder: Path, before: str, after: str) -> None:
    for path in (folder / "manifests").glob("*.yaml"):
        path.write_text(path.read_text().replace(before, after))


def test_it_is_found_beside_ours(theirs: Path) -> None:
    assert {"mine", "traefik"} <= set(controllers.described())
    assert controllers.describe("mine").title == controllers.describe("traefik").title
    assert controllers.versions(["mine", "traefik"]) == {"mine": OURS, "traefik": OURS.rpartition(":v")[2]}


def test_a_version_is_told_by_the_controllers_name_whatever_its_component_is_called() -> None:
    """Reports look it up so."""
    described = controllers.describe("istio-from-source")
    assert described.component != described.name
    assert controllers.versions([described.name]) == {described.name: described.charts[0].version}


def test_a_name_of_ours_is_refused(theirs: Path) -> None:
    (theirs / "mine").rename(theirs / "traefik")
    with pytest.raises(UsageError, match=r"theirs/traefik has the name of another controller, .*controllers/traefik"):
        controllers.describe("traefik")


def test_a_folder_without_a_controller_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(folders.VARIABLE, f"{tmp_path / 'nowhere'}")
    with pytest.raises(UsageError, match=r"ROADTEST_CONTROLLERS names .*nowhere, which holds no controller"):
        controllers.described()


def test_an_unknown_controller_is_answered_with_the_right_names() -> None:
    with pytest.raises(
        UsageError, match=r"no controller called 'squid'. Choose one of: .*traefik.*ROADTEST_CONTROLLERS"
    ):
        controllers.describe("squid")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param('title = "Traefik Proxy"', "", "mine/controller.toml cannot be read: .*`title`", id="missing"),
        pytest.param("http_port = 80", 'http_port = "80"', r"Expected `int`.*`\$.ingress.http_port`", id="wrong type"),
        pytest.param("[admin]\nport", "[admin]\nprot", "unknown field `prot`", id="misspelt"),
        pytest.param("[ingress]", "[ingress", "mine/controller.toml cannot be read: .*line", id="no TOML"),
        pytest.param('name = "mine"', 'name = "yours"', "says the name 'yours'", id="another name"),
    ],
)
def test_a_broken_description_is_one_sentence_with_file_and_field(
    theirs: Path, before: str, after: str, told: str
) -> None:
    edit(theirs / "mine/controller.toml", before, after)
    with pytest.raises(UsageError, match=told):
        controllers.describe("mine")


def test_an_image_of_ours_is_needed_once_and_only_where_a_controller_runs_it(theirs: Path) -> None:
    assert controllers.needed(["mine", "traefik"]) == controllers.Needed(ours=[OURS])
    edit_manifests(theirs / "mine", OURS, catalogue().images["agnhost"])
    assert controllers.needed(["mine"]) == controllers.Needed()
    assert controllers.needed([]) == controllers.Needed()


def test_images_of_manifests_and_of_the_description_are_needed(theirs: Path) -> None:
    edit_manifests(theirs / "mine", OURS, "mine/router:v1")
    edit(theirs / "mine/controller.toml", 'namespace = "traefik"', 'namespace = "traefik"\nimages = ["ghcr.io/a/b:2"]')
    assert set(controllers.needed(["mine"]).names) == {"docker.io/mine/router:v1", "ghcr.io/a/b:2"}


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param(OURS, f"{OURS}@sha256:{64 * '0'}", "by its digest", id="by digest"),
        pytest.param("IfNotPresent", "Always", "pulled at every start", id="always pulled"),
        pytest.param(f"{OURS}\n          imagePullPolicy: IfNotPresent", "mine/router", "every start", id="latest"),
    ],
)
def test_an_image_that_no_node_could_find_is_refused(theirs: Path, before: str, after: str, told: str) -> None:
    edit_manifests(theirs / "mine", before, after)
    with pytest.raises(UsageError, match=told):
        controllers.needed(["mine"])


def archive(path: Path, *names: str) -> Path:
    """As `docker save` writes it, without any layer."""
    listed = path.with_name("manifest.json")
    listed.write_text(json.dumps([{"Config": "c", "RepoTags": list(names), "Layers": []}]))
    with tarfile.open(path, "w") as made:
        made.add(listed, "manifest.json")
    return path


def test_an_archive_of_the_folder_serves_for_the_images_in_it(theirs: Path) -> None:
    edit_manifests(theirs / "mine", OURS, "mine/router:v1")
    edit(theirs / "mine/controller.toml", 'namespace = "traefik"', 'namespace = "traefik"\narchives = ["router.tar"]')
    with pytest.raises(UsageError, match=r"an archive that is not there: .*router.tar"):
        controllers.needed(["mine"])
    made = archive(theirs / "mine/router.tar", "mine/router:v1")
    assert controllers.needed(["mine"]) == controllers.Needed(archives={"docker.io/mine/router:v1": made})
    made.write_text("no archive")
    with pytest.raises(UsageError, match=r"router.tar is no archive of images"):
        controllers.needed(["mine"])


def test_where_images_came_from_is_among_the_conditions_of_a_cluster(
    theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edit_manifests(theirs / "mine", OURS, "mine/router:v1")
    more = 'images = ["ghcr.io/a/b:2"]\narchives = ["router.tar"]'
    edit(theirs / "mine/controller.toml", 'namespace = "traefik"', f'namespace = "traefik"\n{more}')
    archive(theirs / "mine/router.tar", "mine/router:v1")
    monkeypatch.setenv("ROADTEST_CACHE", str(tmp_path / "cache"))
    told = conditions(ClusterSpec(name="a", controllers=["mine", "traefik"]))
    assert {name: value for name, value in told.items() if name.startswith("image ")} == {
        "image docker.io/mine/router:v1": "router.tar, an archive beside its controller.toml",
        "image ghcr.io/a/b:2": "its registry",
        f"image {OURS}": "unknown",
    }


def test_manifests_that_cannot_be_read_are_one_sentence(theirs: Path) -> None:
    (theirs / "mine/manifests/zz.yaml").write_text("a: [")
    with pytest.raises(UsageError, match=r"mine/manifests/zz.yaml cannot be read: .*line"):
        controllers.needed(["mine"])
    shutil.rmtree(theirs / "mine/manifests")
    with pytest.raises(UsageError, match=r"There is no manifest in"):
        controllers.needed(["mine"])


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("traefik", "docker.io/library/traefik:latest"),
        ("traefik:v3", "docker.io/library/traefik:v3"),
        ("mine/router:v1", "docker.io/mine/router:v1"),
        ("localhost/router:v1", "localhost/router:v1"),
        ("registry:5000/router", "registry:5000/router:latest"),
        ("ghcr.io/a/b/c:1", "ghcr.io/a/b/c:1"),
    ],
)
def test_the_full_name_of_an_image(name: str, full: str) -> None:
    assert full_name(name) == full


class MiniatureEngine:
    """An engine with some images, and a registry that has one more."""

    def __init__(self, *images: str) -> None:
        self.images = set(images)
        self.ran: list[tuple[str, ...]] = []

    def inspect(self, kind: str, *names: str) -> list[dict[str, Any]]:
        return [{"Name": f"{kind} {name}"} for name in names if name in self.images]

    def run(self, *words: str, **_: object) -> str:
        self.ran.append(words)
        if words[0] == "pull" and "nowhere" in words[-1]:
            raise ClusterError("docker pull failed: no such host")
        return ""


def brought(engine: MiniatureEngine, folder: Path, **needed: Any) -> list[Path]:
    wanted = controllers.Needed(**needed)
    return controller_images.archives(cast("Engine", engine), wanted, folder, SilentProgress())


def test_an_engine_pulls_only_what_it_has_not(tmp_path: Path) -> None:
    engine = MiniatureEngine("docker.io/mine/built-here:v1")
    names = ["docker.io/mine/built-here:v1", "ghcr.io/a/b:2"]
    given = tmp_path / "given.tar"
    assert brought(engine, tmp_path, names=names, archives={"a": given, "b": given}) == [
        given, tmp_path / "controllers.tar",
    ]  # fmt: skip
    assert [words[-1] for words in engine.ran if words[0] == "pull"] == ["ghcr.io/a/b:2"]
    assert engine.ran[-1] == ("save", "--output", str(tmp_path / "controllers.tar"), *names)


def test_an_engine_that_needs_nothing_does_nothing(tmp_path: Path) -> None:
    engine = MiniatureEngine()
    assert brought(engine, tmp_path) == []
    assert engine.ran == []


def test_an_image_that_cannot_be_pulled_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=r"no image nowhere/x:1, and could not pull it: .*docker load"):
        brought(MiniatureEngine(), tmp_path, names=["nowhere/x:1"])


def test_a_node_takes_what_is_for_its_processor() -> None:
    """All platforms of an index, of which the engine has but one, would fail."""
    engine = MiniatureEngine()
    node = Node(name="n1", addresses={}, pod_subnets={}, zone="")
    controller_images.load(cast("Engine", engine), node, [Path("a.tar")])
    assert engine.ran[0][-3:] == ("--platform", f"linux/{architecture()}", "-")


@pytest.fixture
def registry() -> Iterator[ImageRegistry]:
    with image_registry() as made:
        yield made


def test_an_embedded_cluster_takes_an_image_from_its_registry_once(tmp_path: Path, registry: ImageRegistry) -> None:
    name = registry.publish("mine/router", "v1")
    first = outside.pull([name], tmp_path, SilentProgress(), scheme="http")
    asked = len([path for path in registry.asked if "/blobs/" in path])
    assert outside.pull([name], tmp_path, SilentProgress(), scheme="http") == first
    assert first[name].is_file()
    assert len([path for path in registry.asked if "/blobs/" in path]) == asked > 0


def test_an_embedded_cluster_says_what_it_cannot_have(tmp_path: Path, registry: ImageRegistry) -> None:
    with pytest.raises(ComponentError, match=r"127.0.0.1:1 does not answer.*controller.toml: archives"):
        outside.pull(["127.0.0.1:1/mine/router:v1"], tmp_path, SilentProgress())
    with pytest.raises(ComponentError, match=r"router:v2 cannot be had: .*404.*controller.toml: archives"):
        outside.pull([f"{registry.host}/mine/router:v2"], tmp_path, SilentProgress(), scheme="http")
