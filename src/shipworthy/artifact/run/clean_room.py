"""A folder with nothing in it but the files that were asked for, and a command run there.

In: the repository, the names of its files that may be seen, a command and its environment. Out: the folder as the
command left it, and the digests of the very bytes that were copied into it. What lies in the repository beside these
files, in the home folder or in the environment cannot leak into what is made; the path of the folder is another one
each time, so that a path that leaks in shows.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from shipworthy.artifact.files.folder import pieces
from shipworthy.artifact.run.fence import NOT_FENCED, fence
from shipworthy.errors import CannotDecide

_WORDS = ("python", "python3")


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """A clean folder, and what went in: the digest of each file's bytes by name."""

    folder: Path
    materials: dict[str, str]


class Ran(msgspec.Struct, frozen=True, kw_only=True):
    """A finished command: what it left with, its last lines, and whether it had a network (`none` or `open`)."""

    code: int
    told: str
    network: str


@contextmanager
def clean_room(root: Path, names: Sequence[str]) -> Iterator[Room]:
    """Yield a fresh folder that holds copies of these files of `root` (relative, `/`); it is gone afterwards.

    Raises CannotDecide when a file is not there or is a link.
    """
    with tempfile.TemporaryDirectory(prefix="shipworthy-") as kept:
        room = Path(kept).resolve() / "repository"
        room.mkdir()
        yield Room(folder=room, materials={name: _copied(root / name, room / name) for name in names})


def run_fenced(command: Sequence[str], folder: Path, environment: Mapping[str, str], limit_s: float) -> Ran:
    """Run a command in `folder`, without network where the system allows, and wait for it and all it started.

    `python` is the interpreter that runs this. HOME and TMPDIR are fresh and empty. Raises CannotDecide after `limit_s`
    seconds, with nothing left running.
    """
    words = [sys.executable if word in _WORDS else word for word in command]
    with tempfile.TemporaryDirectory(prefix="shipworthy-home-") as home, tempfile.TemporaryFile() as log:
        hears, says = os.pipe()
        fenced = [*fence(says), *words]
        process = subprocess.Popen(
            fenced,
            cwd=folder,
            env={**environment, "HOME": home, "TMPDIR": home},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(says,),
            start_new_session=True,
        )
        os.close(says)
        code = _wait(process, limit_s)
        with os.fdopen(hears, "rb") as pipe:
            network = pipe.read().decode("ascii")
        log.seek(0)
        told = log.read().decode("utf-8", "replace")
    if network not in ("none", "open") or code == NOT_FENCED:
        raise CannotDecide(f"the command could not be started: {last_line(told)}", str(folder))
    return Ran(code=code, told=told, network=network)


def last_line(told: str) -> str:
    """The last line of an output, which says why."""
    return (told.strip().splitlines() or ["no output"])[-1]


def put_in_place(made: Path, target: Path, aside: Path) -> None:
    """Let the folder `made` stand at `target`, whole or not at all. `aside` is a folder on the disk of `target`.

    What stood there is moved away first: a crash between the two renames leaves no artefact, never a mixture.
    """
    aside.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="build-", dir=aside) as staging:
        fresh, old = Path(staging) / "fresh", Path(staging) / "old"
        shutil.copytree(made, fresh, symlinks=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            target.rename(old)
        fresh.rename(target)


def _copied(source: Path, target: Path) -> str:
    """Copy a plain file; return the digest of what was copied."""
    hasher = hashlib.sha256()
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        for piece in pieces(source):
            hasher.update(piece)
            file.write(piece)
    shutil.copymode(source, target)
    return f"sha256:{hasher.hexdigest()}"


def _wait(process: subprocess.Popen[bytes], limit_s: float) -> int:
    try:
        return process.wait(limit_s)
    except subprocess.TimeoutExpired:
        raise CannotDecide(f"the command ran longer than {limit_s:g} s", "build") from None
    finally:
        with suppress(ProcessLookupError):  # nothing of its group is left, which is what we want
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
