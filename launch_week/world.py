"""The world of the story: a working copy of the model repository, a clock, verbs and gateways as real processes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from launch_week.client import Client
from launch_week.pager import Pager
from launch_week.record import Record
from shipworthy.testing.clock import SharedClock

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "claims-triage"
MONDAY = datetime(2026, 11, 9, 6, tzinfo=UTC)
START_S, STOP_S, VERB_S = 60.0, 15.0, 180.0
_PLAIN = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONUNBUFFERED")


class Ran:
    """One finished verb: exit code, standard output and standard error."""

    def __init__(self, verb: str, code: int, out: str, err: str) -> None:
        self.verb = verb
        self.code = code
        self.out = out
        self.err = err

    def json(self) -> dict[str, Any]:
        """Return the result of a verb called with --json."""
        told = json.loads(self.out)
        assert isinstance(told, dict)
        return told

    def expect(self, code: int = 0) -> Ran:
        """Return self when the exit code is this one; otherwise the story cannot go on."""
        if self.code != code:
            raise RuntimeError(f"`shipworthy {self.verb}` left with {self.code}, not {code}:\n{self.out}{self.err}")
        return self


class Gateway:
    """One running gateway process."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process = process
        self.port = port
        self.log = log

    def client(self) -> Client:
        """Open a connection to it."""
        return Client(self.port)

    def status(self) -> dict[str, Any]:
        """Return what `GET /status` says."""
        with self.client() as client:
            told: dict[str, Any] = client.get("/status")[1]
            return told

    def stop(self) -> None:
        """Ask it to drain and end; insist after a while."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class World:
    """A run directory with working copies, one state directory, one shared clock."""

    def __init__(self, run: Path, record: Record) -> None:
        if run.exists():
            shutil.rmtree(run)
        run.mkdir(parents=True)
        self.run = run
        self.record = record
        self.home = run / "state"
        self.repo = self.copy("repo")
        self.clock = SharedClock(run / "clock", MONDAY)
        self.gateways: list[Gateway] = []
        self.pager = Pager(run)

    def copy(self, name: str, source: Path = EXAMPLE) -> Path:
        """Return a working copy of a repository, without the author's later edits and without what was built."""
        target = self.run / name
        skip = shutil.ignore_patterns("story", "__pycache__", ".shipworthy")
        shutil.copytree(source, target, ignore=skip)
        return target

    def edit(self, repo: Path, version: str) -> None:
        """Lay an author's edit over a working copy."""
        shutil.copytree(EXAMPLE / "story" / version, repo, dirs_exist_ok=True)

    def at(self, **after_monday: float) -> datetime:
        """Return a moment counted from Monday six o'clock."""
        return MONDAY + timedelta(**after_monday)

    def verb(self, *args: str, repo: Path | None = None, home: Path | None = None) -> Ran:
        """Run one verb of the command line in a process of its own, on the story's clock."""
        return self.finish(self.start_verb(*args, repo=repo, home=home))

    @property
    def releases(self) -> Path:
        """The folder of shipped releases."""
        return self.home / "releases"

    def twin_clock(self, at: datetime) -> SharedClock:
        """Return a second clock, for a twin that lives the same week apart."""
        return SharedClock(self.run / "twin-clock", at)

    def start_verb(
        self, *args: str, repo: Path | None = None, home: Path | None = None, clock: str = "clock"
    ) -> subprocess.Popen[str]:
        """Start one verb without waiting for it."""
        where = ["--root", str(repo or self.repo), "--home", str(home or self.home)]
        command = [sys.executable, "-m", "launch_week.verb", str(self.run / clock), *where, *args]
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
            cwd=EXAMPLE.parents[1],
        )

    def finish(self, started: subprocess.Popen[str]) -> Ran:
        """Wait for a started verb."""
        out, err = started.communicate(timeout=VERB_S)
        args = started.args if isinstance(started.args, list) else []
        return Ran(" ".join(str(arg) for arg in args[8:]), started.returncode, out, err)

    def gateway(self, repo: Path | None = None, home: Path | None = None, *flags: str, clock: str = "clock") -> Gateway:
        """Start the real runtime and wait until it is ready."""
        port = free_port()
        log = self.run / f"gateway-{len(self.gateways)}.log"
        command = [sys.executable, "-m", "launch_week.gateway", str(self.run / clock)]
        command += [str(repo or self.repo), str(home or self.home), str(port), *flags]
        with log.open("wb") as file:
            process = subprocess.Popen(command, stdout=file, stderr=file, env=environment(), cwd=EXAMPLE.parents[1])
        gateway = Gateway(process, port, log)
        self.gateways.append(gateway)
        wait_until(lambda: process.poll() is not None or is_ready(port), START_S, f"gateway on port {port}")
        if process.poll() is not None:
            raise RuntimeError(f"the gateway ended with {process.returncode}:\n{log.read_text()[-4000:]}")
        return gateway

    def settle(self, gateway: Gateway) -> dict[str, Any]:
        """Wait until the controller has judged the present moment; return the status then."""
        now = self.clock().isoformat()
        seen: list[dict[str, Any]] = []

        def judged() -> bool:
            seen[:] = [gateway.status()]
            return bool(seen[0]["judged_until"] >= now[:16])

        wait_until(judged, START_S, "the controller")
        return seen[0]

    def close(self) -> None:
        """Stop every gateway that this world started."""
        for gateway in self.gateways:
            gateway.stop()
        self.pager.close()


def environment() -> dict[str, str]:
    """Return a plain environment with single-threaded numerics: nothing of the caller's settings leaks in."""
    kept = {name: os.environ[name] for name in _PLAIN if name in os.environ}
    return kept | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def free_port() -> int:
    """Return a port that is free on the loopback now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_ready(port: int) -> bool:
    """True when a gateway on this port answers that it is ready."""
    try:
        with Client(port) as client:
            return client.get("/v2/health/ready")[0] == 200
    except (OSError, ValueError):
        return False


def wait_until(true: Any, seconds: float, what: str) -> None:
    """Wait until `true()` holds, in real time. Raises TimeoutError after `seconds`."""
    limit = time.monotonic() + seconds
    while not true():
        if time.monotonic() > limit:
            raise TimeoutError(f"waited {seconds:g} s for {what}")
        time.sleep(0.02)
