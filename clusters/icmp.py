"""The nodes that we make refuse as often as they are asked to.

Linux sends a burst of 6 ICMP errors to one address and then one a second: where one check is refused again and again,
another that runs beside it sees silence from a proxy that is right. icmp_ratelimit and icmp/ratelimit 0 lift that.
https://docs.kernel.org/networking/ip-sysctl.html
"""

from __future__ import annotations

from collections.abc import Mapping

from .families import Family

RATIONS: Mapping[Family, str] = {"IPv4": "net/ipv4/icmp_ratelimit", "IPv6": "net/ipv6/icmp/ratelimit"}
UNLIMITED = "0"
CONDITION = {"ICMP errors of a node": "not rationed (Linux by itself: 6 at once to one address, then one a second)"}
