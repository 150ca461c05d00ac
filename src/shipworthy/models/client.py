"""Ask a model process for many scores, in order, from ordinary synchronous code.

In: the port of a model process and rows of values in model order. Out: one score, and at most one decision, a row.
Evaluation uses this; the gateway has its own client.
"""

from __future__ import annotations

import http.client

import msgspec

from shipworthy.errors import ModelBroke, Unreachable
from shipworthy.models.spec import Cell, ScoreBody

MOST_BYTES = 32 << 20  # of one request: texts may be long, and the process takes no larger body than twice this
_bodies = msgspec.json.Decoder(ScoreBody)


class Answers(msgspec.Struct, frozen=True):
    """Scores and decisions in the order of the rows. `decisions` is None when the model never decides itself."""

    scores: list[float | None]
    decisions: list[str | None] | None = None


def score_rows(
    port: int, rows: list[list[Cell]], batch: int = 4096, *, host: str = "127.0.0.1", timeout_s: float = 120.0
) -> Answers:
    """Return the answers for all rows, asked `batch` at a time over one connection.

    Raises Unreachable when the process does not answer, or answers with anything but one score a row.
    """
    connection = http.client.HTTPConnection(host, port, timeout=timeout_s)
    scores: list[float | None] = []
    decisions: list[str | None] = []
    decided = False
    try:
        for start in range(0, len(rows), batch):
            body = _ask(connection, rows[start : start + batch])
            scores += body.scores
            decided = decided or body.decisions is not None
            decisions += body.decisions or [None] * len(body.scores)
    except (OSError, http.client.HTTPException, msgspec.MsgspecError) as error:
        raise Unreachable(f"the model process did not answer: {error}", f"{host}:{port}", "see its log") from error
    finally:
        connection.close()
    return Answers(scores=scores, decisions=decisions if decided else None)


def _ask(connection: http.client.HTTPConnection, rows: list[list[Cell]]) -> ScoreBody:
    sent = msgspec.json.encode({"rows": rows})
    if len(sent) > MOST_BYTES and len(rows) > 1:
        return _joined(_ask(connection, rows[: len(rows) // 2]), _ask(connection, rows[len(rows) // 2 :]))
    connection.request("POST", "/score", sent, {"Content-Type": "application/json"})
    response = connection.getresponse()
    received = response.read()
    where = f"{connection.host}:{connection.port}"
    if response.status != 200:
        what = f"status {response.status}: {received[:300].decode(errors='replace')}"
        raise ModelBroke(what, where, "see the log of the model process")
    body = _bodies.decode(received)
    if len(body.scores) != len(rows) or (body.decisions is not None and len(body.decisions) != len(rows)):
        raise Unreachable(f"{len(body.scores)} scores for {len(rows)} rows", where, "one answer a row is needed")
    return body


def _joined(one: ScoreBody, other: ScoreBody) -> ScoreBody:
    if one.decisions is None and other.decisions is None:
        return ScoreBody(scores=one.scores + other.scores)
    decisions = [each for body in (one, other) for each in body.decisions or [None] * len(body.scores)]
    return ScoreBody(scores=one.scores + other.scores, decisions=decisions)
