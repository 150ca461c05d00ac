"""Where a breach lies, at run time: what is answered already is left out, and the rest is localised.

In: an SLO and its judgement on a segment, the state, what is remembered of the traffic. Out: a `Lies`: what was left
out, the judgement of the rest, the part that explains it. Only rates are localised, and only for orders that review or
degrade: a kill holds where the SLO says.

Left out is traffic under an order at least as tight as the one the SLO asks for, and traffic before what people have
acknowledged. What cannot be taken away exactly stays in, so the worst that an uncounted pair of keys does is a wider
order. A part whose key is a protected feature is never located: nobody is degraded for belonging to a group.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property

from msgspec.structs import replace

from shipworthy.contract.manifest import Manifest
from shipworthy.decide import Place, judge
from shipworthy.facts import (
    OTHER,
    Action,
    Fact,
    Judgement,
    Outcome,
    RuntimeState,
    Scope,
    Slo,
    contains,
    parse_segment,
    resolve,
    tightens,
)
from shipworthy.observe.localise import Asked, Located, Spot, Tally, narrowed
from shipworthy.observe.measure import rate
from shipworthy.observe.minutes import minute_of
from shipworthy.observe.places import Part, holds_all, is_other, parts_of, separable, without
from shipworthy.observe.tallies import OF_LABELS, OF_WINDOWS, of_labels, of_windows
from shipworthy.observe.windows import other_of
from shipworthy.respond.moments import moment
from shipworthy.respond.severity import POSTURE_OF_ACTION
from shipworthy.runtime.measured import OF_SCORES
from shipworthy.runtime.remembered import Remembered


class Lies(Fact, frozen=True, kw_only=True):
    """Where one SLO's breach on `segment` lies. `rest` is the judgement without what was left out.

    `located` is the part that explains a breach of the rest; None with a breached rest: it lies nowhere smaller.
    """

    slo: str
    segment: str
    outcome: Outcome
    left_out: tuple[str, ...]
    rest: Judgement
    located: Located | None = None

    @property
    def breached(self) -> bool:
        """True when the whole or the rest is proven bad: then there is something to show."""
        return Outcome.BREACHED in (self.outcome, self.rest.outcome)

    @property
    def asks(self) -> Judgement | None:
        """Return the judgement that an order follows from, on the smallest segment; None when the rest is not bad."""
        if self.rest.outcome is not Outcome.BREACHED:
            return None
        if self.located is None:
            return self.rest
        return replace(self.rest, segment=self.located.segment, because=f"{self.rest.because}; {told(self.located)}")

    @property
    def tenant(self) -> str:
        """Return the tenant that an order is for, `*` for all."""
        return self.located.tenant if self.located else "*"


class Shown(Fact, frozen=True, kw_only=True):
    """Where the breaches of each version lay when the site last judged otherwise than before."""

    at: str
    versions: dict[str, tuple[Lies, ...]]


def told(one: Located) -> str:
    """Return where it lies, with the numbers of the part and of the rest."""
    where = one.segment if one.tenant == "*" else f"{one.segment} of tenant {one.tenant}"
    rest = "shown healthy" if one.grade == "proven" else "not shown bad"
    return (
        f"it lies in {where}: {one.hits} of {one.n}, bound {one.bound:.4g}; "
        f"the rest is {rest}: {one.rest_hits} of {one.rest_n}, bound {one.rest_bound:.4g}"
    )


def localises(slo: Slo) -> bool:
    """True when breaches of an SLO are localised."""
    known = slo.indicator in OF_WINDOWS or slo.indicator in OF_LABELS
    return known and slo.target.op != "==" and slo.action_on_breach is not Action.KILL_SWITCH


class Localiser:
    """Counts of one SLO on one version over its interval. Made anew for each judgement."""

    def __init__(
        self, slo: Slo, version: str, manifest: Manifest, kept: Remembered, interval: tuple[int, int], now: datetime
    ) -> None:
        """`interval`: the minutes [start, end) that the SLO is measured over."""
        self._slo, self._version, self._manifest, self._kept = slo, version, manifest, kept
        self._now = now
        self._start, self._end = interval
        self._as_of = minute_of(now)
        protected = {feature.name for feature in manifest.features if feature.protected}
        self._keys = {key.key for key in manifest.segments.keys} - protected
        self._counted = {(), *((key.key,) for key in manifest.segments.keys)}
        self._counted |= {tuple(sorted(pair)) for pair in manifest.segments.pairs}
        self._known: dict[Part, tuple[int, ...] | None] = {}

    def lies(self, judgement: Judgement, state: RuntimeState) -> Lies:
        """Return where the breach lies. `judgement` is of this SLO, over the same interval, and not without data."""
        whole = Part(segment=judgement.segment)
        known = self._answered(state)
        answered = [one for one in known if not holds_all(one, whole)]
        taken = separable(whole, answered, self._count)
        names = tuple(_named(one) for one in taken)
        found = Lies(
            slo=self._slo.name, segment=judgement.segment, outcome=judgement.outcome, left_out=names, rest=judgement
        )
        if taken:
            found = replace(found, rest=self._judged(whole, taken))
        if found.rest.outcome is not Outcome.BREACHED or len(answered) < len(known):
            return found  # an order holds in all of it already: nothing smaller is asked for
        return replace(found, located=self._located(whole, taken))

    def _judged(self, whole: Part, taken: tuple[Part, ...]) -> Judgement:
        left = self._tally(whole, taken) or Tally(0, 0)
        slo, segment = self._slo, whole.segment
        made = rate(
            slo.indicator, left.hits, left.n, segment=segment, start=self._start, end=self._as_of, level=slo.level
        )
        judged = judge(slo, segment, (made,), self._now, Place.RUNTIME)
        return replace(judged, because=f"{judged.because}, without {', '.join(map(_named, taken))}")

    def _located(self, whole: Part, taken: tuple[Part, ...]) -> Located | None:
        slo = self._slo
        if slo.target.op == "==":
            return None
        asked = Asked(slo.target.op, slo.target.value, slo.level, slo.evidence == "point")

        def inside(spot: Spot) -> tuple[Tally, Mapping[Spot, Tally]]:
            tally = self._tally(Part(*spot), taken) or Tally(0, 0)
            return tally, dict(self._parts(spot, tally, taken))

        everything = Spot(whole.tenant, whole.segment)
        return narrowed(asked, inside(everything)[0], everything, inside)

    def _parts(self, spot: Spot, whole: Tally, taken: tuple[Part, ...]) -> list[tuple[Spot, Tally]]:
        """Return the parts of a spot that an order may hold in, with their counts."""
        places = [Part(spot.tenant, segment) for segment in self._kept.places(self._version, spot.tenant)]
        if spot.tenant == "*":
            places += [Part(tenant, spot.segment) for tenant in self._kept.tenants(self._version) if tenant != "*"]
        found = []
        for one in places:
            if (one.tenant, one.segment) == spot or is_other(one) or not self._may_hold(one, spot):
                continue
            tally = self._tally(one, taken)
            if tally is not None and tally.n and _fits(tally, whole):
                found.append((Spot(one.tenant, one.segment), tally))
        return found

    def _may_hold(self, part: Part, spot: Spot) -> bool:
        keys = parse_segment(part.segment).keys()
        named = keys - parse_segment(spot.segment).keys()
        return named <= self._keys and contains(spot.segment, part.segment)

    def _tally(self, part: Part, taken: tuple[Part, ...]) -> Tally | None:
        left = without(part, taken, self._count)
        return None if left is None else Tally(*left)

    def _count(self, part: Part) -> tuple[int, ...] | None:
        """Return (hits, trials) of a part; None when it is not counted, or not wholly."""
        if part not in self._known:
            self._known[part] = self._counted_now(part)
        return self._known[part]

    def _counted_now(self, part: Part) -> tuple[int, ...] | None:
        keys = tuple(sorted(parse_segment(part.segment)))
        if keys not in self._counted:
            return None
        if keys and part.segment not in self._slo.segments and self._overflow(part):
            return None
        place = (self._version, part.tenant, part.segment)
        end = min(self._end, part.until)
        if self._slo.indicator in OF_WINDOWS:
            windows = self._kept.over(place, self._start, end)
            return of_windows(self._slo.indicator, windows, self._start, end)
        shadow = self._slo.indicator in OF_SCORES
        return of_labels(self._slo.indicator, self._kept.labels(place), self._start, end, shadow)

    def _overflow(self, part: Part) -> bool:
        """True when some of what belongs to a part may have been counted under `__other__`."""
        return other_of(part.segment) in self._overflowed[part.tenant == "*"]

    @cached_property
    def _overflowed(self) -> tuple[set[str], set[str]]:
        """The segments that hold what spilled over: of tenants, of all together."""
        return set(self._kept.places(self._version, OTHER)), set(self._kept.places(self._version))

    def _answered(self, state: RuntimeState) -> list[Part]:
        """Return what is answered: under an order that is tight enough, or acknowledged until then."""
        fallbacks = (self._manifest.fallback, self._manifest.kill_fallback)
        asked = resolve(POSTURE_OF_ACTION[self._slo.action_on_breach], *fallbacks)
        held = [one.order for one in state.orders if self._mine(one.order.scope)]
        scopes = [(one.scope, None) for one in held if tightens(asked, resolve(one.posture, *fallbacks))]
        known = [(one.scope, one.up_to) for one in state.acknowledged if self._mine(one.scope)]
        return [part for scope, up_to in (*scopes, *known) for part in _parts_of(scope, up_to)]

    def _mine(self, scope: Scope) -> bool:
        return scope.model in ("*", self._manifest.model) and scope.version in ("*", self._version)


def _parts_of(scope: Scope, up_to: str | None) -> tuple[Part, ...]:
    """A scope or a time that cannot be read leaves nothing out."""
    try:
        if up_to is None:
            return parts_of(scope.tenant, scope.segment)
        return parts_of(scope.tenant, scope.segment, minute_of(moment(up_to)) + 1)
    except ValueError:
        return ()


def _fits(part: Tally, whole: Tally) -> bool:
    return part.hits <= whole.hits and part.n - part.hits <= whole.n - whole.hits


def _named(part: Part) -> str:
    return part.segment if part.tenant == "*" else f"{part.segment} of tenant {part.tenant}"
