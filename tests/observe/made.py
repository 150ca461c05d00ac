"""Events, windows and labels for the tests of this room."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shipworthy.contract.manifest import Decisions
from shipworthy.facts import FIXED, SCORE_BINS, Event, LabelSummary, Receipt, Scope, digest
from shipworthy.observe.collector import Collector
from shipworthy.observe.labels import label_summary, merged
from shipworthy.observe.minutes import start_of

REFERENCE = digest(b"profile")
WORDS = Decisions(deny="auto_deny", approve="auto_approve", review="to_person")
SCOPE = Scope(model="claims", version="2.0")
T0 = 29_000_000


def event(minute: int = T0, **more: Any) -> Event:
    given: dict[str, Any] = {
        "request": "r",
        "at": start_of(minute),
        "minute": minute,
        "version": "2.0",
        "arm": "candidate",
        "tenant": "acme",
        "segments": ("supplier=P02",),
        "score": 0.5,
        "decision": "to_person",
        "route": "machine",
        "ood_p": 0.5,
        "ood_view": "marginal",
        "ood_flag": False,
    }
    return Event(**(given | more))


def receipt(score: float | None, minute: int = T0, **more: Any) -> Receipt:
    given: dict[str, Any] = {
        "request": "r",
        "version": "2.0",
        "tenant": "acme",
        "segments": ("supplier=P02",),
        "minute": minute,
        "score_bin": -1 if score is None else min(int(score * SCORE_BINS), SCORE_BINS - 1),
        "score_q": -1 if score is None else round(score * FIXED),
        "arm": "candidate",
        "route": "machine",
        "decision": "auto_deny",
    }
    return Receipt(**(given | more))


def labelled(pairs: Sequence[tuple[float, int]], minute: int = T0, **more: Any) -> tuple[LabelSummary, ...]:
    return merged(one for score, label in pairs for one in label_summary(receipt(score, minute, **more), label, WORDS))


def collector(start: int = T0, shards: int = 1) -> Collector:
    return Collector(start, shards)
