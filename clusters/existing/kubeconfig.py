"""The kubeconfig that the user names: one context of it, whole and readable, or a sentence that says what is wrong.

https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/
"""

from __future__ import annotations

import base64
import binascii
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import yaml

from clusters.errors import ClusterError, UsageError

Document = dict[str, Any]
FILES = {
    "clusters": ("certificate-authority",),
    "users": ("client-certificate", "client-key", "tokenFile"),
}
"""Fields that name a file, relative to the kubeconfig."""


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """One context, by itself."""

    name: str
    server: str
    """The API server's URL."""
    source: Path
    document: Document
    """A kubeconfig with nothing but this context; what lay beside the original is named by whole paths."""

    def write(self, path: Path) -> None:
        """Lay it down for nobody but this user: it holds what the original holds."""
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(self.document), encoding="utf-8")


def files(asked: Path | None) -> list[Path]:
    """Which files count, as for kubectl. `UsageError` where a file that the user names is not there."""
    if asked is not None:
        named = [asked.expanduser()]
    else:
        every = os.environ.get("KUBECONFIG", "").split(os.pathsep)
        named = [Path(name).expanduser() for name in every if name] or [Path.home() / ".kube" / "config"]
    there = [path.absolute() for path in named if path.is_file()]
    if not there:
        raise UsageError(
            f"There is no kubeconfig at {', '.join(map(str, named))}.", "Name the cluster's: --kubeconfig FILE."
        )
    return there


def read(asked: Path | None, context: str) -> Context:
    """The context called so, or the current one. `UsageError` lists the right names; `ClusterError` where its
    credentials have run out."""
    paths = files(asked)
    entries: dict[str, dict[str, tuple[Path, Document]]] = {"contexts": {}, "clusters": {}, "users": {}}
    current = ""
    for path in paths:
        document = parsed(path)
        current = current or str(document.get("current-context") or "")
        for part, found in entries.items():
            for entry in document.get(part) or []:
                # The first file to name something wins.
                found.setdefault(str(entry.get("name")), (path, entry.get(part.removesuffix("s")) or {}))
    where = ", ".join(map(str, paths))
    name = context or current
    if name not in entries["contexts"]:
        cause = f"has no context called {name!r}" if name else "names no current context"
        every = ", ".join(entries["contexts"]) or "none"
        raise UsageError(f"The kubeconfig {where} {cause}.", f"Its contexts: {every}. Choose one: --context NAME.")
    source, chosen = entries["contexts"][name]
    parts = {}
    for part in ("clusters", "users"):
        wanted = str(chosen.get(part.removesuffix("s"), ""))
        if wanted not in entries[part]:
            raise UsageError(
                f"Context {name} of {source} names the {part.removesuffix('s')} {wanted!r}, which is not there.",
                "Mend the kubeconfig, or name another one.",
            )
        parts[part] = absolute(part, *entries[part][wanted])
    server = str(parts["clusters"].get("server", ""))
    if not server:
        raise UsageError(
            f"Context {name} of {source} names no API server.", "Mend the kubeconfig, or name another one."
        )
    check_certificate(name, parts["users"])
    return Context(
        name=name,
        server=server,
        source=source,
        document={
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "existing",
            "contexts": [{"name": "existing", "context": {"cluster": "existing", "user": "existing"}}],
            "clusters": [{"name": "existing", "cluster": parts["clusters"]}],
            "users": [{"name": "existing", "user": parts["users"]}],
        },
    )


def parsed(path: Path) -> Document:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is no kubeconfig: {str(error).splitlines()[0]}.", "Name another one.") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Run as a user who may read it.") from None
    if not isinstance(document, dict) or "contexts" not in document:
        raise UsageError(f"{path} is no kubeconfig: it has no contexts.", "Name another one.")
    return document


def absolute(part: str, source: Path, entry: Document) -> Document:
    """The entry with whole paths."""
    return {key: str(source.parent / value) if key in FILES[part] and value else value for key, value in entry.items()}


def check_certificate(context: str, user: Document) -> None:
    """`ClusterError` where the client certificate has run out: the server would only say that it knows nobody."""
    from cryptography import x509  # noqa: PLC0415 - only here

    try:
        if told := user.get("client-certificate-data"):
            pem = base64.b64decode(told)
        elif path := user.get("client-certificate"):
            pem = Path(path).read_bytes()
        else:
            return
        ends = x509.load_pem_x509_certificate(pem).not_valid_after_utc
    except (OSError, ValueError, binascii.Error) as error:
        raise UsageError(
            f"The client certificate of context {context} cannot be read: {error}.", "Get a new kubeconfig."
        ) from None
    if ends < datetime.now(UTC):
        raise ClusterError(
            f"The client certificate of context {context} ran out on {ends:%Y-%m-%d %H:%M} UTC.",
            "Get a new kubeconfig from whoever gave you this one.",
        )
