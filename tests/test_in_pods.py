"""Commands in pods: done, or an error of ours."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from fixtures.in_pods import run_in
from fixtures.verdicts import ArrangementError
from fixtures.whole import Completed
from fixtures.workloads import Namespace


def namespace(done: Completed) -> Namespace:
    def run(_namespace: str, pod: str, argv: tuple[str, ...], *, timeout: float) -> Completed:
        assert (pod, argv) == ("web-1", ("touch", "/tmp/a"))
        assert timeout > 0
        return done

    return cast("Namespace", SimpleNamespace(name="ns", api=cast("Any", SimpleNamespace(exec=run))))


def test_the_output_is_given() -> None:
    assert run_in(namespace(Completed(status=0, stdout="done\n", stderr="")), "web-1", "touch", "/tmp/a") == "done\n"


def test_a_command_that_fails_is_our_error() -> None:
    failed = Completed(status=1, stdout="", stderr="touch: /tmp/a: Read-only file system\n")
    with pytest.raises(ArrangementError, match="Read-only file system"):
        run_in(namespace(failed), "web-1", "touch", "/tmp/a")
