"""Which IP addresses may be connected to: the public unicast ones, and others only where that was asked for.

Pure; knows nothing about names, DNS or connections.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# From the special-purpose registries of IANA (RFC 6890 and its updates), written out because `is_global` of the
# standard library differs between Python releases.
_SPECIAL_4 = {
    "0.0.0.0/8": "this network",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "carrier-grade NAT",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link-local",
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "protocol assignments",
    "192.0.2.0/24": "documentation",
    "192.88.99.0/24": "6to4 relay",
    "192.168.0.0/16": "private",
    "198.18.0.0/15": "benchmarking",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",
}
# Inside 2000::/3, outside of which nothing is public; each of these hides an IPv4 address or is no place.
_SPECIAL_6 = {
    "2001::/23": "protocol assignments",  # Teredo among them
    "2001:db8::/32": "documentation",
    "2002::/16": "6to4",
    "3fff::/20": "documentation",
}
_NAMED_6 = {
    "::/128": "unspecified",
    "::1/128": "loopback",
    "::ffff:0:0/96": "IPv4-mapped",
    "::/96": "IPv4-compatible",
    "64:ff9b::/96": "NAT64",
    "64:ff9b:1::/48": "NAT64",
    "100::/64": "discard",
    "5f00::/16": "segment routing",
    "fc00::/7": "unique local",
    "fe80::/10": "link-local",
    "fec0::/10": "site-local",
    "ff00::/8": "multicast",
}
_NETWORKS_4 = [(ip_network(network), kind) for network, kind in _SPECIAL_4.items()]
_NETWORKS_6 = [(ip_network(network), kind) for network, kind in (_SPECIAL_6 | _NAMED_6).items()]
_GLOBAL_6 = ip_network("2000::/3")
# No page is served from these, whatever is allowed.
_NEVER = frozenset({"multicast", "reserved"})


def _kind(found: IPv4Address | IPv6Address) -> str:
    if isinstance(found, IPv4Address):
        return next((kind for network, kind in _NETWORKS_4 if found in network), "")
    kind = next((kind for network, kind in _NETWORKS_6 if found in network), "")
    return kind or ("" if found in _GLOBAL_6 else "not allocated")


def refusal(address: str, *, allow_private: bool = False, private_networks: Sequence[str] = ()) -> str:
    """The kind for which an address may not be connected to (`loopback`, `private`, `NAT64`, …), or "" where it may.

    An IPv4 address inside an IPv6 one does not count as public, whatever it is.

    Args:
        address: IPv4 or IPv6, with or without a zone.
        allow_private: Every unicast address is allowed.
        private_networks: Networks in CIDR notation that are allowed although they are not public.

    Raises:
        ValueError: `address` or a network cannot be read.
    """
    found = ip_address(address)
    kind = _kind(found)
    if not kind or (allow_private and kind not in _NEVER):
        return ""
    return "" if any(found in ip_network(network) for network in private_networks) else kind
