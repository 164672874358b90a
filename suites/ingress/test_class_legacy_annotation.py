"""kubernetes.io/ingress.class: the annotation that ingressClassName replaces."""

from __future__ import annotations

import pytest

from fixtures.catalogue import feature
from fixtures.refusals import was_refused
from fixtures.routes import CLASS_OF_OLD, Routes
from fixtures.routes_plugin import Arrange
from fixtures.served import not_served, served_by


@pytest.fixture
def annotated(routes: Arrange) -> Routes:
    """Two Ingresses without ingressClassName: one annotated with the controller's class, one with another."""
    return routes("class_legacy_annotation.yaml", ready={"annotated.example": "echo"})


@feature("ing.class.legacy-annotation")
def test_the_annotation_of_old_is_honoured(annotated: Routes) -> None:
    """“However, even though the annotation is officially deprecated, for backwards compatibility reasons, ingress
    controllers should still honor that annotation if present.”

    https://kubernetes.io/docs/reference/kubernetes-api/networking/ingress-v1/#IngressSpec
    """
    served_by(annotated.get("annotated.example"), annotated.namespace, "echo")
    not_served(annotated.get("for-another.example"), annotated.namespace)


@feature("ing.class.legacy-annotation")
def test_a_new_ingress_with_both_and_not_the_same_is_refused(annotated: Routes) -> None:
    """“The newer ingressClassName field on Ingresses is a replacement for that annotation”: a new Ingress has one or
    the other, and where it has both, “must match `ingressClassName` when both are specified”.

    https://kubernetes.io/docs/concepts/services-networking/ingress/#deprecated-annotation
    https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/networking/validation/validation.go#L312
    """
    found = next(one for one in annotated.namespace.read("class_legacy_annotation.yaml") if one["kind"] == "Ingress")
    both = annotated.fit(found)
    both["metadata"]["name"] = "both"
    both["spec"]["ingressClassName"] = f"not-{annotated.class_name}"
    refused = annotated.namespace.refusal(both)
    was_refused(refused, "an Ingress with the annotation and another ingressClassName", CLASS_OF_OLD)
