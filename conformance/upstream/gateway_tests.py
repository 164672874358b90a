"""Which of the Gateway API's own conformance tests there are, out of their sources: the program lists none.

https://gateway-api.sigs.k8s.io/concepts/conformance/
"""

from __future__ import annotations

import re
from pathlib import Path

from clusters.errors import ComponentError, UsageError

from .selection import LIST_GATEWAY_API, Selection, Test, told

SOURCE = "https://github.com/kubernetes-sigs/gateway-api/blob/v{version}/conformance/tests/{file}#L{line}"
NAME = re.compile(r'^\s*ShortName:\s*"(\w+)"', re.MULTILINE)


def select(folder: Path, version: str, focus: str, skip: str) -> Selection:
    """`UsageError` where nothing is selected, or a pattern is none; `ComponentError` where there are no tests."""
    every = [test for path in sorted(folder.glob("*.go")) for test in tests_of(path, version)]
    if not every:
        raise ComponentError(f"There are no tests in {folder}.", "./noxw -s components -- --verify gateway-api-tests")
    try:
        wanted, unwanted = re.compile(focus), re.compile(skip) if skip else None
    except re.error as error:
        raise UsageError(f"--focus and --skip take regular expressions: {error}.") from error
    chosen = [test for test in every if wanted.search(test.name) and not (unwanted and unwanted.search(test.name))]
    if not chosen:
        raise UsageError(f"No test of {len(every)} is selected by {told(focus, skip)}.", LIST_GATEWAY_API)
    return Selection([test.name for test in every], sorted(chosen, key=lambda test: test.name))


def tests_of(path: Path, version: str) -> list[Test]:
    """The tests of one file."""
    text = path.read_text(encoding="utf-8")
    return [
        Test(found[1], SOURCE.format(version=version, file=path.name, line=text.count("\n", 0, found.start(1)) + 1))
        for found in NAME.finditer(text)
    ]
