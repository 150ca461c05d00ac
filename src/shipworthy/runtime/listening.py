"""Where a gateway listens: address, TLS and bounds of one server process, and how it leaves without losing a request.

In: an ASGI application and where to listen, or sockets that a parent opened. Out: a uvicorn server that is told to
leave, not killed: it stops listening, takes in what the system had accepted for it, answers everything with
`Connection: close`, and closes silent connections only after a moment in which pools let go of them.
"""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from ipaddress import ip_address
from typing import Any, Final, cast

import uvicorn

from shipworthy.deploy.http.door import Bounds, Doors
from shipworthy.deploy.http.gateway import Quick
from shipworthy.deploy.http.lane import Heads, Lane
from shipworthy.errors import UsageError
from shipworthy.runtime.certificates import Certificates, Tls

DRAIN_S: Final = 5
LEAVING_S: Final = 0.3  # a request that was on its way when we stopped listening arrives within it
BACKLOG: Final = 2_048
SWEEP_EVERY_S: Final = 1.0
SPARE_FILES: Final = 128  # descriptors that are not callers': store, map, model processes
BOUNDS: Final = Bounds()
NOTHING_QUICK: Final[Mapping[str, Quick]] = {}


class Listening(uvicorn.Config):
    """How one server process listens; `doors` tells of its connections."""

    doors: Doors
    certificates: Certificates | None = None


def check_address(host: str, tls: Tls | None, has_keys: bool) -> None:
    """Raise UsageError for an address that others reach, without TLS and keys: requests name tenants and carry data."""
    if is_loopback(host) or (tls is not None and has_keys):
        return
    wanting = [name for name, has in (("keys of its callers", has_keys), ("TLS", tls is not None)) if not has]
    raise UsageError(
        f"others reach this address, and it has no {' and no '.join(wanting)}",
        f"--host {host}",
        "make a key with `shipworthy keys api` and give --tls-cert and --tls-key, or serve on 127.0.0.1 behind a proxy",
    )


def is_loopback(host: str) -> bool:
    """True for an address that only this machine reaches. A name is not looked up: only `localhost` is known."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def bind(host: str, port: int) -> socket.socket:
    """Return a listening socket, which worker processes may inherit. Raises UsageError when the address is taken."""
    try:
        return socket.create_server((host, port), family=_family(host), backlog=BACKLOG)
    except (OSError, OverflowError) as problem:
        told = getattr(problem, "strerror", None) or str(problem)
        raise UsageError(f"cannot listen: {told}", f"{host}:{port}", "choose another --host or --port") from problem


def config(
    app: Any,  # noqa: ANN401
    host: str = "127.0.0.1",
    port: int = 8080,
    tls: Tls | None = None,
    bounds: Bounds = BOUNDS,
    quick: Mapping[str, Quick] = NOTHING_QUICK,
) -> Listening:
    """Return how `app` is served: with our connections, TLS from 1.2, no access log, proxies of this machine trusted.

    `quick`: what answers whole requests to these paths without going through `app`.

    Raises UsageError for a certificate that cannot be used.
    """
    doors = Doors(bounds._replace(connections=min(bounds.connections, _files_left())))
    certificates = Certificates(tls) if tls is not None else None
    one = Listening(
        app,
        host=host,
        port=port,
        http=cast(Any, partial(Lane, doors, quick, Heads())),
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=DRAIN_S,
        ssl_context_factory=(lambda *_: certificates.context) if certificates is not None else None,
    )
    one.doors, one.certificates = doors, certificates
    return one


class Server(uvicorn.Server):
    """Leaves by its own door: a signal drains it and returns, so that what is in memory is written at the end.

    `ready(url)` is told once requests are taken. `serve(sockets=[…])` takes inherited sockets; one that other processes
    listen on as well stays open there, and the requests that wait in it are theirs.
    """

    def __init__(self, listening: Listening, ready: Callable[[str], None] = lambda url: None) -> None:
        super().__init__(listening)
        self.listening = listening
        self._ready = ready
        self._sweep_every_s = min(SWEEP_EVERY_S, listening.doors.bounds.header_s / 4, listening.doors.bounds.body_s / 4)
        self._sweep_at = 0.0
        self._held: list[socket.socket] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell where: a port that the system chose is known only now."""
        held = self._held = sockets or [bind(self.listening.host, self.listening.port)]
        await self.lifespan.startup()
        loop, tls = asyncio.get_running_loop(), self.listening.ssl
        # Slow handshakes are slow callers too; before a handshake has ended there is no connection to sweep.
        within_s = self.listening.doors.bounds.header_s if tls is not None else None
        self.servers = [
            await loop.create_server(
                self._connection, sock=one, ssl=tls, backlog=BACKLOG, ssl_handshake_timeout=within_s
            )
            for one in held
        ]
        self.started = True
        self._ready(url_of(held[0], tls is not None))

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: close who waited too long, follow the certificate, hear that it is time to leave."""
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._sweep_at:
            self._sweep_at = now_s + self._sweep_every_s
            self.listening.doors.sweep(now_s)
            if self.listening.certificates is not None:
                self.listening.certificates.follow()
        return await super().on_tick(counter)

    def leave(self) -> None:
        """Stop taking requests, finish those under way."""
        self.listening.doors.drain()
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drain, bounded by the time for draining; what has not ended then is cut off."""
        self.listening.doors.drain()
        sweeping = asyncio.create_task(self._sweep())
        try:
            await self._stop_listening()
            await asyncio.sleep(LEAVING_S)
            await super().shutdown(self._held)
        finally:
            sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await sweeping
        for door in tuple(self.listening.doors.open):
            door.transport.abort()

    async def _stop_listening(self) -> None:
        """Close the address, and take in the connections that callers have opened and nobody has accepted yet."""
        loop, tls = asyncio.get_running_loop(), self.listening.ssl
        kept = [one.dup() for one in self._held]  # else the system resets them with the last descriptor
        for server in self.servers:
            server.close()
        await asyncio.sleep(0)
        for one in kept:
            for accepted in _waiting(one):
                with suppress(OSError, TimeoutError):  # whoever has gone meanwhile
                    await loop.connect_accepted_socket(self._connection, accepted, ssl=tls)

    def _connection(self) -> asyncio.Protocol:
        one, made = self.listening, cast(Any, self.listening.http_protocol_class)
        connection: asyncio.Protocol = made(
            config=one, server_state=self.server_state, app_state=self.lifespan.state, _loop=asyncio.get_running_loop()
        )
        return connection

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self._sweep_every_s)
            self.listening.doors.sweep(asyncio.get_running_loop().time())

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """The loop has the handlers."""
        yield


def url_of(one: socket.socket, tls: bool) -> str:
    """Return where a socket listens."""
    name = one.getsockname()
    if not isinstance(name, tuple):
        return str(name)
    host, port = name[:2]
    return f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def _waiting(one: socket.socket) -> list[socket.socket]:
    """Return the connections that wait to be accepted, and close the socket."""
    found: list[socket.socket] = []
    one.setblocking(False)
    with suppress(OSError):
        while len(found) < BACKLOG:
            found.append(one.accept()[0])
    one.close()
    return found


def _family(host: str) -> socket.AddressFamily:
    found: Sequence[Any] = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return cast(socket.AddressFamily, found[0][0])


def _files_left() -> int:
    """Return how many connections the limit on open files leaves: beyond it not even a store could be opened."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 1 << 30 if soft == resource.RLIM_INFINITY else max(16, soft - SPARE_FILES)
