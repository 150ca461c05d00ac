"""What the log is compared with: the profile that was built with the model, or one fitted from a reference log.

In: a repository, or a reference log, with a contract or without one. Out: a profile, its features, and the reference's
scores by bin. Without a contract the types of columns are read off the reference: all numbers, few words, or free text;
a column of words that never repeat identifies rows and is no feature.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Literal

import msgspec
import numpy as np

from shipworthy.contract.manifest import Feature, Manifest
from shipworthy.errors import CannotDecide, UsageError
from shipworthy.facts import SCORE_BINS, Fact
from shipworthy.flows.monitor.lens import Names
from shipworthy.flows.monitor.logs import Chunk
from shipworthy.models.spec import Cell
from shipworthy.profile.reference import fit_profile
from shipworthy.profile.rows import Value, as_number
from shipworthy.profile.shapes import Profile
from shipworthy.runtime.subject import PROFILE
from shipworthy.runtime.workspace import Workspace

MOST_ROWS = 200_000
LEAST_ROWS = 900  # of which 300 calibrate: fewer could not flag one row in a hundred by two views
_WORDS_IN_TEXT = 3
_MOST_WORDS = 1000
Row = dict[str, Value]


class Reference(Fact, frozen=True, kw_only=True):
    """A profile, its features, scores by bin (() = it has none), what it was made of, and columns left out."""

    profile: Profile
    features: tuple[Feature, ...]
    told: str
    scores: tuple[int, ...] = ()
    left_out: tuple[str, ...] = ()


def built(workspace: Workspace, manifest: Manifest) -> Reference:
    """Return the profile in the artefact folder. Raises CannotDecide unless it was built with cells."""
    path = workspace.root / manifest.artefacts / PROFILE
    try:
        profile = msgspec.json.decode(path.read_bytes(), type=Profile, strict=True)
    except (OSError, msgspec.MsgspecError) as problem:
        fix = "run `shipworthy build`, or name a reference log with --reference"
        raise CannotDecide(f"cannot be read: {problem}", str(path), fix) from problem
    if profile.bins is None:
        raise CannotDecide("made before windows counted inputs: nothing to compare with", str(path), "build it again")
    told = f"the {profile.n_train} training rows of version {manifest.version}"
    return Reference(profile=profile, features=manifest.features, told=told)


def fitted(
    source: Iterable[Chunk], manifest: Manifest | None, names: Names, ignored: Collection[str], told: str
) -> Reference:
    """Return a profile of a reference log: two rows of three fit it, the third calibrates.

    Of more than 200,000 rows the first are taken. Raises UsageError for fewer than 900.
    """
    rows = list(_rows(source))
    if len(rows) < LEAST_ROWS:
        raise UsageError(f"{len(rows)} rows, {LEAST_ROWS} needed", told, "give a longer reference log")
    left_out: tuple[str, ...] = ()
    if manifest is not None:
        features = manifest.features
    else:
        features, left_out = inferred(rows, names.all() | set(ignored))
    train, calibration = [row for at, row in enumerate(rows) if at % 3 != 2], rows[2::3]
    return Reference(
        profile=fit_profile(features, train, calibration),
        features=features,
        told=f"{len(rows)} rows of {told}",
        scores=_scores(rows, names.score),
        left_out=left_out,
    )


def inferred(rows: Sequence[Row], not_inputs: Collection[str]) -> tuple[tuple[Feature, ...], tuple[str, ...]]:
    """Return (features by what their cells look like, columns of words that never repeat)."""
    columns = dict.fromkeys(name for row in rows[:1000] for name in row if name not in not_inputs)
    features, left_out = [], []
    for name in columns:
        cells = [cell for row in rows if (cell := row.get(name)) is not None]
        kind = _kind(cells)
        if kind is None:
            left_out.append(name)
        else:
            features.append(Feature(name=name, type=kind))
    if not features:
        raise UsageError("no column that could be an input", "--reference", "name a log with the model's inputs")
    return tuple(features), tuple(left_out)


def _kind(cells: Sequence[Value]) -> Literal["float", "category", "text"] | None:
    if all(as_number(cell) is not None for cell in cells):
        return "float"
    words = {str(cell) for cell in cells}
    if len(words) <= min(_MOST_WORDS, max(20, len(cells) // 2)):
        return "category"
    return "text" if sum(len(word.split()) for word in words) >= _WORDS_IN_TEXT * len(words) else None


def _rows(source: Iterable[Chunk]) -> Iterator[Row]:
    left = MOST_ROWS
    for chunk in source:
        columns: dict[str, list[Cell]] = {}
        for name, column in chunk.columns.items():
            cells, codes = column.cells()
            columns[name] = [cells[code] for code in codes.tolist()]
        for at in range(min(chunk.n, left)):
            yield {name: _value(cells[at]) for name, cells in columns.items()}
        left -= chunk.n
        if left <= 0:
            return


def _value(cell: Cell) -> Value:
    return int(cell) if isinstance(cell, bool) else cell


def _scores(rows: Sequence[Row], name: str) -> tuple[int, ...]:
    told = [score for row in rows if (score := as_number(row.get(name))) is not None and 0.0 <= score <= 1.0]
    if not told:
        return ()
    bins = np.minimum((np.array(told) * SCORE_BINS).astype(np.intp), SCORE_BINS - 1)
    return tuple(np.bincount(bins, minlength=SCORE_BINS).tolist())
