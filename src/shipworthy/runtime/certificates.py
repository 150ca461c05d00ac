"""TLS by files: a certificate and its key, checked before they are used and taken anew when they change.

In: paths of PEM files. Out: an SSL context of TLS 1.2 or later, whose certificate `follow` replaces. Connections that
are open keep theirs. A pair that cannot be used stops the start with one line; a running gateway keeps the one before.
"""

from __future__ import annotations

import logging
import os
import ssl
import stat
from pathlib import Path
from typing import NamedTuple, NoReturn

from shipworthy.errors import ShipworthyError, UsageError

_log = logging.getLogger("shipworthy.tls")
_Mark = tuple[tuple[int, int], tuple[int, int]]


class Tls(NamedTuple):
    """Where certificate (with its chain) and private key are, as PEM."""

    cert: Path
    key: Path


class Certificates:
    """The context that new connections use."""

    def __init__(self, tls: Tls) -> None:
        """Raises UsageError when the pair cannot be used."""
        self._tls = tls
        self._mark = _mark(tls)
        self.context = _checked(tls)

    def follow(self) -> None:
        """Take the files anew when they have changed."""
        try:
            mark = _mark(self._tls)
            if mark == self._mark:
                return
            self._mark = mark
            _checked(self._tls)  # in a context of its own: a pair that does not fit must not spoil the one in use
            self.context.load_cert_chain(self._tls.cert, self._tls.key, _no_password)
        except (ShipworthyError, OSError) as problem:
            _log.error("the certificate in use stays: %s", problem)


def _checked(tls: Tls) -> ssl.SSLContext:
    _check_private(tls.key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.cert, tls.key, _no_password)
    except ssl.SSLError as problem:
        why = problem.reason or str(problem)
        raise UsageError(
            f"not a certificate with its key: {why}", f"{tls.cert}, {tls.key}", "give a PEM pair"
        ) from problem
    except OSError as problem:
        raise UsageError(f"cannot be read: {problem.strerror}", str(tls.cert), "give a PEM file") from problem
    return context


def _check_private(key: Path) -> None:
    """Raise UsageError for a key that others may read or write. A link is followed: certificates are renewed so."""
    try:
        found = key.stat()
    except OSError as problem:
        raise UsageError(f"cannot be read: {problem.strerror}", str(key), "give a PEM file") from problem
    if not stat.S_ISREG(found.st_mode):
        raise UsageError("not a file", str(key), "give a PEM file")
    if found.st_mode & 0o077:
        raise UsageError(f"others may read this key (mode {found.st_mode & 0o777:o})", str(key), "chmod 600 it")
    if found.st_uid not in (0, os.geteuid()):
        raise UsageError("this key is somebody else's", str(key), "chown it to who serves")


def _mark(tls: Tls) -> _Mark:
    """Return what changes with either file."""
    try:
        cert, key = tls.cert.stat(), tls.key.stat()
    except OSError as problem:
        raise UsageError(f"cannot be read: {problem.strerror}", str(problem.filename), "give a PEM file") from problem
    return (cert.st_mtime_ns, cert.st_ino), (key.st_mtime_ns, key.st_ino)


def _no_password() -> NoReturn:
    raise UsageError("the key is encrypted", "--tls-key", "give it unencrypted, mode 600")
