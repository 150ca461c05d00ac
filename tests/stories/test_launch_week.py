"""The whole story as a newcomer runs it: every claim observed, the tracked tree untouched, the page self-contained."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LIMIT_S = 420


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_S)
def test_every_claim_of_the_launch_week_is_observed(tmp_path: Path) -> None:
    before = _tracked()
    page = tmp_path / "story.html"
    command = [sys.executable, "-m", "launch_week", "--run", str(tmp_path / "run"), "--page", str(page)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    failed = [line for line in ran.stdout.splitlines() if line.strip().startswith("FAIL")]
    assert ran.returncode == 0, f"{failed}\n{ran.stdout[-2000:]}\n{ran.stderr[-2000:]}"
    held = re.search(r"^(\d+) of (\d+) claims held", ran.stdout, re.MULTILINE)
    assert held is not None
    assert held[1] == held[2]
    assert int(held[2]) >= 60
    assert _tracked() == before
    html = page.read_text(encoding="utf-8")
    assert "<script" not in html
    assert not re.search(r"(?:src|href)\s*=\s*[\"']?https?:", html)


def _tracked() -> str:
    told = subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=False)
    return told.stdout
