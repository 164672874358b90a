"""How the cells of one chart are told apart: by colour, and by dashes or shapes that say it again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import altair as alt

from reports.views.merged import mode_order

COLOURS = 8
"""Colours that the page's style defines, ``--series-1`` and so on; more series start over."""
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4], [4, 2, 1, 2])
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
LEGEND_COLUMNS = 4


class Placed(Protocol):
    """Anything that belongs to one cell."""

    @property
    def cell(self) -> str: ...
    @property
    def mode(self) -> str: ...
    @property
    def controller(self) -> str: ...


@dataclass(frozen=True)
class Series:
    """The scales of one chart, one entry per cell."""

    cells: list[str]
    colours: list[int]
    patterns: list[int]

    def colour(self, *, legend: bool = True) -> alt.Color:
        """The page's colour of each cell."""
        scale = alt.Scale(domain=self.cells, range=[f"var(--series-{index % COLOURS + 1})" for index in self.colours])
        return alt.Color("cell:N", scale=scale, legend=self._legend() if legend else None)

    def dash(self) -> alt.StrokeDash:
        """The dashes of each cell's line."""
        scale = alt.Scale(domain=self.cells, range=[DASHES[index % len(DASHES)] for index in self.patterns])
        return alt.StrokeDash("cell:N", scale=scale, legend=self._legend())

    def shape(self, *, legend: bool = True) -> alt.Shape:
        """The shape of each cell's points."""
        scale = alt.Scale(domain=self.cells, range=[SHAPES[index % len(SHAPES)] for index in self.patterns])
        return alt.Shape("cell:N", scale=scale, legend=self._legend() if legend else None)

    def _legend(self) -> alt.Legend | None:
        """None for a single cell, which the table below the chart names."""
        if len(self.cells) < 2:
            return None
        return alt.Legend(
            title=None,
            orient="top",
            direction="horizontal",
            columns=LEGEND_COLUMNS,
            symbolSize=160,
            labelLimit=240,
            columnPadding=22,
        )


def series(items: Sequence[Placed]) -> Series:
    """Colour tells the mode and the pattern the controller; where one of them is the same everywhere, both tell the
    other."""
    cells = {item.cell: item for item in items}
    modes = sorted({item.mode for item in items}, key=mode_order)
    controllers = sorted({item.controller for item in items})
    by_mode = [modes.index(item.mode) for item in cells.values()]
    by_controller = [controllers.index(item.controller) for item in cells.values()]
    return Series(
        cells=list(cells),
        colours=by_mode if len(modes) > 1 else by_controller,
        patterns=by_controller if len(controllers) > 1 else by_mode,
    )
