"""What a mutant is: a name, the clause it attacks, where it is made, and what would notice its kind.

`place` says what is changed: `rows` (training rows; the build command runs again), `code` (a seed written in the code;
the build runs again), `answers` (the model answers otherwise; its thresholds are fitted again), `files` (the artefact
after it was signed) or `traffic` (the model is right, the world is not).
"""

from __future__ import annotations

from typing import Literal

from shipworthy.errors import CannotDecide
from shipworthy.facts import Fact

Place = Literal["rows", "code", "answers", "files", "traffic"]


class Mutant(Fact, frozen=True, kw_only=True):
    """One mutant or healthy variant. `amount` is its strength, in the unit that `does` speaks of.

    `asks_for` names the case or SLO that is made for its kind: told when nothing noticed it.
    """

    id: str
    clause: str
    place: Place
    does: str
    asks_for: str = ""
    amount: float = 0.0
    healthy: bool = False


class NotMade(CannotDecide):
    """A mutant that cannot be made of this model and these rows. It is told and never counted."""

    def __init__(self, mutant: str, why: str) -> None:
        super().__init__(f"not made: {why}", mutant)
        self.why = why
