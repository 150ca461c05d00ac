"""An MLflow scoring server (`mlflow models serve`, and what copies it) as an upstream.

In: rows of values in model order. Out: `Scored`, strictly. Format: mlflow/pyfunc/scoring_server: `POST /invocations`
with `dataframe_split`, `{"predictions": [...]}` back: a number a row, a list of probabilities a row, or a record a row.
A whole number is a class label, not a score: a model that answers so has to be logged with `predict_proba`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from shipworthy.deploy.http.upstream import Scored, UpstreamFailed, positive
from shipworthy.models.spec import Cell, Columns

_encode = msgspec.json.Encoder().encode


class _Body(msgspec.Struct, frozen=True):
    predictions: list[Any]


_bodies = msgspec.json.Decoder(_Body)


class Mlflow:
    """The dialect of an MLflow scoring server. `output`: the member of a record that holds the score, "" when it has
    only one. `column`: which of several probabilities."""

    kind = "mlflow"

    def __init__(self, path: str, columns: Columns, output: str = "", column: int | None = None) -> None:
        self.path, self.health = f"{path}/invocations", f"{path}/ping"
        self._names = [name for name, _ in columns]
        self._output, self._column = output, column

    def body(self, rows: Sequence[list[Cell]]) -> bytes:
        """Return the request for these rows."""
        return _encode({"dataframe_split": {"columns": self._names, "data": rows}})

    def scores(self, body: bytes, n: int) -> list[Scored]:
        """Return one score a row. Raises UpstreamFailed."""
        try:
            told = _bodies.decode(body).predictions
        except (msgspec.MsgspecError, RecursionError) as error:
            raise UpstreamFailed(f"body: {error}") from error
        if len(told) != n:
            raise UpstreamFailed(f"body: {len(told)} predictions for {n} rows")
        return [Scored(positive(self._numbers(one), self._column)) for one in told]

    def _numbers(self, one: object) -> list[float]:
        """Return the probabilities of one row."""
        if isinstance(one, dict):
            names = [self._output] if self._output else list(one)
            if len(names) != 1 or names[0] not in one:
                raise UpstreamFailed(f"body: not one member {self._output!r} of {', '.join(map(str, one))}"[:200])
            one = one[names[0]]
        numbers: list[Any] = one if isinstance(one, list) else [one]
        if any(type(number) is int for number in numbers):
            raise UpstreamFailed("score: a whole number is a label, log the model with predict_proba")
        if not all(type(number) is float for number in numbers):
            raise UpstreamFailed("body: a prediction is not a number")
        return numbers
