"""The page: it stands alone, whatever the stream holds, and every link in it leads somewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest

import reports
from reports.drawing import render
from reports.html import html, prose
from reports.views.evidence import PAGE_BYTES
from reports.views.merged import merge
from reports.views.page import page
from tests import reports_hostile, reports_miniature

LOADING = {"src", "srcset", "data", "action", "formaction", "poster", "background", "xlink:href"}
"""Attributes by which a page fetches or sends."""


class Reader(HTMLParser):
    """What a browser would find: elements, texts, addresses."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[str] = []
        self.styles: list[str] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        where = self._open[-1] if self._open else ""
        {"script": self.scripts, "style": self.styles}.get(where, self.texts).append(data)

    def attributes(self, name: str) -> list[str]:
        return [found[name] for _, found in self.elements if name in found]


def drawn(*runs: Path) -> str:
    return html(page(merge(reports.read(run) for run in runs), runs[0]))


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return drawn(reports_miniature.write(tmp_path_factory.mktemp("miniature") / "run"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    return drawn(reports_hostile.write(tmp_path_factory.mktemp("hostile") / "run"))


def outside(reader: Reader) -> list[str]:
    """Everything that a browser would fetch by itself."""
    fetched = [value for name in LOADING for value in reader.attributes(name)]
    for tag, attributes in reader.elements:
        address = attributes.get("href", "")
        if tag != "a" and address and not address.startswith(("#", "data:,")):
            fetched.append(address)
    fetched += [
        found
        for style in [*reader.styles, *reader.attributes("style")]
        for found in re.findall(r"url\(|@import", style)
    ]
    return fetched + [
        value for tag, found in reader.elements if tag in {"iframe", "object", "embed"} for value in [tag]
    ]


def test_nothing_is_fetched_from_outside(text: str) -> None:
    assert outside(Reader(text)) == []
    for wrong in (
        '<img src="https://example.org/x.png">',
        '<link rel="stylesheet" href="https://example.org/x.css">',
        "<style>@import 'x.css'</style>",
        '<p style="background: url(x.png)">',
        "<iframe></iframe>",
    ):
        assert outside(Reader(wrong)), f"the check misses {wrong}"


def test_the_policy_admits_the_pages_own_script_and_nothing_else(text: str) -> None:
    reader = Reader(text)
    policy = next(found["content"] for tag, found in reader.elements if found.get("http-equiv"))
    (script,) = reader.scripts
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert "default-src 'none'" in policy


def test_foreign_text_becomes_neither_element_nor_attribute(hostile: str, text: str) -> None:
    reader = Reader(hostile)
    assert len(reader.scripts) == 1
    assert not {tag for tag, _ in reader.elements} - {tag for tag, _ in Reader(text).elements}
    assert not [name for _, found in reader.elements for name in found if name.startswith("on")]
    assert "".join(reader.texts).count("<script>alert(1)</script>]]></pre>") > 30
    assert "49" not in {word for part in reader.texts for word in part.split() if "{{" in part}
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202e]", hostile)


def test_what_is_quoted_is_set_as_code_and_stays_text() -> None:
    assert prose("its `port` <b>") == "its <code>port</code> &lt;b&gt;"
    assert prose("`<script>` and ` alone") == "<code>&lt;script&gt;</code> and ` alone"


def test_every_link_inside_the_page_leads_somewhere(text: str) -> None:
    reader = Reader(text)
    ids = reader.attributes("id")
    assert sorted(ids) == sorted(set(ids))
    inside = {address[1:] for address in reader.attributes("href") if address.startswith("#")}
    assert len(inside) > 40
    assert inside <= set(ids)


def test_the_page_says_what_the_run_found(text: str) -> None:
    told = " ".join(" ".join(Reader(text).texts).split())
    for words in (
        "34 of 37 features hold wherever they were judged; 2 fail somewhere, 1 is unproved.",
        "Traefik 3.7.15: fails svc.etp.local (on nftables) and can.weight (on nftables);",
        "An interval covers chance within one measurement",
        "traefik throttle 2s, the default in every cell",
        "exit status 2",
        "no Docker engine answers at /var/run/docker.sock",
        "n2: 0 of 10 answered within 500 ms",
        "30 attempts in",
        "numgen random mod 2",
        "evidence/gone.txt cannot be read",
        "Traefik serves TCPRoute only with its experimental channel, which is off.",
        "The cluster has IPv4 only.",
        "Where modes differ by design",
        "By the verdict map no-endpoint-services.",
        "answered (route_localnet is on)",
        "timeout 3 (0.015 %)",
        "void The generator lagged",
        "./noxw -s conformance",
        "v1.36.3",
    ):
        assert words in told, words
    assert "This run is not whole" not in told


def test_the_page_of_a_run_that_broke_off_says_so_first(tmp_path: Path) -> None:
    run = tmp_path / "run"
    reports.start(run, command="nox", seed=1)
    reports_miniature.write_cell(run, "iptables")
    told = " ".join(" ".join(Reader(drawn(run)).texts).split())
    assert "As far as the run went: all 37 judged features hold" in told
    assert told.index("This run is not whole") < told.index("What ran on what")
    assert "The footer is missing: the run broke off before it was closed." in told


@pytest.mark.parametrize("lines", [0, 1, 2])
def test_a_stream_with_hardly_anything_is_drawn(lines: int, tmp_path: Path) -> None:
    whole = reports_miniature.write(tmp_path / "run", modes=["iptables"])
    stream = whole / "results.jsonl"
    stream.write_bytes(b"".join(stream.read_bytes().splitlines(keepends=True)[:lines]))
    assert "This run is not whole" in drawn(whole)


def test_the_page_stays_small(text: str, tmp_path: Path) -> None:
    assert len(text.encode()) < 400_000
    run = tmp_path / "run"
    reports.start(run, command="nox", seed=1)
    for number in range(150):
        path = f"{number}.log"
        failure = reports_miniature.local_failure("cell", "n1")
        (run / path).write_text("x" * 100_000)
        reports.append(run, _with_evidence(failure, number, path))
    assert len(drawn(run).encode()) < PAGE_BYTES + 2_000_000


def _with_evidence(failure: reports.Result, number: int, path: str) -> reports.Result:
    story = {"test": f"t::{number}", "evidence": [reports.Evidence(title=path, path=path)], "observed": "x" * 50_000}
    return msgspec.structs.replace(failure, **story)


def test_drawing_again_gives_the_same_page(tmp_path: Path, text: str) -> None:
    run = reports_miniature.write(tmp_path / "run", modes=["nftables"])
    assert drawn(run) == drawn(run)


def test_a_report_elsewhere_still_links_to_the_evidence(tmp_path: Path) -> None:
    run = reports_miniature.write(tmp_path / "run", modes=["nftables"])
    render([run], out=tmp_path / "site" / "page")
    page_text = (tmp_path / "site" / "page" / "report.html").read_text()
    links = [address for address in Reader(page_text).attributes("href") if address.endswith("nft.txt")]
    assert links
    assert (tmp_path / "site" / "page" / links[0]).resolve().read_text().startswith("table ip kube-proxy")
