"""What a trigger from outside does to a site: its order holds before the answer leaves, and is recorded soon.

In: a site and what runs work that may wait for the store. Out: the webhook of Alertmanager over that site.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Final, Protocol

from shipworthy.contract.manifest import Manifest
from shipworthy.deploy.abuse import OnAbuse
from shipworthy.errors import ShipworthyError
from shipworthy.facts import Held, RuntimeState
from shipworthy.respond.postures import MACHINE
from shipworthy.respond.severity import severity_of
from shipworthy.respond.triggers import Known, Trigger
from shipworthy.runtime.controller import Controller
from shipworthy.runtime.outside.alerts import Alerts
from shipworthy.runtime.releases import Loaded
from shipworthy.runtime.wired import keys_of
from shipworthy.runtime.workspace import Workspace

ENDED: Final = "respond.alert_ended"
MOST_OVER: Final = 1_000
Later = Callable[[Callable[[], None]], object]
_log = logging.getLogger("shipworthy.alerts")


class SiteLike(Protocol):
    """What is asked of the site."""

    @property
    def workspace(self) -> Workspace: ...
    @property
    def controller(self) -> Controller: ...
    @property
    def manifest(self) -> Manifest: ...
    @property
    def releases(self) -> Mapping[str, Loaded]: ...
    @property
    def abuse(self) -> OnAbuse: ...


def triggered(site: SiteLike, later: Later) -> Alerts:
    """Return the webhook of a site."""
    home: Path = site.workspace.home
    return Alerts(home, _Acting(site, later), site.workspace.clock, site.abuse)


class _Acting:
    def __init__(self, site: SiteLike, later: Later) -> None:
        self._site = site
        self._later = later
        self._over: dict[str, None] = {}  # orders whose alert is over, as was noted or is about to be
        self._hide = keys_of(site.manifest, site.workspace.host_key()).hide

    def known(self) -> Known:
        """Return what alerts may name here."""
        keys = {key.key for key in self._site.manifest.segments.keys} | {"tenant"}
        return Known(self._site.manifest.model, tuple(self._site.releases), keys, self._hide)

    def state(self) -> RuntimeState:
        """Return what holds."""
        return self._site.controller.live.state

    def place(self, held: Held, slo: str) -> str:
        """Make an order hold: `ordered`; `observed` where the site only observes, `known` when this alert has had its
        order: an order is named by its alert, and its name stays in the journal when people release it."""
        controller = self._site.controller
        if not controller.act:
            return "observed"
        kept = self._site.workspace.home / "journal" / held.order.id
        if kept.with_suffix(".json").exists() or kept.with_suffix(".done").exists():
            return "known"
        controller.authority.hold(held)
        controller.orders.placed(held, slo, severity_of(held.order.posture))
        return "ordered"

    def gone(self, held: Held, trigger: Trigger, token: str) -> None:
        """Note, once, that the alert of an order is over. The order goes on holding."""
        if held.order.id in self._over:
            return
        self._over[held.order.id] = None
        if len(self._over) > MOST_OVER:
            del self._over[next(iter(self._over))]
        told = {"order": held.order.id, "alert": trigger.fingerprint, "token": token}
        self._later(partial(self._note, held.order.id, told))

    def _note(self, order: str, told: dict[str, str]) -> None:
        try:
            self._site.controller.authority.ledger.append_once(f"alert-ended/{order}", MACHINE, ENDED, told)
        except ShipworthyError:
            self._over.pop(order, None)
            _log.exception("the end of an alert is not recorded; it is when it is told again")
