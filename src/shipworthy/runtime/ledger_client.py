"""A shared ledger as a gate elsewhere sees it: facts in, one entry out, over HTTP with a bearer token.

In: `SHIPWORTHY_URL`, the ledger's key and a token, from the environment or a file, never from the command line. Out:
facts, or where an entry stands; or Unreachable, for everything else: refused, late, too large, redirected, signed with
another key, or an answer that does not parse. Nothing that was not understood is ever taken for an empty answer. TLS is
verified; plain HTTP is for this machine only, unless `SHIPWORTHY_UNSAFE_HTTP=1` says that the network is trusted.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from shipworthy.artifact.strict import loads
from shipworthy.errors import CannotDecide, Unreachable, UsageError
from shipworthy.facts import Fact
from shipworthy.ledger.checkpoint import open_checkpoint
from shipworthy.ledger.note import parse_verifier_key
from shipworthy.runtime.posted import ENTRIES, FACTS
from shipworthy.runtime.shared_facts import SharedFacts
from shipworthy.runtime.tokens import is_token
from shipworthy.runtime.workspace import SHARED

URL, TOKEN, TOKEN_FILE, UNSAFE_HTTP, KEY = SHARED
MAX_BYTES = 16 << 20
WAIT_S = 5.0  # for a connection, and for each read
WHOLE_S = 20.0  # for an answer from its first byte to its last
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
Told = TypeVar("Told", bound=Fact)


class Place(Fact, frozen=True, kw_only=True):
    """Where the ledger is served."""

    tls: bool
    host: str
    port: int
    prefix: str


class Appended(Fact, frozen=True, kw_only=True):
    """Where an entry stands: its number, and a checkpoint over all entries up to it, signed by `key`."""

    version: int
    seq: int
    checkpoint: str
    key: str


class LedgerClient:
    """Asks one shared ledger. It never shows its token. `key`: whose checkpoints are taken; "" = whoever answers."""

    def __init__(
        self, place: Place, token: str, wait_s: float = WAIT_S, whole_s: float = WHOLE_S, key: str = ""
    ) -> None:
        self.place = place
        self.key = key
        self._token = token
        self._wait_s = wait_s
        self._whole_s = whole_s

    def facts(self, model: str) -> SharedFacts:
        """Return the facts about a model. Raises Unreachable."""
        told = self._parsed(self._answer("GET", FACTS, None), SharedFacts)
        if told.model != model:
            raise self._failed(f"it is the ledger of {told.model[:80]!r}")
        self._pinned(told.key, told.checkpoint, told.size)
        return told

    def append(self, kind: str, body: Mapping[str, Any]) -> Appended:
        """Append an entry, once however often it is sent. Raises Unreachable unless the answer proves it."""
        sent = msgspec.json.encode({"kind": kind, "body": body})
        told = self._parsed(self._answer("POST", ENTRIES, sent), Appended)
        if told.seq < 0:
            raise self._failed("the answer names no entry")
        self._pinned(told.key, told.checkpoint, told.seq + 1)
        return told

    def _parsed(self, raw: bytes, kind: type[Told]) -> Told:
        try:
            return msgspec.convert(loads(raw, "answer"), kind, strict=True)
        except (CannotDecide, msgspec.ValidationError) as problem:
            raise self._failed(f"the answer does not parse: {str(problem)[:200]}") from problem

    def _pinned(self, key: str, checkpoint: str, least: int) -> None:
        """The checkpoint must be signed by the pinned key, over at least as many entries as are told of.

        Without a pinned key, the one beside it: that says only that the answer fits together, not whose it is.
        """
        if self.key and key != self.key:
            raise self._failed(f"its checkpoint is signed with another key than {KEY} names")
        try:
            origin, public = parse_verifier_key(key)
            size = open_checkpoint(checkpoint, origin, [public]).size
        except (CannotDecide, UsageError) as problem:
            raise self._failed(f"the checkpoint does not hold: {problem.what}") from problem
        if size < least:
            raise self._failed(f"the checkpoint is over {size} entries, and {least} are told of")

    def _answer(self, method: str, path: str, body: bytes | None) -> bytes:
        connection = self._connection()
        late = threading.Timer(self._whole_s, _cut, [connection])
        late.start()
        try:
            headers = {"authorization": f"Bearer {self._token}", "accept": "application/json"}
            connection.request(method, self.place.prefix + path, body, headers)
            answer = connection.getresponse()
            raw = answer.read(MAX_BYTES + 1)
        except (OSError, http.client.HTTPException, ValueError) as problem:
            raise self._failed(f"{type(problem).__name__}: {problem}") from problem
        finally:
            late.cancel()
            connection.close()
        if answer.status != 200:
            raise self._failed(f"it answers {answer.status}")
        if len(raw) > MAX_BYTES or (answer.length or 0) > 0:
            raise self._failed("the answer is too large or was cut")
        return raw

    def _connection(self) -> http.client.HTTPConnection:
        if not self.place.tls:
            return http.client.HTTPConnection(self.place.host, self.place.port, timeout=self._wait_s)
        import ssl

        context = ssl.create_default_context()  # verifies name and chain
        return http.client.HTTPSConnection(self.place.host, self.place.port, timeout=self._wait_s, context=context)

    def _failed(self, why: str) -> Unreachable:
        where = f"{self.place.host}:{self.place.port}"
        return Unreachable(f"the shared ledger cannot be used: {why}", where, f"look at {URL} and the token")


def ledger_client(environment: Mapping[str, str]) -> LedgerClient | None:
    """Return the client that the environment names, None when it names no ledger.

    Raises UsageError for an address or token that cannot be meant.
    """
    if not environment.get(URL):
        return None
    place = place_of(environment[URL], environment.get(UNSAFE_HTTP) == "1")
    return LedgerClient(place, _token(environment), key=_key(environment))


def place_of(url: str, unsafe_http: bool = False) -> Place:
    """Return the parts of an address. Raises UsageError unless it is https, or http on this machine.

    >>> place_of("https://ledger.example/site").port
    443
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as problem:
        raise UsageError(f"not an address: {problem}", URL) from problem
    if parts.scheme not in ("https", "http") or not host:
        raise UsageError("not an address", URL, "write https://host/")
    if parts.username or parts.password or parts.query or parts.fragment or not url.isprintable() or " " in url:
        raise UsageError("an address has no user, query or fragment", URL, "write https://host/")
    tls = parts.scheme == "https"
    if not tls and host not in _LOOPBACK and not unsafe_http:
        raise UsageError(f"http to {host} would send the token in the clear", URL, "write https://")
    return Place(tls=tls, host=host, port=port or (443 if tls else 80), prefix=parts.path.rstrip("/"))


def _token(environment: Mapping[str, str]) -> str:
    token, file = environment.get(TOKEN, ""), environment.get(TOKEN_FILE, "")
    if bool(token) == bool(file):
        raise UsageError(f"{URL} needs a token: {TOKEN} or {TOKEN_FILE}, one of them", TOKEN)
    if file:
        try:
            with Path(file).open(encoding="ascii") as opened:
                token = opened.read(1_000)
        except (OSError, ValueError) as problem:
            raise UsageError(f"the token cannot be read ({type(problem).__name__})", TOKEN_FILE) from problem
    token = token.strip()
    if not is_token(token):
        raise UsageError("not a token", TOKEN_FILE if file else TOKEN, "make one with `shipworthy keys token`")
    return token


def _key(environment: Mapping[str, str]) -> str:
    key = environment.get(KEY, "").strip()
    if key:
        try:
            parse_verifier_key(key)
        except UsageError as problem:
            raise UsageError(problem.what, KEY, "write what `shipworthy ledger key` prints at the site") from problem
    return key


def _cut(connection: http.client.HTTPConnection) -> None:
    """End an exchange that takes too long, however slowly it goes on."""
    import socket

    if connection.sock is not None:
        try:
            connection.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            connection.sock.close()  # it was gone already: then nobody waits for it
