"""Digests that only who holds the secret can make: so what is kept says nothing, and is compared all the same."""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from ipaddress import ip_address, ip_network

_AT_HOME = [
    ip_network(network)
    for network in (
        "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "::/127", "fc00::/7", "fe80::/10",
    )
]  # fmt: skip
"""Where many may stand behind one address, or all of them (RFC 1918, 6598, 4193, 3927, 4291)."""

Digest = Callable[[str], int]

_BITS = 63
"""What both databases hold as a positive integer."""


@lru_cache(maxsize=64)
def digest_for(secret_key: str, purpose: str) -> Digest:
    """Return the function that makes digests for one purpose, so that those of another can't be compared with them.

    It is BLAKE2b with a key (RFC 7693), cut to 63 bits and never 0.
    """
    key = hashlib.sha256(f"tpminstitute.screening.{purpose}:{secret_key}".encode()).digest()

    def digest(text: str) -> int:
        found = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=8).digest()
        return (int.from_bytes(found, "big") >> 64 - _BITS) or 1

    return digest


def network_of(address: str) -> str | None:
    """Return the network that a sender is counted by: of IPv4 the /24, of IPv6 the /64 (RFC 6177).

    None for what names no place in the world, such as loopback or a private address: behind a proxy that
    TRUSTED_PROXIES doesn't count, everybody would have the same.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    if any(found in network for network in _AT_HOME):
        return None
    return str(ip_network((int(found), 24 if found.version == 4 else 64), strict=False))
