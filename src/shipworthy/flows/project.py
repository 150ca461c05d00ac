"""`shipworthy.Project`: the verbs of a model repository from Python.

>>> from shipworthy import Project  # doctest: +SKIP
>>> Project("examples/claims-triage").check().problems  # doctest: +SKIP
()
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from shipworthy.flows.check import Checked
from shipworthy.flows.check import check as check_
from shipworthy.flows.gate import Judged
from shipworthy.flows.gate import judge as judge_
from shipworthy.runtime.workspace import Clock, Workspace, ledger_environment, wall_clock

if TYPE_CHECKING:
    from shipworthy.facts import Evidence


def _quiet(text: str) -> None:
    return None


class Project:
    """One model repository. `home` is its state directory, by default `.shipworthy/state` inside it."""

    def __init__(self, path: Path | str, home: Path | str | None = None, clock: Clock = wall_clock) -> None:
        root = Path(path)
        state = Path(home) if home is not None else root / ".shipworthy" / "state"
        shared = ledger_environment(os.environ)
        self.workspace = Workspace(root=root, home=state, clock=clock, environment=shared)

    def check(self) -> Checked:
        """Read the contract; return every problem, warning and what is not claimed."""
        return check_(self.workspace.root)

    def evaluate(self, say: Callable[[str], None] = _quiet) -> Evidence:
        """Measure the built model and write the evidence. Raises CannotDecide when there is nothing to measure."""
        from shipworthy.flows.evaluate import evaluate

        return evaluate(self.workspace, say)[0]

    def gate(self) -> Judged:
        """Give the release verdict, with the contract and evidence it rests on."""
        return judge_(self.workspace)
