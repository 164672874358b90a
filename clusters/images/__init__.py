"""Images as archives under their official names: pulled where a registry answers, else built from the components."""

from __future__ import annotations
