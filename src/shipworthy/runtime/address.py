"""Where the gateway of a state directory listens, for whoever works on that directory: `serving.json`, 0600.

In: an address, when requests are taken. Out: the file, which goes when the gateway leaves in good order. A file whose
process is gone says nothing: a gateway that was killed serves nobody.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from shipworthy.errors import CannotDecide
from shipworthy.facts import Fact, canonical
from shipworthy.store.failpoints import nothing
from shipworthy.store.safe_files import read_plain, write_whole

FILE: Final = "serving.json"
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]", "::": "[::1]"}


class Serving(Fact, frozen=True, kw_only=True):
    """A serving gateway: its `url` as this machine reaches it, its process, and its certificate ("" without TLS)."""

    url: str
    pid: int
    cert: str = ""


@contextmanager
def announced(home: Path) -> Iterator[Path]:
    """Yield the file to be written by `announce`; take it away at the end when it is still ours."""
    path = home / FILE
    try:
        yield path
    finally:
        with suppress(CannotDecide, msgspec.MsgspecError):
            if msgspec.json.decode(read_plain(path), type=Serving).pid == os.getpid():
                path.unlink(missing_ok=True)


def announce(path: Path, url: str, cert: Path | None = None) -> None:
    """Write where this process takes requests."""
    for everywhere, here in _EVERYWHERE.items():
        url = url.replace(f"//{everywhere}:", f"//{here}:")
    one = Serving(url=url, pid=os.getpid(), cert=str(cert.absolute()) if cert is not None else "")
    write_whole(path, canonical(one), nothing)


def serving(home: Path) -> Serving:
    """Return where the gateway of this state directory listens. Raises CannotDecide when none serves."""
    path = home / FILE
    fix = "start `shipworthy serve`"
    if not path.exists():
        raise CannotDecide("no gateway serves this state directory", str(path), fix)
    try:
        one = msgspec.json.decode(read_plain(path), type=Serving)
        os.kill(one.pid, 0)
    except ProcessLookupError as gone:
        raise CannotDecide("the gateway that served this state directory has died", str(path), fix) from gone
    except PermissionError:
        return one  # it runs, under another user
    except msgspec.MsgspecError as problem:
        raise CannotDecide(
            f"not the address of a gateway: {problem}", str(path), "delete it, and serve again"
        ) from None
    return one
