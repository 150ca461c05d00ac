"""The Open Inference Protocol V2 over REST (kserve/open-inference-protocol, inference_rest.md): `/v2` and below.

In: infer requests, JSON or with raw tensors. Out: decisions and scores as tensors, routes and receipts as parameters;
`{"error"}` for what is refused. Metadata and readiness are told of every loaded version; yet no caller chooses the
version that answers, because that is what a rollout, an order and a kill decide. So a version in the path of an infer
request is refused, always: a client that names one hears it on its first day, and not on the day of a rollout.
"""

from __future__ import annotations

from collections.abc import Mapping

from shipworthy.deploy.body import BadBody
from shipworthy.deploy.http.decider import Outcome
from shipworthy.deploy.http.protocols.intake import Asked, Got, Intake, later, look_of, posture_text, shown_score
from shipworthy.deploy.http.wire import RAW, Refusal, Response, Scope, encode, header
from shipworthy.deploy.v2 import EXTENSIONS, InferRow, infer_reply, metadata, read_infer

NAME, VERSION = "shipworthy", "2"
MODELS = "/v2/models/"


class V2:
    """One model under the protocol's paths."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self.model = f"{MODELS}{intake.wiring.model}"
        self.got: Mapping[str, Got] = {
            "/v2": self._server,
            "/v2/": self._server,
            "/v2/health/live": self._live,
            "/v2/health/ready": self._ready,
            self.model: lambda: self._told(""),
            f"{self.model}/ready": lambda: self._model_ready(""),
        }

    async def infer(self, scope: Scope, asked: Asked) -> Response:
        """Answer the rows of one request."""
        length = header(scope, b"inference-header-content-length")
        if length is not None and not length.isdigit():
            raise BadBody("not a number", "Inference-Header-Content-Length")
        ask, rows = read_infer(asked.body, int(length) if length else None)
        outcomes, headers = await self._intake.decided(rows, asked)
        if all(outcome.error for outcome in outcomes):
            return Response(503, encode({"error": outcomes[0].error}), headers)
        reply, raw = infer_reply(self._intake.wiring.model, ask, [row_of(one) for one in outcomes])
        look = look_of(outcomes, scope)
        if look:
            reply["parameters"]["shipworthy_look"] = ",".join(look)
            headers += later(look if len(look) == 1 else ())
        status, head = 202 if look else 200, encode(reply)
        if not raw:
            return Response(status, head, headers)
        return Response(status, head + raw, [*headers, (b"inference-header-content-length", b"%d" % len(head))], RAW)

    async def of_a_version(self, method: str, path: str) -> Response:
        """Answer what is asked below `/v2/models/` with a version in its path. Raises Refusal for all else."""
        name, _, rest = path.removeprefix(MODELS).partition("/")
        if not path.startswith(f"{self.model}/"):
            raise Refusal(404, f"no model {name!r} here; there is {self._intake.wiring.model!r}")
        rest = path.removeprefix(f"{self.model}/")
        version, _, verb = rest.removeprefix("versions/").partition("/")
        if not rest.startswith("versions/") or verb not in ("", "ready", "infer"):
            raise Refusal(404, "no such path")
        if version not in self._intake.wiring.releases:
            raise Refusal(404, f"no version {version!r} of {self._intake.wiring.model!r} is loaded")
        if (method == "POST") != (verb == "infer"):
            raise Refusal(405, f"{method} is not for {path}")
        if verb == "infer":
            raise Refusal(400, PINNED)
        return self._told(version) if verb == "" else self._model_ready(version)

    def served(self, version: str) -> str:
        """Return the version that is meant: the baseline where none is named. Raises Refusal when it is not loaded."""
        w = self._intake.wiring
        meant = version or w.routes().baseline
        if meant not in w.releases:
            raise Refusal(404 if version else 503, f"version {meant} is not loaded" if meant else "no baseline")
        return meant

    def is_ready(self, version: str) -> bool:
        """True when the model answers. A named version: loaded, with somewhere to be asked, and not closed."""
        w = self._intake.wiring
        if not version:
            return self._intake.ready()
        return version in w.releases and version in w.upstreams and not w.closed(version)

    def _server(self) -> Response:
        return Response(200, encode({"name": NAME, "version": VERSION, "extensions": EXTENSIONS}), [])

    def _live(self) -> Response:
        return Response(200, b'{"live":true}', [])

    def _ready(self) -> Response:
        ready = self._intake.ready()
        return Response(200 if ready else 503, encode({"live": True, "ready": ready} | _why(ready)), [])

    def _model_ready(self, version: str) -> Response:
        ready = self.is_ready(version)
        told = {"name": self._intake.wiring.model, "ready": ready} | _why(ready)
        return Response(200 if ready else 503, encode(told), [])

    def _told(self, version: str) -> Response:
        w = self._intake.wiring
        columns = w.releases[self.served(version)].columns
        return Response(200, encode(metadata(w.model, sorted(w.releases), columns)), [])


PINNED = "the gateway chooses the version: ask without one, and see in the answer which one it was"


def row_of(outcome: Outcome) -> InferRow:
    """Return what leaves of one row."""
    given, event = outcome.answer, outcome.event
    return InferRow(
        decision=given.decision,
        score=shown_score(outcome),
        route=given.route,
        receipt=outcome.receipt,
        version=event.version,
        arm=event.arm,
        posture=posture_text(outcome.posture),
    )


def _why(ready: bool) -> dict[str, str]:
    return {} if ready else {"error": "it is not loaded, or not asked"}
