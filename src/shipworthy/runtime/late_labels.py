"""Labels that come late, from callers and from people: each is counted once, or kept apart, or told to come again.

In: labels with their receipts, the store, the telemetry. Out: a status word each; answers and released labels counted.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from shipworthy.deploy.throttle import Gcra
from shipworthy.errors import PolicySaysNo
from shipworthy.facts import DRILL_TENANT, Receipt
from shipworthy.observe.minutes import minute_of
from shipworthy.runtime.answers import take_answers, take_released
from shipworthy.runtime.api import Rate
from shipworthy.runtime.label_watch import LabelWatch
from shipworthy.runtime.telemetry import Bucket, Telemetry
from shipworthy.store.protocol import Store
from shipworthy.store.tiers import RECEIPTS_FOR

LIVES = timedelta(minutes=RECEIPTS_FOR)
RATE = Rate(rate_per_s=200.0, burst=50_000)  # of one source: a day's file at once, then a steady flow


class LateLabels:
    """Takes labels in for one site. One event loop."""

    def __init__(
        self,
        store: Store,
        key: bytes,
        telemetry: Telemetry,
        bucket: Bucket,
        watch: LabelWatch,
        clock: Callable[[], datetime],
        rate: Rate = RATE,
    ) -> None:
        """`key`: what receipts are sealed with; `rate`: of one source."""
        self._store = store
        self._key = key
        self._telemetry = telemetry
        self._bucket = bucket
        self._clock = clock
        self._rates = Gcra(rate)
        self.watch = watch

    async def take(self, receipt: Receipt, label: int, source: str = "") -> str:
        """Add one late label; returns `accepted`, `used` (its receipt was used before), `expired`, `quarantined` (kept
        apart until a person has looked), `limited` or `drill` (nobody made that claim). `source`: whose key sent it;
        without keys, its tenant's."""
        if receipt.tenant == DRILL_TENANT:
            return "drill"
        age = minute_of(self._clock()) - receipt.minute
        if age < 0 or timedelta(minutes=age) > LIVES:
            return "expired"
        source = source or f"tenant {receipt.tenant}"
        if not self._rates.admit(source, self._clock().timestamp()).ok:
            return "limited"
        watched = self.watch.label(receipt, label, source)
        try:
            taken = await self._telemetry.add_label(receipt, label, self._bucket, watched)
        except PolicySaysNo:  # too many of this sender's are kept apart already
            return "limited"
        return "accepted" if taken else "quarantined" if watched.apart else "used"

    async def take_rest(self) -> None:
        """Count what people answered, and what they let out of quarantine."""
        await take_answers(self._store, self._key, self._telemetry, self._bucket, self.watch)
        await take_released(self._store, self._telemetry, self._bucket)

    def look(self) -> None:
        """Note whose labels are doubted, before anything is judged."""
        self.watch.look(self._store)
