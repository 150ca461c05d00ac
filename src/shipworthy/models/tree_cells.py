"""The cells that a tree ensemble cuts each feature into, read from its file without loading it.

In: the bytes of a `.skops` archive, the model's columns, how categories become numbers. Out: for each feature that some
split uses, one value inside every cell between two neighbouring thresholds: all that the model can tell apart. Inside
one cell no answer changes, so whoever tries these values has tried them all, one feature at a time.

Read are HistGradientBoosting, GradientBoosting, RandomForest, ExtraTrees and DecisionTree classifiers, alone or behind
steps that leave each column what it is (passthrough, SimpleImputer). Everything else raises ContractError.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from shipworthy.errors import ContractError
from shipworthy.models.encoding import Encoding
from shipworthy.models.skops_arrays import SCHEMA, Archive, attributes, class_of, items, plain
from shipworthy.models.spec import Cell, Columns

UNSEEN = "a category nobody has seen"
Cells = dict[str, tuple[Cell, ...]]
_FORESTS = ("GradientBoostingClassifier", "RandomForestClassifier", "ExtraTreesClassifier")
_TREES = ("DecisionTreeClassifier", "ExtraTreeClassifier")


def tree_cells(blob: bytes, columns: Columns, encodings: Mapping[str, Encoding]) -> Cells:
    """Return one value per cell and feature, the missing value last."""
    try:
        archive = Archive(blob)
        thresholds = _thresholds(archive, _estimator(archive, len(columns)), len(columns))
    except (AttributeError, LookupError, TypeError, ValueError) as problem:
        raise ContractError(f"of a form that is not known ({type(problem).__name__})", SCHEMA) from problem
    made: Cells = {}
    for at, (name, kind) in enumerate(columns):
        if thresholds[at]:
            found = sorted(thresholds[at])
            made[name] = _categories(found, encodings[name]) if kind == "category" else _numbers(found, kind)
    return made


def _estimator(archive: Archive, width: int) -> Any:  # noqa: ANN401
    """The last step of a pipeline whose other steps keep the columns, or the estimator itself."""
    node: Any = archive.root
    if class_of(node) == "Pipeline":
        *before, last = [items(step)[1] for step in items(attributes(node)["steps"])]
        for step in before:
            _keeps_columns(archive, step, width)
        node = last
    if plain(attributes(node).get("n_features_in_")) != width:
        raise ContractError("takes another number of columns than the manifest declares", SCHEMA)
    return node


def _keeps_columns(archive: Archive, step: Any, width: int) -> None:  # noqa: ANN401
    if class_of(step) == "SimpleImputer":
        own = attributes(step)
        filled = archive.array(own.get("statistics_"))
        kept = filled.dtype.kind == "f" and filled.shape == (width,) and not np.isnan(filled).any()
        if kept and plain(own.get("add_indicator")) is False:
            return
    elif class_of(step) == "str" and plain(step) == "passthrough":
        return
    raise ContractError(f"a step {class_of(step) or 'without a name'} stands between rows and trees", SCHEMA)


def _thresholds(archive: Archive, node: Any, width: int) -> list[set[float]]:  # noqa: ANN401
    found: list[set[float]] = [set() for _ in range(width)]
    for features, cuts in _splits(archive, node):
        if features.size and not (int(features.min()) >= 0 and int(features.max()) < width):
            raise ContractError("a split on a column that is not there", SCHEMA)
        for at in np.unique(features):
            found[at].update(float(cut) for cut in np.unique(cuts[features == at]) if np.isfinite(cut))
    return found


def _splits(archive: Archive, node: Any) -> Iterator[tuple[Any, Any]]:  # noqa: ANN401
    """Per tree the columns and the thresholds of its inner nodes."""
    name, own = class_of(node), attributes(node)
    if name == "HistGradientBoostingClassifier":
        if class_of(own.get("_preprocessor")) != "str" or plain(own["_preprocessor"]) is not None:
            raise ContractError("categories are cut by the model itself", SCHEMA)
        for stage in items(own.get("_predictors")):
            for predictor in items(stage):
                yield _of_histogram(archive.array(attributes(predictor).get("nodes")))
    elif name in _FORESTS:
        for tree in _flat(own.get("estimators_")):
            yield _of_tree(archive, tree)
    elif name in _TREES:
        yield _of_tree(archive, node)
    else:
        raise ContractError(f"{name or 'an object without a class'} is no tree ensemble", SCHEMA)


def _of_histogram(nodes: Any) -> tuple[Any, Any]:  # noqa: ANN401
    _fields(nodes, ("is_leaf", "feature_idx", "num_threshold", "is_categorical"))
    inner = nodes[nodes["is_leaf"] == 0]
    if inner["is_categorical"].any():
        raise ContractError("splits by sets of categories", SCHEMA)
    return inner["feature_idx"].astype(np.int64), inner["num_threshold"]


def _of_tree(archive: Archive, node: Any) -> tuple[Any, Any]:  # noqa: ANN401
    nodes = archive.array(attributes(attributes(node).get("tree_")).get("nodes"))
    _fields(nodes, ("left_child", "feature", "threshold"))
    inner = nodes[nodes["left_child"] != -1]
    return inner["feature"], inner["threshold"]


def _fields(nodes: Any, names: tuple[str, ...]) -> None:  # noqa: ANN401
    if not set(names) <= set(nodes.dtype.names or ()):
        raise ContractError("trees of a form that is not known", SCHEMA)


def _flat(node: Any) -> Iterator[Any]:  # noqa: ANN401
    for one in items(node):
        if isinstance(one, dict) and class_of(one) in ("list", "tuple", "ndarray"):
            yield from _flat(one)
        elif isinstance(one, list):
            yield from (tree for tree in one)
        else:
            yield one


def _numbers(cuts: list[float], kind: str) -> tuple[Cell, ...]:
    """A value goes left when it is at most the threshold: cells are open below and closed above."""
    reach = max(1.0, (cuts[-1] - cuts[0]) / len(cuts))
    edges = [cuts[0] - 2.0 * reach, *cuts, cuts[-1] + 2.0 * reach]
    return (*(_inside(low, high, kind) for low, high in pairwise(edges)), None)


def _inside(low: float, high: float, kind: str) -> float:
    whole = math.floor(high)
    if kind in ("int", "bool") and whole > low:
        return float(whole)
    return low + (high - low) / 2.0


def _categories(cuts: list[float], encoding: Encoding) -> tuple[Cell, ...]:
    """One category per cell that some category falls into, then one nobody has seen, then none at all."""
    seen: dict[int, str] = {}
    for name, number in sorted(encoding.values.items()):
        seen.setdefault(int(np.searchsorted(cuts, number, side="left")), name)
    return (*(seen[cell] for cell in sorted(seen)), UNSEEN, None)
