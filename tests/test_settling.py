"""Waiting for a judgement: content sooner or later, or never."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.expectations import equal
from fixtures.settling import settle
from fixtures.timeouts import Timeout, stretch
from fixtures.verdicts import Mismatch


@pytest.fixture(autouse=True)
def _hurry() -> Iterator[None]:
    stretch(0.01)
    yield
    stretch(1.0)


def test_what_the_judgement_is_content_with_is_given() -> None:
    values = iter([1, 2, 3, 4])
    assert settle(lambda: next(values), lambda seen: equal("the value", 3, seen), every=0) == 3


def test_the_last_mismatch_is_told_when_time_is_up() -> None:
    with pytest.raises(Mismatch) as found:
        settle(lambda: 2, lambda seen: equal("the value", 3, seen), timeout=Timeout.STATUS)
    assert found.value.expected == f"the value to be 3, within {Timeout.STATUS.seconds:g} s (STATUS)"
    assert found.value.observed == "2"


def test_another_error_is_not_waited_for() -> None:
    with pytest.raises(ZeroDivisionError):
        settle(lambda: 1 // 0, lambda seen: None)
