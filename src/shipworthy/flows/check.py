"""Read the whole contract and say everything that is wrong with it, at once."""

from __future__ import annotations

from pathlib import Path

import msgspec

from shipworthy.contract.files.reader import read_contract
from shipworthy.contract.problems import Problem


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What `check` found. `exit_code`: 3 when a file is missing or invalid, 4 when the note is of another change."""

    problems: tuple[Problem, ...]
    warnings: tuple[str, ...]
    not_claimed: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """Return the exit code: the least of the problems', 0 without any."""
        return min((problem.exit_code for problem in self.problems), default=0)


def check(root: Path) -> Checked:
    """Check the contract at `root`."""
    contract, problems = read_contract(root)
    if contract is None:
        return Checked(problems=problems, warnings=(), not_claimed=())
    return Checked(problems=problems, warnings=contract.warnings, not_claimed=contract.not_claimed)
