"""Every command of the page about the kill switch runs, in its order, and leaves as the page says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from tests.cli.calls import verb
from tests.flows.tiny import Tiny

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/kill.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)


def test_every_command_of_the_page_runs(rolling: Tiny) -> None:
    """No gateway answers here, which `--wait` says; the first of two people waits for the second."""
    commands = [line for block in BLOCK.findall(PAGE.read_text(encoding="utf-8")) for line in block.splitlines()]
    assert len(commands) == 6
    for line in commands:
        words = shlex.split(line)[1:]
        if "--home" in words:
            words = words[2:]
        if "--wait" in words:
            words[words.index("5")] = "0"
        expected = 4 if "--wait" in words else 1 if "reviewer" in words else 0
        left = verb(rolling, *words)
        assert left.code == expected, (line, left.out, left.err)
        rolling.clock.advance(60)
    assert [held.order.scope.segment for held in rolling.state().orders] == ["supplier=P42"]
    local = [entry for entry in rolling.entries() if entry.actor == "claimed:night shift"]
    assert [entry.kind for entry in local] == ["respond.ordered"]
