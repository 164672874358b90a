"""What disturbs others runs alone, and is not kept waiting by whoever comes later."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from pathlib import Path

from fixtures.turns import Turns


class Person:
    """Takes a turn in a thread of its own: flock(2) tells open files apart, not threads."""

    def __init__(self, folder: Path, *, alone: bool) -> None:
        self.inside = threading.Event()
        self.leave = threading.Event()
        self._thread = threading.Thread(target=self._take, args=(Turns(folder), alone), daemon=True)
        self._thread.start()

    def _take(self, turns: Turns, alone: bool) -> None:
        with turns.taken("somebody", alone=alone):
            self.inside.set()
            self.leave.wait(10)

    def gone(self) -> None:
        self.leave.set()
        self._thread.join(10)

    def stays_out(self) -> bool:
        return not self.inside.wait(0.2)

    def gets_in(self) -> bool:
        return self.inside.wait(5)


def test_many_run_among_others(tmp_path: Path) -> None:
    people = [Person(tmp_path, alone=False) for _ in range(3)]
    assert all(person.gets_in() for person in people)
    for person in people:
        person.gone()


def test_who_must_be_alone_waits_for_all_and_nobody_slips_in_before(tmp_path: Path) -> None:
    first = Person(tmp_path, alone=False)
    assert first.gets_in()
    alone = Person(tmp_path, alone=True)
    assert alone.stays_out()
    late = Person(tmp_path, alone=False)
    assert late.stays_out()
    first.gone()
    assert alone.gets_in()
    assert late.stays_out()
    alone.gone()
    assert late.gets_in()
    late.gone()


def test_two_that_must_be_alone_follow_each_other(tmp_path: Path) -> None:
    first, second = Person(tmp_path, alone=True), Person(tmp_path, alone=True)
    deadline = time.monotonic() + 5
    while not (first.inside.is_set() or second.inside.is_set()) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    assert first.inside.is_set() != second.inside.is_set()
    for person in sorted((first, second), key=lambda one: not one.inside.is_set()):
        assert person.gets_in()
        person.gone()


def test_who_was_killed_while_alone_leaves_a_cluster_that_nobody_judges(tmp_path: Path) -> None:
    turns = Turns(tmp_path)
    with suppress(KeyboardInterrupt), turns.taken("test_node_loss", alone=True) as first:
        raise KeyboardInterrupt  # as far as the turn can tell
    for alone in (False, True):
        with Turns(tmp_path).taken("another", alone=alone) as turn:
            assert turn.disturbed_by == "test_node_loss"
    turns.settle(first)  # but it was only interrupted, and has cleaned up now
    with Turns(tmp_path).taken("another", alone=False) as turn:
        assert turn.disturbed_by == ""


def test_who_could_not_put_it_back_leaves_such_a_cluster_too_and_who_could_does_not(tmp_path: Path) -> None:
    with Turns(tmp_path).taken("a", alone=True) as turn:
        assert turn.disturbed_by == ""
    with Turns(tmp_path).taken("b", alone=True) as turn:
        assert turn.disturbed_by == ""
        turn.put_back = False
    with Turns(tmp_path).taken("c", alone=False) as turn:
        assert turn.disturbed_by == "b"
