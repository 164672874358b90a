"""Locust's own users, for the comparison: ``locust -f bench/locust_users.py --host … Fast`` or ``Plain``."""

from __future__ import annotations

from locust import FastHttpUser, HttpUser, task


class Fast(FastHttpUser):  # type: ignore[misc]
    """Locust's fast client, over geventhttpclient."""

    @task  # type: ignore[untyped-decorator]
    def get(self) -> None:
        self.client.get("/")


class Plain(HttpUser):  # type: ignore[misc]
    """Locust's default client, over requests."""

    @task  # type: ignore[untyped-decorator]
    def get(self) -> None:
        self.client.get("/")
