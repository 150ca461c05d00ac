"""Localisation: the smallest part of the traffic that explains a breach, with the rest shown to be healthy.

In: what is asked of a rate, the hits and trials of the whole and of each candidate part of it. Out: a `Located` part
with the counts of it and of the rest, or None: then the breach stays where it was.

A part is *bad* when its exact binomial p-value against the target is below 1 - level after Holm over all the parts
tried. Parts that could not be shown bad even if every trial were a hit are not tried (Tarone, Biometrics 46 (1990)
515-522: their size is known before their hits). Several bad values of one key are tried as a set as well. Of the bad
parts the one is taken that explains most: the largest gain in likelihood of two rates, inside and outside, over one
(the scan statistic of Kulldorff, Commun. Stat. 26 (1997) 1481-1496), less the cost of naming its values, log m each of
m parts tried; among equals the smaller, then the first by text. Without a gain beyond that cost the part is no worse
than the rest, and nothing is located. It counts only

- `proven`: the upper bound of the rest is within the target; or
- `explains`: the rest is not shown bad at this level, and at least 80 % of the excess hits (hits - target * n) of those
  parts that have an excess lie in the part.

In both the rest has at least 20 trials. It may have fewer than the SLO asks for: a breach shows itself as soon as the
whole has them, and thin evidence keeps the posture here as everywhere, until the rest is judged by itself. A tenant
must besides have 80 % of at least 30 hits, another one at least 20 trials (DECISIONS §6); when the tenant that explains
most has not, nothing is located. Nothing here says why a part is bad.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple

from shipworthy.facts import Fact, canonical_segment, parse_segment
from shipworthy.observe.repeats import EXPLAINS, NARROW_HITS, NARROW_OTHERS
from shipworthy.stats.beta import incomplete_beta
from shipworthy.stats.bounds import rate_lower, rate_upper
from shipworthy.stats.paired import holm

MOST_VALUES: Final = 20  # of one key: what is bad in more of them is no local matter
_SURELY: Final = 1e-9  # below it a bound of the p-value is as good as the p-value


class Tally(NamedTuple):
    """Hits among trials: integers, so that parts add up and are taken away exactly."""

    hits: int
    n: int

    def less(self, other: Tally) -> Tally:
        """Return what is left without a part. Raises ValueError when it is no part."""
        left = Tally(self.hits - other.hits, self.n - other.n)
        if not 0 <= left.hits <= left.n:
            raise ValueError(f"{other} is no part of {self}")
        return left


class Asked(NamedTuple):
    """What an SLO asks of a rate. `point`: its value is judged, not its bound."""

    op: Literal["<=", ">="]
    target: float
    level: float
    point: bool = False


class Spot(NamedTuple):
    """Where an order may hold."""

    tenant: str = "*"
    segment: str = "*"


EVERYTHING: Final = Spot()


class Located(Fact, frozen=True, kw_only=True):
    """A part of the traffic that explains a breach. `bound` faces the target: of the part the one that shows it bad, of
    the rest the one that would show it healthy. `grade`: `proven` or `explains`.
    """

    tenant: str
    segment: str
    grade: str
    hits: int
    n: int
    bound: float
    rest_hits: int
    rest_n: int
    rest_bound: float


def localise(asked: Asked, whole: Tally, parts: Mapping[Spot, Tally], within: Spot = EVERYTHING) -> Located | None:
    """Return the part that explains why `whole`, which is counted `within` a spot, breaches; None if there is none.

    `parts` must lie in `whole`; different values of one key, and different tenants, share no trial. Raises ValueError
    when a part is larger than the whole.
    """
    if _excess(asked, whole) <= 0.0:
        return None
    bad, tried = _bad(asked, parts)
    names = {**{spot: bad[spot] for spot in sorted(bad)}, **_sets(bad)}
    gains = {spot: _gain(whole, tally) - _named(spot, within) * math.log(tried) for spot, tally in names.items()}
    telling = [spot for spot in names if gains[spot] > 0.0]
    for spot in sorted(telling, key=lambda one: (-gains[one], names[one].n, one)):
        found = _located(asked, whole, spot, names[spot])
        if found is not None:
            return found if spot.tenant == within.tenant or _explains(asked, spot, whole, parts) else None
    return None


def narrowed(
    asked: Asked, whole: Tally, spot: Spot, inside: Callable[[Spot], tuple[Tally, Mapping[Spot, Tally]]]
) -> Located | None:
    """Return the smallest part by two steps: first a segment or a tenant of `spot`, then one inside the other.

    `inside(spot)` gives the counts of a part and of its candidate parts. The second step is taken back unless all that
    is left of `whole` is healthy by the same rule.
    """
    first = localise(asked, whole, inside(spot)[1], spot)
    if first is None or "," in first.segment:
        return first
    at = Spot(first.tenant, first.segment)
    tally, parts = inside(at)
    second = localise(asked, tally, parts, at)
    if second is None:
        return first
    return _located(asked, whole, Spot(second.tenant, second.segment), Tally(second.hits, second.n)) or first


def p_value(asked: Asked, tally: Tally) -> float:
    """Return the chance of a rate this bad or worse where the target is just kept, never too small.

    Far out the bound of Chernoff is returned, exp(-n KL), which costs nothing to work out.

    >>> round(p_value(Asked("<=", 0.5, 0.95), Tally(8, 10)), 6)
    0.054688
    """
    bad, allowed = _worse(asked, tally.hits, tally.n)
    if bad <= allowed * tally.n:
        return 1.0
    if allowed <= 0.0:
        return 0.0
    chernoff = math.exp(-tally.n * _divergence(bad / tally.n, allowed))
    if chernoff < _SURELY:
        return chernoff
    return incomplete_beta(bad, tally.n - bad + 1.0, allowed)


def shown_bad(asked: Asked, tally: Tally) -> bool:
    """True when the judge would say `breached` of these counts, samples aside."""
    if not tally.n:
        return False
    facing = tally.hits / tally.n if asked.point else _facing(asked, tally)
    return facing > asked.target if asked.op == "<=" else facing < asked.target


def shown_healthy(asked: Asked, tally: Tally) -> bool:
    """True when the judge would say `met` of these counts, samples aside."""
    if not tally.n:
        return False
    backing = tally.hits / tally.n if asked.point else _backing(asked, tally)
    return backing <= asked.target if asked.op == "<=" else backing >= asked.target


def _bad(asked: Asked, parts: Mapping[Spot, Tally]) -> tuple[dict[Spot, Tally], int]:
    """Return the parts that are shown bad, and how many were tried."""
    least = 1.0 - asked.level
    able = [spot for spot in sorted(parts) if parts[spot].n and _best_p(asked, parts[spot].n) <= least]
    adjusted = holm([p_value(asked, parts[spot]) for spot in able])
    return {spot: parts[spot] for spot, p in zip(able, adjusted, strict=True) if p <= least}, max(len(able), 2)


def _best_p(asked: Asked, n: int) -> float:
    allowed = _worse(asked, 0, 0)[1]
    return 1.0 if allowed >= 1.0 else 0.0 if allowed <= 0.0 else math.exp(n * math.log(allowed))


def _sets(bad: Mapping[Spot, Tally]) -> dict[Spot, Tally]:
    """Return every key's bad values together, where there are several."""
    values: defaultdict[tuple[str, str], list[tuple[str, Tally]]] = defaultdict(list)
    for spot, tally in bad.items():
        terms = parse_segment(spot.segment)
        if len(terms) == 1:
            ((key, (value,)),) = terms.items()
            values[spot.tenant, key].append((value, tally))
    return {
        Spot(tenant, canonical_segment({key: [value for value, _ in found]})): _sum(tally for _, tally in found)
        for (tenant, key), found in values.items()
        if 1 < len(found) <= MOST_VALUES
    }


def _located(asked: Asked, whole: Tally, spot: Spot, tally: Tally) -> Located | None:
    """Return the part with its grade, None when the rest is not healthy."""
    rest = whole.less(tally)
    if rest.n < NARROW_OTHERS or shown_bad(asked, rest):
        return None
    grade = "proven" if shown_healthy(asked, rest) else "explains"
    excess, beside = _excess(asked, tally), max(_excess(asked, rest), 0.0)
    if grade == "explains" and excess < EXPLAINS * (excess + beside):
        return None
    return Located(
        tenant=spot.tenant,
        segment=spot.segment,
        grade=grade,
        hits=tally.hits,
        n=tally.n,
        bound=_facing(asked, tally),
        rest_hits=rest.hits,
        rest_n=rest.n,
        rest_bound=_backing(asked, rest),
    )


def _explains(asked: Asked, spot: Spot, whole: Tally, parts: Mapping[Spot, Tally]) -> bool:
    """True when one tenant explains the hits of all (DECISIONS §6)."""
    hits, total = _worse(asked, *parts[spot])[0], _worse(asked, *whole)[0]
    others = [tally.n for other, tally in parts.items() if other.tenant not in ("*", spot.tenant)]
    return total >= NARROW_HITS and hits >= EXPLAINS * total and max(others, default=0) >= NARROW_OTHERS


def _gain(whole: Tally, tally: Tally) -> float:
    rest = whole.less(tally)
    return _likelihood(tally) + _likelihood(rest) - _likelihood(whole)


def _likelihood(tally: Tally) -> float:
    """Log-likelihood at the own rate."""
    hits, misses = tally.hits, tally.n - tally.hits
    return sum(some * math.log(some / tally.n) for some in (hits, misses) if some)


def _named(spot: Spot, within: Spot) -> int:
    """Return how many values have to be named to tell a part from the whole it lies in."""
    known = parse_segment(within.segment)
    named = sum(len(values) for key, values in parse_segment(spot.segment).items() if known.get(key) != values)
    return max(1, named + (spot.tenant != within.tenant))


def _excess(asked: Asked, tally: Tally) -> float:
    """Return how many more bad trials there are than the target allows."""
    bad, allowed = _worse(asked, tally.hits, tally.n)
    return bad - allowed * tally.n


def _worse(asked: Asked, hits: int, n: int) -> tuple[int, float]:
    """Return the bad trials and the rate of them that is allowed."""
    return (hits, asked.target) if asked.op == "<=" else (n - hits, 1.0 - asked.target)


def _facing(asked: Asked, tally: Tally) -> float:
    bound = rate_lower if asked.op == "<=" else rate_upper
    return bound(tally.hits, tally.n, asked.level)


def _backing(asked: Asked, tally: Tally) -> float:
    bound = rate_upper if asked.op == "<=" else rate_lower
    return bound(tally.hits, tally.n, asked.level)


def _sum(tallies: Iterable[Tally]) -> Tally:
    known: Sequence[Tally] = tuple(tallies)
    return Tally(sum(one.hits for one in known), sum(one.n for one in known))


def _divergence(rate: float, allowed: float) -> float:
    """Kullback-Leibler divergence of Bernoulli(rate) from Bernoulli(allowed), 0 < allowed < 1."""
    of_hit = rate * math.log(rate / allowed) if rate else 0.0
    of_miss = (1.0 - rate) * math.log((1.0 - rate) / (1.0 - allowed)) if rate < 1.0 else 0.0
    return of_hit + of_miss
