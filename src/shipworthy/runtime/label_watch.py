"""Labels on their way into the sums: those of a source that is doubted are kept apart, in the same transaction.

In: a label with its receipt and who sent it. Out: whether it is held. What is known of each source is in the store, so
that several gateways count together and a restart forgets nothing. A source that becomes doubted is a ledger entry.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from msgspec.structs import replace

from shipworthy.contract.manifest import Decisions
from shipworthy.errors import ShipworthyError
from shipworthy.facts import Judgement, Outcome, Receipt, Slo
from shipworthy.indicators import INDICATORS
from shipworthy.observe.suspects import ALPHA, MARGIN, Counts, contradicts, is_due, is_suspect, same_hours
from shipworthy.respond.postures import MACHINE
from shipworthy.runtime.desk import Note
from shipworthy.store.instants import rfc3339
from shipworthy.store.protocol import Store
from shipworthy.store.review import Given, QueueItem
from shipworthy.store.suspect import BY_ANSWER, BY_LABEL, LabelSource, Suspect

HOURS_KEPT = 7 * 24
_log = logging.getLogger("shipworthy.labels")
AGAINST_OTHERS, AGAINST_PERSON = "contradicts the model far more than others do", "a person decided otherwise"


class Voice(NamedTuple):
    """What one source said, and whether it contradicts what it is compared by (None: it cannot be told)."""

    told: Suspect
    against: bool | None


class LabelWatch:
    """Watches who labels what. Its methods run inside transactions of the store."""

    def __init__(self, note: Note, clock: Callable[[], datetime], words: Decisions) -> None:
        self._note = note
        self._clock = clock
        self._words = words
        self._doubted: frozenset[str] = frozenset()

    def label(self, receipt: Receipt, label: int, source: str) -> Watched:
        """Return the watch over a label that somebody sent."""
        told = Suspect(receipt=receipt, label=label, kind=BY_LABEL, source=source, reason="", at="")
        return Watched(self, [Voice(told, contradicts(receipt, label, self._words))])

    def answer(self, item: QueueItem, receipt: Receipt) -> Watched:
        """Return the watch over what people answered; they are compared with each other by how often they overturn,
        each by what they said themselves, alone or as one of several."""
        told = Suspect(
            receipt=receipt, label=item.label, kind=BY_ANSWER, source="", reason="", at="", changed=item.changed
        )
        alone = Given(person=item.answered_by, decision=item.answer, at=item.answered_at, changed=item.changed)
        said = item.answers or (alone,)
        return Watched(self, [Voice(replace(told, source=one.person), one.changed) for one in said])

    def look(self, store: Store) -> None:
        """Note of which versions labels are doubted: a source is, or some are kept apart, or let out and not counted
        yet. While the store is silent, what was known holds."""
        try:
            doubted = {one.version for one in store.label_sources() if one.flagged_at}
            self._doubted = frozenset(doubted | {version for version, _, _ in store.quarantine_counts()})
        except ShipworthyError:
            _log.exception("whose labels are doubted could not be read")

    def doubts(self, version: str) -> bool:
        """True when labels of a version are doubted."""
        return version in self._doubted

    def judged(self, version: str, slo: Slo, judgement: Judgement) -> Judgement:
        """Return a judgement that rests on labels as no data while some of this version are doubted; a breach stays:
        leaving labels out must never turn anything green."""
        good = judgement.here and judgement.outcome in (Outcome.MET, Outcome.UNDECIDED)
        if version not in self._doubted or not good or not INDICATORS[slo.indicator].labels:
            return judgement
        why = "labels of this version are in quarantine: a person must release or drop them"
        return replace(judgement, outcome=Outcome.NO_DATA, because=why, needs_n=None, proves=None)

    def keep(self, store: Store, told: Suspect, reason: str) -> None:
        """Keep a label apart."""
        store.quarantine(replace(told, reason=reason, at=rfc3339(self._clock())))
        self._doubted |= {told.receipt.version}

    def count(self, store: Store, told: Suspect, against: bool) -> None:
        """Count one label of a source; doubt the source when it is due for a look and differs."""
        version, hour = told.receipt.version, told.receipt.minute // 60
        known = store.label_source(version, told.kind, told.source)
        known = known or LabelSource(version=version, kind=told.kind, source=told.source)
        hours = _hours(known)
        hours[hour] = hours.get(hour, Counts()).plus(Counts(1, int(against)))
        latest = sorted(hours)[-HOURS_KEPT:]
        after = replace(known, n=known.n + 1, hours=tuple((at, *hours[at]) for at in latest))
        store.put_label_source(self._looked(store, after) if is_due(after.n, after.looks) else after)

    def _looked(self, store: Store, one: LabelSource) -> LabelSource:
        others = [other for other in store.label_sources(one.version, one.kind) if other.source != one.source]
        own, rest = same_hours(_hours(one), (_hours(other) for other in others if not other.flagged_at))
        suspect = is_suspect(own, rest, one.looks)
        if suspect is None:
            return one  # nothing to compare with yet: no look is spent
        if not suspect:
            return replace(one, looks=one.looks + 1)
        at = rfc3339(self._clock())
        body = {"version": one.version, "kind": one.kind, "source": one.source, "n": own.n, "against": own.against}
        body |= {"others_n": rest.n, "others_against": rest.against, "alpha": ALPHA, "margin": MARGIN}
        self._note(MACHINE, "respond.labels_quarantined", body)
        self._doubted |= {one.version}
        return replace(one, looks=one.looks + 1, flagged_at=at)


class Watched:
    """One label, before and after it is counted, and all who said it."""

    def __init__(self, watch: LabelWatch, voices: Sequence[Voice]) -> None:
        self._watch, self._voices = watch, voices
        self.apart = False

    @property
    def tells(self) -> bool:
        """True when it says something of who said it."""
        return any(one.against is not None for one in self._voices)

    def held(self, store: Store) -> bool:
        """Keep the label apart when any of its sources is doubted, or a person decided otherwise; return whether it
        is."""
        for told, _ in self._voices:
            reason = _reason(store, told)
            if reason:
                self._watch.keep(store, told, reason)
                self.apart = True
                break
        return self.apart

    def counted(self, store: Store) -> None:
        """Note that the label is in the sums."""
        for told, against in self._voices:
            if against is not None:
                self._watch.count(store, told, against)


def _reason(store: Store, told: Suspect) -> str:
    """Why a label is not believed; "" when it is."""
    known = store.label_source(told.receipt.version, told.kind, told.source)
    reason = AGAINST_OTHERS if known is not None and known.flagged_at else ""
    if told.kind == BY_LABEL and not reason:
        item = store.item(told.receipt.request)
        reason = AGAINST_PERSON if item is not None and item.label not in (None, told.label) else ""
    return reason


def _hours(one: LabelSource) -> dict[int, Counts]:
    return {hour: Counts(n, against) for hour, n, against in one.hours}
