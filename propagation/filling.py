"""Other Services: what a change must be found among."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed

from clusters.addons.api import ApiError, ClusterApi
from clusters.errors import ClusterError
from clusters.progress import Progress
from propagation import objects

AT_ONCE = 16
"""Requests to the API server."""


class Filling:
    """Makes more and more Services, each with an EndpointSlice of two endpoints."""

    def __init__(self, api: ClusterApi, namespace: str, backends: Sequence[str]) -> None:
        self._api = api
        self._namespace = namespace
        self._backends = backends
        self.count = 0

    def up_to(self, count: int, progress: Progress) -> None:
        """Have this many of them. `ClusterError` where the API refuses one, for example because the range is full."""
        if count <= self.count:
            return
        with progress.task(f"{count} Services", count - self.count) as task, ThreadPoolExecutor(AT_ONCE) as pool:
            try:
                for made in as_completed([pool.submit(self._make, number) for number in range(self.count, count)]):
                    made.result()
                    task.advance(1)
            except BaseException:  # a refusal, or Ctrl-C: whatever is not on its way yet is not made
                pool.shutdown(wait=False, cancel_futures=True)
                raise
        self.count = count

    def _make(self, number: int) -> None:
        name = f"other-{number:05}"
        root = f"namespaces/{self._namespace}"
        slices = f"/apis/discovery.k8s.io/v1/{root}/endpointslices"
        try:
            self._api.request("POST", slices, objects.endpoint_slice(name, *self._backends))
            self._api.request("POST", f"/api/v1/{root}/services", objects.service(name))
        except ApiError as error:
            raise ClusterError(
                f"Service {number + 1} could not be made: {error.cause.rstrip('.')}.",
                "A larger range takes more: --service-subnet; or measure with fewer: --services.",
            ) from error
