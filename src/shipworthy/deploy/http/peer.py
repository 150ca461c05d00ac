"""Who is calling, as far as HTTP tells: the address of the other side.

In: an ASGI scope. Out: a text, "" where the server does not know. Behind a reverse proxy on this machine the server
puts in the caller that the proxy names in `x-forwarded-for`. A host with an IPv6 address has a whole /64 to call from,
so that network is the caller (RFC 7421).
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network, ip_address

from shipworthy.deploy.http.wire import Scope

MOST_NAME = 64  # characters: no address is longer, and what a proxy passes on may be anything
_HOST_BITS = 64


def peer_of(scope: Scope) -> str:
    """Return the caller of a request."""
    client = scope.get("client")
    return caller_of(str(client[0])[: MOST_NAME + 1]) if client else ""


@lru_cache(maxsize=4096)
def caller_of(host: str) -> str:
    """Return the address in one spelling; one name stands for whatever is no address.

    >>> [caller_of(host) for host in ("192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1", "testclient")]
    ['192.0.2.7', '192.0.2.7', '2001:db8::/64', '?']
    """
    try:
        address = ip_address(host)
    except ValueError:
        return "?"
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address) >> _HOST_BITS << _HOST_BITS, _HOST_BITS)))
