"""A cluster's API, as much of it as putting manifests on a cluster needs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from clusters.errors import ClusterError

Object = Mapping[str, Any]
FIELD_MANAGER = "roadtest"
POLL_SECONDS = 0.03
REST = 4
"""How much longer it is waited than it took to ask."""
REQUEST_SECONDS = 10.0
BUSY = frozenset({0, 429, 500, 502, 503, 504})
"""Answers, or none at all, of an API server that is overloaded or just coming up."""


class ApiError(ClusterError):
    """The API server answered with an error, or not at all (status 0)."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(f"The cluster's API server answered {status}: {message}" if status else message)


class ClusterApi:
    """A connection pool to one API server; safe to use from several threads."""

    def __init__(self, kubeconfig: Path, patience: float = 1.0) -> None:
        """``patience``: how many times as long as usual an answer may take."""
        self._patience = patience
        # Imported here: it takes a quarter of a second, which a cluster's start-up spends elsewhere meanwhile.
        from kubernetes import config  # noqa: PLC0415

        self._client = config.new_client_from_config(str(kubeconfig))
        # Whoever asks decides whether to ask again.
        self._client.configuration.retries = False
        self._client.rest_client = type(self._client.rest_client)(self._client.configuration)
        self._host = self._client.configuration.host
        self._names: dict[tuple[str, str], tuple[str, bool]] = {}

    def request(
        self,
        method: str,
        path: str,
        body: object = None,
        content_type: str = "application/json",
        seconds: float = REQUEST_SECONDS,
    ) -> dict[str, Any]:
        """One request, the answer decoded; `ApiError` for anything but success."""
        import urllib3  # noqa: PLC0415
        from kubernetes.client.exceptions import ApiException  # noqa: PLC0415

        headers = {"Accept": "application/json", "Content-Type": content_type}
        for setting in self._client.configuration.auth_settings().values():
            if setting["in"] == "header" and setting["value"]:
                headers[setting["key"]] = setting["value"]
        try:
            longest = seconds * self._patience
            answer = self._client.call_api(method, self._host + path, headers, body, _request_timeout=longest)
            content = answer.read() or b""  # read now: a server that is too busy may stop in the middle of it
        except ApiException as error:
            raise ApiError(int(error.status or 0), f"{method} {path}: {error.reason}") from error
        except urllib3.exceptions.HTTPError as error:
            raise ApiError(0, f"{method} {path}: {error}") from error
        if not 200 <= answer.status < 300:
            raise ApiError(answer.status, f"{method} {path}: {_message(content)}")
        try:
            decoded = msgspec.json.decode(content)
        except msgspec.DecodeError:
            return {"text": content.decode(errors="replace")}
        return decoded if isinstance(decoded, dict) else {"value": decoded}

    def get(self, path: str, seconds: float = REQUEST_SECONDS) -> dict[str, Any]:
        return self.request("GET", path, seconds=seconds)

    def apply(self, manifest: Object) -> dict[str, Any]:
        """Server-side apply (https://kubernetes.io/docs/reference/using-api/server-side-apply/)."""
        path = f"{self.path_of(manifest)}?fieldManager={FIELD_MANAGER}&force=true"
        return self.request("PATCH", path, manifest, "application/apply-patch+yaml")

    def path_of(self, manifest: Object) -> str:
        """The address of an object, worked out from what the server says its kind is called."""
        version, kind = manifest["apiVersion"], manifest["kind"]
        plural, namespaced = self.resource_of(version, kind)
        metadata = manifest["metadata"]
        folder = f"/namespaces/{metadata.get('namespace', 'default')}" if namespaced else ""
        return f"{root_of(version)}{folder}/{plural}/{metadata['name']}"

    def resource_of(self, version: str, kind: str) -> tuple[str, bool]:
        """What a kind is called in addresses (``ingresses``), and whether it lies in namespaces; `ApiError` 404."""
        if (version, kind) not in self._names:
            for resource in self.get(root_of(version)).get("resources", []):
                if "/" not in resource["name"]:
                    self._names[version, resource["kind"]] = (resource["name"], resource["namespaced"])
        if (version, kind) not in self._names:
            raise ApiError(404, f"the kind {kind} of {version} is not known to it")
        return self._names[version, kind]


def root_of(version: str) -> str:
    """Where the kinds of an API version are: ``/api/v1``, ``/apis/apps/v1``."""
    return f"/apis/{version}" if "/" in version else f"/api/{version}"


def _message(content: bytes) -> str:
    try:
        return str(msgspec.json.decode(content)["message"])
    except (msgspec.DecodeError, KeyError, TypeError):
        return content.decode(errors="replace")[:300]


def wait_until(
    holds: Callable[[], bool], *, what: str, seconds: float, check: Callable[[], None] = lambda: None, cure: str = ""
) -> None:
    """Poll until something holds; `ClusterError` naming it when it does not within ``seconds``.

    An API server that is too busy to answer is asked again. ``check`` is called between polls and may raise.
    """
    deadline = time.monotonic() + seconds
    while True:
        trouble = ""
        asked = time.monotonic()
        try:
            if holds():
                return
        except ApiError as error:
            if error.status not in BUSY:
                raise
            trouble = f" Last answer: {error}"
        check()
        if time.monotonic() > deadline:
            raise ClusterError(f"{what} did not happen within {seconds:g} s.{trouble}", cure)
        # A machine that takes long to answer is left alone for longer: most of its time is for what is waited for.
        time.sleep(max(POLL_SECONDS, REST * (time.monotonic() - asked)))
