"""Claims arrive, and their labels arrive late: one schedule of both, played against one gateway.

There is no finer time than the year in the records; the hours are simulated: known codes are spread evenly over seven
days, unfamiliar ones begin to arrive some hours in. Reviewed claims are labelled after 2 to 8 hours, automatic ones
after 24 to 72. All delays follow from the claim's id, so that two runs see the same traffic.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from launch_week.client import Client
from shipworthy.testing.clock import SharedClock

DAYS = 7.0
UNFAMILIAR_AFTER_H = 6.0
LABEL_BATCH = 64
NOT_SENT = frozenset({"serious", "split", "arrival"})
Row = dict[str, Any]


class Claim(msgspec.Struct, kw_only=True):
    """One claim of the schedule: when it arrives, what is sent, the truth, and the answer once there is one."""

    at: datetime
    row: Row
    label: int
    unfamiliar: bool
    status: int = 0
    answer: dict[str, Any] = {}


def schedule(rows: Iterable[Row], start: datetime, unfamiliar: frozenset[str]) -> list[Claim]:
    """Return the claims in the order of their arrival."""
    known = [row for row in rows if row["supplier"] not in unfamiliar]
    strange = [row for row in rows if row["supplier"] in unfamiliar]
    claims = _spread(known, start, timedelta(days=DAYS), False)
    later = timedelta(hours=UNFAMILIAR_AFTER_H)
    claims += _spread(strange, start + later, timedelta(days=DAYS) - later, True)
    return sorted(claims, key=lambda claim: (claim.at, str(claim.row["claim"])))


def _spread(rows: list[Row], start: datetime, length: timedelta, unfamiliar: bool) -> list[Claim]:
    step = length / max(len(rows), 1)
    return [
        Claim(at=start + step * i, row=sent(row), label=int(row["serious"]), unfamiliar=unfamiliar)
        for i, row in enumerate(rows)
    ]


def sent(row: Row) -> Row:
    """Return what a client sends of a record: everything but the truth and the split."""
    return {key: value for key, value in row.items() if key not in NOT_SENT}


def delay(claim: Claim) -> timedelta:
    """Return how late the label of an answered claim comes."""
    share = int.from_bytes(hashlib.sha256(str(claim.row["claim"]).encode()).digest()[:4], "big") / 2**32
    low, high = (2.0, 8.0) if claim.answer.get("route") == "person" else (24.0, 72.0)
    return timedelta(hours=low + (high - low) * share)


class Player:
    """Plays claims and labels in order of time. `pause` is called at each of the given moments."""

    def __init__(self, clock: SharedClock, client: Client, labels: bool = True) -> None:
        self.clock = clock
        self.client = client
        self.labels = labels
        self._due: list[tuple[datetime, int, str, int]] = []
        self._posted = 0
        self._count = 0

    def play(
        self,
        claims: Iterable[Claim],
        pauses: Iterable[tuple[datetime, Callable[[], None]]] = (),
        seen: Callable[[Claim], None] | None = None,
    ) -> int:
        """Send every claim at its moment, post labels as they come due. Return the number of claims sent."""
        waiting = sorted(pauses, key=lambda pause: pause[0])
        sent_ = 0
        for claim in claims:
            while waiting and waiting[0][0] <= claim.at:
                self._pause(*waiting.pop(0))
            self._post_due(claim.at)
            self.clock.set(claim.at)
            self.ask(claim)
            sent_ += 1
            if seen:
                seen(claim)
        for pause in waiting:
            self._pause(*pause)
        return sent_

    def ask(self, claim: Claim) -> None:
        """Send one claim now and keep its answer; its label is due after the delay."""
        claim.status, claim.answer, _ = self.client.post("/decide", {"row": claim.row})
        if self.labels and claim.status == 200:
            self._count += 1
            due = (claim.at + delay(claim), self._count, str(claim.answer["receipt"]), claim.label)
            heapq.heappush(self._due, due)

    def until(self, moment: datetime) -> None:
        """Let time pass: set the clock and post the labels that came due."""
        self.clock.set(moment)
        self._post_due(moment, all_of_them=True)

    @property
    def posted(self) -> int:
        """Labels the gateway has taken so far."""
        return self._posted

    def _pause(self, moment: datetime, act: Callable[[], None]) -> None:
        self.until(moment)
        act()

    def _post_due(self, moment: datetime, all_of_them: bool = False) -> None:
        while self._due and self._due[0][0] <= moment:
            ready = sum(1 for due in self._due if due[0] <= moment)
            if ready < LABEL_BATCH and not all_of_them:
                return
            batch = [heapq.heappop(self._due) for _ in range(min(ready, LABEL_BATCH))]
            told = [{"receipt": receipt, "label": label} for _, _, receipt, label in batch]
            status, body, _ = self.client.post("/labels", told)
            if status != 200:
                raise RuntimeError(f"labels were refused with {status}: {body}")
            self._posted += len(batch)
