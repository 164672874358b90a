"""Where traffic runs: providers, components, images, add-ons and controllers. Knows nothing above it.

cluster = clusters.create(ClusterSpec(name="a", mode="nftables"), progress)
clusters.provider_for(cluster).pod_netns(cluster, "default", "web-0")
clusters.delete("a")
"""

from .lifecycle import choose, create, delete, load, names, provider_for, providers

__all__ = ["choose", "create", "delete", "load", "names", "provider_for", "providers"]
