"""A miniature of upstream's test program: selects, prints and writes its report as ginkgo does, and runs nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

PLACE = "[sig-toys] Lamp should"
TESTS = {
    f"{PLACE} shine [Conformance]": "passed",
    f"{PLACE} dim [LinuxOnly] [Conformance]": "failed",
    f"{PLACE} hum": "skipped",
}
LABELS = "[sig-toys, Conformance]"
DASHES = "-" * 30
SCRIPT = """#!{python}
import json, re, signal, sys, time
tests = json.loads({tests!r})
options = dict(word.lstrip("-").partition("=")[::2] for word in sys.argv[1:])
if "list-images" in options:
    print("\\n".join({images!r}))
    sys.exit(0)
try:
    focus = re.compile(options["ginkgo.focus"])
except re.error:
    sys.exit("panic: regexp: Compile(`(`): error parsing regexp: missing closing ): `(`")
skip = options.get("ginkgo.skip")
specs = [
    {{
        "LeafNodeType": "It",
        "LeafNodeText": name.partition("should ")[2],
        "LeafNodeLocation": {{"FileName": "/go/src/k8s.io/kubernetes/test/e2e/toys/lamp.go", "LineNumber": 7}},
        "State": "passed" if focus.search(name) and not (skip and re.search(skip, name)) else "skipped",
        "ContainerHierarchyTexts": [name.partition(" should ")[0] + " should"],
    }}
    for name in tests
]
nowhere = {{"FileName": "", "LineNumber": 0}}
specs.append(
    {{
        "LeafNodeType": "ReportAfterSuite",
        "LeafNodeText": "",
        "LeafNodeLocation": nowhere,
        "State": "passed",
        "ContainerHierarchyTexts": None,
    }}
)
with open(options["ginkgo.json-report"], "w") as report:
    json.dump([{{"SpecReports": specs}}], report)
"""


def program(folder: Path, images: tuple[str, ...] = ()) -> Path:
    """A program that tells its tests and images."""
    path = folder / "e2e.test"
    path.write_text(
        SCRIPT.format(python=sys.executable, tests=json.dumps(TESTS), images=list(images)), encoding="utf-8"
    )
    path.chmod(0o755)
    return path


def junit(*cases: str) -> str:
    """A report with these cases between what prepares and what cleans up."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="5" disabled="2" errors="0" failures="1" time="8.1">
  <testsuite name="Kubernetes e2e suite" package="/" tests="5" time="8.1" timestamp="2026-03-01T08:00:00">
    <properties><property name="RandomSeed" value="7"></property></properties>
    <testcase name="[SynchronizedBeforeSuite]" classname="Kubernetes e2e suite" status="passed" time="0.1"></testcase>
    {"".join(cases)}
  </testsuite>
</testsuites>
"""


def case(name: str, status: str, seconds: float = 1.5, inside: str = "") -> str:
    return (
        f'<testcase name="[It] {name}" classname="Kubernetes e2e suite" status="{status}" time="{seconds}">'
        f"{inside}</testcase>"
    )


def failure(words: str, log: str = "") -> str:
    """As test/e2e/framework/internal/junit writes it: no message, everything in the text."""
    return (
        f'<failure message="" type="failed">[FAILED] {words}\nIn [It] at: k8s.io/kubernetes/test/e2e/toys/lamp.go:9 '
        f"@ 03/01/26 08:00:01.5</failure><system-err>{log}</system-err>"
    )
