"""What a blob is, by its bytes and never by its name, and who scans it.

In: a name, bytes, the declaration, limits. Out: findings. Every blob that is not a pickle is also tried as one: a file
that its format's reader takes for text or tensors and `pickle.load` takes for code is unsafe, whatever it is called.
"""

from __future__ import annotations

from collections.abc import Mapping

from shipworthy.artifact.scan import arrays, onnx, skops, streams, zips
from shipworthy.artifact.scan.findings import Declared, Finding, Kind, Limits, unknown, unsafe
from shipworthy.artifact.scan.pickles import Walk, first_findings, looks_like_pickle, scan_pickle, walk
from shipworthy.artifact.scan.texts import code_name, scan_keras, scan_text, text_of

_PROGRAMS = (b"\x7fELF", b"MZ", b"\xfe\xed\xfa", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe")
_FOREIGN = {b"\x89HDF": "HDF5", b"GGUF": "GGUF", b"PAR1": "Parquet", b"\x28\xb5\x2f\xfd": "zstd", b"7z\xbc\xaf": "7z"}
_FOREIGN |= {b"Rar!": "RAR", b"\x04\x22\x4d\x18": "lz4", b"!<arch>": "ar", b"SQLite": "SQLite"}


class Scan:
    """One file's scan: what was declared, the limits, and how many unpacked bytes are left of them.

    `beside`: the files in its folder and their sizes; `tensors` are those of them that it says its tensors lie in.
    """

    def __init__(self, declared: Declared, limits: Limits, beside: Mapping[str, int] | None = None) -> None:
        self.declared = declared
        self.beside = beside or {}
        self.tensors: frozenset[str] = frozenset()
        self.limits = limits
        self.left = limits.unpacked_bytes

    def blob(self, file: str, blob: bytes, depth: int = 0) -> tuple[Finding, ...]:
        """Findings of one blob, with everything inside it."""
        found: tuple[Finding, ...] = ()
        if code_name(file) and file not in self.declared.code:
            found = (unsafe(file, Kind.CODE, "source code that the manifest does not declare"),)
        if depth > self.limits.depth:
            return (*found, unknown(file, Kind.BOMB, "archives inside archives"))
        if looks_like_pickle(blob):
            return found + scan_pickle(file, blob, self.declared, self.limits)
        probe = walk(file, blob, self.declared, self.limits)
        if probe.active:
            found += first_findings(file, blob, probe, self.declared, self.limits)
        return found + self._by_content(file, blob, depth, probe)

    def _by_content(self, file: str, blob: bytes, depth: int, probe: Walk) -> tuple[Finding, ...]:
        if zips.is_zip(blob):
            return self._zip(file, blob, depth)
        if arrays.is_npy(blob):
            return self._npy(file, blob)
        packed = streams.stream_format(blob)
        text = text_of(blob)
        if packed and (text is None or self._unpacks(packed, blob)):
            return self._stream(file, packed, blob, depth)
        if arrays.is_safetensors(blob):
            return arrays.scan_safetensors(file, blob)
        if onnx.is_onnx(blob):
            return self._onnx(file, blob, depth)
        if probe.stopped and (text is None or probe.findings):
            return first_findings(file, blob, probe, self.declared, self.limits)
        if text is not None:
            return scan_text(file, text)
        return (
            _by_first_bytes(file, blob)
            or unknown(file, Kind.UNRECOGNISED, f"{len(blob)} bytes of no format that is known here"),
        )

    def _onnx(self, file: str, blob: bytes, depth: int) -> tuple[Finding, ...]:
        """A model inside an archive has no files beside it."""
        found, named = onnx.scan_onnx(file, blob, {} if depth else self.beside)
        self.tensors |= named
        return found

    def _npy(self, file: str, blob: bytes) -> tuple[Finding, ...]:
        found, start = arrays.scan_npy(file, blob)
        if start is None:
            return found
        return scan_pickle(file, blob[start:], self.declared, self.limits, start)

    def _unpacks(self, packed: str, blob: bytes) -> bool:
        """Whether a text that happens to begin like a packed stream is one."""
        return bool(streams.decompress(packed, blob, 0)[0])

    def _stream(self, file: str, packed: str, blob: bytes, depth: int) -> tuple[Finding, ...]:
        content, problem = streams.decompress(packed, blob, self.left)
        if self._too_much(len(content), len(blob)):
            return (unknown(file, Kind.BOMB, f"unpacks to {len(content)} bytes or more"),)
        self.left -= len(content)
        found = (unsafe(file, Kind.MALFORMED, problem),) if problem else ()
        return found + self.blob(f"{file}!{packed}", content, depth + 1)

    def _zip(self, file: str, blob: bytes, depth: int) -> tuple[Finding, ...]:
        try:
            members = zips.members_of(blob, self.limits.members)
        except zips.BadZip as error:
            return (unsafe(file, Kind.MEMBER, f"a zip with {error}"),)
        contents: dict[str, bytes] = {}
        for member in members:
            if self._too_much(member.size, member.packed):
                return (unknown(file, Kind.BOMB, f"{member.name} unpacks to {member.size} bytes"),)
            self.left -= member.size
            try:
                contents[member.name] = zips.unpack(blob, member)
            except zips.BadZip as error:
                return (unsafe(file, Kind.MEMBER, f"a zip with {error}"),)
        return self._members(file, contents, depth)

    def _members(self, file: str, contents: dict[str, bytes], depth: int) -> tuple[Finding, ...]:
        found: list[Finding] = []
        inert: frozenset[str] = frozenset()
        if skops.SCHEMA in contents:
            schema = f"{file}!{skops.SCHEMA}"
            told, inert = skops.scan_schema(schema, contents[skops.SCHEMA], frozenset(contents), self.declared)
            found += told
        if "config.json" in contents:
            found += scan_keras(f"{file}!config.json", contents["config.json"])
        for name, content in contents.items():
            directory = name.endswith("/") and not content
            if not directory and name not in inert:
                found += self.blob(f"{file}!{name}", content, depth + 1)
            if len(found) >= self.limits.findings:
                break
        return tuple(found)

    def _too_much(self, size: int, packed: int) -> bool:
        dense = size > self.limits.ratio_from_bytes and size > self.limits.ratio * max(packed, 1)
        return size > self.left or dense


def _by_first_bytes(file: str, blob: bytes) -> Finding | None:
    """What is known of bytes that nothing here reads: programs are unsafe, containers are judged by nobody."""
    if blob.startswith(_PROGRAMS):
        return unsafe(file, Kind.CODE, "a program or a library, by its first bytes", 0)
    named = next((name for magic, name in _FOREIGN.items() if blob.startswith(magic)), "")
    named = named or ("tar" if blob[257:262] == b"ustar" else "")
    return unknown(file, Kind.FOREIGN, f"a {named} file, which is not read here", 0) if named else None
