"""The JSON schema of a stream's lines, for readers that are not Roadtest."""

from __future__ import annotations

from pathlib import Path

import msgspec

from reports.model import SCHEMA, AnyRecord

FILE = Path(__file__).parent / "schema.json"


def schema() -> str:
    """The schema as it is committed in ``reports/schema.json``; every line of a stream validates against it."""
    described = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"One line of Roadtest's results.jsonl, schema {SCHEMA}",
        **msgspec.json.schema(AnyRecord),
    }
    return msgspec.json.format(msgspec.json.encode(described), indent=2).decode() + "\n"
