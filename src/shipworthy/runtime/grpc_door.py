"""The Open Inference Protocol over gRPC (`inference.GRPCInferenceService`), for clients that speak nothing else.

In: a running gateway, and where to listen. Out: a `Door`. Every row takes the same way as one over HTTP: the same
tenants, throttles, orders, receipts and telemetry, on the same event loop. What HTTP tells in headers leaves as
trailing metadata. Refusals are status codes: INVALID_ARGUMENT, NOT_FOUND, RESOURCE_EXHAUSTED (the throttle, or a
message over the size limit), UNAVAILABLE (no baseline, no model answered, or all rows are killed and nobody decides).
Needs the extra `grpc`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from typing import Any
from urllib.parse import unquote

from shipworthy.deploy.body import BadBody, Cell
from shipworthy.deploy.http.decider import Outcome
from shipworthy.deploy.http.gateway import Gateway
from shipworthy.deploy.http.peer import caller_of
from shipworthy.deploy.http.protocols.intake import Asked
from shipworthy.deploy.http.protocols.v2 import NAME, PINNED, VERSION, row_of
from shipworthy.deploy.http.wire import MAX_BODY_BYTES, Headers, Refusal, Scope
from shipworthy.deploy.tensors import packed_numbers, packed_texts, rows_in, rows_of, typed, unpacked
from shipworthy.deploy.v2 import (
    EXTENSIONS,
    OUTPUTS,
    InferRow,
    known_outputs,
    metadata,
    only_ours,
    parameters_of,
    versions_of,
)
from shipworthy.errors import UsageError
from shipworthy.facts import Decider, Source
from shipworthy.runtime.certificates import Certificates, Tls

GRACE_S = 5.0
PROBES = frozenset({"ServerLive", "ServerReady", "ModelReady"})  # health checks have no key
_CODES = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE", 500: "INTERNAL",
}  # fmt: skip
_CONTENTS = {
    "BOOL": "bool_contents", "INT8": "int_contents", "INT16": "int_contents", "INT32": "int_contents",
    "INT64": "int64_contents", "UINT8": "uint_contents", "UINT16": "uint_contents", "UINT32": "uint_contents",
    "UINT64": "uint64_contents", "FP32": "fp32_contents", "FP64": "fp64_contents", "BYTES": "bytes_contents",
}  # fmt: skip
_Answer = Callable[[Any, Any], Awaitable[Any]]


class Door:
    """A gRPC server over one gateway. `port`: where it listens."""

    def __init__(self, server: Any, port: int) -> None:  # noqa: ANN401 - grpcio may be absent
        self._server = server
        self.port = port

    async def close(self, grace_s: float = GRACE_S) -> None:
        """Take no more requests, and give those under way so long to end."""
        await self._server.stop(grace_s)


async def open_door(gateway: Gateway, host: str, port: int, tls: Tls | None = None, shared: bool = False) -> Door:
    """Listen on `host:port` (0: any free one), on this event loop. `shared`: other processes listen there as well.

    Raises UsageError without the extra, the port, or a certificate that can be read.
    """
    grpc = library()
    limits = (("grpc.max_receive_message_length", MAX_BODY_BYTES), ("grpc.so_reuseport", int(shared)))
    server = grpc.aio.server(options=limits)
    server.add_generic_rpc_handlers((_handlers(Service(gateway)),))
    try:
        at = f"{host}:{port}"
        bound = server.add_insecure_port(at) if tls is None else server.add_secure_port(at, _credentials(grpc, tls))
        await server.start()
    except RuntimeError as error:
        raise UsageError(f"cannot listen: {error}", f"{host}:{port}", "choose another port") from error
    return Door(server, bound)


def _credentials(grpc: Any, tls: Tls) -> Any:  # noqa: ANN401
    Certificates(tls)  # raises for a pair that cannot be used
    return grpc.ssl_server_credentials([(tls.key.read_bytes(), tls.cert.read_bytes())])


def library() -> Any:  # noqa: ANN401 - it may be absent
    """Return grpcio. Raises UsageError without the extra."""
    try:
        for name in ("google.protobuf", "grpc.aio"):
            import_module(name)
        return import_module("grpc")
    except ImportError as error:
        raise UsageError("gRPC is not installed", "grpc", "install shipworthy[grpc]") from error


def _handlers(service: Service) -> Any:  # noqa: ANN401
    from shipworthy.runtime.grpc_messages import METHODS, SERVICE, messages

    grpc, kinds = library(), messages()
    table = {
        name: grpc.unary_unary_rpc_method_handler(
            service.answering(getattr(service, name)),
            request_deserializer=kinds[f"{name}Request"].FromString,
            response_serializer=kinds[f"{name}Response"].SerializeToString,
        )
        for name in METHODS
    }
    return grpc.method_handlers_generic_handler(SERVICE, table)


class Service:
    """The methods of the protocol, by their names in it."""

    def __init__(self, gateway: Gateway) -> None:
        from shipworthy.runtime.grpc_messages import messages

        self._gateway = gateway
        self._model = gateway.wiring.model
        self._kinds = messages()

    def answering(self, method: _Answer) -> _Answer:
        """Return the method with its errors turned into status codes, and told of as those of HTTP are."""
        codes = library().StatusCode

        async def answer(request: Any, context: Any) -> Any:  # noqa: ANN401
            scope = _scope(context, method.__name__)
            asked = Asked(self._gateway.wiring.clock(), _peer(context.peer()), scope=scope)
            context.add_done_callback(lambda _: self._gateway.answered(asked))
            try:
                if method.__name__ not in PROBES:
                    asked.named(self._gateway.wiring.caller(scope))
                return await method(request, _Call(asked, context))
            except Exception as problem:
                status, why, headers = self._gateway.refusal(problem, asked)
                if asked.abuse is not None:
                    asked.body = request.SerializeToString()
                code = codes[_CODES.get(status, "INVALID_ARGUMENT")]
                await context.abort(code, why, trailing_metadata=_texts(headers))

        return answer

    async def ServerLive(self, request: Any, call: _Call) -> Any:  # noqa: ANN401
        return self._kinds["ServerLiveResponse"](live=True)

    async def ServerReady(self, request: Any, call: _Call) -> Any:  # noqa: ANN401
        return self._kinds["ServerReadyResponse"](ready=self._gateway.intake.ready())

    async def ModelReady(self, request: Any, call: _Call) -> Any:  # noqa: ANN401
        ready = request.name == self._model and self._gateway.v2.is_ready(request.version)
        return self._kinds["ModelReadyResponse"](ready=ready)

    async def ServerMetadata(self, request: Any, call: _Call) -> Any:  # noqa: ANN401
        return self._kinds["ServerMetadataResponse"](name=NAME, version=VERSION, extensions=EXTENSIONS)

    async def ModelMetadata(self, request: Any, call: _Call) -> Any:  # noqa: ANN401
        self._known(request.name)
        w = self._gateway.wiring
        columns = w.releases[self._gateway.v2.served(request.version)].columns
        return self._kinds["ModelMetadataResponse"](**metadata(self._model, sorted(w.releases), columns))

    async def ModelInfer(self, request: Any, call: _Call) -> Any:  # noqa: ANN401
        """Decide every row of one request."""
        self._known(request.model_name)
        if request.model_version:
            self._gateway.v2.served(request.model_version)
            raise Refusal(400, PINNED)
        known_outputs([one.name for one in request.outputs])
        for one in (*request.inputs, *request.outputs):
            only_ours(one.name, one.parameters)
        columns = _columns(request)
        rows = rows_of([tensor.name for tensor in request.inputs], columns)
        outcomes, headers = await self._gateway.intake.decided(rows, call.asked)
        if all(one.error for one in outcomes):
            raise Refusal(503, outcomes[0].error, headers)
        if all(_nobody(one) for one in outcomes):
            raise Refusal(503, "killed: no model is asked and nobody decides", headers)
        call.context.set_trailing_metadata(_texts(headers))
        return self._reply(request, [row_of(one) for one in outcomes])

    def _reply(self, request: Any, rows: list[InferRow]) -> Any:  # noqa: ANN401
        """Return the outputs, raw unless the inputs came typed."""
        reply = self._kinds["ModelInferResponse"](
            model_name=self._model, model_version=versions_of(rows), id=request.id
        )
        for name, text in parameters_of(rows).items():
            reply.parameters[name].string_param = text
        raw = bool(request.raw_input_contents)
        for name in [one.name for one in request.outputs] or OUTPUTS:
            output = reply.outputs.add(name=name, datatype=OUTPUTS[name], shape=[len(rows)])
            if raw:
                reply.raw_output_contents.append(_raw(name, rows))
            elif name == "score":
                output.contents.fp64_contents.extend(float("nan") if one.score is None else one.score for one in rows)
            else:
                output.contents.bytes_contents.extend(one.decision.encode() for one in rows)
        return reply

    def _known(self, model: str) -> None:
        if model != self._model:
            raise Refusal(404, f"no model {model!r} here; there is {self._model!r}")


class _Call:
    """One call under way."""

    def __init__(self, asked: Asked, context: Any) -> None:  # noqa: ANN401
        self.asked = asked
        self.context = context


def _columns(request: Any) -> list[list[Cell]]:  # noqa: ANN401
    """Return the cells of every input, from raw bytes or from typed contents: all of one kind, as the format says."""
    raws = list(request.raw_input_contents)
    if raws and len(raws) != len(request.inputs):
        raise BadBody(f"{len(raws)} raw contents for {len(request.inputs)} inputs", "raw_input_contents")
    columns = []
    for at, tensor in enumerate(request.inputs):
        where = f"input {tensor.name!r}"
        n = rows_in(list(tensor.shape), tensor.datatype, where)
        if raws and tensor.HasField("contents"):
            raise BadBody("both raw and typed contents", where)
        cells = unpacked(raws[at], n, tensor.datatype, where) if raws else _contents(tensor, where)
        if len(cells) != n:
            raise BadBody(f"{len(cells)} values for shape {list(tensor.shape)}", where)
        columns.append(cells)
    return columns


def _contents(tensor: Any, where: str) -> list[Cell]:  # noqa: ANN401
    field = _CONTENTS.get(tensor.datatype)
    if field is None:
        raise BadBody(f"{tensor.datatype} has no typed contents", where, "send it raw")
    if any(told.name != field for told, _ in tensor.contents.ListFields()):
        raise BadBody(f"contents of another datatype than {tensor.datatype}", where, field)
    values = list(getattr(tensor.contents, field))
    if tensor.datatype == "BYTES":
        try:
            values = [value.decode() for value in values]
        except UnicodeDecodeError as error:
            raise BadBody(f"not UTF-8: {error}", where) from error
    return typed((None if value != value else value for value in values), tensor.datatype, where)


def _raw(name: str, rows: list[InferRow]) -> bytes:
    if name == "score":
        return packed_numbers([one.score for one in rows])
    return packed_texts([one.decision for one in rows])


def _nobody(outcome: Outcome) -> bool:
    return outcome.posture.source is Source.NONE and outcome.posture.decider is Decider.NOBODY


def _texts(headers: Headers) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode(), value.decode()) for name, value in headers)


def _scope(context: Any, method: str) -> Scope:  # noqa: ANN401
    """Return the call as the gateway knows requests: its metadata are the headers."""
    told = context.invocation_metadata() or ()
    headers = [(key.encode(), value if isinstance(value, bytes) else value.encode()) for key, value in told]
    return {"type": "grpc", "method": "POST", "path": f"/{method}", "headers": headers}


def _peer(told: str) -> str:
    """Return the caller's address of gRPC's `ipv4:192.0.2.7:4711` or `ipv6:%5B2001:db8::1%5D:4711`."""
    kind, _, rest = told.partition(":")
    host = unquote(rest).rpartition(":")[0].strip("[]")
    return caller_of(host) if kind in ("ipv4", "ipv6") else ""
