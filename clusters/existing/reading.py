"""The API as somebody may read it who may not read everything."""

from __future__ import annotations

from typing import Any

from clusters.addons.api import ApiError, ClusterApi

Object = dict[str, Any]
FORBIDDEN, ABSENT = 403, 404


class Reader:
    """Reads, and remembers what it may not: that is told and not raised."""

    def __init__(self, api: ClusterApi) -> None:
        self.api = api
        self.hidden: dict[str, str] = {}

    def one(self, what: str, path: str) -> Object | None:
        """An object or a list; None where there is none or it may not be seen."""
        try:
            return self.api.get(path)
        except ApiError as error:
            if error.status == FORBIDDEN:
                self.hidden.setdefault(what, f"You may not look at {what}.")
            elif error.status != ABSENT:
                self.hidden.setdefault(what, f"{what} could not be looked at: {error.cause}")
        return None

    def items(self, what: str, path: str) -> list[Object]:
        """The items of a list; empty where there are none or they may not be seen."""
        return list((self.one(what, path) or {}).get("items") or [])

    def text(self, what: str, path: str) -> str:
        """An answer that is no object."""
        found = self.one(what, path) or {}
        return str(found.get("text") or found.get("value") or "").strip()
