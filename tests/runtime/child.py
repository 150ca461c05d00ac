"""The real `serve` on a clock shared with the test: `python -m tests.runtime.child CLOCK ROOT HOME PORT [FLAG]`.

With the flag `--workers=N` by so many worker processes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from shipworthy.runtime.serve import serve
from shipworthy.runtime.tree.serve import serve_by
from shipworthy.runtime.workspace import Workspace
from shipworthy.testing.clock import SharedClock

if __name__ == "__main__":
    clock, root, home, port = sys.argv[1:5]
    workspace = Workspace(root=Path(root), home=Path(home), clock=SharedClock(Path(clock)))
    observe_only = "--observe-only" in sys.argv[5:]
    many = next((int(flag.partition("=")[2]) for flag in sys.argv[5:] if flag.startswith("--workers=")), 1)
    pagers = next((Path(flag.partition("=")[2]) for flag in sys.argv[5:] if flag.startswith("--pagers=")), None)
    if many > 1:
        command = [sys.executable, "-m", "tests.runtime.tree_child", clock]
        serve_by(
            workspace,
            many,
            int(port),
            observe_only,
            lambda told: print(told, file=sys.stderr, flush=True),
            command=command,
            pagers=pagers,
        )
    else:
        serve(workspace, port=int(port), observe_only=observe_only, pagers=pagers)
