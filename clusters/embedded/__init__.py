"""Real Kubernetes processes in network namespaces of this machine: no Docker, no uplink."""

from .provider import EmbeddedProvider

__all__ = ["EmbeddedProvider"]
