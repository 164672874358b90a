"""What the user of a kubeconfig may do, asked of the API server itself; what is missing, a sentence each.

https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from clusters.addons.api import ApiError, ClusterApi

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
GATEWAY_API = "gateway.networking.k8s.io/"
MAKING = ("get", "list", "create", "patch", "delete")
"""Verbs that a check needs on what it makes; server-side apply is a patch, and a create where there is nothing yet."""
AT_ONCE = 8


class Right(msgspec.Struct, frozen=True, order=True):
    """A verb on a resource, in one namespace or (empty) all over the cluster."""

    verb: str
    resource: str
    """``services``, ``pods/exec``."""
    group: str = ""
    namespace: str = ""

    def missing(self, namespaces: Sequence[str]) -> str:
        """The sentence for whoever has not got it in these namespaces."""
        where = "in the cluster"
        if all(namespaces):
            where = f"in namespace{'s' if len(namespaces) > 1 else ''} {' and '.join(namespaces)}"
        of = f"{self.resource} ({self.group})" if self.group else self.resource
        return f"You may not {self.verb} {self.resource} {where}: ask for the verb {self.verb} on {of}."


def making(resource: str, group: str = "", namespaces: Sequence[str] = ("",)) -> list[Right]:
    """What making, looking at and removing objects takes."""
    return [Right(verb, resource, group, namespace) for namespace in namespaces for verb in MAKING]


class Rights:
    """One user's rights on one cluster, each asked for once."""

    def __init__(self, api: ClusterApi, namespaces: Sequence[str] = (), gateway_api: str = "") -> None:
        """``gateway_api``: version and channel of its definitions, to be told where they lack a kind."""
        self._api = api
        self._gateway_api = gateway_api
        self._namespaces = tuple(namespaces) or ("",)
        """Where objects are to be made; empty: in namespaces of our own, so anywhere."""
        self._known: dict[Right, bool] = {}
        self._kinds: dict[tuple[str, str], str] = {}

    def missing(self, wanted: Iterable[Right]) -> list[str]:
        """Those that the user has not got: a sentence for each verb on a resource, wherever it is missing."""
        every = list(dict.fromkeys(wanted))
        unknown = [right for right in every if right not in self._known]
        if unknown:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                self._known.update(zip(unknown, pool.map(self._ask, unknown), strict=True))
        lacking: dict[Right, list[str]] = {}
        for right in every:
            if not self._known[right]:
                lacking.setdefault(msgspec.structs.replace(right, namespace=""), []).append(right.namespace)
        return [right.missing(namespaces) for right, namespaces in lacking.items()]

    def _ask(self, right: Right) -> bool:
        resource, _, part = right.resource.partition("/")
        attributes = {
            "verb": right.verb,
            "group": right.group,
            "resource": resource,
            "subresource": part,
            "namespace": right.namespace,
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        return bool(self._api.request("POST", REVIEWS, review).get("status", {}).get("allowed"))

    def lacking(self, version: str, kind: str) -> str:
        """Why objects of a kind cannot be made here; empty where they can."""
        if (version, kind) not in self._kinds:
            self._kinds[version, kind] = self._lacking(version, kind)
        return self._kinds[version, kind]

    def _lacking(self, version: str, kind: str) -> str:
        resource = self.resource(version, kind)
        if resource is None:
            of_gateway_api = self._gateway_api and version.startswith(GATEWAY_API)
            why = f": its Gateway API definitions are {self._gateway_api}" if of_gateway_api else ""
            return f"This cluster serves no {kind} of {version}{why}."
        plural, namespaced = resource
        group = version.rpartition("/")[0]
        return " ".join(self.missing(making(plural, group, self._namespaces if namespaced else ("",))))

    def resource(self, version: str, kind: str) -> tuple[str, bool] | None:
        """What a kind is called in addresses, and whether it lies in namespaces; None where it is not served."""
        try:
            return self._api.resource_of(version, kind)
        except ApiError as error:
            if error.status != 404:
                raise
            return None
