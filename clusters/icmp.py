"""The nodes that we make do not ration their refusals by whom they go to.

Linux sends a burst of 6 ICMP errors to one address and then one a second (IPv6: one in 100 ms or in a second, by
version). Where one check is refused again and again, another that runs beside it sees silence from a proxy that is
right. icmp_ratelimit and icmp/ratelimit 0 lift that; the limit of 1,000 a second for all addresses stays.
https://docs.kernel.org/networking/ip-sysctl.html
"""

from __future__ import annotations

from collections.abc import Mapping

from .families import Family

RATIONS: Mapping[Family, str] = {"IPv4": "net/ipv4/icmp_ratelimit", "IPv6": "net/ipv6/icmp/ratelimit"}
UNLIMITED = "0"
CONDITION = {"ICMP errors of a node": "not rationed by address (Linux by itself: 6 at once, then one a second)"}
