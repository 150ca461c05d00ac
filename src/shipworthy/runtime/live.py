"""What holds now, as the request path reads it: the state in memory, as new as the epoch in shared memory.

In: the state files. Out: postures, routes and thresholds, from memory. The epoch is read on every request; a newer one
reloads the state. When the state cannot be read any more, candidates close, the last known orders go on holding, and
what another process journals holds as well. While an order of the journal itself cannot be read, nobody knows what it
stops: then people decide everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from shipworthy.deploy.routing import Routes, routes_of
from shipworthy.errors import CannotDecide, Unreachable
from shipworthy.facts import NORMAL, Decider, Posture, RuntimeState, Source, hold, join, parse_segment
from shipworthy.respond.compiled import Compiled
from shipworthy.respond.scopes import Terms
from shipworthy.store.posture import StateFiles

_TO_PEOPLE = Posture(source=Source.NONE, decider=Decider.PERSON)
Changed = Callable[[RuntimeState, RuntimeState], None]


class Live:
    """The state in memory. `changed(before, after)` is called after each reload."""

    def __init__(self, files: StateFiles, model: str, fallback: str, kill_fallback: str, changed: Changed) -> None:
        self._files = files
        self._epoch = files.map.epoch
        self.model = model
        self._fallbacks = (fallback, kill_fallback)
        self._changed = changed
        self.broken = ""
        self._blind = False
        self.state = RuntimeState()
        self._compiled = Compiled(self.state, model, fallback, kill_fallback)
        self.routes = Routes(baseline="")
        self._seen = -1
        self.refresh()

    def epoch(self) -> int:
        """Return the epoch of the moment; reload first when it has moved."""
        try:
            now = self._epoch()
        except (CannotDecide, Unreachable) as problem:
            self._close(str(problem))
            return self.state.epoch
        if now != self._seen or self.broken:
            self.refresh()
        return self.state.epoch

    def refresh(self) -> None:
        """Read the state files again."""
        try:
            seen = self._files.epoch()
            after = self._files.read()
        except (CannotDecide, Unreachable) as problem:
            # Perhaps a writer is between two steps: the next request looks again.
            self._close(str(problem))
            return
        if after.epoch < self.state.epoch:
            self._close(f"epoch {after.epoch} on disk is older than {self.state.epoch}")
            return
        if after.epoch == self.state.epoch and _orders(self.state) - _orders(after):
            self._close(f"epoch {after.epoch} on disk lacks orders that hold")
            return
        self._seen = seen
        before, self.state, self.broken, self._blind = self.state, after, "", False
        self._compiled = Compiled(after, self.model, *self._fallbacks)
        self.routes = routes_of(after.baseline, after.rollout)
        self._changed(before, after)

    def posture(self, version: str, tenant: str, keys: Mapping[str, str]) -> Posture:
        """Return the join of the orders that hold for a request.

        A baseline that is sent to the baseline would be tightened by nothing: then a person decides.
        """
        return self._here(self._compiled.posture(version, tenant, keys), version)

    def may_hold(self, version: str, tenant: str | None, keys: Mapping[str, str]) -> Posture:
        """Return the join of the orders that hold, or may hold, for a request of which only so much is known."""
        return self._here(self._compiled.may_hold(version, tenant, keys), version)

    def _here(self, held: Posture, version: str) -> Posture:
        if self._blind or (held.source is Source.BASELINE and version == self.state.baseline):
            return join((held, _TO_PEOPLE))
        return held

    def rules(self) -> tuple[tuple[str, str, Terms, Posture], ...]:
        """Return every order: version, tenant, parsed terms, and its posture."""
        return self._compiled.rows

    def held(self, version: str, tenant: str, segments: tuple[str, ...]) -> bool:
        """True when an order keeps a version from answering somewhere in these segments (canonical texts)."""
        keys = {key: next(iter(values)) for text in segments for key, values in parse_segment(text).items()}
        return self._blind or self._compiled.posture(version, tenant, keys) != NORMAL

    def closed(self, version: str) -> bool:
        """True when a version is killed everywhere, or the state cannot be read and it is not the baseline."""
        return self._compiled.closed(version) or (bool(self.broken) and version != self.state.baseline)

    def shadow(self) -> tuple[str, ...]:
        """Return the segments that the candidate also scores."""
        rollout = self.state.rollout
        return rollout.shadow if rollout is not None and rollout.status in ("running", "held") else ()

    def _close(self, why: str) -> None:
        """Serve no candidate, and by the last known orders with those that the journal holds."""
        self.broken = why
        self.routes = msgspec.structs.replace(self.routes, candidate=None, share_bp=0)
        waiting, faults = self._files.journalled()
        self._blind = bool(faults)
        state = self.state
        for held in waiting:
            state = hold(state, held)
        if state != self.state:
            self.state = state
            self._compiled = Compiled(state, self.model, *self._fallbacks)


def _orders(state: RuntimeState) -> set[str]:
    return {held.order.id for held in state.orders}
