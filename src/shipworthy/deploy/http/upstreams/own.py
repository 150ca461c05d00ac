"""Our own model process: `POST /score` with rows, one score and at most one decision a row back.

In: rows of values in model order. Out: `Scored`, strictly. Format: `shipworthy.models.spec.ScoreBody`.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from shipworthy.deploy.http.upstream import Scored, UpstreamFailed, usable
from shipworthy.models.spec import Cell, ScoreBody

_encode = msgspec.json.Encoder().encode
_bodies = msgspec.json.Decoder(ScoreBody)


class Own:
    """The dialect of `python -m shipworthy.models.server`."""

    kind = "own"
    path = "/score"
    health = "/health"

    def body(self, rows: Sequence[list[Cell]]) -> bytes:
        """Return the request for these rows."""
        return _encode({"rows": rows})

    def scores(self, body: bytes, n: int) -> list[Scored]:
        """Return one score a row. Raises UpstreamFailed."""
        try:
            told = _bodies.decode(body)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise UpstreamFailed(f"body: {error}") from error
        scores, decisions = told.scores, told.decisions
        if len(scores) != n or (decisions is not None and len(decisions) != n):
            raise UpstreamFailed("body: not one answer for one row")
        if decisions is None:
            return [Scored(usable(score)) for score in scores]
        return [Scored(usable(score), decision) for score, decision in zip(scores, decisions, strict=True)]
