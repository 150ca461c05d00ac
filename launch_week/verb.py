"""Run one verb of the real command line with the story's clock: `python -m launch_week.verb CLOCK VERB ...`."""

from __future__ import annotations

import sys
from pathlib import Path

from shipworthy.cli import main
from shipworthy.testing.clock import SharedClock

if __name__ == "__main__":
    main(args=sys.argv[2:], prog_name="shipworthy", obj=SharedClock(Path(sys.argv[1])))
