"""Load on a cluster that we did not make: only where its user says that it is theirs, from this machine or by pods."""

from __future__ import annotations

from ipaddress import ip_network

from clusters.needs import Need, lack
from clusters.provider import Cluster, Place
from loadprofiles.grid import Grid
from loadprofiles.profile import Profile


def why_not(profile: Profile, cluster: Cluster, grid: Grid | None = None) -> str:
    """Why a profile cannot be sent to the cluster; empty where it can, as to every cluster that we made."""
    if not cluster.owned:
        return "the cluster is not ours: load takes --i-own-this-cluster"
    if cluster.administrator or (grid is not None and grid.pods):
        return ""
    if profile.vantage == "pod-network":
        return "the network of a pod cannot be entered from here; --grid pods sends from there"
    if not cluster.clients:
        return "the client is a pod, and this load is sent from outside"
    needs = {"nodeport": Need.NODE_PORTS, "controller": Need.INGRESS}
    return lack(cluster.lacks, needs.get(profile.target, ""), cluster.families[0])


def sender(cluster: Cluster, vantage: str) -> Place:
    """The place that a profile calls ``vantage``: this machine, where that is the only client."""
    return next((place for place in cluster.clients if place.here), None) or cluster.place(vantage)


def entrance(cluster: Cluster, address: str) -> list[str]:
    """The address by which a cluster that its user owns says that its traffic enters; nothing of one that we made."""
    return [str(ip_network(address))] if cluster.owned and not cluster.administrator else []
