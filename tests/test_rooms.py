"""The two laws of the house, read off the syntax tree: imports run one way, and the core touches nothing outside."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SRC = Path(__file__).parent.parent / "src" / "shipworthy"
LEVELS = (
    ("facts", "errors"),
    ("expr", "stats", "indicators"),
    ("decide",),
    ("contract", "artifact", "models", "profile", "store"),
    ("ledger",),
    ("evaluate", "gate", "deploy", "observe", "respond", "govern"),
    ("runtime",),
    ("flows",),
    ("academy",),
    ("web",),
    ("cli",),
    ("__main__",),
)
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
CORE = {"facts", "errors", "expr", "stats", "indicators", "decide"}
EXEMPT = {"store", "models", "flows", "runtime", "web", "cli", "testing", "__main__"}
SHELL = {"files", "store", "http", "run", "clock"}
ALLOWED = {
    "__future__", "abc", "ast", "base64", "binascii", "bisect", "collections", "contextlib", "dataclasses", "datetime",
    "difflib", "enum", "functools", "hashlib", "hmac", "html", "io", "itertools", "json", "math", "operator", "re",
    "statistics", "string", "struct", "textwrap", "types", "typing", "unicodedata", "urllib", "xml",
    "msgspec", "yaml", "bz2", "lzma", "zlib", "gzip", "zipfile", "pickletools", "posixpath", "warnings",
}  # fmt: skip
ALSO = {
    "stats": {"numpy"}, "profile": {"numpy"}, "evaluate": {"numpy", "sklearn"}, "observe": {"numpy"},
    "deploy": {"xxhash", "numpy"}, "artifact": {"cryptography"}, "ledger": {"cryptography"},
}  # fmt: skip
FORBIDDEN_CALLS = {"open", "exec", "eval", "input", "print", "__import__", "breakpoint"}
FORBIDDEN_NAMES = {"now", "utcnow", "today"}


def modules() -> list[Path]:
    return sorted(path for path in SRC.rglob("*.py") if path != SRC / "__init__.py")


def room_of(path: Path) -> str:
    return path.relative_to(SRC).parts[0].removesuffix(".py")


def is_pure(path: Path) -> bool:
    parts = [part.removesuffix(".py") for part in path.relative_to(SRC).parts]
    return parts[0] not in EXEMPT and not SHELL & set(parts[1:])


def imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield node.lineno, node.module or ""
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SRC)))
def test_imports_run_one_way(path: Path) -> None:
    room = room_of(path)
    for line, name in imports(path):
        parts = name.split(".")
        if parts[0] != "shipworthy" or len(parts) < 2 or parts[1] == room:
            continue
        other = parts[1]
        assert other != "testing", f"{path}:{line}: nothing imports testing"
        if room == "testing":
            assert LEVEL.get(other, 0) < LEVEL["web"], f"{path}:{line}: testing may not import {other}"
        elif other in LEVEL:
            assert LEVEL[other] < LEVEL[room] or {room, other} <= set(LEVELS[0]), f"{path}:{line}: {room} -> {other}"


@pytest.mark.parametrize(
    "path", [path for path in modules() if is_pure(path)], ids=lambda path: str(path.relative_to(SRC))
)
def test_the_pure_core_touches_nothing_outside(path: Path) -> None:
    room = room_of(path)
    for line, name in imports(path):
        top = name.split(".")[0]
        if top == "shipworthy":
            assert not _impure_module(name), f"{path}:{line}: imports the shell {name}"
            continue
        assert top in ALLOWED | ALSO.get(room, set()), f"{path}:{line}: {room} imports {name}"
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            assert _call(node) not in FORBIDDEN_CALLS, f"{path}:{node.lineno}: calls {_call(node)}"
        if isinstance(node, ast.Attribute):
            assert node.attr not in FORBIDDEN_NAMES, f"{path}:{node.lineno}: reads a clock"
            assert not _global_random(node), f"{path}:{node.lineno}: uses the global random state"


def _impure_module(name: str) -> bool:
    parts = name.split(".")[1:]
    if not parts or not parts[0]:
        return False
    as_module = SRC.joinpath(*parts)
    if not as_module.is_dir() and not as_module.with_suffix(".py").is_file():
        parts = parts[:-1]  # `from shipworthy.room.module import name`
    if not parts or parts[0] in CORE:
        return False
    if parts[0] in {"models", "store", "runtime", "flows", "web", "cli"}:
        return True
    return bool(SHELL & set(parts[1:]))


def _call(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _global_random(node: ast.Attribute) -> bool:
    value = node.value
    inside = isinstance(value, ast.Attribute) and value.attr == "random" and isinstance(value.value, ast.Name)
    return inside and node.attr not in {"Generator", "default_rng"}


def test_no_file_has_two_ideas() -> None:
    """400 lines is the limit of one idea."""
    root = SRC.parent.parent
    files = [
        path for top in ("src", "tests", "launch_week", "benchmarks", "examples") for path in (root / top).rglob("*.py")
    ]
    long = {str(path.relative_to(root)): count for path in files if (count := len(path.read_text().splitlines())) > 400}
    assert not long


def test_every_room_is_on_the_map() -> None:
    assert {room_of(path) for path in modules()} <= set(LEVEL) | {"testing"}
