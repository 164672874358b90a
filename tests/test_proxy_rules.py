"""kube-proxy's rules, as the three modes write them, and as somebody might have broken them."""

from __future__ import annotations

import json

from fixtures.proxy_rules import command, of_iptables, of_ipvs, of_nftables

BOTH = frozenset({"10.244.1.3:8080", "10.244.2.4:8080"})

IPTABLES = """\
*nat
:KUBE-SERVICES - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
-A KUBE-EXT-AAAA -m comment --comment "masquerade traffic for ns/web:http external destinations" -j KUBE-MARK-MASQ
-A KUBE-EXT-AAAA -j KUBE-SVC-AAAA
-A KUBE-MARK-MASQ -j MARK --set-xmark 0x4000/0x4000
-A KUBE-NODEPORTS -d 127.0.0.0/8 -p tcp -m comment --comment "ns/web:http" -m tcp --dport 30080 -j KUBE-EXT-AAAA
-A KUBE-NODEPORTS -p tcp -m comment --comment "ns/web:http" -m tcp --dport 30080 -j KUBE-EXT-AAAA
-A KUBE-SEP-1111 -s 10.244.1.3/32 -m comment --comment "ns/web:http" -j KUBE-MARK-MASQ
-A KUBE-SEP-1111 -p tcp -m comment --comment "ns/web:http" -m tcp -j DNAT --to-destination 10.244.1.3:8080
-A KUBE-SEP-2222 -s 10.244.2.4/32 -m comment --comment "ns/web:http" -j KUBE-MARK-MASQ
-A KUBE-SEP-2222 -p tcp -m comment --comment "ns/web:http" -m tcp -j DNAT --to-destination 10.244.2.4:8080
-A KUBE-SERVICES -d 10.96.1.2/32 -p tcp -m comment --comment "ns/web:http cluster IP" -m tcp --dport 80 -j KUBE-SVC-AAAA
-A KUBE-SERVICES -d 172.30.0.200/32 -p tcp -m comment --comment "loadbalancer IP" -m tcp --dport 80 -j KUBE-EXT-AAAA
-A KUBE-SERVICES -m comment --comment "last rule" -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-SVC-AAAA ! -s 10.244.0.0/16 -d 10.96.1.2/32 -p tcp -m comment --comment "x" -m tcp --dport 80 -j KUBE-MARK-MASQ
-A KUBE-SVC-AAAA -m comment --comment "x" -m statistic --mode random --probability 0.50000000000 -j KUBE-SEP-1111
-A KUBE-SVC-AAAA -m comment --comment "ns/web:http -> 10.244.2.4:8080" -j KUBE-SEP-2222
COMMIT
"""


def test_iptables_chains_are_followed_from_the_front_to_the_endpoints() -> None:
    assert of_iptables(IPTABLES) == {"10.96.1.2:80/tcp": BOTH, "172.30.0.200:80/tcp": BOTH, ":30080/tcp": BOTH}


def test_a_deleted_iptables_rule_is_seen() -> None:
    without = "\n".join(line for line in IPTABLES.splitlines() if "probability" not in line)
    assert of_iptables(without)["10.96.1.2:80/tcp"] == {"10.244.2.4:8080"}
    without = "\n".join(line for line in IPTABLES.splitlines() if not line.startswith("-A KUBE-SEP-1111 -p"))
    assert of_iptables(without)["10.96.1.2:80/tcp"] == {"10.244.2.4:8080"}
    assert ":30080/tcp" not in of_iptables("\n".join(x for x in IPTABLES.splitlines() if "KUBE-NODEPORTS -" not in x))


def nft(*rules: dict[str, object], ports: bool = True) -> str:
    web = {"goto": {"target": "service-A-ns/web/tcp/http"}}
    elements = [[{"concat": ["10.96.1.2", "tcp", 80]}, web]]
    node_ports = [[{"elem": {"val": {"concat": ["tcp", 30080]}, "comment": "c"}}, {"goto": {"target": "external-A"}}]]
    jump = {"chain": "external-A", "expr": [{"jump": {"target": "mark-for-masquerade"}}, web]}
    maps = [
        {"name": "service-ips", "elem": elements},
        {"name": "service-nodeports", **({"elem": node_ports} if ports else {})},
    ]
    items = [{"metainfo": {}}, *({"map": item} for item in maps), *({"rule": rule} for rule in (jump, *rules))]
    return json.dumps({"nftables": items})


RANDOM = {
    "numgen": {"mode": "random", "mod": 2, "offset": 0},
}
MAPPED = {
    "chain": "service-A-ns/web/tcp/http",
    "expr": [
        {"match": {"op": "==", "left": {"meta": {"key": "l4proto"}}, "right": "tcp"}},
        {
            "dnat": {
                "family": "ip",
                "addr": {
                    "map": {
                        "key": RANDOM,
                        "data": {"set": [[0, {"concat": ["10.244.1.3", 8080]}], [1, {"concat": ["10.244.2.4", 8080]}]]},
                    }
                },
            }
        },
    ],
}
CHAINED = [
    {
        "chain": "service-A-ns/web/tcp/http",
        "expr": [
            {
                "vmap": {
                    "key": RANDOM,
                    "data": {"set": [[0, {"goto": {"target": "e1"}}], [1, {"goto": {"target": "e2"}}]]},
                }
            }
        ],
    },
    {"chain": "e1", "expr": [{"dnat": {"addr": "10.244.1.3", "port": 8080}}]},
    {"chain": "e2", "expr": [{"dnat": {"addr": "10.244.2.4", "port": 8080}}]},
]


def test_nftables_maps_are_followed_to_the_endpoints_in_both_of_kube_proxys_forms() -> None:
    expected = {"10.96.1.2:80/tcp": BOTH, ":30080/tcp": BOTH}
    assert of_nftables(nft(MAPPED)) == expected
    assert of_nftables(nft(*CHAINED)) == expected


def test_a_deleted_nftables_rule_or_element_is_seen() -> None:
    assert of_nftables(nft())["10.96.1.2:80/tcp"] == frozenset()
    assert of_nftables(nft(*CHAINED[:2]))["10.96.1.2:80/tcp"] == {"10.244.1.3:8080"}
    assert ":30080/tcp" not in of_nftables(nft(MAPPED, ports=False))


def test_ipvs_servers_are_read_and_those_without_weight_left_out() -> None:
    listed = """\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  10.96.1.2:80 rr
  -> 10.244.1.3:8080              Masq    1      0          0
  -> 10.244.2.4:8080              Masq    1      0          0
  -> 10.244.2.9:8080              Masq    0      0          0
TCP  172.30.0.11:30080 rr
"""
    assert of_ipvs(listed) == {"10.96.1.2:80/tcp": BOTH, "172.30.0.11:30080/tcp": frozenset()}


def test_ipv6_rules_are_read_as_those_of_ipv4() -> None:
    ends = frozenset({"[fd00::3]:8080"})
    iptables = (
        "-A KUBE-SEP-1111 -p tcp -m tcp -j DNAT --to-destination [fd00::3]:8080\n"
        "-A KUBE-SERVICES -d fd10::2/128 -p tcp -m tcp --dport 80 -j KUBE-SVC-AAAA\n"
        "-A KUBE-SVC-AAAA -j KUBE-SEP-1111\n"
    )
    assert of_iptables(iptables) == {"[fd10::2]:80/tcp": ends}
    front = {"concat": ["fd10::2", "tcp", 80]}
    nftables = {
        "nftables": [
            {"map": {"name": "service-ips", "elem": [[front, {"goto": {"target": "service"}}]]}},
            {"rule": {"chain": "service", "expr": [{"goto": {"target": "endpoint"}}]}},
            {"rule": {"chain": "endpoint", "expr": [{"dnat": {"addr": "fd00::3", "port": 8080}}]}},
        ]
    }
    assert of_nftables(json.dumps(nftables)) == {"[fd10::2]:80/tcp": ends}
    assert command("iptables", "IPv6")[0] == "ip6tables-save"
    assert command("nftables", "IPv6")[-2:] == ["ip6", "kube-proxy"]
