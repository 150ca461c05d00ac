"""skops archives: the schema walked node by node, without loading anything.

In: the text of `schema.json`, the member names, the declared classes. Out: findings, and which members are plain bytes.
A node names a loader and a class. Both are on an allow-list here, and together: a loader is only trusted with the
classes it is meant for. skops itself trusts by class and asks the user about the rest; what runs code when it is loaded
(methods, operators, partials) is refused whatever it names. Source: skops/io (protocol 2 and before).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from shipworthy.artifact.scan.allowed import BIT_GENERATORS, SCALARS, UFUNCS, may_declare
from shipworthy.artifact.scan.estimators import CLASSES, FUNCTIONS
from shipworthy.artifact.scan.findings import Declared, Finding, Kind, unknown, unsafe
from shipworthy.artifact.strict import loads
from shipworthy.errors import CannotDecide

SCHEMA = "schema.json"
_MAX_NODES = 2_000_000

# Packages of scikit-learn whose classes only compute; `datasets`, `externals`, `utils` and the tests stay out.
_ESTIMATORS = re.compile(
    r"sklearn\.(_loss|base|calibration|cluster|compose|covariance|cross_decomposition|decomposition"
    r"|discriminant_analysis|dummy|ensemble|feature_extraction|feature_selection|gaussian_process|impute"
    r"|isotonic|kernel_approximation|kernel_ridge|linear_model|manifold|mixture|model_selection|multiclass"
    r"|multioutput|naive_bayes|neighbors|neural_network|pipeline|preprocessing|random_projection"
    r"|semi_supervised|svm|tree)((\.[a-z_]+)*)\._?[A-Z]\w*"
)
_SPARSE = re.compile(r"scipy\.sparse(\._[a-z]+)?\.[a-z]{3}_(matrix|array)")
_LOSSES = re.compile(r"sklearn\.(_loss\._loss\.Cy[A-Z]\w*|linear_model\._sgd_fast\.[A-Z]\w*)")
_PRIMITIVES = frozenset(f"builtins.{one}" for one in ("int", "float", "str", "bool", "NoneType"))
_CONTAINERS = frozenset(f"builtins.{one}" for one in ("list", "set", "tuple", "dict", "frozenset"))
_ARRAYS = frozenset(f"numpy.{one}" for one in SCALARS) | {"numpy.ndarray", "numpy.matrix"}
_DICTS = frozenset(("builtins.dict", "collections.OrderedDict", "sklearn.utils._bunch.Bunch"))
_FUNCTIONS = frozenset(f"numpy.{one}" for one in UFUNCS) | {"scipy.special.expit", "scipy.special.logit"}
_FUNCTIONS |= {"scipy.special._ufuncs.expit", "scipy.special._ufuncs.logit", "numpy.nan", "numpy.mean", "numpy.median"}
_DATES = frozenset(f"datetime.{one}" for one in ("date", "time", "datetime", "timedelta", "timezone"))
_BYTES_LOADERS = ("BytesNode", "BytearrayNode")


def _in(names: frozenset[str] | set[str]) -> Callable[[str], bool]:
    return lambda name: name in names


def _like(*patterns: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda name: any(one.fullmatch(name) for one in patterns)


def _is_type(name: str) -> bool:
    return name in _PRIMITIVES | _CONTAINERS | _ARRAYS or _is_estimator(name)


def _is_estimator(name: str) -> bool:
    return name in CLASSES or _ESTIMATORS.fullmatch(name) is not None


# loader → which classes it may be given. What is not here (MethodNode, OperatorFuncNode, PartialNode, …) is refused.
LOADERS: Mapping[str, Callable[[str], bool]] = {
    "DictNode": _in(_DICTS),
    "DefaultDictNode": _in({"collections.defaultdict"}),
    "ListNode": _in({"builtins.list"}),
    "SetNode": _in({"builtins.set", "builtins.frozenset"}),
    "TupleNode": _in({"builtins.tuple"}),
    "FunctionNode": _in(_FUNCTIONS | FUNCTIONS),
    "TypeNode": _is_type,
    "SliceNode": _in({"builtins.slice"}),
    "JsonNode": _in(_PRIMITIVES),
    "BytesNode": _in({"builtins.bytes"}),
    "BytearrayNode": _in({"builtins.bytearray"}),
    "ObjectNode": _is_estimator,
    "ConstructorFromReduceNode": _in(_DATES),
    "NdArrayNode": _in(_ARRAYS),
    "MaskedArrayNode": _in({"numpy.ma.MaskedArray", "numpy.ma.core.MaskedArray"}),
    "RandomStateNode": _in({"numpy.random.mtrand.RandomState"}),
    "RandomGeneratorNode": _in({"numpy.random._generator.Generator"}),
    "DTypeNode": _in({"numpy.dtype"}),
    "SparseMatrixNode": _like(_SPARSE),
    "TreeNode": _in({"sklearn.tree._tree.Tree"}),
    "LossNode": _like(_LOSSES),
}
# Loaders that make an object of a class: these may also be given a declared one.
_OBJECT_LOADERS = ("ObjectNode", "TypeNode", "ConstructorFromReduceNode")


def scan_schema(
    file: str, schema: bytes, members: frozenset[str], declared: Declared
) -> tuple[tuple[Finding, ...], frozenset[str]]:
    """Findings of a skops schema, and the members that are bytes values (never interpreted by skops)."""
    try:
        tree = loads(schema, file)
    except CannotDecide as error:
        return (unsafe(file, Kind.MALFORMED, error.what),), frozenset()
    found: dict[Finding, None] = {}
    inert: set[str] = set()
    todo, seen = [tree], 0
    while todo and seen < _MAX_NODES:
        value = todo.pop()
        seen += 1
        if isinstance(value, list):
            todo.extend(value)
        elif isinstance(value, dict):
            todo.extend(value.values())
            for finding in _node(file, value, members, declared):
                found[finding] = None
            if value.get("__loader__") in _BYTES_LOADERS and isinstance(value.get("file"), str):
                inert.add(str(value["file"]))
    if todo:
        found[unknown(file, Kind.BOMB, f"more than {_MAX_NODES} nodes")] = None
    if not (isinstance(tree, dict) and "__loader__" in tree):
        found[unsafe(file, Kind.MALFORMED, "the schema has no root node")] = None
    return tuple(found), frozenset(inert)


def _node(file: str, node: Mapping[str, object], members: frozenset[str], declared: Declared) -> list[Finding]:
    """Findings of one object of the schema; one without the marks of a node is only a place for nodes."""
    loader, module, kind = node.get("__loader__"), node.get("__module__"), node.get("__class__")
    if loader is None and module is None and kind is None:
        return []
    if not (isinstance(loader, str) and isinstance(module, str) and isinstance(kind, str)):
        return [unsafe(file, Kind.LOADER, "a node without loader, module or class")]
    if loader == "CachedNode":
        return []  # it repeats a node that is walked itself and makes nothing
    name = f"{module}.{kind}"
    found = []
    if loader not in LOADERS:
        found.append(unsafe(file, Kind.LOADER, f"the loader {loader} for {name}"))
    elif not LOADERS[loader](name) and not _declared(loader, name, declared):
        found.append(unsafe(file, Kind.GLOBAL, f"{name} by {loader} is not on the allow-list", name=name))
    if "file" in node and node["file"] not in members:
        found.append(unsafe(file, Kind.MALFORMED, f"{name} points to a member that is not there"))
    if loader == "RandomGeneratorNode" and _bit_generator(node) not in BIT_GENERATORS:
        found.append(unsafe(file, Kind.CALL, "a random generator that calls something else by name"))
    return found


def _declared(loader: str, name: str, declared: Declared) -> bool:
    return loader in _OBJECT_LOADERS and name in declared.classes and may_declare(name)


def _bit_generator(node: Mapping[str, object]) -> object:
    """The class name skops looks up in numpy.random and calls; it travels as a JSON text inside a dict node."""
    value: object = node
    for key in ("content", "bit_generator", "content", "bit_generator", "content"):
        value = value.get(key) if isinstance(value, dict) else None
    try:
        return loads(value.encode(), "bit generator") if isinstance(value, str) else None
    except CannotDecide:
        return None
