"""Where kube-proxy's modes differ by design: no failure, and yet what a team has to know before it changes the mode."""

from __future__ import annotations

from dataclasses import dataclass

from reports.views.matrix import feature_anchor
from reports.views.merged import Merged, mode_order
from reports.views.stories import ModeDesign, mode_design


@dataclass(frozen=True)
class FeatureDesign:
    """One feature, and what each mode that was judged does."""

    feature: str
    href: str
    modes: tuple[ModeDesign, ...]


def designs(merged: Merged) -> tuple[FeatureDesign, ...]:
    """Features in which modes differ, in the order of the checks; modes that no cell had are left out."""
    found: dict[str, dict[str, ModeDesign]] = {}
    for check in merged.checks:
        if design := mode_design(check):
            found.setdefault(check.result.feature, {})[design.mode] = design
    return tuple(
        FeatureDesign(
            feature, f"#{feature_anchor(feature)}", tuple(modes[mode] for mode in sorted(modes, key=mode_order))
        )
        for feature, modes in found.items()
    )
