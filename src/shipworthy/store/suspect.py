"""Labels that are kept apart until a person has looked, and what is known of who sent them. Pure values."""

from __future__ import annotations

from shipworthy.facts import Fact, Receipt

HELD, RELEASED = "held", "released"
BY_LABEL, BY_ANSWER = "label", "answer"  # who is compared with whom: senders of labels, and people who review


class LabelSource(Fact, frozen=True, kw_only=True):
    """What one source said about one version. `hours`: by the hour of the decision, how many labels, and how many of
    them against what was decided; the latest week. `n`: all labels since it was last cleared; `looks`: how often it was
    compared with the others; `flagged_at`: since when its labels are kept apart (\"\" = they are not)."""

    version: str
    kind: str
    source: str
    hours: tuple[tuple[int, int, int], ...] = ()
    n: int = 0
    looks: int = 0
    flagged_at: str = ""


class Suspect(Fact, frozen=True, kw_only=True):
    """A label that is kept apart: what it is about, what it says, who sent it and why it is not believed yet.

    `label` is None and `changed` is told of a person's answer only: whether it changed what was suggested.
    """

    receipt: Receipt
    label: int | None
    kind: str
    source: str
    reason: str
    at: str
    status: str = HELD
    changed: bool | None = None
