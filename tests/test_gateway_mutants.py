"""The mutants of Gateways: each changes a manifest of the checks that must notice it."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from fixtures.api import Object, documents
from fixtures.catalogue import catalogue
from fixtures.crossroads_plugin import BACKENDS, MANIFEST
from suites.mutants.gateway import MUTANTS
from suites.mutants.model import Mutant


def manifests(test: str) -> list[Object]:
    """The objects of the manifests that a test file names, and what stands for many."""
    path = Path(test)
    text = path.read_text(encoding="utf-8")
    named = [found for found in path.parent.glob("*.yaml") if f'"{found.name}"' in text]
    return [found for file in [*named, BACKENDS, MANIFEST] for found in documents(file.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: str(mutant.name))
def test_a_mutant_changes_what_its_first_file_applies(mutant: Mutant) -> None:
    assert mutant.change is not None
    every = manifests(mutant.scope[0])
    assert any(mutant.change(copy.deepcopy(found), "") != found for found in every)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: str(mutant.name))
def test_a_mutant_names_features_and_files_that_there_are(mutant: Mutant) -> None:
    assert set(mutant.caught_by) <= set(catalogue())
    assert all(Path(path).is_file() for path in mutant.scope)
