"""Names of images in full, as registries and nodes know them.

https://github.com/distribution/reference/blob/main/normalize.go
"""

from __future__ import annotations

HOSTS = {"docker.io": "registry-1.docker.io"}
"""Where a registry's API is, if not at the host that its images are called by."""


def full_name(name: str) -> str:
    """``traefik`` → ``docker.io/library/traefik:latest``."""
    first, slash, rest = name.partition("/")
    if not slash:
        name = f"docker.io/library/{name}"
    elif not ("." in first or ":" in first or first == "localhost"):
        name = f"docker.io/{first}/{rest}"
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"
