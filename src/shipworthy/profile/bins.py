"""The cells that live traffic is counted in, fixed by the reference: what windows can be merged and compared on.

In: what `fit_bins` measured on the training rows. Out: values that travel in `profile.json`, with the counts of the
training rows themselves. No cell holds a value of a row, except an atom: a number that at least one row in 128 of the
training rows has, or one of at most 31 numbers that a column takes.

A number finds its cell through a fine fixed grid (one multiplication), never by a search; at most 64 cells of about
equal mass are made of whole grid cells, and of atoms, which stand alone.
"""

from __future__ import annotations

from shipworthy.facts import Digest, Fact, digest

MOST_BINS = 64
MOST_CATEGORIES = 254
PROJECTIONS = 8
OUTSIDE = ("below", "above", "missing")
BEYOND = ("other", "unseen", "missing")


class NumberBins(Fact, frozen=True, kw_only=True):
    """One number. Grid cell of x = trunc(clip(x * per + shift, 0, cells + 1)); the first and the last are open.

    `starts`: the grid cells that begin a new bin, ascending; `atoms`: values that are a bin of their own, ascending,
    each in another grid cell, which they part in three. `counts`: rows of the reference in each bin, lowest first, then
    below `least`, above `most` (always 0 there) and empty.
    """

    name: str
    per: float
    shift: float
    cells: int
    starts: tuple[int, ...]
    atoms: tuple[float, ...]
    least: float
    most: float
    counts: tuple[int, ...]


class CategoryBins(Fact, frozen=True, kw_only=True):
    """One category: its 254 commonest values, then `other` (known, but rarer), `unseen` (0 in the reference), empty.

    `known`: the rarer values; what is in neither list is unseen.
    """

    name: str
    values: tuple[str, ...]
    known: tuple[str, ...]
    counts: tuple[int, ...]


class JointBins(Fact, frozen=True, kw_only=True):
    """Several numbers together: `distance` cuts the squared Mahalanobis distance in 32 cells, `cuts` the projections on
    `directions` (8 unit vectors of the whitened space, random, fixed) in 16 each. `counts`: 32 + 8 * 16."""

    directions: tuple[tuple[float, ...], ...]
    distance: tuple[float, ...]
    cuts: tuple[tuple[float, ...], ...]
    counts: tuple[int, ...]


class InputBins(Fact, frozen=True, kw_only=True):
    """All of a model's inputs. `n`: rows of the reference. The order of numbers and categories is that of windows."""

    n: int
    numbers: tuple[NumberBins, ...]
    categories: tuple[CategoryBins, ...]
    joint: JointBins | None = None

    @property
    def features(self) -> tuple[NumberBins | CategoryBins, ...]:
        """Return all features in the order of windows: numbers, then categories."""
        return (*self.numbers, *self.categories)

    @property
    def width(self) -> int:
        """Return how many counts a window holds over all features."""
        return sum(len(one.counts) for one in self.features)

    def fingerprint(self) -> Digest:
        """Return the digest of all cells: windows of another one are never added to these."""
        return digest(self)
