"""The overrides of one running site: what is served under one, how far it reaches, and what happens when it ends.

In: releases as they are loaded, and the clock. Out: narrowed routes, the header of every answer, and versions that are
closed because their time is over: from the clock alone, on every request, with store and ledger dead. `lapse` then
records each end once and aborts the rollout.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from shipworthy.deploy import plan
from shipworthy.deploy.routing import Routes, within
from shipworthy.errors import ShipworthyError
from shipworthy.facts import Override
from shipworthy.govern.overrides import header, line_of
from shipworthy.runtime.authority import MACHINE, Authority
from shipworthy.runtime.overridden import Ended
from shipworthy.runtime.releases import Loaded, load_to_serve
from shipworthy.store.instants import rfc3339

ENDED = "govern.override_expired"
_log = logging.getLogger("shipworthy.permits")


class Permits:
    """Overrides by the version they let through. Versions that passed are not in it, and cost a request nothing."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._known: dict[str, Override] = {}
        self._recorded: set[str] = set()

    def load(self, folder: Path, check: Callable[[Loaded], None]) -> Loaded:
        """Load and admit a release as of now. Raises CannotDecide; an override that ended is remembered as such.

        `check` raises for a release that is not of this site: nothing of that one is remembered.
        """
        try:
            one = load_to_serve(folder, self._clock())
        except Ended as ended:
            if ended.override.subject.version == folder.name:  # it may end its own version, no other
                self._know(folder.name, ended.override)
            raise
        check(one)
        self._know(one.version, one.override)
        return one

    def over(self, version: str) -> bool:
        """True when a version was let through by an override whose time is over."""
        known = self._known.get(version)
        return known is not None and rfc3339(self._clock()) >= known.until

    def routes(self, routes: Routes) -> Routes:
        """Return the routes, the candidate kept inside the tenants and the share of its override."""
        known = self._known.get(routes.candidate or "")
        return routes if known is None else within(routes, known.tenants, known.share_bp)

    def header(self) -> str:
        """Return the value of `x-shipworthy-override` while one holds, else ""."""
        if not self._known:
            return ""
        return ", ".join(header(one) for one in self._holding())

    def told(self) -> list[str]:
        """Return a line per override that holds, for the status page."""
        return [line_of(one) for one in self._holding()]

    def due(self) -> list[Override]:
        """Return the overrides that have ended and are not recorded as such."""
        known = self._known
        return [one for version, one in known.items() if one.id not in self._recorded and self.over(version)]

    def lapse(self, authority: Authority) -> None:
        """Record each end once, and abort a rollout that ran on it. What fails is tried again at the next call."""
        for one in self.due():
            version = one.subject.version
            body = {"override": one.id, "version": version, "until": one.until}
            try:
                authority.ledger.append_once(f"override/{one.id}/expired", MACHINE, ENDED, body)
                _abort(authority, version, f"{one.id} ended at {one.until}")
            except ShipworthyError:
                _log.exception("%s has ended and its version is closed; this is not recorded yet", one.id)
                continue
            self._recorded.add(one.id)

    def _know(self, version: str, override: Override | None) -> None:
        """Replace the table whole: it is read on the request path while releases load beside it."""
        others = {name: one for name, one in self._known.items() if name != version}
        self._known = others if override is None else {**others, version: override}

    def _holding(self) -> list[Override]:
        known = self._known
        return [known[version] for version in sorted(known) if not self.over(version)]


def _abort(authority: Authority, version: str, because: str) -> None:
    rollout = authority.state().rollout
    if rollout is not None and rollout.version == version and rollout.status in ("running", "held"):
        gone = plan.abort(rollout, because)
        authority.rollout(MACHINE, "aborted", gone.next, gone.because, rollout)
