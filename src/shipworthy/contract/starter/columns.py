"""What the columns of a table look like: which is the label, which are inputs, and of what type.

In: rows whose cells are whole numbers, text or None, as they are spelled. Out: features with the range seen, the label,
and the columns left out with the reason. A guess is written down for people to read, never used unseen: `init` writes
it into `shipworthy.yaml`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from shipworthy.contract.manifest import Feature
from shipworthy.contract.manifest_reader import FEATURE_NAME, KEPT_WORDS
from shipworthy.errors import UsageError

Row = Mapping[str, int | float | str | bool | None]

LABELS = ("label", "target", "y", "outcome", "class", "truth")
PROTECTED = frozenset(
    {
        "age", "birth_year", "disability", "ethnicity", "gender", "marital_status", "nationality", "pregnant", "race",
        "religion", "sex",
    }
)  # fmt: skip
MOST_CATEGORIES = 50
LEAST_ROWS_PER_CATEGORY = 5
MOST_KEYS = 3
_ID = re.compile(r"(?:.*_)?(?:id|uuid|key|index)|unnamed.*", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)


class Guess(msgspec.Struct, frozen=True):
    """The inputs in the model's order, `column: why` for each column left out, and columns to tell traffic apart by."""

    features: tuple[Feature, ...]
    left_out: tuple[str, ...]
    keys: tuple[str, ...] = ()


def number_of(cell: object) -> float | None:
    """Return the number a cell spells, None for text and for an empty cell. `007` is text: a code, not a count.

    >>> [number_of(cell) for cell in (7, "1.50", "007", "", None, "nan")]
    [7.0, 1.5, None, None, None, None]
    """
    if isinstance(cell, int | float):
        return float(cell)
    return float(cell) if isinstance(cell, str) and _NUMBER.fullmatch(cell) else None


def guess_label(rows: Sequence[Row], named: str | None) -> str:
    """Return the column that holds the truth. Raises UsageError when none can be told, or it is not 0/1."""
    columns = list(rows[0]) if rows else []
    binary = [column for column in columns if {number_of(value) for value in _values(rows, column)} == {0.0, 1.0}]
    listed = f"columns with 0 and 1: {', '.join(binary) or 'none'}"
    if named is not None:
        if named not in columns:
            raise UsageError(f"no column {named!r}", "--label", listed)
        if named not in binary:
            raise UsageError(
                f"the label {named!r} is not 0/1 in every row", "--label", f"write it as 0 and 1; {listed}"
            )
        return named
    known = [column for wanted in LABELS for column in binary if column.lower() == wanted]
    if not known:
        raise UsageError("which column holds the truth cannot be told", "the data", f"say --label COLUMN; {listed}")
    return known[0]


def guess_features(rows: Sequence[Row], skip: Collection[str], taken: Sequence[str] = ()) -> Guess:
    """Return the inputs: what the model says it takes (`taken`), else every column that can be one.

    Raises UsageError for an input whose name cannot stand in an expression, or that is no column.
    """
    columns = list(rows[0]) if rows else []
    if taken:
        absent = [name for name in taken if name not in columns]
        if absent:
            raise UsageError(
                f"the model takes {absent[0]!r}, and no column is named so", "the data", "give --data FILE"
            )
        return Guess(tuple(_feature(rows, name) for name in taken), ())
    features: list[Feature] = []
    left_out: list[str] = []
    for column in columns:
        if column not in skip:
            why = _no_input(rows, column)
            left_out += [f"{column}: {why}"] if why else []
            features += [] if why else [_feature(rows, column)]
    if not features:
        raise UsageError("no column looks like an input", "the data", "give --data FILE with the rows the model takes")
    return Guess(tuple(features), tuple(left_out))


def guess_text(rows: Sequence[Row], skip: Collection[str]) -> Guess:
    """Return the one column of texts as the input, and as `keys` the columns of few words beside it.

    Of several the longest texts are taken. Raises UsageError where no column holds texts.
    """
    columns = [column for column in (rows[0] if rows else ()) if column not in skip]
    lengths = {column: _mean_length(rows, column) for column in columns if _is_free(rows, column)}
    if not lengths:
        raise UsageError("no column holds texts", "the data", "give --data FILE, or leave --template text out")
    found = max(lengths, key=lambda column: lengths[column])
    if not FEATURE_NAME.fullmatch(found) or found in KEPT_WORDS:
        raise UsageError(f"the column {found!r} cannot be named in an expression", "the data", "rename it: message")
    longest = max(len(str(value)) for value in _values(rows, found))
    feature = Feature(name=found, type="text", max=float(-(-longest // 100) * 100), mutable="yes")
    keys = [column for column in columns if column not in lengths and _is_key(rows, column)]
    left_out = [f"{column}: another text" for column in lengths if column != found]
    left_out += [f"{column}: the model reads one text" for column in columns if column not in (*lengths, *keys)]
    return Guess((feature,), tuple(left_out), tuple(keys[:MOST_KEYS]))


def _is_key(rows: Sequence[Row], column: str) -> bool:
    if _no_input(rows, column) or not FEATURE_NAME.fullmatch(column) or column in KEPT_WORDS:
        return False
    return len(_values(rows, column)) > 1 and _feature(rows, column).type == "category"


def _mean_length(rows: Sequence[Row], column: str) -> float:
    lengths = [len(str(cell)) for row in rows if (cell := row.get(column)) is not None]
    return sum(lengths) / len(lengths)


def guess_unit(rows: Sequence[Row]) -> str | None:
    """Return the id whose rows belong together (a customer, a crash): many values, some on several rows; else None."""
    repeated = []
    for column in rows[0] if rows else ():
        if _ID.fullmatch(column) and FEATURE_NAME.fullmatch(column) and column not in KEPT_WORDS:
            values = _values(rows, column)
            filled = sum(row.get(column) is not None for row in rows)
            repeated += [(len(values), column)] if MOST_CATEGORIES < len(values) < filled else []
    return max(repeated)[1] if repeated else None


def quantile(rows: Iterable[Row], column: str, share: float) -> float | None:
    """Return the value of a numeric column below which about `share` of the rows lie; None without numbers."""
    numbers = sorted(number for row in rows if (number := number_of(row.get(column))) is not None)
    return numbers[min(int(share * len(numbers)), len(numbers) - 1)] if numbers else None


def _no_input(rows: Sequence[Row], column: str) -> str:
    """Return why a column cannot be an input, nothing when it can."""
    values = _values(rows, column)
    if not values:
        return "empty"
    if _ID.fullmatch(column):
        return "an id by its name"
    if all(number_of(value) is not None for value in values):
        return ""
    return f"text with {len(values)} different values" if _is_free(rows, column) else ""


def _is_free(rows: Sequence[Row], column: str) -> bool:
    """True for a column of words that are too many for categories: what somebody wrote."""
    values = _values(rows, column)
    if not values or _ID.fullmatch(column) or all(number_of(value) is not None for value in values):
        return False
    return len(values) > MOST_CATEGORIES or len(values) * LEAST_ROWS_PER_CATEGORY > len(rows)


def _feature(rows: Sequence[Row], column: str) -> Feature:
    if not FEATURE_NAME.fullmatch(column) or column in KEPT_WORDS:
        raise UsageError(f"the column {column!r} cannot be named in an expression", "the data", "rename it: age_years")
    values = _values(rows, column)
    numbers = [number for value in values if (number := number_of(value)) is not None]
    protected = column.lower() in PROTECTED
    if not values or len(numbers) < len(values):
        return Feature(name=column, type="category", protected=protected)
    if values <= {0, 1}:
        return Feature(name=column, type="bool", protected=protected)
    whole = all(isinstance(value, int) for value in values)
    return Feature(
        name=column,
        type="int" if whole else "float",
        min=min(numbers),
        max=max(numbers),
        protected=protected,
        bins=_edges(rows, column) if protected else (),
    )


def _edges(rows: Sequence[Row], column: str) -> tuple[float, ...]:
    """Edges that cut the rows into about four groups, so that a protected number can be audited by group."""
    cuts = {quantile(rows, column, share) for share in (0.25, 0.5, 0.75)}
    lowest = quantile(rows, column, 0.0)
    return tuple(sorted(cut for cut in cuts if cut is not None and cut != lowest))


def _values(rows: Sequence[Row], column: str) -> set[object]:
    return {cell for row in rows if (cell := row.get(column)) is not None}
