"""ONNX models: the graph walked message by message, without a runtime.

In: bytes, and the files beside the model with their sizes. Out: findings, and the files that hold its tensors. An ONNX
file runs no Python, but it can name operators of a library of somebody's own, and it can name files: a tensor's
`location` is opened by whoever loads the model, so it must be plain, inside and there.
Source: onnx/onnx.proto (IR version 13 and before); docs/ExternalData.md there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from shipworthy.artifact.scan.findings import Finding, Kind, unknown, unsafe
from shipworthy.artifact.scan.protobuf import BadMessage, Fields, Schema, Span, message, read_fields

# The tag of `ir_version`, which comes first.
FIRST_BYTE = b"\x08"
_DOMAINS = frozenset(("", "ai.onnx", "ai.onnx.ml", "ai.onnx.preview", "ai.onnx.preview.training", "ai.onnx.training"))
_MAX_DEPTH = 64
_MAX_MESSAGES = 1_000_000
_EXTERNAL = 1
_KEYS = frozenset(("location", "offset", "length", "checksum"))
_DOC = {"doc_string": "6 text"}

SCHEMA: Schema = {
    "Model": message(
        ir_version="1 int", opset_import="8 Opset*", producer_name="2 text", producer_version="3 text", domain="4 text",
        model_version="5 int", graph="7 Graph", metadata_props="14 Entry*", training_info="20 Training*",
        functions="25 Function*", **_DOC,
    ),
    "Opset": message(domain="1 text", version="2 int"),
    "Graph": message(
        node="1 Node*", name="2 text", initializer="5 Tensor*", sparse_initializer="15 Sparse*", doc_string="10 text",
        input="11 Value*", output="12 Value*", value_info="13 Value*", quantization_annotation="14 Annotation*",
        metadata_props="16 Entry*",
    ),
    "Node": message(
        input="1 text*", output="2 text*", name="3 text", op_type="4 text", domain="7 text", overload="8 text",
        attribute="5 Attribute*", metadata_props="9 Entry*", **_DOC,
    ),
    "Attribute": message(
        name="1 text", ref_attr_name="21 text", doc_string="13 text", type="20 int", f="2 f4", i="3 int", s="4 bytes",
        t="5 Tensor", g="6 Graph", sparse_tensor="22 Sparse", tp="14 Type", floats="7 f4*", ints="8 int*",
        strings="9 bytes*", tensors="10 Tensor*", graphs="11 Graph*", sparse_tensors="23 Sparse*",
        type_protos="15 Type*",
    ),
    "Tensor": message(
        dims="1 int*", data_type="2 int", segment="3 Segment", float_data="4 f4*", int32_data="5 int*",
        string_data="6 bytes*", int64_data="7 int*", name="8 text", doc_string="12 text", raw_data="9 bytes",
        external_data="13 Entry*", data_location="14 int", double_data="10 f8*", uint64_data="11 int*",
        metadata_props="16 Entry*",
    ),
    "Segment": message(begin="1 int", end="2 int"),
    "Entry": message(key="1 text", value="2 text"),
    "Sparse": message(values="1 Tensor", indices="2 Tensor", dims="3 int*"),
    "Type": message(
        tensor_type="1 TensorType", sequence_type="4 Inner", map_type="5 Map", optional_type="9 Inner",
        sparse_tensor_type="8 TensorType", opaque_type="7 Opaque", denotation="6 text",
    ),
    "TensorType": message(elem_type="1 int", shape="2 Shape"),
    "Inner": message(elem_type="1 Type"),
    "Map": message(key_type="1 int", value_type="2 Type"),
    "Opaque": message(domain="1 text", name="2 text"),
    "Shape": message(dim="1 Dimension*"),
    "Dimension": message(dim_value="1 int", dim_param="2 text", denotation="3 text"),
    "Value": message(name="1 text", type="2 Type", doc_string="3 text", metadata_props="4 Entry*"),
    "Annotation": message(tensor_name="1 text", quant_parameter_tensor_names="2 Entry*"),
    "Training": message(
        initialization="1 Graph", algorithm="2 Graph", initialization_binding="3 Entry*", update_binding="4 Entry*"
    ),
    "Function": message(
        name="1 text", input="4 text*", output="5 text*", attribute="6 text*", attribute_proto="11 Attribute*",
        node="7 Node*", doc_string="8 text", opset_import="9 Opset*", domain="10 text", overload="13 text",
        value_info="12 Value*", metadata_props="14 Entry*",
    ),
}  # fmt: skip
_BY_NAME = {kind: {name: inner for name, inner, _ in known.values()} for kind, known in SCHEMA.items()}


def is_onnx(blob: bytes) -> bool:
    """Whether the bytes begin with an IR version and are, at the top, the fields of a model with a graph."""
    if not blob.startswith(FIRST_BYTE):
        return False
    try:
        fields = read_fields(blob, (0, len(blob)), SCHEMA["Model"])
    except BadMessage:
        return False
    return "graph" in fields and "opset_import" in fields


def scan_onnx(file: str, blob: bytes, beside: Mapping[str, int]) -> tuple[tuple[Finding, ...], frozenset[str]]:
    """Findings, and the names in `beside` (relative to the model's folder, with sizes) that its tensors lie in."""
    walk = _Walk(file, blob, beside)
    try:
        walk.message("Model", (0, len(blob)), 0)
    except BadMessage as bad:
        walk.found[unsafe(file, Kind.MALFORMED, f"an ONNX model with {bad.what}", bad.at)] = None
    except UnicodeDecodeError:
        walk.found[unsafe(file, Kind.MALFORMED, "an ONNX model with a name that is not UTF-8")] = None
    walk.check_operators()
    return tuple(walk.found), frozenset(walk.files)


class _Walk:
    """One model: what was found, which operators it names, which functions it brings along."""

    def __init__(self, file: str, blob: bytes, beside: Mapping[str, int]) -> None:
        self.file, self.blob, self.beside = file, blob, beside
        self.found: dict[Finding, None] = {}
        self.files: set[str] = set()
        self.operators: dict[tuple[str, str], int] = {}
        self.own: set[tuple[str, str]] = set()
        self.messages = 0

    def message(self, kind: str, span: Span, depth: int) -> Fields:
        """Walks a message and all in it."""
        self.messages += 1
        if depth > _MAX_DEPTH or self.messages > _MAX_MESSAGES:
            raise BadMessage("more messages or levels than the limits allow", span[0])
        fields = read_fields(self.blob, span, SCHEMA[kind])
        inner = _BY_NAME[kind]
        for name, values in fields.items():
            if inner[name] in SCHEMA:
                for value in values:
                    if isinstance(value, tuple):
                        self.message(inner[name], value, depth + 1)
        if kind == "Tensor":
            self._tensor(fields, span[0])
        elif kind == "Node":
            self.operators.setdefault((self._text(fields, "domain"), self._text(fields, "op_type")), span[0])
        elif kind == "Function":
            self.own.add((self._text(fields, "domain"), self._text(fields, "name")))
        elif kind == "Opset":
            self.operators.setdefault((self._text(fields, "domain"), ""), span[0])
        return fields

    def check_operators(self) -> None:
        """A domain that is not the standard's own is a library of somebody's, unless the model brings the function."""
        ours = {domain for domain, _ in self.own}
        for (domain, operator), at in self.operators.items():
            brought = (domain, operator) in self.own or (not operator and domain in ours)
            if domain not in _DOMAINS and not brought:
                what = f"the operator {domain}.{operator}" if operator else f"the operator set {domain}"
                told = f"{what} would run from a library of its own"
                self.found[unknown(self.file, Kind.LOADER, told, at)] = None

    def _tensor(self, fields: Fields, at: int) -> None:
        entries = [(self._text(one, "key"), self._text(one, "value")) for one in self._entries(fields)]
        external = fields.get("data_location", [0])[0] == _EXTERNAL
        if external != bool(entries):
            raise BadMessage("a tensor that is and is not in another file", at)
        if entries:
            self._file(entries, at)

    def _entries(self, fields: Fields) -> Iterator[Fields]:
        for span in fields.get("external_data", []):
            if isinstance(span, tuple):
                yield read_fields(self.blob, span, SCHEMA["Entry"])

    def _file(self, entries: list[tuple[str, str]], at: int) -> None:
        """A tensor's file: a plain relative name, of a file that is there and long enough."""
        told = dict(entries)
        if len(told) != len(entries) or not set(told) <= _KEYS or "location" not in told:
            raise BadMessage("a tensor whose place has other keys, or one twice", at)
        name = told["location"]
        if not _is_inside(name):
            self.found[unsafe(self.file, Kind.MEMBER, f"a tensor in {name!r}, outside the model's folder", at)] = None
            return
        offset, length = (_number(told.get(key, "0"), at) for key in ("offset", "length"))
        if name not in self.beside:
            self.found[unknown(self.file, Kind.MEMBER, f"a tensor in {name!r}, which is not there", at)] = None
        elif offset + length > self.beside[name]:
            self.found[unsafe(self.file, Kind.MEMBER, f"a tensor behind the end of {name!r}", at)] = None
        else:
            self.files.add(name)

    def _text(self, fields: Fields, name: str) -> str:
        span = fields.get(name, [(0, 0)])[0]
        return self.blob[span[0] : span[1]].decode("utf-8") if isinstance(span, tuple) else ""


def _is_inside(name: str) -> bool:
    """Whether a name is relative, in plain form and cannot leave the folder, on any system."""
    plain = name.isprintable() and not any(one in name for one in "\\:") and not name.startswith(("/", "~"))
    return plain and all(part not in ("", ".", "..") for part in name.split("/"))


def _number(text: str, at: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise BadMessage("a place that is not a number", at)
    return int(text)
