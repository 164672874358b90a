"""What is cleaned up, and which error is told."""

from __future__ import annotations

import pytest

from fixtures.afterwards import afterwards
from fixtures.verdicts import ArrangementError, Mismatch


def fails() -> None:
    raise ArrangementError("It is not clean.")


def test_it_is_cleaned_up_after_a_block_that_ends_well() -> None:
    done: list[str] = []
    with afterwards(lambda: done.append("clean")):
        assert not done
    assert done == ["clean"]


@pytest.mark.parametrize("ends", [Mismatch("this", "that"), pytest.skip.Exception("of no use"), KeyboardInterrupt()])
def test_it_is_cleaned_up_after_a_block_that_does_not(ends: BaseException) -> None:
    done: list[str] = []
    with pytest.raises(type(ends)) as told, afterwards(lambda: done.append("clean")):
        raise ends
    assert told.value is ends
    assert done == ["clean"]


def test_a_verdict_is_not_hidden_by_what_goes_wrong_afterwards() -> None:
    with pytest.raises(Mismatch, match="expected this") as told, afterwards(fails):
        raise Mismatch("this", "that")
    assert told.value.__notes__ == ["Cleaning up afterwards: ArrangementError: It is not clean."]


def test_what_goes_wrong_afterwards_is_an_error_where_nothing_else_did() -> None:
    with pytest.raises(ArrangementError, match="not clean"), afterwards(fails):
        pass
