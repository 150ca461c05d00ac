"""Call the command line in this process, as `main` answers a shell: exit code, standard output, standard error."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass
from typing import Any

from shipworthy.cli import main
from shipworthy.runtime.workspace import Clock
from tests.flows.tiny import Tiny


@dataclass(frozen=True)
class Left:
    """How a verb left."""

    code: int
    out: str
    err: str

    def json(self) -> dict[str, Any]:
        """Return the one JSON object it printed."""
        told = json.loads(self.out)
        assert isinstance(told, dict)
        return told


def call(*args: str, clock: Clock | None = None) -> Left:
    """Run one verb."""
    out = io.TextIOWrapper(io.BytesIO(), "utf-8")
    err = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace")  # as Python opens standard error
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(args=list(args), obj=clock)
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 1
    return Left(code, _all(out), _all(err))


def _all(stream: io.TextIOWrapper) -> str:
    stream.flush()
    stream.seek(0)
    return stream.read()


def verb(tiny: Tiny, *args: str) -> Left:
    """Run one verb on a working copy, on its clock."""
    return call("--root", str(tiny.root), "--home", str(tiny.workspace.home), *args, clock=tiny.clock)
