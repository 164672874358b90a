"""What a controller tells its backends of the client, and how it is told of one itself: part of ``controller.toml``."""

from __future__ import annotations

import msgspec


class ClientIdentity(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What it tells backends of the client, in headers of the request."""

    source: str
    """The controller's own documentation of it."""
    headers: list[str]
    """Those that it writes itself, as its documentation says."""
    passes_on: list[str] = []
    """Those of the same meaning that, by its documentation, it passes on as the client wrote them: it does not read or
    write them."""
    passes_on_source: str = ""
    """Where it says so; empty: `source`."""


class ProxyProtocol(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """It takes the client's address out of a PROXY protocol header, where that is switched on: in one of these ways."""

    source: str
    """The controller's own documentation of it."""
    deployment: str = ""
    arguments: list[str] = []
    """Arguments that the first container of this Deployment takes beside its own."""
    config_map: str = ""
    data: dict[str, str] = {}
    """Entries of this ConfigMap that it reads."""
    manifest: str = ""
    """An object for the namespace of a Gateway called ``edge``, as YAML."""
    fronts: list[str] = msgspec.field(default_factory=lambda: ["by-ingress", "by-gateway"])
    """What it is switched on for in this way."""
