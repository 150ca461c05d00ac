"""A model in a process of its own: without keys, without our environment, with a memory cap, easy to kill.

In: the artefact folder, how to open it, its columns and a log path. Out: a port on loopback that answers `/score`.
The process runs in its own session, so that it and whatever it starts can be ended by process group.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from shipworthy.errors import Unreachable
from shipworthy.models.said import first_line, last_words
from shipworthy.models.spec import DEFAULT_MEMORY_BYTES, ChildSpec, Columns, OpenSpec

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")

_PINNED = ("OPENBLAS_CORETYPE",)


Fence = Callable[[int], list[str]]
"""Returns what to put before a command to take its network away. It writes `none` or `open` to that descriptor."""


class _Report(msgspec.Struct, frozen=True):
    port: int


def clean_environment() -> dict[str, str]:
    """Return all a model process sees of the environment: a search path, a locale, one thread. No variable of ours.

    The BLAS core type is handed on where it is pinned: scores that thresholds are fitted on depend on it.
    """
    kept = {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"}
    kept |= {name: os.environ[name] for name in _PINNED if name in os.environ}
    return kept | dict.fromkeys(_THREADS, "1")


class ModelProcess:
    """One model process. `start` waits until it answers; `port` and `pid` hold from then on.

    With a `fence` the process is offline: it gets no network but one listening socket that was made outside, where the
    system allows (`network` says `none`, else `open`), and refuses to connect by itself in any case.
    """

    def __init__(
        self,
        folder: Path,
        spec: OpenSpec,
        columns: Columns,
        log: Path,
        host: str = "127.0.0.1",
        *,
        memory_bytes: int = DEFAULT_MEMORY_BYTES,
        start_timeout_s: float = 30.0,
        fence: Fence | None = None,
    ) -> None:
        self.folder = folder
        self.host = host
        self.port = 0
        self._log = log
        self.network = "open"
        self._fence = fence
        self._spec = ChildSpec(
            open=spec, columns=columns, host=host, memory_bytes=memory_bytes, offline=fence is not None
        )
        self._start_timeout_s = start_timeout_s
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id; 0 before `start`."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start and wait for the port. Raises Unreachable, with the end of the log, when it does not come in time."""
        if self.alive():
            return
        self.stop()  # what is left of an earlier one
        self._log.parent.mkdir(parents=True, exist_ok=True)
        spec = self._spec
        with self._log.open("ab") as log:
            if self._fence is None:
                self._process = self._spawn(log.fileno(), [], ())
            else:
                spec = self._spawn_fenced(log.fileno(), self._fence)
        assert self._process is not None
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(msgspec.json.encode(spec) + b"\n")
            self._process.stdin.flush()
            self.port = self._read_port(self._process)
        except (OSError, Unreachable) as error:
            self.stop(grace_s=0.0)
            raise Unreachable(f"the model process did not start: {last_words(self._log)}", str(self.folder)) from error

    def alive(self) -> bool:
        """True while the process runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self, grace_s: float = 2.0) -> None:
        """End the process: close its input, wait `grace_s`, then kill its group. Safe to call twice."""
        process = self._process
        if process is None:
            return
        if process.stdin and not process.stdin.closed:
            with contextlib.suppress(BrokenPipeError):  # it is gone already, which is what we want
                process.stdin.close()
        try:
            process.wait(timeout=grace_s)
        except subprocess.TimeoutExpired:
            self.kill()
        if process.stdout:
            process.stdout.close()

    def kill(self) -> None:
        """Kill the whole process group at once and reap it."""
        process = self._process
        if process is None or process.poll() is not None:
            return
        with contextlib.suppress(ProcessLookupError):  # it ended between the question and the signal
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _spawn_fenced(self, log: int, fence: Fence) -> ChildSpec:
        """A socket belongs to the network it was made in: the child can answer on ours and reach nothing itself."""
        hears, says = os.pipe()
        with socket.socket() as listening, os.fdopen(hears, "rb") as pipe:
            try:
                listening.bind((self.host, 0))
                listening.listen(128)
                self._process = self._spawn(log, fence(says), (says, listening.fileno()))
            finally:
                os.close(says)
            self.network = pipe.read().decode("ascii") or "open"
            return msgspec.structs.replace(self._spec, listen=listening.fileno())

    def _spawn(self, log: int, before: list[str], handed: tuple[int, ...]) -> subprocess.Popen[bytes]:
        # -P: the artefact folder is the working directory but never on the path before the libraries;
        # -B: no byte code is written into a folder that is signed as a whole; -s: no packages of the user's home.
        command = [*before, sys.executable, "-P", "-B", "-s", "-m", "shipworthy.models.server"]
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=self.folder,
            env=clean_environment(),
            pass_fds=handed,
            start_new_session=True,
        )

    def _read_port(self, process: subprocess.Popen[bytes]) -> int:
        return msgspec.json.decode(first_line(process, self._start_timeout_s), type=_Report).port
