"""Everything that a report shows, in the order it shows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from reports.views import ground
from reports.views.answer import Answer, answer
from reports.views.designs import FeatureDesign, designs
from reports.views.evidence import EvidenceReader
from reports.views.loads import Glance, LoadBlock, caution, glance, load_blocks
from reports.views.matrix import Matrix, matrices
from reports.views.merged import Merged
from reports.views.parity import Parity, parity
from reports.views.propagations import PropagationBlock, propagation_blocks
from reports.views.stories import FeatureStory, Note, NotJudged, Story, feature_stories, not_judged, notes, stories
from reports.views.timelines import Change, changes
from reports.views.witnesses import WitnessBlock, witness_blocks


@dataclass(frozen=True)
class Page:
    """One report."""

    title: str
    answer: Answer
    tallies: tuple[ground.Tally, ...]
    cells: tuple[ground.CellRow, ...]
    matrices: tuple[Matrix, ...]
    stories: tuple[Story, ...]
    designs: tuple[FeatureDesign, ...]
    notes: tuple[Note, ...]
    changes: tuple[Change, ...]
    parity: Parity
    witnesses: tuple[WitnessBlock, ...]
    propagations: tuple[PropagationBlock, ...]
    loads: tuple[LoadBlock, ...]
    glance: Glance
    caution: str
    not_judged: tuple[NotJudged, ...]
    features: tuple[FeatureStory, ...]
    steps: tuple[ground.Step, ...]
    versions: ground.Table
    conditions: ground.Table
    runs: tuple[ground.RunFacts, ...]


def page(merged: Merged, folder: Path) -> Page:
    """The report's values; evidence is linked relative to ``folder``, where the page will be."""
    blocks = load_blocks(merged)
    reader = EvidenceReader(folder)
    return Page(
        title=", ".join(run.name for run in ground.runs(merged)),
        answer=answer(merged),
        tallies=ground.tallies([check.result.verdict for check in merged.checks]),
        cells=ground.cell_rows(merged),
        matrices=matrices(merged),
        stories=stories(merged, reader),
        designs=designs(merged),
        notes=notes(merged),
        changes=changes(merged),
        parity=parity(merged),
        witnesses=witness_blocks(merged, reader),
        propagations=propagation_blocks(merged),
        loads=blocks,
        glance=glance(blocks),
        caution=caution(merged),
        not_judged=not_judged(merged),
        features=feature_stories(merged),
        steps=ground.steps(merged),
        versions=ground.versions(merged),
        conditions=ground.conditions(merged),
        runs=ground.runs(merged),
    )
