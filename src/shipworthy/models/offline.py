"""No evaluation talks to the outside: a guard that refuses every address but this machine's own.

"Offline" is a promise that packages often break at their first call, so it is enforced while evaluating, not assumed.
The guard hangs on the interpreter's own audit events (PEP 578) and therefore also sees connections made below the
`socket` module. Names are not resolved either: a lookup is a message to somebody. It covers the whole process; a model
that runs in a process of its own holds a guard of its own, behind a fence where the system has one.
"""

from __future__ import annotations

import ipaddress
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shipworthy.errors import PolicySaysNo

_LOCAL_NAMES = frozenset({"localhost", ""})
_WITH_ADDRESS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_WITH_NAME = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})


class NetworkRefused(PolicySaysNo):
    """Something tried to reach another machine while evaluating."""


class _Guard:
    """How many evaluations run now. The audit hook cannot be taken away again, so it looks here first."""

    def __init__(self) -> None:
        self.depth = 0
        self.hooked = False
        self.lock = threading.Lock()


_guard = _Guard()


@contextmanager
def no_network() -> Iterator[None]:
    """Refuse every connection and name lookup that leaves this machine, for as long as the block runs.

    Raises NetworkRefused inside the block, where the attempt is made. Unix sockets and loopback stay open.
    """
    with _guard.lock:
        if not _guard.hooked:
            sys.addaudithook(_watch)
            _guard.hooked = True
        _guard.depth += 1
    try:
        yield
    finally:
        with _guard.lock:
            _guard.depth -= 1


def is_local(address: object) -> bool:
    """True for an address or host name of this machine; anything that cannot be told is not local."""
    host = address[0] if isinstance(address, tuple) and address else address
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if not isinstance(host, str):
        return False
    if host in _LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not _guard.depth:
        return
    if event in _WITH_ADDRESS:
        address = arguments[1] if len(arguments) > 1 else None
        # A Unix socket has a path for an address, not a pair; a connected datagram socket has none.
        refused = isinstance(address, tuple) and not is_local(address)
    elif event in _WITH_NAME:
        refused = arguments[0] is not None and not is_local(arguments[0])
    else:
        return
    if refused:
        told = address if event in _WITH_ADDRESS else arguments[0]
        raise NetworkRefused(f"{event} to {told!r}", "evaluate", "an evaluation runs without network; give files")
