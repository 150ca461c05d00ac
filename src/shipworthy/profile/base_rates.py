"""How often the label was 1 in training, over all and by the value of each public segment key.

In: labelled training rows. Out: `BaseRate`s for the profile: what the world was like when the model learned, beside
which later label rates are read. A value held by fewer than 20 rows is not told: such values are put together under
`__other__`, and where even those are fewer than 20, the next smallest value joins them, so that nothing can be found by
subtraction. Keys that are not public are left out: their values are nobody's to read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from shipworthy.facts import OTHER, canonical_segment
from shipworthy.profile.groups import GroupedFeature, group_of
from shipworthy.profile.rows import Row
from shipworthy.profile.shapes import BaseRate

LEAST_ROWS = 20


def base_rates(rows: Sequence[Row], label: str, keys: Mapping[str, GroupedFeature | None]) -> tuple[BaseRate, ...]:
    """Return the rates, `*` first; none where fewer than 20 rows have a label. `keys`: public segment keys, with the
    feature that bins them (None for a column that is no feature)."""
    labelled = [(row, int(truth)) for row in rows if (truth := row.get(label)) in (0, 1) and truth is not None]
    if len(labelled) < LEAST_ROWS:
        return ()
    made = [BaseRate(segment="*", n=len(labelled), positive=sum(truth for _, truth in labelled))]
    for key, feature in keys.items():
        values = [group_of(feature, row.get(key)) for row, _ in labelled]
        n = Counter(values)
        positive = Counter(value for value, (_, truth) in zip(values, labelled, strict=True) if truth)
        told = _told(n)
        made += [_rate(key, value, (value,), n, positive) for value in sorted(told)]
        if len(told) < len(n) and told:
            made.append(_rate(key, OTHER, sorted(set(n) - told), n, positive))
    return tuple(made)


def _told(n: Counter[str]) -> set[str]:
    """The values told one by one: all but the small ones, and but for as many more as hide these."""
    rising = sorted(n, key=lambda value: (n[value], value))
    hidden = [value for value in rising if n[value] < LEAST_ROWS]
    for value in rising[len(hidden) :]:
        if not hidden or sum(n[one] for one in hidden) >= LEAST_ROWS:
            break
        hidden.append(value)
    return set(n) - set(hidden)


def _rate(key: str, name: str, values: Sequence[str], n: Counter[str], positive: Counter[str]) -> BaseRate:
    return BaseRate(
        segment=canonical_segment({key: (name,)}),
        n=sum(n[value] for value in values),
        positive=sum(positive[value] for value in values),
    )
