"""The reference profile as a value: what the inputs of one model looked like when it was built.

In: numbers made by `reference`. Out: `profile.json` beside the model; the same profile gives the same bytes. It holds
quantiles, counts and a covariance, never a training row.
"""

from __future__ import annotations

from shipworthy.facts import Fact
from shipworthy.profile.bins import InputBins

COVARIANCE = "covariance"
MARGINAL = "marginal"
VIEWS = (COVARIANCE, MARGINAL)


class NumericReference(Fact, frozen=True, kw_only=True):
    """One number: `edges` cut the line into `len(edges) + 1` cells, `surprise[i]` belongs to the i-th.

    `min`, `max` are the declared range. `scale` measures how far beyond the seen values a value lies, in its own unit.
    `missing` is the surprise of an empty cell, None if training had none (then an empty cell is an override).
    """

    name: str
    min: float | None
    max: float | None
    edges: tuple[float, ...]
    surprise: tuple[float, ...]
    scale: float
    missing: float | None


class CategoryReference(Fact, frozen=True, kw_only=True):
    """One category: the dictionary of training with the surprise of each value. `accepted` are known to the contract
    though unknown to the model: no surprise at all. `places`: where the common values lie among the other columns, for
    the covariance view (`profile.places`); every other value counts as the mean there."""

    name: str
    values: tuple[str, ...]
    surprise: tuple[float, ...]
    accepted: tuple[str, ...]
    missing: float | None
    places: dict[str, float] = {}


class TextReference(Fact, frozen=True, kw_only=True):
    """One text. `signs` are references of the whole numbers that `profile.texts` reads off it, in their order; `known`:
    one bit per hash of a word that two training rows or more hold, in hex: words cannot be read back from it.

    `max` is the most characters. `missing`: training had rows without a text (else an empty one is an override).
    """

    name: str
    max: float | None
    signs: tuple[NumericReference, ...]
    known: str
    missing: bool


class CovarianceReference(Fact, frozen=True, kw_only=True):
    """Numbers, those that texts give, and the places of categories, standardised by `mean` and `scale`; `whitening`
    (rows of a d x d matrix) turns them into d numbers whose squares add up to the squared Mahalanobis distance. With
    `centres` (whitened means of ten training rows or more each), the distance is that from the nearest of them.
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    whitening: tuple[tuple[float, ...], ...]
    centres: tuple[tuple[float, ...], ...] = ()


class BaseRate(Fact, frozen=True, kw_only=True):
    """Of `n` labelled training rows in `segment` (canonical text), `positive` had the label 1."""

    segment: str
    n: int
    positive: int


class Profile(Fact, frozen=True, kw_only=True):
    """The reference of one model's inputs. `calibration` holds per view the `n_calibration` sorted scores of rows not
    trained on; the i-th row of the covariance view is the `paired[i]`-th of the marginal view. `cross_fitted` of them
    are training rows, each left out of the reference that scored it. `overridden` counts calibration rows that an
    override catches before any view is asked. `bins` are the cells that live traffic is counted in; a profile of before
    has none, and then drift has no source. `base_rates`: of the label in
    training (`profile.base_rates`).
    """

    version: int = 1
    order: tuple[str, ...]
    numbers: tuple[NumericReference, ...]
    categories: tuple[CategoryReference, ...]
    texts: tuple[TextReference, ...] = ()
    covariance: CovarianceReference
    calibration: dict[str, tuple[float, ...]]
    paired: tuple[int, ...] = ()
    n_train: int
    n_calibration: int
    overridden: int
    bins: InputBins | None = None
    cross_fitted: int = 0
    base_rates: tuple[BaseRate, ...] = ()
