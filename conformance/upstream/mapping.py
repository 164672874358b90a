"""Which upstream test judges the same behaviour as which of our features: a TOML file for each suite."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterable
from pathlib import Path

import msgspec

FILES = {name: Path(__file__).with_name(f"mapping_{name.replace('-', '_')}.toml") for name in ("k8s", "gateway-api")}
TAG = re.compile(r"\s*\[[^\]]*\]")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    same: dict[str, list[str]]


def read(path: Path) -> dict[str, list[str]]:
    """Bare name of a test → ids of features; `ValueError` for a name with tags, which would match no test."""
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _File).same
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    if tagged := [name for name in found if bare(name) != name]:
        raise ValueError(f"{path.name}: write {bare(tagged[0])!r} instead of {tagged[0]!r}")
    return found


@functools.cache
def mapping(suite: str) -> dict[str, list[str]]:
    return read(FILES[suite])


def bare(name: str) -> str:
    """A test's name without its tags, but for the first, which says whose test it is.

    >>> bare("[sig-network] Services should allow this [LinuxOnly] [Conformance]")
    '[sig-network] Services should allow this'
    """
    first = TAG.match(name)
    head = first[0] if first else ""
    return head + TAG.sub("", name[len(head) :])


def features(suite: str, test: str) -> list[str]:
    """The features that judge what a test does; none where we judge nothing of the kind."""
    return mapping(suite).get(bare(test), [])


def unknown(suite: str, tests: Iterable[str]) -> list[str]:
    """Names of the mapping that no test has: an upstream version that renamed them compares nothing, silently."""
    there = {bare(test) for test in tests}
    return [name for name in mapping(suite) if name not in there]
