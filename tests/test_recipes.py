"""Recipes: each way of a controller asks for every behaviour, or says why it cannot, and says where that is written."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from clusters.controllers import describe, described
from clusters.controllers.found import as_found
from clusters.controllers.ways import Way, recipe, recipes, ways, ways_of
from clusters.errors import UsageError
from clusters.provider import Classes
from fixtures.catalogue import catalogue
from fixtures.recipes import Asked, filled, written
from fixtures.verdicts import Mismatch, Unsupported
from suites.mutants.annotations import MUTANTS

SUITE = Path(__file__).parent.parent / "suites" / "annotations"
ASKED = re.compile(r'^@behaviour\(\s*"([\w-]+)"(.*?)^def ', re.M | re.S)


def behaviours() -> list[str]:
    """Every behaviour that a check of the suite asks a controller's own recipe for."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(SUITE.glob("test_*.py"))]
    return list(dict.fromkeys(name for text in texts for name, _ in ASKED.findall(text)))


def every_way() -> list[Any]:
    return [pytest.param(name, way, id=f"{name}-{way.name}") for name in described() for way in ways(name)]


def objects(path: Path) -> list[dict[str, Any]]:
    return [found for found in yaml.safe_load_all(path.read_text(encoding="utf-8")) if found]


def test_the_suite_asks_for_what_the_catalogue_has() -> None:
    assert len(behaviours()) >= 14
    texts = [path.read_text(encoding="utf-8") for path in SUITE.glob("test_*.py")]
    judged = {name for text in texts for name in re.findall(r"(?:ann|quirk)\.[\w-]+", text)}
    named = judged | {f"ann.{name}" for name in behaviours()}
    assert {identity for identity in catalogue() if identity.startswith(("ann.", "quirk."))} <= named


@pytest.mark.parametrize(("controller", "way"), every_way())
@pytest.mark.parametrize("behaviour", behaviours())
def test_each_behaviour_has_a_recipe_or_a_denial(controller: str, way: Way, behaviour: str) -> None:
    assert (recipe(controller, way, behaviour) is None) == (way.denial(behaviour) is not None)


@pytest.mark.parametrize(("controller", "way"), every_way())
def test_whatever_a_way_says_has_a_public_source(controller: str, way: Way) -> None:
    del controller
    for claim in (way, *way.denials, *way.quirks):
        assert claim.source.startswith("https://")
    assert {denial.behaviour for denial in way.denials} <= set(behaviours())


@pytest.mark.parametrize(("controller", "way"), every_way())
def test_recipes_can_be_copied(controller: str, way: Way) -> None:
    """They begin with where they are explained, name nothing but examples, and are all asked for."""
    found = [path for name in behaviours() if (path := recipe(controller, way, name))]
    assert {path.stem for path in found} == {path.stem for path in found[0].parent.glob("*.yaml")}
    for path in found:
        assert path.read_text(encoding="utf-8").startswith("# https://"), path
        for manifest in objects(path):
            assert "namespace" not in manifest["metadata"], path
            spec = manifest["spec"]
            assert spec.get("ingressClassName", "under-test") == "under-test", path
            for rule in spec.get("rules", []) if manifest["kind"] == "Ingress" else []:
                assert rule["host"].endswith(".example"), path


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
@pytest.mark.parametrize(("controller", "way"), every_way())
def test_a_mutation_can_be_applied_to_every_recipe(controller: str, way: Way, mutant: Any) -> None:
    """Each of them changes something in the recipes of a way that can be asked for more than a redirect."""
    paths = [path for name in behaviours() if (path := recipe(controller, way, name))]
    if mutant.name.startswith("quirk"):
        paths = [SUITE / f"quirks_by_{'httproute' if way.gateway else 'ingress'}.yaml"]
    before = [found for path in paths for found in objects(path)]
    after = [mutant.change(found, "") for path in paths for found in objects(path)]
    nothing_to_change = "bursts" in mutant.name and not recipe(controller, way, "limit-burst-multiplier")
    assert before != after or len(paths) < 5 or nothing_to_change


def test_words_are_filled_in_everywhere() -> None:
    manifest = {"a": ["my-namespace-x@kubernetescrd", 7], "b": {"c": "http://auth.my-namespace.svc.cluster.local/"}}
    words = {"my-namespace": "mine", "svc.cluster.local": "svc.example.test"}
    assert filled(manifest, words) == {
        "a": ["mine-x@kubernetescrd", 7],
        "b": {"c": "http://auth.mine.svc.example.test/"},
    }


@pytest.mark.parametrize(("address", "told"), [("172.30.0.101", "172.30.0.101/32"), ("fd00::1", "fd00::1/128")])
def test_an_address_is_a_range_of_one(address: str, told: str) -> None:
    assert written(address) == told


def test_ways_that_cannot_be_read_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mine"
    (folder / "recipes").mkdir(parents=True)
    (folder / "controller.toml").write_text('name = "mine"\ntitle = "Mine"\ndocumentation = "https://mine.example/"\n')
    (folder / "recipes" / "ways.toml").write_text('[[way]]\nname = "odd"\nunknown = 1\n')
    monkeypatch.setenv("ROADTEST_CONTROLLERS", str(tmp_path))
    with pytest.raises(UsageError, match=r"ways\.toml cannot be read"):
        ways("mine")
    assert ways("nobody") == []


def test_a_controller_may_be_asked_by_the_recipes_of_another() -> None:
    assert recipes("istio") == recipes("istio-from-source")
    assert ways("istio") == ways("istio-from-source") != []
    for name in described():
        assert not (describe(name).recipes and (recipes(name).parent.parent / name / "recipes").exists()), name


def test_without_recipes_a_controller_is_asked_by_each_api_that_it_serves() -> None:
    assert [way.name for way in ways_of(describe("haproxy"))] == ["by-ingress"]
    assert [(way.name, way.gateway) for way in ways_of(describe("kong"))] == [
        ("by-ingress", False),
        ("by-httproute", True),
    ]
    unheard_of = as_found(Classes(gateway="edge", gateway_controller="example.com/router"))
    (only,) = ways_of(unheard_of)
    assert (only.name, only.source) == ("by-httproute", unheard_of.documentation)
    for name in described():
        assert ways_of(describe(name)), name


def test_a_way_by_an_api_that_is_not_there_is_left_out() -> None:
    """On somebody else's cluster a controller may serve but one of the two."""
    assert ways_of(describe("contour")) == ways("contour")
    gateway = as_found(Classes(gateway="c", gateway_controller="projectcontour.io/gateway-controller"))
    assert [way.name for way in ways_of(gateway)] == ["by-httproute"]


@pytest.mark.parametrize(
    ("host", "accepted", "ends"),
    [
        ("pattern.example", ("False", "UnsupportedValue"), Unsupported),
        ("pattern.example", ("False", "NoMatchingParent"), Mismatch),
        ("pattern.example", ("True", "Accepted"), Mismatch),
        ("slash.example", ("False", "UnsupportedValue"), Mismatch),
    ],
)
def test_a_controller_may_refuse_a_path_that_is_a_pattern_and_no_other(
    host: str, accepted: tuple[str, str], ends: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise Mismatch("it to be routed", "nothing")

    monkeypatch.setattr("fixtures.recipes.converge", never)
    told = {"type": "Accepted", "status": accepted[0], "reason": accepted[1]}
    routes: Any = SimpleNamespace(
        put=objects(SUITE / "quirks_by_httproute.yaml"),
        host=str,
        namespace=SimpleNamespace(
            name="ours", api=SimpleNamespace(get=lambda *_: {"status": {"parents": [{"conditions": [told]}]}})
        ),
    )
    with pytest.raises(ends):
        Asked(routes, ways_of(describe("kong"))[1], [f"{host}/"], 404).settle()
