"""The engine: one process's load, and Locust as what carries it."""
