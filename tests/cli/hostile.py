"""Spoils one file of a repository in every way there is, runs a verb over it in a child, and says what happened.

`python -m tests.cli.hostile ROOT HOME < plan > results`: the plan is a list of `[file, kind, verb]`. Each case runs
in a fork of this process with 512 MiB of address space and 2 s of CPU; a child that waits for ever is ended after 60 s.
The file is put back afterwards.
"""

from __future__ import annotations

import gzip
import json
import os
import resource
import shutil
import signal
import socket
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

MEMORY = 512 << 20
CPU_S = 2
WALL_S = 60
Spoil = Callable[[Path, bytes], None]


def _bytes(make: Callable[[bytes], bytes]) -> Spoil:
    def spoil(path: Path, raw: bytes) -> None:
        path.write_bytes(make(raw))

    return spoil


def _inside(path: Path, make: Callable[[bytes], bytes], raw: bytes) -> bytes:
    """Spoil the text inside: what is packed is packed again, or the packing alone would be refused."""
    return gzip.compress(make(gzip.decompress(raw)), mtime=0) if path.suffix == ".gz" else make(raw)


def _text(make: Callable[[bytes], bytes]) -> Spoil:
    def spoil(path: Path, raw: bytes) -> None:
        path.write_bytes(_inside(path, make, raw))

    return spoil


def _placed(make: Callable[[Path], None]) -> Spoil:
    def spoil(path: Path, raw: bytes) -> None:
        path.unlink()
        make(path)

    return spoil


def _front(lines: bytes) -> Callable[[bytes], bytes]:
    """Put lines where they are read: below the first line of front matter, else at the top."""
    return lambda raw: raw.replace(b"---\n", b"---\n" + lines, 1) if raw.startswith(b"---\n") else lines + raw


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as end:
            end.bind(path.name)
    finally:
        os.chdir(here)


def _aliases() -> bytes:
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return "\n".join(lines).encode() + b"\n"


KINDS: dict[str, Spoil] = {
    "larger than any cap": lambda path, raw: os.truncate(path, (80 << 20) if ".csv" in path.name else (3 << 30)),
    "a long line": _text(_front(b"k: " + b"y" * 900_000 + b"\n")),
    "a long key": _text(_front(b"y" * 900_000 + b": 1\n")),
    "a key of a thousand letters": _text(_front(b"y" * 1000 + b": 1\n")),
    "deep lists": _text(_front(b"k: " + b"[" * 100_000 + b"]" * 100_000 + b"\n")),
    "deep mappings": _text(_front(b"k: " + b"{a: " * 50_000 + b"}" * 50_000 + b"\n")),
    "deep JSON": _bytes(lambda raw: b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "many aliases": _text(_front(_aliases())),
    "one anchor": _text(_front(b"k: &k 1\n")),
    "a merge key": _text(_front(b"<<: {a: 1}\n")),
    "a tag": _text(_front(b"k: !!python/object/apply:os.system ['true']\n")),
    "a directive": _text(lambda raw: b"%YAML 1.1\n---\n" + raw),
    "two documents": _text(lambda raw: raw + b"\n---\nk: 1\n"),
    "tabs": _text(_front(b"\tk:\t1\n")),
    "binary": _bytes(lambda raw: bytes(range(256)) * 64),
    "UTF-16": _text(lambda raw: raw.decode().encode("utf-16")),
    "Latin 1": _text(_front("größe: 1\n".encode("latin-1"))),
    "a byte order mark": _text(lambda raw: b"\xef\xbb\xbf" + raw),
    "null bytes": _text(_front(b"k: \x00\x00\n")),
    "lone surrogates": _text(_front(b'k: "\\ud800"\nl: \xed\xa0\x80\n')),
    "an escaped surrogate": _text(_front(b'"\\ud800": "\\ud800"\n')),
    "control characters": _text(_front(b'"\\e[31m\\r\\u202e": "\\e]0;x\\a"\n')),
    "empty": _bytes(lambda raw: b""),
    "a space": _bytes(lambda raw: b" "),
    "cut in the middle": _bytes(lambda raw: raw[: len(raw) // 2]),
    "one byte more": _bytes(lambda raw: raw + b"\xff"),
    "keys twice": _text(_front(b"k: 1\nk: 2\n")),
    "not a number": _text(_front(b"k: .nan\nl: -.inf\nm: 1e999\n")),
    "a huge number": _text(_front(b"k: " + b"9" * 100_000 + b"\n")),
    "a hundred thousand keys": _text(_front(b"".join(b"k%d: 1\n" % n for n in range(100_000)))),
    "ten thousand keys": _text(_front(b"".join(b"k%d: 1\n" % n for n in range(10_000)))),
    "other line ends": _text(lambda raw: raw.replace(b"\n", b"\r\n")),
    "old line ends": _text(lambda raw: raw.replace(b"\n", b"\r")),
    "a list": _bytes(lambda raw: b"- 1\n- 2\n"),
    "a JSON null": _bytes(lambda raw: b"null\n"),
    "missing": _placed(lambda path: None),
    "a folder": _placed(lambda path: path.mkdir()),
    "a pipe": _placed(lambda path: os.mkfifo(path)),
    "a socket": _placed(_socket),
    "a link elsewhere": _placed(lambda path: path.symlink_to("/etc/hostname")),
    "a link to a device": _placed(lambda path: path.symlink_to("/dev/zero")),
    "a link in a loop": _placed(lambda path: path.symlink_to(path.name)),
    "a link to nothing": _placed(lambda path: path.symlink_to("nowhere")),
}
PACKED: dict[str, Spoil] = {
    "a bomb": _bytes(lambda raw: gzip.compress(bytes(400 << 20), 1)),
    "a bomb without lines": _bytes(lambda raw: gzip.compress(b"a," * (100 << 20), 1)),
    "a bad checksum": _bytes(lambda raw: raw[:-8] + bytes(8)),
    "no gzip": _bytes(lambda raw: b"a,b\n1,2\n"),
    "a thousand bombs in a row": _bytes(lambda raw: gzip.compress(b"") * 100_000),
}


def kinds_of(file: str) -> list[str]:
    """Return the kinds that a file is spoiled by."""
    return [*KINDS, *(PACKED if file.endswith(".gz") else ())]


def main(root: Path, home: Path) -> None:
    """Run the plan from standard input."""
    os.environ["PYTHONWARNINGS"] = "ignore"
    _preload(root, home)
    for file, kind, verb in json.load(sys.stdin):
        told = run(root, home, file, kind, verb)
        print(json.dumps(told), flush=True)


def run(root: Path, home: Path, file: str, kind: str, verb: str) -> dict[str, Any]:
    """Spoil, run, compare, put back; return what happened."""
    path = (home if file.startswith("evidence/") else root) / file
    raw = path.read_bytes()
    {**KINDS, **PACKED}[kind](path, raw)
    try:
        before = snapshot(root) | snapshot(home)
        told = _child(["--root", str(root), "--home", str(home), *verb.split()], root.parent)
        after = snapshot(root) | snapshot(home)
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        return {"file": file, "kind": kind, "verb": verb, "changed": changed, **told}
    finally:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)
        path.write_bytes(raw)


def snapshot(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return kind and bytes of everything below a folder. Links are not followed, large files told by size and time."""
    return dict(_seen(folder))


def _seen(folder: Path) -> Iterator[tuple[str, tuple[int, int, bytes]]]:
    for path in sorted(folder.rglob("*")):
        seen = path.lstat()
        if path.is_symlink():
            yield str(path), (seen.st_mode, 0, os.readlink(path).encode())
        elif stat.S_ISREG(seen.st_mode) and seen.st_size < 1 << 20:
            yield str(path), (seen.st_mode, seen.st_size, path.read_bytes())
        else:
            yield str(path), (seen.st_mode, 0 if path.is_dir() else seen.st_mtime_ns, b"")


def _preload(root: Path, home: Path) -> None:
    """Import what the verbs import, so that a fork measures the reading and not the importing."""
    for verb in ("check", "gate", "verify"):
        told = _here(["--root", str(root), "--home", str(home), verb], os.open(os.devnull, os.O_WRONLY))
        assert told in (0, 1, 4), (verb, told)


def _here(args: list[str], sink: int) -> int:
    from shipworthy.cli import main as cli
    from shipworthy.testing.clock import HandClock

    kept = os.dup(1), os.dup(2)
    os.dup2(sink, 1)
    try:
        cli(args=args, obj=HandClock())
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(kept[0], 1)
        os.dup2(kept[1], 2)
        os.close(kept[0])
        os.close(kept[1])
    return 0


def _child(args: list[str], scratch: Path) -> dict[str, Any]:
    out, err = scratch / "out.txt", scratch / "err.txt"
    pid = os.fork()
    if pid == 0:
        code = 99
        try:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
            resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 1))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            signal.alarm(WALL_S)
            for stream, place in ((1, out), (2, err)):
                os.dup2(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
            code = _here(args, 1)
        finally:
            os._exit(code)
    _, status, used = os.wait4(pid, 0)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "out": out.read_text(errors="replace")[:20_000],
        "err": err.read_text(errors="replace")[:200_000],
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss << 10,
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
