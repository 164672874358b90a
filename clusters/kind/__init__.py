"""kind clusters (https://kind.sigs.k8s.io), and what it takes to run them where no Docker engine and no registry is."""

from .provider import KindProvider

__all__ = ["KindProvider"]
