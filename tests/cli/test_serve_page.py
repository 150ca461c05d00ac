"""The page about serving: its commands run, and its figures are the code's."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from shipworthy.deploy.http.door import Bounds
from shipworthy.deploy.http.wire import MAX_BODY_BYTES
from shipworthy.flows.keys import api_keys
from shipworthy.runtime.listening import DRAIN_S
from tests.cli.calls import verb
from tests.flows.tiny import Tiny
from tests.test_docs import BLOCK, ROOT

PAGE = (ROOT / "docs/how-to/serve.md").read_text(encoding="utf-8")


def commands() -> list[list[str]]:
    lines = [line.removeprefix("$ ") for block in BLOCK.findall(PAGE) for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("shipworthy ")]


@pytest.mark.slow
def test_its_commands_run(shipped: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = []
    for words in commands():
        if words[0] == "serve":
            continue  # it runs until it is told to stop: tests/runtime/test_listening.py
        if words[:2] == ["keys", "revoke"]:
            words[2] = api_keys(shipped.workspace)[0].id[:6]
        left = verb(shipped, *words)
        assert left.code == 0, (words, left.err)
        ran.append(words[:2])
    assert ran == [["keys", "api"], ["keys", "api"], ["keys", "list"], ["keys", "revoke"], ["status", "--flagd"]]
    assert (tmp_path / "flags.json").is_file()


def test_its_figures_are_the_codes() -> None:
    bounds = Bounds()
    for row in (
        f"| a header | {bounds.header_s:g} s, {bounds.header_bytes >> 10} KiB | 408, 431 |",
        f"| a body | {bounds.body_s:g} s, {MAX_BODY_BYTES >> 20} MiB | 408, 413 |",
        f"| silence between requests | {bounds.idle_s:g} s | closed |",
        f"| an answer that is not read | {bounds.read_s:g} s | cut off |",
        f"| a TLS handshake | {bounds.header_s:g} s | cut off |",
        f"this machine's excepted | {bounds.per_peer} | 429 |",
        f"fewer files | {bounds.connections:,} | 503 |",
    ):
        assert row in PAGE
    assert DRAIN_S == 5
    assert "After five seconds" in PAGE
