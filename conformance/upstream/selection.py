"""Which of the upstream tests are run: what their own program selects, asked without running any."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from clusters.errors import ComponentError, UsageError

DRY_SECONDS = 180.0
SOURCE = "https://github.com/kubernetes/kubernetes/blob/v{version}/{path}#L{line}"
LIST_GATEWAY_API = "See every test: ./noxw -s upstream -- --suite gateway-api --list"
LIST = "See every test: ./noxw -s upstream -- --suite k8s --list --focus ."


class Test(msgspec.Struct, frozen=True):
    """One upstream test."""

    name: str
    """In full, with its tags: ``[sig-network] Services should … [Conformance]``."""
    source: str
    """Public URL of its code."""


class Selection(msgspec.Struct, frozen=True):
    """What the program has, and what of it was asked for."""

    every: list[str]
    """Names of all its tests."""
    chosen: list[Test]


class _Place(msgspec.Struct, rename="pascal"):
    file_name: str
    line_number: int


class _Spec(msgspec.Struct, rename="pascal"):
    """https://pkg.go.dev/github.com/onsi/ginkgo/v2/types#SpecReport"""

    leaf_node_type: str
    leaf_node_text: str
    leaf_node_location: _Place
    state: str
    container_hierarchy_texts: list[str] | None = None


class _Suite(msgspec.Struct, rename="pascal"):
    spec_reports: list[_Spec]


def select(program: Path, version: str, focus: str, skip: str) -> Selection:
    """`UsageError` where nothing is selected, or a pattern is none; `ComponentError` where the program does not run."""
    with tempfile.TemporaryDirectory(prefix="roadtest-") as folder:
        report = Path(folder) / "dry-run.json"
        command = [str(program), "--provider=skeleton", "--ginkgo.dry-run", "--ginkgo.no-color", *patterns(focus, skip)]
        done = run(program, [*command, f"--ginkgo.json-report={report}"])
        try:
            (suite,) = msgspec.json.decode(report.read_bytes(), type=list[_Suite])
        except (OSError, ValueError) as error:
            if wrong := re.search(r"error parsing regexp: .*", done.stdout + done.stderr):
                raise UsageError(
                    f"--focus and --skip take regular expressions of Go: {wrong[0]}.",
                    "https://pkg.go.dev/regexp/syntax",
                ) from None
            raise broken(program, done) from error
    tests = [spec for spec in suite.spec_reports if spec.leaf_node_type == "It"]
    chosen = [Test(name(spec), source(spec, version)) for spec in tests if spec.state == "passed"]
    if not chosen:
        raise UsageError(f"No test of {len(tests)} is selected by {told(focus, skip)}.", LIST)
    return Selection([name(spec) for spec in tests], sorted(chosen, key=lambda test: test.name))


def patterns(focus: str, skip: str) -> list[str]:
    """Options that select tests."""
    return [f"--ginkgo.focus={focus}", *([f"--ginkgo.skip={skip}"] if skip else [])]


def told(focus: str, skip: str) -> str:
    return f"--focus {focus!r}" + (f" --skip {skip!r}" if skip else "")


def images(program: Path) -> list[str]:
    """Every image that any of the tests may use."""
    done = run(program, [str(program), "--list-images"])
    names = done.stdout.split()
    if done.returncode or not names:
        raise broken(program, done)
    return names


def run(program: Path, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Ask the program something that it answers without a cluster."""
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=DRY_SECONDS,
            check=False, cwd="/",
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ComponentError(f"{program} does not run: {error}.", REPAIR) from error


REPAIR = "Have it made anew: ./noxw -s components -- --verify e2e"


def broken(program: Path, done: subprocess.CompletedProcess[str]) -> ComponentError:
    lines = [line.strip() for line in (done.stderr + done.stdout).splitlines() if line.strip()]
    said = lines[-1] if lines else "it said nothing"
    return ComponentError(f"{program} ended with status {done.returncode} and told no tests: {said}", REPAIR)


def name(spec: _Spec) -> str:
    return " ".join([*(spec.container_hierarchy_texts or []), spec.leaf_node_text])


def source(spec: _Spec, version: str) -> str:
    """Binaries tell paths of the machine that they were built on; what follows is Kubernetes' own tree."""
    found = re.search(r"test/e2e/.*", spec.leaf_node_location.file_name)
    return SOURCE.format(version=version, path=found[0], line=spec.leaf_node_location.line_number) if found else ""


def focus_of(test: str) -> str:
    """A pattern that selects exactly this test.

    >>> focus_of("a [b] c.")
    '^a \\\\\\\\[b\\\\\\\\] c\\\\\\\\.$'
    """
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", test)
