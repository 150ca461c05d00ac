"""A child of the supervisor on a clock shared with the test: `python -m tests.runtime.tree_child CLOCK`."""

from __future__ import annotations

import sys
from pathlib import Path

from shipworthy.runtime.tree.begin import begin
from shipworthy.testing.clock import SharedClock

if __name__ == "__main__":
    begin(SharedClock(Path(sys.argv[1])))
