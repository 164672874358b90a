"""Clusters that are there already: looked at before anything is changed, and left as they were found."""

from .provider import ExistingProvider

__all__ = ["ExistingProvider"]
