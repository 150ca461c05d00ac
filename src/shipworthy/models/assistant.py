"""An assistant started from its own command, in a process without keys, and ended again with all it started.

In: the words of the command, of which one holds `{port}`, the folder to run in and a log. Out: a port on loopback on
which it answers. The process sees none of our variables. It is not fenced from the network: who must be sure of
that runs the evaluation where there is none.
"""

from __future__ import annotations

import contextlib
import http
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from shipworthy.errors import Unreachable
from shipworthy.models.child import clean_environment

HOST = "127.0.0.1"
PORT = "{port}"  # as the contract writes it
_PYTHON = ("python", "python3")
_POLL_S = 0.05


class AssistantProcess:
    """One assistant. `start` waits until it answers; `port` holds from then on."""

    def __init__(self, command: tuple[str, ...], folder: Path, log: Path, start_timeout_s: float = 60.0) -> None:
        self.port = 0
        self._command = command
        self._folder = folder
        self._log = log
        self._start_timeout_s = start_timeout_s
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id; 0 before `start`."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start and wait until it answers. Raises Unreachable with the end of its log when it ends or does not."""
        self._log.parent.mkdir(parents=True, exist_ok=True)
        self.port = _free_port()
        words = [sys.executable if word in _PYTHON else word.replace(PORT, str(self.port)) for word in self._command]
        try:
            with self._log.open("wb") as log:
                self._process = subprocess.Popen(
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd=self._folder,
                    env=clean_environment(),
                    start_new_session=True,
                )
        except OSError as fault:
            raise Unreachable(f"the assistant did not start: {fault.strerror or fault}", words[0]) from fault
        if not self._answers():
            self.stop()
            raise Unreachable(f"the assistant did not start: {self._last_words()}", " ".join(self._command))

    def stop(self) -> None:
        """Kill the process and all that it started, and reap it. Safe to call twice."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):  # all of its group is gone
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _answers(self) -> bool:
        assert self._process is not None
        until = time.monotonic() + self._start_timeout_s
        while self._process.poll() is None and time.monotonic() < until:
            if _ready(self.port):
                return self._process.poll() is None  # whoever answers on that port, ours is still there
            time.sleep(_POLL_S)
        return False

    def _last_words(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return lines[-1] if lines else f"it does not answer on the port after {self._start_timeout_s:g} s"


def _ready(port: int) -> bool:
    """True once anything but `503` comes back: servers of models listen long before their weights are loaded."""
    connection = http.client.HTTPConnection(HOST, port, timeout=1.0)
    try:
        connection.request("GET", "/v1/models")
        return connection.getresponse().status != http.HTTPStatus.SERVICE_UNAVAILABLE
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
