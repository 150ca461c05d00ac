"""The commands of `docs/how-to/pack.md`, run on the tiny repository whose cases the page shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from shipworthy.contract.pack import read_pack
from tests.flows.tiny import Tiny

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "how-to" / "pack.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]


def test_the_pack_of_the_page_can_be_read() -> None:
    (block,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    pack, _, problems = read_pack(block)
    assert not problems
    assert pack is not None
    assert [one.id for one in pack.cases] == ["tail.fast", "adv.feasible"]
    assert (pack.pack.budget.queries, pack.pack.budget.seconds) == (200000, 300)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_page_runs(prepared: Tiny, command: str) -> None:
    words = command.split()
    assert words[0] == "shipworthy"
    called = [sys.executable, "-m", "shipworthy", "--root", str(prepared.root), "--home", str(prepared.workspace.home)]
    done = subprocess.run([*called, *words[1:]], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
