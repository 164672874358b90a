"""Pod packets that leave the pod network carry the node's address, by a table of its own, as kind's ip-masq does:
kube-proxy's own tables are not touched. A kernel without nftables' NAT is told with iptables.
"""

from __future__ import annotations

from collections.abc import Mapping

from clusters.families import NFT_FAMILY, Family

IPTABLES: Mapping[Family, str] = {"IPv4": "iptables", "IPv6": "ip6tables"}


def rules(pods: Mapping[Family, str], table: str, interface: str) -> str:
    """What nft is told: a table for each family's pod subnet."""
    return "".join(
        f"""\
table {ip} {table} {{
  chain postrouting {{
    type nat hook postrouting priority 110; policy accept;
    {ip} saddr {subnet} {ip} daddr != {subnet} oifname "{interface}" counter masquerade
  }}
}}
"""
        for ip, subnet in ((NFT_FAMILY[family], subnet) for family, subnet in pods.items())
    )


def iptables_commands(pods: Mapping[Family, str], interface: str) -> list[list[str]]:
    """The same as `rules`, for a kernel that takes NAT from iptables only: a command for each family's pod subnet."""
    return [
        [
            *(IPTABLES[family], "--wait", "--table", "nat", "--append", "POSTROUTING"),
            *("--source", subnet, "!", "--destination", subnet, "--out-interface", interface, "--jump", "MASQUERADE"),
        ]
        for family, subnet in pods.items()
    ]
