"""How a child begins: it reads what it is, and becomes that.

In: the first line of standard input, and a clock. Out: runs as a worker or as the control process. What it prints goes
to its log; its standard output says one line, that it is ready.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys

import msgspec
import uvloop

from shipworthy.errors import ShipworthyError
from shipworthy.runtime.tree.child import ChildSpec
from shipworthy.runtime.tree.leaving import Leaving
from shipworthy.runtime.workspace import Clock


def begin(clock: Clock) -> None:
    """Run as what the line says. Ends the process with the exit code of what stopped it."""
    ready = os.dup(1)
    os.dup2(2, 1)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    spec = msgspec.json.decode(_line(), type=ChildSpec)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(spec, clock, ready))
    except ShipworthyError as problem:
        print(problem, file=sys.stderr)
        sys.exit(problem.exit_code)


async def _run(spec: ChildSpec, clock: Clock, ready: int) -> None:
    """Be what the spec says until the supervisor goes, whatever is waited for at that moment."""
    leaving = Leaving()
    working = asyncio.create_task(_become(spec, clock, ready, leaving))
    hearing = asyncio.create_task(leaving.hear(working.cancel))
    try:
        await working
    except asyncio.CancelledError:
        logging.getLogger("shipworthy.tree").warning("told to leave before anything was served")
    finally:
        hearing.cancel()


async def _become(spec: ChildSpec, clock: Clock, ready: int, leaving: Leaving) -> None:
    if spec.role == "worker":
        from shipworthy.runtime.tree.worker import work

        await work(spec, clock, ready, leaving)
    else:
        from shipworthy.runtime.tree.control import control

        await control(spec, clock, ready, leaving)


def _line() -> bytes:
    """Read one line and no byte more: what comes after it is the end."""
    line = b""
    while not line.endswith(b"\n"):
        byte = os.read(0, 1)
        if not byte:
            sys.exit(0)
        line += byte
    return line
