"""The catalogue is whole: every feature has an id of its own, a sentence and a public source."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusters.errors import UsageError
from fixtures.catalogue import catalogue, feature, known, load

RIGHT = """
[[feature]]
id = "svc.a"
api = "services"
per = "mode"
requirement = "A holds."
source = "https://kubernetes.io/docs/"
"""

WRONG = {
    "an id used twice": (RIGHT + RIGHT, "svc.a stands in the catalogue twice"),
    "a source that is no public URL": (RIGHT.replace("https://kubernetes.io/docs/", "the book"), "no public URL"),
    "a field that nobody knows": (RIGHT + 'wish = "x"', "unknown field `wish`"),
    "a missing sentence": (RIGHT.replace("requirement", "# requirement"), "missing required field `requirement`"),
    "an api that does not exist": (RIGHT.replace('"services"', '"service"'), "Invalid enum value"),
    "no TOML": ("[[feature", "a.toml"),
}


def test_a_right_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(RIGHT)
    assert load(tmp_path)["svc.a"].requirement == "A holds."


@pytest.mark.parametrize(("text", "told"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_file_is_refused_with_what_is_wrong(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(ValueError, match=told):
        load(tmp_path)


def test_the_same_id_in_two_files_is_refused(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text(RIGHT)
    with pytest.raises(ValueError, match=r"b.toml: svc.a stands in the catalogue twice"):
        load(tmp_path)


def test_an_unknown_feature_is_told_with_near_ones() -> None:
    with pytest.raises(UsageError, match=r"no feature svc.etp.lokal.*svc.etp.local"):
        feature("svc.etp.lokal")
    with pytest.raises(UsageError, match="Did you mean"):
        known("zzz")


def test_the_projects_catalogue_is_whole() -> None:
    assert len(catalogue()) >= 38
    for identity, item in catalogue().items():
        assert identity == item.id
        assert item.requirement.endswith("."), identity
        assert set(item.differences) in (set(), {"iptables", "nftables", "ipvs"}), identity
        assert all(one.source.startswith("https://") for one in item.differences.values()), identity
