"""The whole story as a newcomer runs it: every claim observed, the tracked tree untouched, the page self-contained."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_S = 600


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_S)
def test_every_claim_of_the_launch_week_is_observed(tmp_path: Path) -> None:
    before = _tracked()
    page = tmp_path / "story.html"
    command = [sys.executable, "-m", "launch_week", "--run", str(tmp_path / "run"), "--page", str(page)]
    code, out, err = _play(command)
    failed = [line for line in out.splitlines() if line.strip().startswith("FAIL")]
    assert code == 0, f"{failed}\n{out[-2000:]}\n{err[-2000:]}"
    held = re.search(r"^(\d+) of (\d+) claims held", out, re.MULTILINE)
    assert held is not None
    assert held[1] == held[2]
    assert int(held[2]) >= 60
    assert _tracked() == before
    html = page.read_text(encoding="utf-8")
    assert "<script" not in html
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?https?:", html)


def _play(command: list[str]) -> tuple[int, str, str]:
    """Run to the end; a story that is cut short takes its gateways along."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdout=pipe, stderr=pipe, text=True, start_new_session=True) as story:
        try:
            out, err = story.communicate(timeout=LIMIT_S)
        finally:
            with suppress(ProcessLookupError):  # nothing of it is left, as it should be
                os.killpg(story.pid, signal.SIGKILL)
    return story.returncode, out, err


def _tracked() -> str:
    told = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=False)
    return told.stdout
