"""Benchmarks of Roadtest itself: ``python -m bench [generator] …``, what ``nox -s bench`` runs."""
