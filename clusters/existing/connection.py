"""The first words with somebody else's API server: does it answer, whom does it take us for, and is it new enough."""

from __future__ import annotations

import re
from pathlib import Path

from clusters.addons.api import ApiError, ClusterApi
from clusters.errors import ClusterError

from .kubeconfig import Context

OLDEST = (1, 26)
WHY_OLDEST = "internalTrafficPolicy and the endpoint conditions that are judged are stable since then"
WHO_AM_I = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
ANONYMOUS = "system:anonymous"


def connect(context: Context, kubeconfig: Path) -> ClusterApi:
    """A connection to the cluster of a kubeconfig; `ClusterError` where it does not answer, does not know us, or is
    too old."""
    from kubernetes.config import ConfigException  # noqa: PLC0415 - it takes a quarter of a second

    try:
        api = ClusterApi(kubeconfig)
        check_version(str(api.get("/version").get("gitVersion", "")))
    except ConfigException as error:
        raise ClusterError(
            f"The credentials of context {context.name} cannot be used: {error}.", "Get a new kubeconfig."
        ) from None
    except ApiError as error:
        raise refusal(context, error) from None
    return api


def user(api: ClusterApi, context: Context) -> str:
    """Whom the API server takes us for; empty where it is too old to say. `ClusterError` where it knows nobody."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        told = api.request("POST", WHO_AM_I, review)
    except ApiError as error:
        if error.status in {403, 404}:
            return ""
        raise refusal(context, error) from None
    name = str(told.get("status", {}).get("userInfo", {}).get("username", ""))
    if name == ANONYMOUS:
        raise unknown(context)
    return name


def refusal(context: Context, error: ApiError) -> ClusterError:
    """What is wrong, in a sentence, and what to do."""
    if error.status in {401, 403}:
        return unknown(context)
    if error.status:
        return ClusterError(f"What answers at {context.server} is no API server: {error}.", "Is it the right context?")
    return ClusterError(
        f"The API server {context.server} of context {context.name} cannot be reached: {reason(str(error))}.",
        "Is the cluster up, and this machine in a network (VPN, tunnel) that reaches it?",
    )


def unknown(context: Context) -> ClusterError:
    return ClusterError(
        f"The API server {context.server} does not accept the credentials of context {context.name}: they have run "
        "out, or are of another cluster.",
        "Log in again, or get a new kubeconfig.",
    )


def reason(told: str) -> str:
    """The reason within the words of a library that puts it last, or first, or somewhere between."""
    for pattern in (
        r"certificate verify failed: ([^()]+?)(?: \(_ssl|$)",
        r"Failed to resolve '[^']*' \(\[Errno -?\d+\] ([^)]+)\)",
        r"\[Errno -?\d+\] ([^')]+)",
        r"(timed out)",
        r"\[SSL: [A-Z_]+\] ([^(]+?) \(",
    ):
        if found := re.search(pattern, told):
            words = found[1].strip().rstrip(".")
            return f"its certificate is not trusted ({words})" if "certificate verify" in told else words.lower()
    return told.rpartition(": ")[2].strip().rstrip(".")


def check_version(told: str) -> None:
    """`ClusterError` where the cluster is too old to do what is judged."""
    found = re.match(r"v?(\d+)\.(\d+)", told)
    if not found:
        raise ClusterError(f"The API server tells no version of Kubernetes ({told!r}).", "Is it the right context?")
    if (int(found[1]), int(found[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ClusterError(
            f"The cluster runs Kubernetes {told.removeprefix('v')}, and Roadtest needs {oldest} or newer: "
            f"{WHY_OLDEST}.",
            "Upgrade it, or name another cluster.",
        )
