from __future__ import annotations

import collections
import datetime
import decimal
import pickle
import pickletools
import sys
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.artifact.scan import Declared, Severity, canary, missed_canaries, scan_bytes
from shipworthy.artifact.scan.allowed import RULES, may_declare
from shipworthy.artifact.scan.opcodes import OPCODES
from shipworthy.artifact.scan.standard import is_forbidden
from tests.artifact.fakes import CALL, call, frame, kinds, name, names_met, text, zipped

plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.binary(max_size=8)
    | st.dates()
    | st.decimals()
    | st.uuids(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3)
        | st.tuples(inner, inner)
        | st.frozensets(st.integers(), max_size=3)
    ),
    max_leaves=8,
)
SEEDS = [
    *(pickle.dumps({"a": [1, 2.5, (None, True)], "b": {"c": b"x"}, "d": "é"}, protocol) for protocol in range(6)),
    *(pickle.dumps(collections.OrderedDict(a=datetime.date(2026, 1, 2)), protocol) for protocol in range(6)),
    *(raw for _, raw in canary()),
    zipped({"a.json": b"{}", "b.npy": b"\x93NUMPY"}),
    b"a,b\n1,2\n",
]


def test_the_opcodes_are_those_of_python() -> None:
    ours = {code: name for code, (name, _) in OPCODES.items()}
    assert ours == {ord(one.code): one.name for one in pickletools.opcodes}
    plain_arguments = {ord(one.code) for one in pickletools.opcodes if one.arg is None}
    assert {code for code, (_, argument) in OPCODES.items() if not argument} == plain_arguments


@settings(max_examples=200, deadline=None)
@given(plain, st.integers(0, 5))
def test_plain_values_are_clean_in_every_protocol(value: object, protocol: int) -> None:
    assert scan_bytes("x.pkl", pickle.dumps(value, protocol)) == ()


@pytest.mark.parametrize("protocol", range(6))
def test_containers_dates_and_numbers_of_the_standard_library_are_clean(protocol: int) -> None:
    value = {
        "ordered": collections.OrderedDict(a=1),
        "default": collections.defaultdict(list, {1: [2]}),
        "counter": collections.Counter("aab"),
        "queue": collections.deque([1, 2]),
        "when": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
        "long": datetime.timedelta(hours=3),
        "exact": decimal.Decimal("1.5"),
        "id": uuid.UUID(int=3),
        "span": range(3),
        "cut": slice(1, 2, None),
        "complex": 1 + 2j,
        "raw": bytearray(b"x"),
        "large": b"x" * 100_000,
    }
    value["itself"] = value
    assert scan_bytes("x", pickle.dumps(value, protocol)) == ()


def test_the_canaries_are_caught_and_say_which_when_not() -> None:
    assert missed_canaries() == ()
    assert len({name for name, _ in canary()}) == len(canary()) >= 3
    everything = Declared(classes=frozenset({"posix.system", "os.system", "builtins.print", "operator.methodcaller"}))
    assert missed_canaries(everything) == ()


def test_the_straddling_canary_is_one_literal_to_a_linear_reader_and_a_call_to_an_old_unpickler() -> None:
    blob = dict(canary())["canary-straddle.pkl"]
    assert [one.name for one, _, _ in pickletools.genops(blob)] == ["PROTO", "FRAME", "BINBYTES", "STOP"]
    _, called = names_met(blob, pure=False)
    assert called in ({"builtins.print"}, set())  # CPython from 3.13.15 and 3.14.7 on refuses it
    assert kinds("x", blob) == {"frame"}


MALICIOUS = {
    **dict(canary()),
    "system": call("os", "system", text("true") + b"\x85"),
    "eval": call("builtins", "eval", text("1") + b"\x85"),
    "getattr": call("builtins", "getattr"),
    "type": call("builtins", "type"),
    "map": call("builtins", "map"),
    "old builtins": b"c__builtin__\neval\n(S'1'\ntR.",
    "attrgetter": call("operator", "attrgetter", text("system") + b"\x85"),
    "partial": call("functools", "partial"),
    "pickle in pickle": call("pickle", "loads", b"C\x02N.\x85"),
    "code object": call("types", "CodeType"),
    "test tool of numpy": call("numpy.testing._private.utils", "runstring"),
    "numpy reads files": call("numpy", "load", text("x") + b"\x85"),
    "joblib": call("joblib", "load"),
    "dotted name": call("numpy", "random._pickle.sys.modules.get"),
    "dotted name of a listed one": b"\x80\x04" + name("numpy", "core.multiarray._reconstruct") + b".",
    "method of a listed class": call("builtins", "str.format"),
    "re-exported module": call("sklearn.utils.fixes", "np.f2py.crackfortran.getlincoef"),
    "estimator that nobody declared": call("xgboost.sklearn", "XGBClassifier"),
    "name made at run time": b"\x80\x04" + text("os") + name("builtins", "str") + text("system") + b"\x85R\x93.",
    "name with escapes": b"Vo\\u0073\nVsystem\n\x93.",
    "object call": b"\x80\x02(cposix\nsystem\nX\x04\x00\x00\x00trueo.",
    "new object": b"\x80\x04" + name("subprocess", "Popen") + text("true") + b"\x85\x81.",
    "new object with keywords": b"\x80\x04" + name("subprocess", "Popen") + b")}\x92.",
    "keywords for a listed class": b"\x80\x04" + name("builtins", "int") + b")}" + text("base") + b"K\x02s\x92.",
    "state of a class": b"\x80\x04" + name("decimal", "Decimal") + b"}b.",
    "items into a class": b"\x80\x04" + name("collections", "deque") + b"Na.",
    "factory": call("collections", "defaultdict", name("os", "system") + b"\x85"),
    "factory that is no class": call("collections", "defaultdict", text("x") + b"\x85"),
    "copyreg with another base": call(
        "copyreg", "_reconstructor", name("decimal", "Decimal") + name("builtins", "int") + b"N\x87"
    ),
    "memo written over": b"\x80\x04" + text("builtins") + b"q\x00" + text("os") + b"q\x00h\x00" + text("str")
    + b"\x93.",
    "codec": call("_codecs", "encode", text("x") + text("zlib") + b"\x86"),
    "much memory": call("builtins", "bytes", b"\x8a\x06\x00\x00\x00\x00\x00\x01\x85"),
    "copyreg": call("copyreg", "_reconstructor", name("os", "PathLike") + name("builtins", "object") + b"N\x87"),
    "copyreg with memory": call("copyreg", "_reconstructor", name("builtins", "bytes") * 2 + b"J\x00\x00\x00\x7f\x87"),
    "extension": b"\x80\x02\x82\x01.",
    "persistent": b"\x80\x02Pid\n.",
    "persistent on the stack": b"\x80\x02NQ.",
    "buffer": b"\x80\x05\x97.",
    "protocol 6": b"\x80\x06N.",
    "protocol twice": b"\x80\x04\x80\x04N.",
    "nothing on the stack": b"\x80\x04.",
    "no such opcode": b"\x80\x04\xff.",
    "no end": b"\x80\x04N",
    "mark under mark": b"\x80\x04(0.",
    "memo of nothing": b"\x80\x04h\x00.",
    "memo index of a gigabyte": b"\x80\x04Nr\x00\x00\x00\x40.",
    "frame in frame": b"\x80\x04" + frame(frame(b"N") + b"."),
    "frame over the end": b"\x80\x04\x95" + b"\xff" * 8 + b"N.",
    "frame in protocol 2": b"\x80\x02" + frame(b"N."),
    "contents over the frame": b"\x80\x04" + frame(b"B\x10\x00\x00\x00") + CALL + b".",
    "argument over the frame": b"\x80\x04" + frame(b"\x8c\x0f") + CALL + b".",
    "line over the frame": b"\x80\x04" + frame(b"Vab") + b"\nR.",
    "end before the frame": b"\x80\x04" + frame(b"N.N"),
    "after the end": b"\x80\x04N." + b"\x80\x04" + CALL + b".",
    "calls, then breaks": b"\x80\x04" + CALL,
    "text calls, then breaks": b"cos\nsystem\n(S'true'\ntR\nand so on",
    "forged dtype": b"\x80\x04" + name("numpy", "dtype") + text("f8") + b"\x89\x88\x87R(K\x03" + text("<")
    + b"NNNK\x08K\x08K\x00tb.",
    "text with a hidden name": "Vo\\u0073\nVsystem\np195\n0h\u00d3(Vtrue\ntR.".encode(),
    "text whose last line has no end": b"(S'true'\nios\nsystemX",
    "text as arguments": b"cos\nsystem\nVls\nR",
    "text with an odd memo index": b"cos\nsystem\np1_0\n0g10\n(S'true'\ntR.",
    "dtype of nothing known": call("numpy", "dtype", text("f8,O") + b"\x85"),
}  # fmt: skip


@pytest.mark.parametrize("what", MALICIOUS)
def test_the_hostile_set_is_never_clean(what: str) -> None:
    found = scan_bytes(what, MALICIOUS[what])
    assert any(one.severity is Severity.UNSAFE for one in found)


def test_what_is_wrong_is_said() -> None:
    (found,) = scan_bytes("x", MALICIOUS["system"])
    assert found.what == "os.system('true') would run; it is not on the allow-list"
    assert (found.name, found.at) == ("os.system", MALICIOUS["system"].index(b"R"))
    assert str(found) == f"unsafe   x at byte {found.at}: global: {found.what}"
    assert kinds("x", MALICIOUS["frame in frame"]) == {"frame"}
    assert kinds("x", MALICIOUS["frame over the end"]) == {"frame"}
    assert kinds("x", MALICIOUS["end before the frame"]) == {"frame"}
    assert kinds("x", MALICIOUS["items into a class"]) == {"call"}
    assert kinds("x", MALICIOUS["memo written over"]) == {"global"}
    assert kinds("x", MALICIOUS["factory that is no class"]) == {"call"}
    assert kinds("x", MALICIOUS["copyreg with another base"]) == {"call"}
    assert kinds("x", MALICIOUS["argument over the frame"]) == {"frame"}
    assert kinds("x", MALICIOUS["after the end"]) == {"trailing"}
    assert kinds("x", MALICIOUS["extension"]) == {"extension"}
    assert kinds("x", MALICIOUS["forged dtype"]) == {"dtype"}


def test_a_frame_may_end_between_opcodes() -> None:
    assert kinds("x", b"\x80\x04" + frame(b"NNN") + b"0" + frame(b"0.")) == set()


def test_a_declared_class_passes_and_a_forbidden_one_never_does() -> None:
    estimator = "xgboost.sklearn.XGBClassifier"
    blob = MALICIOUS["estimator that nobody declared"]
    assert kinds("x", blob) == {"global"}
    assert kinds("x", blob, Declared(classes=frozenset({estimator}))) == set()
    assert may_declare(estimator)
    for never in (
        "os.system",
        "builtins.eval",
        "subprocess.Popen",
        "_io.FileIO",
        "joblib.Memory",
        "numpy.load",
        "eval",
    ):
        assert not may_declare(never)
    assert kinds("x", MALICIOUS["new object"], Declared(classes=frozenset({"subprocess.Popen"}))) == {"global"}


def test_every_module_of_the_standard_library_is_forbidden() -> None:
    assert [one for one in sys.stdlib_module_names if not is_forbidden(one)] == []


def test_an_attackers_text_is_shown_on_one_printable_line() -> None:
    found = scan_bytes("x", call("a\n\x1b[31m", "b" * 250))
    assert all(len(one.what) <= 201 and one.what.isprintable() for one in found)


mutations = st.lists(
    st.tuples(
        st.sampled_from(["set", "drop", "insert", "double", "cut"]), st.integers(0), st.binary(min_size=1, max_size=4)
    ),
    min_size=1,
    max_size=4,
)


def mutated(blob: bytes, changes: list[tuple[str, int, bytes]]) -> bytes:
    for kind, place, raw in changes:
        at = place % (len(blob) + 1)
        blob = {
            "set": blob[:at] + raw + blob[at + len(raw) :],
            "drop": blob[:at] + blob[at + len(raw) :],
            "insert": blob[:at] + raw + blob[at:],
            "double": blob + blob[at:],
            "cut": blob[:at],
        }[kind]
    return blob


def slips_past(blob: bytes) -> set[str]:
    """Names outside the allow-list that an unpickler calls in bytes the scanner has nothing to say about.

    In a file that announces itself as a pickle the looking up counts as well. In any text it cannot: a table whose
    first line is `credit` is also a pickle that looks up a module `redit`, and then breaks off.
    """
    if scan_bytes("x", blob):
        return set()
    met = [names_met(blob, pure) for pure in (True, False)]
    announced = blob[:1] == b"\x80"
    return {one for asked, called in met for one in (asked | called if announced else called)} - set(RULES)


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(SEEDS), mutations)
def test_no_mutation_makes_the_scanner_raise_or_fall_silent(seed: bytes, changes: list[tuple[str, int, bytes]]) -> None:
    assert slips_past(mutated(seed, changes)) == set()


opcode = st.sampled_from(sorted(OPCODES)).map(lambda code: bytes([code]))
pieces = st.sampled_from(
    [
        *(text("os"), text("system"), name("os", "system"), name("builtins", "str"), name("collections", "deque")),
        *(b"K\x01", b"cos\nsystem\n", b"(S'x'\nios\nsystem", b"Vo\\u0073\n", b"Vsystem\n", b"p195\n", b"h\xc3"),
        *(b"(", b")", b"t", b"R", b"h\x00", b"\x94", b"]", b"}", b"b", b"0", b"\x85R", b"g0\n", b"I1_0\n"),
    ]
)
programs = st.lists(pieces | opcode, max_size=14).map(b"".join)


@settings(max_examples=1000, deadline=None)
@given(programs, st.sampled_from([b"\x80\x04", b"\x80\x02", b""]), st.booleans(), st.booleans())
def test_no_program_of_opcodes_slips_past_the_scanner(program: bytes, head: bytes, framed: bool, ended: bool) -> None:
    body = program + b"." * ended
    half = len(body) // 2
    assert slips_past(head + (frame(body[:half]) + body[half:] if framed else body)) == set()


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
def test_random_bytes_give_findings_and_never_an_error(blob: bytes) -> None:
    scan_bytes("x", blob)
    scan_bytes("x", b"\x80\x04" + blob)


def test_a_hostile_pickle_takes_time_in_proportion_to_its_size() -> None:
    """Shared structure must not be walked once per use: each of these would run for minutes if it were."""
    nested = b"\x80\x04)" + b"2\x86" * 50_000 + b"."
    many = (
        b"\x80\x04(" + b"N" * 50_000 + b"t\x94" + name("builtins", "slice") + b"\x94" + b"h\x01h\x00R0" * 20_000 + b"."
    )
    assert scan_bytes("x", nested) == ()
    assert kinds("x", many) == {"call"}
