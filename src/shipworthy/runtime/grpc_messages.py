"""The messages of `inference.GRPCInferenceService` (kserve/open-inference-protocol, open_inference_grpc.proto).

In: nothing. Out: message classes by name. The wire format is the numbers and types of the fields, so they are written
down here and the descriptors are made of them; nothing is generated. They live in a pool of their own: a process may
load another library's copy of the same package beside this one.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]

PACKAGE = "inference"
SERVICE = f"{PACKAGE}.GRPCInferenceService"
METHODS = ("ServerLive", "ServerReady", "ModelReady", "ServerMetadata", "ModelMetadata", "ModelInfer")
_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "bool": _Field.TYPE_BOOL, "int32": _Field.TYPE_INT32, "int64": _Field.TYPE_INT64, "uint32": _Field.TYPE_UINT32,
    "uint64": _Field.TYPE_UINT64, "float": _Field.TYPE_FLOAT, "double": _Field.TYPE_DOUBLE,
    "string": _Field.TYPE_STRING, "bytes": _Field.TYPE_BYTES,
}  # fmt: skip
# Message -> fields in order of their numbers, from 1: `*` repeats, `map` is name -> InferParameter, `|` is the oneof.
_MESSAGES: dict[str, tuple[str, ...]] = {
    "ServerLiveRequest": (),
    "ServerLiveResponse": ("bool live",),
    "ServerReadyRequest": (),
    "ServerReadyResponse": ("bool ready",),
    "ModelReadyRequest": ("string name", "string version"),
    "ModelReadyResponse": ("bool ready",),
    "ServerMetadataRequest": (),
    "ServerMetadataResponse": ("string name", "string version", "string* extensions"),
    "ModelMetadataRequest": ("string name", "string version"),
    "ModelMetadataResponse": (
        "string name",
        "string* versions",
        "string platform",
        "ModelMetadataResponse.TensorMetadata* inputs",
        "ModelMetadataResponse.TensorMetadata* outputs",
    ),
    "ModelMetadataResponse.TensorMetadata": ("string name", "string datatype", "int64* shape"),
    "ModelInferRequest": (
        "string model_name",
        "string model_version",
        "string id",
        "map parameters",
        "ModelInferRequest.InferInputTensor* inputs",
        "ModelInferRequest.InferRequestedOutputTensor* outputs",
        "bytes* raw_input_contents",
    ),
    "ModelInferRequest.InferInputTensor": (
        "string name",
        "string datatype",
        "int64* shape",
        "map parameters",
        "InferTensorContents contents",
    ),
    "ModelInferRequest.InferRequestedOutputTensor": ("string name", "map parameters"),
    "ModelInferResponse": (
        "string model_name",
        "string model_version",
        "string id",
        "map parameters",
        "ModelInferResponse.InferOutputTensor* outputs",
        "bytes* raw_output_contents",
    ),
    "ModelInferResponse.InferOutputTensor": (
        "string name",
        "string datatype",
        "int64* shape",
        "map parameters",
        "InferTensorContents contents",
    ),
    "InferParameter": (
        "bool| bool_param",
        "int64| int64_param",
        "string| string_param",
        "double| double_param",
        "uint64| uint64_param",
    ),
    "InferTensorContents": (
        "bool* bool_contents",
        "int32* int_contents",
        "int64* int64_contents",
        "uint32* uint_contents",
        "uint64* uint64_contents",
        "float* fp32_contents",
        "double* fp64_contents",
        "bytes* bytes_contents",
    ),
}


@cache
def messages() -> dict[str, Any]:
    """Return the message classes by name, those inside another as `Outer.Inner`."""
    file = descriptor_pb2.FileDescriptorProto(name="shipworthy/inference.proto", package=PACKAGE, syntax="proto3")
    made: dict[str, descriptor_pb2.DescriptorProto] = {}
    for name, fields in _MESSAGES.items():
        outer, _, inner = name.rpartition(".")
        message = made[outer].nested_type.add() if outer else file.message_type.add()
        message.name = inner
        made[name] = message
        for number, field in enumerate(fields, 1):
            _add(message, name, field, number)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = {name: pool.FindMessageTypeByName(f"{PACKAGE}.{name}") for name in _MESSAGES}
    return {name: message_factory.GetMessageClass(one) for name, one in found.items()}


def _add(message: descriptor_pb2.DescriptorProto, owner: str, told: str, number: int) -> None:
    kind, name = told.split(" ")
    field = message.field.add(name=name, number=number, label=_Field.LABEL_OPTIONAL)
    if kind == "map":
        _map(message, owner, field)
        return
    if kind.endswith("*"):
        field.label = _Field.LABEL_REPEATED
    if kind.endswith("|"):
        if not message.oneof_decl:
            message.oneof_decl.add(name="parameter_choice")
        field.oneof_index = 0
    _typed(field, kind.rstrip("*|"))


def _typed(field: descriptor_pb2.FieldDescriptorProto, kind: str) -> None:
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type, field.type_name = _Field.TYPE_MESSAGE, f".{PACKAGE}.{kind}"


def _map(message: descriptor_pb2.DescriptorProto, owner: str, field: descriptor_pb2.FieldDescriptorProto) -> None:
    """A map is a repeated message of key and value, inside its owner."""
    entry = message.nested_type.add(name="ParametersEntry")
    entry.options.map_entry = True
    _typed(entry.field.add(name="key", number=1, label=_Field.LABEL_OPTIONAL), "string")
    _typed(entry.field.add(name="value", number=2, label=_Field.LABEL_OPTIONAL), "InferParameter")
    field.label = _Field.LABEL_REPEATED
    _typed(field, f"{owner}.ParametersEntry")
