"""The orders of one model in a form the gateway can ask on every request: segments parsed, postures resolved.

In: a `RuntimeState`. Out: `posture()` and `closed()`, which agree with `postures.effective` and `postures.closed`.
A new state means a new `Compiled`; one is never changed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from shipworthy.facts import NORMAL, Held, Named, Posture, RuntimeState, Scope, join, resolve
from shipworthy.respond.scopes import Terms, covers, inside, terms_of

_Row = tuple[str, str, Terms, Posture]


class Compiled:
    """`posture` costs one comparison per order that holds for the model; with no orders it is one test."""

    __slots__ = ("_closed", "_rows", "epoch")

    def __init__(self, state: RuntimeState, model: str, fallback: str, kill_fallback: str | None) -> None:
        """Resolve every order of `model`. Raises KeyError for a fallback that the manifest cannot name."""
        mine = [held for held in state.orders if held.order.scope.model in ("*", model)]
        self.epoch = state.epoch
        self._rows: tuple[_Row, ...] = tuple(_row(held, fallback, kill_fallback) for held in mine)
        self._closed = _closed(mine, model)

    def posture(self, version: str, tenant: str, keys: Mapping[str, str], unseen: Collection[str] = ()) -> Posture:
        """Return the join of the orders that hold for a request; `unseen`: keys whose value the version lacks."""
        if not self._rows:
            return NORMAL
        return join(
            posture
            for wanted, of_tenant, terms, posture in self._rows
            if (wanted in ("*", version)) and (of_tenant in ("*", tenant)) and inside(terms, tenant, keys, unseen)
        )

    def may_hold(self, version: str, tenant: str | None, keys: Mapping[str, str]) -> Posture:
        """Return the join of the orders that hold, or may hold, for a request of which only so much is known.

        `tenant` None and a key that is not in `keys` may be anything.
        """
        return join(
            posture
            for wanted, of_tenant, terms, posture in self._rows
            if wanted in ("*", version)
            and (tenant is None or of_tenant in ("*", tenant))
            and _maybe(terms, tenant, keys)
        )

    @property
    def rows(self) -> tuple[_Row, ...]:
        """Every order: version, tenant, parsed terms, and its posture."""
        return self._rows

    def closed(self, version: str) -> bool:
        """True when the version is killed for every tenant and segment."""
        return "*" in self._closed or version in self._closed


def _maybe(terms: Terms, tenant: str | None, keys: Mapping[str, str]) -> bool:
    known = keys if tenant is None else {**keys, "tenant": tenant}
    return all(known[key] in values for key, values in terms if key in known)


def _row(held: Held, fallback: str, kill_fallback: str | None) -> _Row:
    scope = held.order.scope
    return scope.version, scope.tenant, terms_of(scope.segment), resolve(held.order.posture, fallback, kill_fallback)


def _closed(orders: Collection[Held], model: str) -> frozenset[str]:
    killed = [held.order.scope for held in orders if held.order.posture is Named.KILLED]
    return frozenset(scope.version for scope in killed if covers(scope, Scope(model=model, version=scope.version)))
