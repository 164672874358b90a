"""Which pod: by a cookie, by a key."""

from __future__ import annotations

from fixtures.expectations import equal, holds
from fixtures.recipes import Asked, behaviour

FIRST_TIME = 12
"""Clients: that three pods evenly chosen look like one happens once in 177,000 times."""
AGAIN = 20
"""Requests: that three pods evenly chosen look like one happens once in three thousand million times."""
KEYS, EACH = 12, 5


@behaviour("affinity-cookie", backends="three_pods.yaml")
def test_the_cookie_keeps_a_client_on_its_pod(asked: Asked) -> None:
    """“The annotation nginx.ingress.kubernetes.io/affinity enables and sets the affinity type in all Upstreams of an
    Ingress. This way, a request will always be directed to the same upstream server.”

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#session-affinity
    """
    first = [asked.get("affinity-cookie.example") for _ in range(FIRST_TIME)]
    pods = {asked.echo(seen).pod for seen in first}
    holds(len(pods) > 1, f"{FIRST_TIME} clients without a cookie to be spread", f"all came to {', '.join(pods)}", first)
    cookie = first[0].headers.get("set-cookie", "").partition(";")[0]
    holds(bool(cookie), "a cookie to be set", "none was", first[:1])
    again = [asked.get("affinity-cookie.example", headers={"Cookie": cookie}) for _ in range(AGAIN)]
    equal(
        "the pods that its client came to", {asked.echo(first[0]).pod}, {asked.echo(seen).pod for seen in again}, again
    )


@behaviour("upstream-hash-by", backends="three_pods.yaml")
def test_a_key_leads_to_its_pod(asked: Asked) -> None:
    """“NGINX supports load balancing by client-server mapping based on consistent hashing for a given key. The key can
    contain text, variables or any combination thereof. This feature allows for request stickiness other than client IP
    or cookies.”

    https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#custom-nginx-upstream-hashing
    """
    pods = {}
    for key in (f"user-{number}" for number in range(KEYS)):
        seen = [asked.get("upstream-hash-by.example", headers={"X-User": key}) for _ in range(EACH)]
        found = {asked.echo(one).pod for one in seen}
        holds(len(found) == 1, f"the key {key} to lead to one pod", f"it led to {', '.join(sorted(found))}", seen)
        pods[key] = found.pop()
    holds(len(set(pods.values())) > 1, f"{KEYS} keys to be spread", f"all led to {pods['user-0']}")
