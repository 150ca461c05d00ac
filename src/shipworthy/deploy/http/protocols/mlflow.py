"""MLflow's scoring protocol (mlflow/pyfunc/scoring_server): `/ping`, `/health`, `/version` and `POST /invocations`.

In: tables as JSON or CSV. Out: `{"predictions": [...]}`, one record a row: the same `Reply` that `/decide` gives, so
decision, route, score and receipt. A decision that waits for a person is a record with route `person`, and a 200, since
MLflow's clients know no other success. What is refused is `{"error_code", "message"}`; another content type is a 415 in
plain text, as there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shipworthy import __version__
from shipworthy.deploy.body import Cell
from shipworthy.deploy.http.protocols.csv_rows import read_csv
from shipworthy.deploy.http.protocols.decide import reply_of
from shipworthy.deploy.http.protocols.intake import Asked, Got, Intake
from shipworthy.deploy.http.wire import TEXT, Headers, Refusal, Response, Scope, encode, header
from shipworthy.deploy.mlflow import read_invocation

INVOCATIONS = "/invocations"
_CODES = {
    404: "RESOURCE_DOES_NOT_EXIST", 429: "REQUEST_LIMIT_EXCEEDED", 500: "INTERNAL_ERROR",
    503: "TEMPORARILY_UNAVAILABLE",
}  # fmt: skip
_TYPES = "the content type is neither application/json nor text/csv, in UTF-8"


class Mlflow:
    """The scoring server's paths over one gateway."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self.got: Mapping[str, Got] = {"/ping": self._ping, "/health": self._ping, "/version": self._version}

    async def invocations(self, scope: Scope, asked: Asked) -> Response:
        """Answer the rows of one table."""
        outcomes, headers = await self._intake.decided(self._rows(scope, asked.body), asked)
        if all(outcome.error for outcome in outcomes):
            return refused(503, outcomes[0].error, headers)
        return Response(200, encode({"predictions": [reply_of(one) for one in outcomes]}), headers)

    def _rows(self, scope: Scope, body: bytes) -> Sequence[dict[str, Cell]]:
        kind = _media_type(header(scope, b"content-type") or b"")
        if kind == "application/json":
            return read_invocation(body)
        if kind == "text/csv":
            return read_csv(body, self._types())
        raise Refusal(415, _TYPES)

    def _types(self) -> dict[str, str]:
        """Return the types of all features that are served; where versions differ, the baseline's."""
        w = self._intake.wiring
        baseline = w.releases.get(w.routes().baseline)
        columns = [pair for release in w.releases.values() for pair in release.columns]
        return dict([*columns, *(baseline.columns if baseline is not None else ())])

    def _ping(self) -> Response:
        return Response(200 if self._intake.ready() else 404, b"\n", [])

    def _version(self) -> Response:
        return Response(200, __version__.encode(), [], TEXT)


def refused(status: int, why: str, headers: Headers) -> Response:
    """Return an error as MLflow's clients read it."""
    if status == 415:
        return Response(status, why.encode(), headers, TEXT)
    return Response(status, encode({"error_code": _CODES.get(status, "BAD_REQUEST"), "message": why}), headers)


def _media_type(told: bytes) -> str:
    """Return the media type when its charset, if one is named, is UTF-8; "" for all else."""
    kind, _, parameter = told.decode("latin-1").lower().partition(";")
    known = parameter.replace(" ", "").replace('"', "") in ("", "charset=utf-8")
    return kind.strip() if known else ""
