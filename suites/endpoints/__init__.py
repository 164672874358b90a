"""Endpoints: which pods stand behind a Service, and when."""
