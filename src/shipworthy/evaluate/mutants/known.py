"""What a mutation may look at: declared features, the team's own rows, a seed.

In: the contract's features and rows. Out: the facts that mutations are aimed by: which feature tells most, which least,
and which group is the smallest that is not tiny.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from shipworthy.contract.manifest import Feature
from shipworthy.evaluate.mutants.kind import NotMade
from shipworthy.facts import MISSING, seed_of
from shipworthy.profile.groups import group_of
from shipworthy.profile.rows import CATEGORY, Row, Value, as_category, as_number
from shipworthy.profile.thresholds import Words

SMALLEST_GROUP = 0.08


@dataclass(frozen=True, kw_only=True)
class Known:
    """`train`, `held_out`: rows with labels. `label`: their column; `tenant`: whose row it is, where told."""

    features: tuple[Feature, ...]
    label: str
    train: Sequence[Row]
    held_out: Sequence[Row]
    seed: int
    words: Words = field(default_factory=Words)
    tenant: str | None = None

    def draws(self, mutant: str) -> np.random.Generator:
        """Return the generator of one mutant: another mutant never moves it."""
        return np.random.default_rng(seed_of(self.seed, "strength", mutant))

    def values(self, row: Row) -> list[Value]:
        """Return a row as the model takes it."""
        return [as_category(row.get(one.name)) if one.type == CATEGORY else row.get(one.name) for one in self.features]

    def truth(self, row: Row) -> int | None:
        """Return the label, 0 or 1, or None."""
        number = as_number(row.get(self.label))
        return int(number) if number in (0.0, 1.0) else None

    @cached_property
    def telling(self) -> tuple[Feature, ...]:
        """The numeric features by how much they tell of the label in training, most first. Raises NotMade for none."""
        found = [(one, self._tells(one)) for one in self.features if one.type != CATEGORY]
        told = [(one, tells) for one, tells in found if tells is not None]
        if not told:
            raise NotMade("features", "no number among the features varies in training")
        return tuple(one for one, _ in sorted(told, key=lambda pair: (-pair[1], pair[0].name)))

    @cached_property
    def group(self) -> tuple[Feature, str]:
        """The smallest group of at least 8 % of the training rows: of protected features, else of any with groups."""
        grouped = [one for one in self.features if one.type in (CATEGORY, "bool") or one.bins]
        for some in ([one for one in grouped if one.protected], grouped):
            sizes = [(share, one.name, group, one) for one in some for group, share in self._shares(one)]
            if sizes:
                _, _, group, feature = min(sizes, key=lambda size: size[:3])
                return feature, group
        raise NotMade("group", "no feature makes a group of 8 % to 50 % of the rows")

    def _shares(self, feature: Feature) -> list[tuple[str, float]]:
        sizes = Counter(group_of(feature, row.get(feature.name)) for row in self.train)
        shares = [(group, n / len(self.train)) for group, n in sorted(sizes.items()) if group != MISSING]
        return [(group, share) for group, share in shares if SMALLEST_GROUP <= share <= 0.5]

    def _tells(self, feature: Feature) -> float | None:
        """The absolute correlation with the label, None for a feature that does not vary."""
        pairs = [(as_number(row.get(feature.name)), self.truth(row)) for row in self.train]
        kept = np.array([(x, y) for x, y in pairs if x is not None and y is not None], dtype=np.float64)
        if len(kept) < 2 or not kept.std(axis=0).all():
            return None
        x, y = (column - column.mean() for column in kept.T)
        return float(abs(x @ y) / np.sqrt((x @ x) * (y @ y)))
