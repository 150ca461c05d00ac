"""What can go wrong, said in one line: what happened, where, and how to mend it.

An exception means that we could not do our job. A bad contract or a breached SLO is a value, not an exception.
Every child carries the exit code the command line answers with (the table is in `docs/reference/exit-codes.md`).
"""

from __future__ import annotations


class ShipworthyError(Exception):
    """Our fault unless a child says otherwise. `str()` is one line: `where: what — fix`.

    A place that is where the caller stands (`.`) tells nothing and is left out.
    """

    exit_code = 70

    def __init__(self, what: str, where: str = "", fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        told = f"{self.where}: {self.what}" if self.where not in ("", ".") else self.what
        return f"{told} — {self.fix}" if self.fix else told


class PolicySaysNo(ShipworthyError):
    """The policy forbids it: a breach, an unsafe artefact, a loosening without a decision."""

    exit_code = 1


class UsageError(ShipworthyError):
    """The call itself makes no sense."""

    exit_code = 2


class ContractError(ShipworthyError):
    """A contract file is missing, unreadable or invalid."""

    exit_code = 3


class CannotDecide(ShipworthyError):
    """Evidence is missing, thin, stale, unsigned or does not verify."""

    exit_code = 4


class Unreachable(ShipworthyError):
    """The control plane, the store or a model process cannot be reached."""

    exit_code = 5


class ModelBroke(Unreachable):
    """The model answered, but with a failure: what it was asked broke it, and other rows may not."""
