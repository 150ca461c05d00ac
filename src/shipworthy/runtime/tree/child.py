"""A child of the supervisor: the control process or a worker.

In: a command, what to tell it on its standard input, and the descriptors it inherits. Out: a process that has said it
is ready. A child ends by itself, in good order, when its standard input ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import msgspec

from shipworthy.errors import Unreachable
from shipworthy.models.said import first_line, last_words


class ChildSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The line a child reads first. `run`: the private directory of sockets and slots; `listen`: an inherited socket,
    -1 for the control process; `number`: which worker, of `workers`."""

    role: str
    root: str
    home: str
    run: str
    number: int = 0
    workers: int = 1
    listen: int = -1
    observe_only: bool = False
    otlp: str = ""
    tls_cert: str = ""
    tls_key: str = ""
    upstreams: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    grpc_port: int | None = None
    pagers: str = ""


class Child:
    """One process, started and stopped by `models.supervise`. `grace_s`: how long it may take to leave."""

    def __init__(
        self, command: Sequence[str], spec: ChildSpec, log: Path, ready_s: float = 120.0, grace_s: float = 15.0
    ) -> None:
        self.spec = spec
        self.port = 0
        self._command = list(command)
        self._log = log
        self._ready_s = ready_s
        self._grace_s = grace_s
        self._process: subprocess.Popen[bytes] | None = None
        self.ready = False

    @property
    def pid(self) -> int:
        """The process id; 0 before `start`."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start and wait until it is ready. Raises Unreachable when it does not say so in time."""
        self.stop()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        handed = () if self.spec.listen < 0 else (self.spec.listen,)
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                pass_fds=handed,
                start_new_session=True,
            )
        self._process = process
        assert process.stdin is not None
        try:
            process.stdin.write(msgspec.json.encode(self.spec) + b"\n")
            process.stdin.flush()
            first_line(process, self._ready_s)
            self.ready = True
        except (OSError, Unreachable) as error:
            self.stop()
            raise Unreachable(f"{self.spec.role} did not start: {last_words(self._log)}", str(self._log)) from error

    def alive(self) -> bool:
        """True while it runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Let it leave in good order; kill what is left after `grace_s`. Safe to call twice."""
        process, self._process = self._process, None
        self.ready = False
        if process is None:
            return
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it is gone already
                process.stdin.close()
        try:
            process.wait(timeout=self._grace_s)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):  # it ended between the question and the signal
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
