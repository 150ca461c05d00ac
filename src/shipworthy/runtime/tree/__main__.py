"""`python -m shipworthy.runtime.tree`: a child of the supervisor, on this machine's clock."""

from __future__ import annotations

from shipworthy.runtime.tree.begin import begin
from shipworthy.runtime.workspace import wall_clock

if __name__ == "__main__":
    begin(wall_clock)
