"""A scikit-learn model out of a skops archive.

In: rows of values in model order. Out: the probability of the second class for each row, or None where the model
cannot say. A model that takes one text (a vectorizer comes first) is given texts; one that takes texts beside numbers
(a ColumnTransformer by position) is given a table of objects. Only types of scikit-learn and numpy are trusted: a skops
archive that needs any other is refused.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import skops.io

from shipworthy.errors import ContractError, PolicySaysNo
from shipworthy.facts.texts import TEXT
from shipworthy.models.encoding import Encoding, read_encodings
from shipworthy.models.spec import Cell, Columns, OpenSpec, ScoreBody

_TRUSTED = ("sklearn.", "numpy.")
_NAN = math.nan


def open_sklearn(folder: Path, spec: OpenSpec, columns: Columns) -> Callable[[list[list[Cell]]], ScoreBody]:
    """Return a function from rows to scores. Raises PolicySaysNo for untrusted types, ContractError for a bad file."""
    model = _load(folder / spec.file)
    encodings = read_encodings(folder, spec, columns)
    if any(kind == TEXT for _, kind in columns):
        return _of_texts(model, folder / spec.file, columns, encodings)

    def score(rows: list[list[Cell]]) -> ScoreBody:
        table, readable = _table(rows, columns, encodings)
        return ScoreBody(scores=_scores(model, table, readable))

    return score


def _of_texts(
    model: Any,  # noqa: ANN401
    path: Path,
    columns: Columns,
    encodings: dict[str, Encoding],
) -> Callable[[list[list[Cell]]], ScoreBody]:
    """A model that reads text. Rows without their text are not asked: no vectorizer takes an empty cell."""
    alone = not hasattr(model, "n_features_in_")  # a vectorizer never says what it takes, and a table always does
    if alone and len(columns) != 1:
        told = f"the model takes one text, and {len(columns)} features are declared"
        raise ContractError(told, str(path), "declare the one text, or train on a ColumnTransformer")
    texts = [at for at, (_, kind) in enumerate(columns) if kind == TEXT]
    numbers = tuple(("", "float") if kind == TEXT else (name, kind) for name, kind in columns)

    def score(rows: list[list[Cell]]) -> ScoreBody:
        bare = [[None if at in texts else cell for at, cell in enumerate(row)] for row in rows]
        plain, readable = _table(bare, numbers, encodings)
        table = plain.astype(object)
        for i, row in enumerate(rows):
            readable[i] = readable[i] and all(isinstance(row[at], str) for at in texts)
            table[i, texts] = [row[at] for at in texts]
        asked = np.flatnonzero(readable)
        given = table[asked, 0] if alone else table[asked]
        scores: list[float | None] = [None] * len(rows)
        told = _scores(model, given, [True] * len(asked)) if len(asked) else []
        for i, value in zip(asked.tolist(), told, strict=True):
            scores[i] = value
        return ScoreBody(scores=scores)

    return score


def _load(path: Path) -> Any:  # noqa: ANN401 - any scikit-learn estimator
    if not path.is_file():
        raise ContractError("the model file is missing", str(path), "run shipworthy build")
    needed = skops.io.get_untrusted_types(file=path)
    strange = [name for name in needed if not name.startswith(_TRUSTED)]
    if strange:
        raise PolicySaysNo(f"needs types that are not trusted: {', '.join(strange)}", str(path), "keep to scikit-learn")
    model = skops.io.load(path, trusted=needed)
    if not hasattr(model, "predict_proba"):
        raise ContractError("the model has no predict_proba", str(path), "save a classifier that gives probabilities")
    if len(model.classes_) != 2:
        raise ContractError(f"the model has {len(model.classes_)} classes", str(path), "save a two-class classifier")
    return model


def _table(rows: list[list[Cell]], columns: Columns, encodings: dict[str, Encoding]) -> tuple[Any, list[bool]]:
    """Return the float64 matrix and whether every cell of each row could be read as its declared type."""
    table = np.empty((len(rows), len(columns)), dtype=np.float64)
    readable = [True] * len(rows)
    for i, row in enumerate(rows):
        if len(row) != len(columns):
            raise ContractError(f"a row has {len(row)} values, the model takes {len(columns)}", "score")
        for j, (cell, (name, kind)) in enumerate(zip(row, columns, strict=True)):
            number = _encoded(cell, encodings[name]) if kind == "category" else _number(cell)
            readable[i] = readable[i] and number is not None
            table[i, j] = _NAN if number is None else number
    return table, readable


def _encoded(cell: Cell, encoding: Encoding) -> float | None:
    """Return the number of a category (NaN = unknown or missing without a number), None for what is no text."""
    if cell is None:
        return _NAN if encoding.missing is None else encoding.missing
    if not isinstance(cell, str):
        return None
    number = encoding.values.get(cell, encoding.unseen)
    return _NAN if number is None else number


def _number(cell: Cell) -> float | None:
    """Return the number (NaN = missing), None for text: a value of the wrong type is not a missing one."""
    if cell is None:
        return _NAN
    return None if isinstance(cell, str) else float(cell)


def _scores(model: Any, table: Any, readable: list[bool]) -> list[float | None]:  # noqa: ANN401
    """Score all rows at once; a model that refuses NaN scores the whole rows, the others get None."""
    try:
        raw = model.predict_proba(table)[:, 1].tolist()
    except ValueError:
        whole = np.array([not any(cell != cell for cell in np.atleast_1d(row)) for row in table])
        if whole.all():
            raise
        raw = [None] * len(table)
        if whole.any():
            for i, value in zip(np.flatnonzero(whole), model.predict_proba(table[whole])[:, 1].tolist(), strict=True):
                raw[i] = value
    return [value if ok and value is not None and math.isfinite(value) else None
            for value, ok in zip(raw, readable, strict=True)]  # fmt: skip
