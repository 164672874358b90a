"""A figure with its interval, written for people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """What was measured, and between what and what it lies."""

    value: str
    interval: str
    """Empty where it is exact."""
