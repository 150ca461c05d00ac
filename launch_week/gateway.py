"""The real runtime on the story clock: `python -m launch_week.gateway CLOCK ROOT HOME PORT [PAGERS] [FLAGS]`."""

from __future__ import annotations

import sys
from pathlib import Path

from shipworthy.runtime.serve import serve
from shipworthy.runtime.workspace import Workspace
from shipworthy.testing.clock import SharedClock

if __name__ == "__main__":
    clock, root, home, port = sys.argv[1:5]
    workspace = Workspace(root=Path(root), home=Path(home), clock=SharedClock(Path(clock)))
    pagers = next((Path(one) for one in sys.argv[5:] if not one.startswith("--")), None)
    serve(workspace, port=int(port), observe_only="--observe-only" in sys.argv[5:], pagers=pagers)
