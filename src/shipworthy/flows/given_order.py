"""What became of an order that was just given: can it be read back, and is anything here meant by it?

In: the state directory and the order. Out: one line each for whoever gave it. Nothing here refuses: the order holds
already. No store and no ledger is read, and a contract only where the order names a segment.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from shipworthy.errors import CannotDecide, ShipworthyError, Unreachable
from shipworthy.facts import Held, RuntimeState, Scope, parse_segment
from shipworthy.store.posture import StateFiles
from shipworthy.store.safe_files import read_plain

_MODEL: Final = re.compile(rb"""^model:[ \t]*["']?([^\s"'#]+)""", re.MULTILINE)


def host_key(home: Path) -> bytes:
    """Return the key that the state is sealed with. Raises CannotDecide where no site is."""
    path = home / "keys" / "host.key"
    if not path.is_file():
        raise CannotDecide("no site is here: its key does not exist", str(path), "give --home, the state directory")
    return read_plain(path)


def unread(home: Path, held: Held) -> str:
    """Return why the order cannot be read back from the state; "" when it can."""
    try:
        state = _state(home)
    except (CannotDecide, Unreachable) as problem:
        return str(problem)
    return "" if any(one.order == held.order for one in state.orders) else "it was released meanwhile"


def misses(home: Path, scope: Scope) -> tuple[str, ...]:
    """Return what the scope names and nothing here has: a version, a model or a key, as far as can be told."""
    try:
        state = _state(home)
    except (CannotDecide, Unreachable):
        return ()
    release = home / "releases" / state.baseline
    told = [_version(state, scope.version), _model(release, scope.model), *_keys(release, scope.segment)]
    return tuple(line for line in told if line)


def _state(home: Path) -> RuntimeState:
    files = StateFiles(home, host_key(home))
    with files.locked():  # nobody is between two steps of writing
        return files.read()


def _version(state: RuntimeState, version: str) -> str:
    here = [state.baseline, *([state.rollout.version] if state.rollout is not None else [])]
    if version == "*" or version in here:
        return ""
    return f"no version {version!r} is served here: {' and '.join(one for one in here if one) or 'none'}"


def _model(release: Path, model: str) -> str:
    """By one line of the manifest, as no parser is loaded for a local kill."""
    try:
        found = _MODEL.search(read_plain(release / "shipworthy.yaml"))
    except (CannotDecide, Unreachable):
        return ""
    here = found[1].decode("utf-8", "replace") if found else ""
    return f"no model {model!r} is served here: {here}" if here and model not in ("*", here) else ""


def _keys(release: Path, segment: str) -> list[str]:
    if segment == "*":
        return []
    try:
        from shipworthy.contract.files.reader import read_manifest

        known = sorted(key.key for key in read_manifest(release).segments.keys)
    except (ShipworthyError, OSError, ImportError):
        return []
    names = {*known, "tenant"}
    return [
        f"no segment is told by {key!r} here: {', '.join(known) or 'none'}"
        for key in parse_segment(segment)
        if key not in names
    ]
