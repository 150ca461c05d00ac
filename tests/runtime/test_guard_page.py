"""The page about the guard is true: its examples are run, as its first block says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.slow
def test_the_examples_of_the_page_are_true() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "doctest", "docs/how-to/guard.md"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (0, ""), ran.stdout[-3000:] + ran.stderr[-3000:]
