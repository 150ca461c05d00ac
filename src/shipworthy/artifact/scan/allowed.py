"""The allow-list: every name a pickle may mention unasked, and how it may be called.

In: a full name and the arguments of a call. Out: whether it is known, and what is wrong with the call. A list of what
is bad is never complete; this is a list of what is needed. Names map to a check of their arguments, or to `never`
when they may only be mentioned (a dtype class inside an array's state, say).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from shipworthy.artifact.scan.standard import is_forbidden
from shipworthy.artifact.scan.values import Bag, Made, Ref

Rule = Callable[[tuple[object, ...]], bool]

ARRAY_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
DTYPE = "numpy.dtype"
_PYTHON_2 = {"__builtin__": "builtins", "copy_reg": "copyreg"}
_BASES = ("builtins.object", "builtins.dict", "builtins.list")
_UFUNC_NAMES = """
    absolute add arccos arccosh arcsin arcsinh arctan arctan2 arctanh cbrt ceil clip conj cos cosh deg2rad degrees
    divide equal exp exp2 expm1 fabs floor fmax fmin hypot isfinite isinf isnan log log10 log1p log2 logaddexp
    logical_and logical_not logical_or maximum minimum mod multiply negative positive power rad2deg radians reciprocal
    remainder rint round_ sign sin sinh sqrt square subtract tan tanh true_divide trunc
"""
UFUNCS: frozenset[str] = frozenset(_UFUNC_NAMES.split())
_SCALAR_NAMES = """
    bool bool_ int8 int16 int32 int64 uint8 uint16 uint32 uint64 intp uintp longlong ulonglong float16 float32
    float64 longdouble complex64 complex128 str_ bytes_ datetime64 timedelta64
"""
SCALARS: frozenset[str] = frozenset(_SCALAR_NAMES.split())
BIT_GENERATORS: frozenset[str] = frozenset(("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"))
# The last part of a declared name is a class, or one of the constructors that compiled classes are pickled with.
_CLASS = re.compile(r"_{0,2}[A-Z]\w*|newObj|__pyx_unpickle_\w+|[a-z]{3}_(matrix|array)")


# Parts of packages that run, fetch or test things, and classes that do wherever a module imports them to.
_NEVER_PARTS = """
    _datasource _npyio_impl _testing conftest datasets distutils externals f2py io npyio scripts subprocess testing
    tests tools
"""
NEVER_PARTS: frozenset[str] = frozenset(_NEVER_PARTS.split())
_NEVER_CLASSES = """
    CDLL CodeType Connection DataSource FileIO FunctionType InteractiveConsole InteractiveInterpreter LambdaType Memory
    MethodType ModuleType NpzFile Parallel Path Pdb Pickler PosixPath Popen Process PyDLL Pool Repository Thread
    ThreadPool Unpickler WindowsPath ZipFile
"""
NEVER_CLASSES: frozenset[str] = frozenset(_NEVER_CLASSES.split())


def never(args: tuple[object, ...]) -> bool:
    """The rule of a name that is mentioned, or made empty, and never called."""
    return False


def _scalar(value: object) -> bool:
    """A short text or bytes, a number, or None: nothing that makes a constructor allocate much."""
    if isinstance(value, str | bytes):
        return len(value) <= 4096
    return value is None or isinstance(value, bool | int | float)


def scalars(args: tuple[object, ...]) -> bool:
    """The rule of a name that is called with a few short texts and numbers."""
    return len(args) <= 10 and all(_scalar(one) for one in args)


def _copies(args: tuple[object, ...]) -> bool:
    """No argument, or one container that the pickle itself spelled out."""
    return not args or (len(args) == 1 and isinstance(args[0], Bag | tuple))


def _bytes(args: tuple[object, ...]) -> bool:
    # bytes(10**12) would allocate a terabyte, so a number is no argument.
    encoded = bool(args) and isinstance(args[0], Made) and args[0].by == "_codecs.encode"
    return not args or (len(args) <= 3 and (encoded or isinstance(args[0], str | bytes)))


def _keeps(args: tuple[object, ...]) -> bool:
    """Containers, and for a defaultdict the trusted class that makes its missing values."""
    return len(args) <= 2 and all(isinstance(one, Bag | tuple) or one is None or _class(one) for one in args)


def _latin(args: tuple[object, ...]) -> bool:
    return len(args) == 2 and args[1] == "latin1"


def _new(args: tuple[object, ...]) -> bool:
    """copyreg: an empty object of a trusted class, and not joblib's array marker (which moves the read position)."""
    if not args or not _class(args[0]):
        return False
    plain_base = len(args) == 3 and isinstance(args[1], Ref) and args[1].name in _BASES
    return len(args) == 1 or (plain_base and (args[2] is None or isinstance(args[2], Bag)))


def _class(value: object) -> bool:
    return isinstance(value, Ref) and value.trusted and value.name != ARRAY_WRAPPER


def _array(args: tuple[object, ...]) -> bool:
    """`_reconstruct(ndarray, (0,), b"b")`: an empty array whose state comes afterwards."""
    return len(args) == 3 and _class(args[0]) and args[1] == (0,)


def _masked(args: tuple[object, ...]) -> bool:
    """`_mareconstruct(MaskedArray, ndarray, (0,), "b")`: as above, with a mask."""
    return len(args) == 4 and _class(args[0]) and _class(args[1]) and args[2] == (0,)


def _plain_dtype(value: object) -> bool:
    return isinstance(value, Made) and value.by == DTYPE and value.size is not None


def _numpy_scalar(args: tuple[object, ...]) -> bool:
    return len(args) == 2 and _plain_dtype(args[0]) and isinstance(args[1], str | bytes | Made)


def _from_buffer(args: tuple[object, ...]) -> bool:
    return len(args) == 4 and _plain_dtype(args[1]) and isinstance(args[2], tuple)


def _dtype(args: tuple[object, ...]) -> bool:
    return bool(args) and isinstance(args[0], str)


def _generator(args: tuple[object, ...]) -> bool:
    """A bit generator by name, class or value; a second argument may only be numpy's own constructor of one."""
    if not 1 <= len(args) <= 2:
        return False
    if len(args) == 2 and not (isinstance(args[1], Ref) and args[1].name.endswith("._pickle.__bit_generator_ctor")):
        return False
    first = args[0]
    if isinstance(first, str):
        return first in BIT_GENERATORS
    return isinstance(first, Made) or _class(first)


def _seed(args: tuple[object, ...]) -> bool:
    return bool(args) and _class(args[0])


def _rules() -> dict[str, Rule]:
    rules: dict[str, Rule] = {
        "collections.OrderedDict": _copies,
        "collections.Counter": _copies,
        "collections.deque": _keeps,
        "collections.defaultdict": _keeps,
        "copyreg._reconstructor": _new,
        "copyreg.__newobj__": _new,
        "_codecs.encode": _latin,
        "decimal.Decimal": scalars,
        "fractions.Fraction": scalars,
        "uuid.UUID": scalars,
        "zoneinfo.ZoneInfo": never,
        "numpy.dtype": _dtype,
        "numpy.ndarray": never,
        "numpy.ma.MaskedArray": never,
        "numpy.ma.core._mareconstruct": _masked,
        "numpy.matrix": never,
        "numpy.matrixlib.defmatrix.matrix": never,
        "numpy.mean": never,
        "numpy.median": never,
        "numpy.random.bit_generator.SeedSequence": _seed,
        "numpy.random.bit_generator.__pyx_unpickle_SeedSequence": _seed,
        "numpy.random._pickle.__bit_generator_ctor": _generator,
        "numpy.random._pickle.__generator_ctor": _generator,
        "numpy.random._pickle.__randomstate_ctor": _generator,
        ARRAY_WRAPPER: never,
    }
    rules |= {f"builtins.{name}": scalars for name in ("int", "float", "complex", "bool", "str", "range", "slice")}
    rules |= {f"builtins.{name}": _copies for name in ("list", "tuple", "dict", "set", "frozenset")}
    rules |= {f"builtins.{name}": _bytes for name in ("bytes", "bytearray")} | {"builtins.object": never}
    rules |= {f"datetime.{name}": _dates for name in ("date", "time", "datetime", "timedelta", "timezone")}
    rules |= {f"numpy.{name}": scalars for name in SCALARS} | {f"numpy.{name}": never for name in UFUNCS}
    for core in ("numpy.core", "numpy._core"):
        rules |= {f"{core}.multiarray._reconstruct": _array, f"{core}.multiarray.scalar": _numpy_scalar}
        rules[f"{core}.numeric._frombuffer"] = _from_buffer
    for layout in ("bsr", "coo", "csc", "csr", "dia"):
        rules |= {f"scipy.sparse._{layout}.{layout}_{kind}": never for kind in ("matrix", "array")}
    for name in BIT_GENERATORS:
        rules[f"numpy.random._{name.lower().removesuffix('dxsm')}.{name}"] = never
    return rules


def _dates(args: tuple[object, ...]) -> bool:
    return len(args) <= 10 and all(_scalar(one) or isinstance(one, Made) for one in args)


RULES: Mapping[str, Rule] = _rules()
# What any module may be asked for when a joblib file is read plainly; `encode` is left out because there are modules
# whose function of that name writes files.
ATTRIBUTES: frozenset[str] = frozenset(name.rsplit(".", 1)[1] for name in RULES) - {"encode"}


def full_name(module: str, name: str) -> str:
    """`module.name` with the Python 2 spellings that old protocols use."""
    if (module, name) == ("__builtin__", "xrange"):
        return "builtins.range"
    return f"{_PYTHON_2.get(module, module)}.{name}"


def may_declare(name: str) -> bool:
    """Whether a declaration can vouch for this name at all: a class, by its name, of a package that holds models."""
    parts = name.split(".")
    plain = len(parts) > 1 and all(part.isidentifier() and part.isascii() for part in parts)
    if not plain or is_forbidden(name) or not NEVER_PARTS.isdisjoint(parts[:-1]) or parts[-1] in NEVER_CLASSES:
        return False
    return _CLASS.fullmatch(parts[-1]) is not None
