"""Versions whose scores come from a server that somebody else runs, as the command line names them.

In: a text such as `2=v2+http://127.0.0.1:9000/v2/models/m?output=predict_proba` or `2=mlflow+http://127.0.0.1:5001`.
Out: an `Elsewhere`, or UsageError with one line; and from that the pool of the gateway, or many scores at once. The
gate vouches for the artefact that it saw, not for what a server elsewhere has loaded: whoever shows a status says so.
"""

from __future__ import annotations

import http.client
from collections.abc import Sequence
from typing import Literal, cast
from urllib.parse import parse_qsl, urlsplit

from shipworthy.deploy.http.client import Pool, UpstreamFailed
from shipworthy.deploy.http.upstream import Dialect
from shipworthy.deploy.http.upstreams.mlflow import Mlflow
from shipworthy.deploy.http.upstreams.v2 import V2
from shipworthy.errors import ModelBroke, Unreachable, UsageError
from shipworthy.facts import Fact
from shipworthy.models.spec import Cell, Columns

Kind = Literal["v2", "mlflow"]
WHERE = "--upstream"
FORM = "VERSION=v2+http://HOST:PORT/v2/models/NAME or VERSION=mlflow+http://HOST:PORT"
_OPTIONS = {"v2": ("output", "column", "inputs"), "mlflow": ("output", "column")}
_BATCH, _TIMEOUT_S = 512, 120.0
_MOST_BYTES = 64 << 20


class Elsewhere(Fact, frozen=True, kw_only=True):
    """One version and the server that scores for it. `path`: of the model (V2), or before `/invocations` (MLflow).

    `output`: the tensor or the member of a record with the score. `column`: which of several probabilities. `inputs`:
    how V2 is asked, `matrix` or `columns`, "" by what the features are.
    """

    version: str
    kind: Kind
    host: str
    port: int
    path: str = ""
    output: str = ""
    column: int | None = None
    inputs: str = ""

    @property
    def where(self) -> str:
        """Return the address, for people."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}{self.path}"


def read_upstream(text: str) -> Elsewhere:
    """Return what the text names. Raises UsageError.

    >>> read_upstream("2=v2+http://127.0.0.1:9000/v2/models/m?column=1").where
    'http://127.0.0.1:9000/v2/models/m'
    """
    version, found, address = text.partition("=")
    kind, plus, url = address.partition("+")
    if not version or version != version.strip() or not found or not plus or not text.isprintable() or " " in text:
        raise _bad("it is not a version and an address", text)
    if kind not in _OPTIONS:
        raise _bad(f"{kind!r} is no kind of server", text)
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        asked = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError as problem:
        raise _bad(str(problem), text) from problem
    if parts.scheme != "http":
        raise _bad("only http is spoken to an upstream; put what needs TLS behind a proxy on this machine", text)
    if not host or not port or parts.username is not None or parts.fragment:
        raise _bad("the address needs a host and a port, and nothing secret", text)
    path = parts.path.rstrip("/")
    if kind == "v2" and "/models/" not in f"{path}/":
        raise _bad("a V2 address names the model: /v2/models/NAME", text)
    told = Elsewhere(version=version, kind=cast(Kind, kind), host=host, port=port, path=path)
    return _with_options(told, asked, text)


def read_upstreams(texts: Sequence[str]) -> dict[str, Elsewhere]:
    """Return what the texts name, by version. Raises UsageError, also for a version that is named twice."""
    found: dict[str, Elsewhere] = {}
    for text in texts:
        one = read_upstream(text)
        if one.version in found:
            raise _bad(f"version {one.version} is named twice", text)
        found[one.version] = one
    return found


def dialect_of(one: Elsewhere, columns: Columns) -> Dialect:
    """Return how the server is asked for a model of these columns. Raises UsageError when it cannot be."""
    if one.kind == "mlflow":
        return Mlflow(one.path, columns, one.output, one.column)
    texts = [name for name, kind in columns if kind in ("category", "text")]
    if one.inputs == "matrix" and texts:
        raise UsageError(f"{texts[0]} is text and fits in no matrix of numbers", WHERE, "use inputs=columns")
    return V2(one.path, columns, one.output, one.column, one.inputs)


def pool_of(one: Elsewhere, columns: Columns, idempotent: bool = True) -> Pool:
    """Return the pool that reaches the server."""
    return Pool(one.host, one.port, dialect=dialect_of(one, columns), again=idempotent)


def scores_of(one: Elsewhere, columns: Columns, rows: Sequence[list[Cell]]) -> list[float]:
    """Return one score a row, asked in batches from ordinary synchronous code.

    Raises Unreachable when the server cannot be reached, ModelBroke when what it says is not one score a row.
    """
    dialect = dialect_of(one, columns)
    connection = http.client.HTTPConnection(one.host, one.port, timeout=_TIMEOUT_S)
    scores: list[float] = []
    try:
        for start in range(0, len(rows), _BATCH):
            part = rows[start : start + _BATCH]
            connection.request("POST", dialect.path, dialect.body(part), {"content-type": "application/json"})
            response = connection.getresponse()
            body = response.read(_MOST_BYTES)
            if response.status != 200:
                raise ModelBroke(f"status {response.status}", one.where, "see the log of that server")
            scores += [scored.score for scored in dialect.scores(body, len(part))]
    except UpstreamFailed as problem:
        raise ModelBroke(str(problem), one.where, "see `docs/how-to/upstreams.md`") from problem
    except (OSError, http.client.HTTPException) as problem:
        raise Unreachable(f"the upstream did not answer: {problem}", one.where, "is it running?") from problem
    finally:
        connection.close()
    return scores


def _with_options(told: Elsewhere, asked: Sequence[tuple[str, str]], text: str) -> Elsewhere:
    options = dict(asked)
    unknown = sorted(set(options) - set(_OPTIONS[told.kind]))
    if unknown or len(options) != len(asked):
        known = ", ".join(_OPTIONS[told.kind])
        raise _bad(f"unknown option {unknown[0]!r}; there are {known}" if unknown else "an option given twice", text)
    column, inputs = options.get("column"), options.get("inputs", "")
    if column is not None and not (column.isascii() and column.isdigit() and len(column) < 5):
        raise _bad("column is a number from 0", text)
    if inputs not in ("", "matrix", "columns"):
        raise _bad("inputs is matrix or columns", text)
    return Elsewhere(
        version=told.version,
        kind=told.kind,
        host=told.host,
        port=told.port,
        path=told.path,
        output=options.get("output", ""),
        column=None if column is None else int(column),
        inputs=inputs,
    )


def _bad(what: str, text: str) -> UsageError:
    return UsageError(f"{what}: {text[:200]!r}", WHERE, FORM)
