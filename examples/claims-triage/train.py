"""Train the claims model.

In: `training.yaml` (options), `shipworthy.yaml` (feature order) and the rows of `data/claims.csv.gz` whose split is
`train`. Out: `model/model.skops` and `model/encoding.json`, the same bytes for the same inputs, so that anybody can
rebuild the release and compare digests. Needs numpy, scikit-learn, skops and PyYAML.
"""

from __future__ import annotations

import os

# Before numpy loads: sums then run in one order, and two processes on two cores do not wait for each other.
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import csv
import gzip
import io
import json
import math
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import skops.io
import yaml
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).resolve().parent
SMOOTHING = 100.0  # a code with n claims moves n / (n + 100) of the way from the overall rate to its own
SEX = {"values": {"f": 0.0, "m": 1.0}, "unseen": None, "missing": None}

Row = dict[str, str]
Encoding = dict[str, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `training.yaml` says. `blank` columns are 0 in training: the model takes them and learns nothing of them."""

    model: Literal["logistic", "boosted"]
    supplier: Literal["none", "mean", "smoothed"]
    hide_share: float
    seed: int
    columns: tuple[str, ...]
    blank: tuple[str, ...] = ()


def read_options(path: Path) -> Options:
    """Return the options. Raises ValueError, or TypeError for an unknown key, rather than train something else."""
    found = yaml.safe_load(path.read_text(encoding="utf-8"))
    options = Options(**{**found, "columns": tuple(found["columns"]), "blank": tuple(found.get("blank", ()))})
    if options.model not in ("logistic", "boosted") or options.supplier not in ("none", "mean", "smoothed"):
        raise ValueError(f"{path}: model {options.model!r} with supplier {options.supplier!r} is not known")
    if not set(options.blank) <= set(options.columns):
        raise ValueError(f"{path}: blank names what is no column")
    if ("supplier" in options.columns) != (options.supplier != "none"):
        raise ValueError(f"{path}: name supplier under columns exactly when it is encoded")
    return options


def read_rows(path: Path, split: str) -> list[Row]:
    """Return the rows of one split, as text."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["split"] == split]


def labels(rows: Sequence[Row]) -> NDArray[np.float64]:
    """Return 1 where the serious-injury benefit is due."""
    return np.array([float(row["serious"]) for row in rows])


def encode_supplier(rows: Sequence[Row], how: str) -> dict[str, Any]:
    """Return the number that stands for each supplier code, and for a code without history."""
    total: dict[str, float] = defaultdict(float)
    count: dict[str, int] = defaultdict(int)
    for row in rows:
        total[row["supplier"]] += float(row["serious"])
        count[row["supplier"]] += 1
    if how == "mean":
        values = {code: total[code] / max(count[code], 1) for code in sorted(count)}
        return {"values": values, "unseen": 0.0, "missing": 0.0}
    overall = sum(total.values()) / len(rows)
    values = {code: (total[code] + SMOOTHING * overall) / (count[code] + SMOOTHING) for code in sorted(count)}
    return {"values": values, "unseen": None, "missing": None}


def encodings(rows: Sequence[Row], options: Options) -> Encoding:
    """Return the tables that turn categories into numbers (null stands for NaN)."""
    tables: Encoding = {"sex": SEX} if "sex" in options.columns else {}
    if options.supplier != "none":
        tables["supplier"] = encode_supplier(rows, options.supplier)
    return tables


def matrix(rows: Sequence[Row], columns: Sequence[str], tables: Encoding) -> NDArray[np.float64]:
    """Return rows x columns numbers; a missing or untranslatable value is NaN."""
    return np.array([[_number(row[name], tables.get(name)) for name in columns] for row in rows], dtype=np.float64)


def _number(text: str, table: dict[str, Any] | None) -> float:
    if table is None:
        return float(text) if text else math.nan
    found = table["missing"] if text == "" else table["values"].get(text, table["unseen"])
    return math.nan if found is None else float(found)


def shown_in_training(values: NDArray[np.float64], options: Options) -> NDArray[np.float64]:
    """Return a copy with the supplier hidden (NaN) in a share of the rows, so that NaN is a trained value."""
    shown = values.copy()
    shown[:, [options.columns.index(name) for name in options.blank]] = 0.0
    if options.hide_share > 0:
        hidden = np.random.default_rng(options.seed).random(len(values)) < options.hide_share
        shown[hidden, options.columns.index("supplier")] = math.nan
    return shown


def estimator(options: Options) -> ClassifierMixin:
    """Return the unfitted model."""
    if options.model == "logistic":
        return make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression(max_iter=1000))
    return HistGradientBoostingClassifier(
        max_iter=80,
        learning_rate=0.08,
        max_leaf_nodes=15,
        min_samples_leaf=40,
        early_stopping=False,
        random_state=options.seed,
    )


def fit(rows: Sequence[Row], options: Options) -> tuple[ClassifierMixin, Encoding]:
    """Return the fitted model and its encoding tables."""
    tables = encodings(rows, options)
    values = shown_in_training(matrix(rows, options.columns, tables), options)
    return estimator(options).fit(values, labels(rows)), tables


def archive(model: ClassifierMixin) -> bytes:
    """Return the model as a skops archive whose bytes repeat.

    skops names its parts by memory address and stamps them with the time. Both are replaced: addresses by numbers in
    order of appearance, times by 1980-01-01 (the earliest a zip can say).
    """
    source = zipfile.ZipFile(io.BytesIO(skops.io.dumps(model)))
    schema = json.loads(source.read("schema.json"))
    numbers: dict[int, int] = {}
    files: dict[str, str] = {}
    for node in _nodes(schema):
        if "__id__" in node:
            node["__id__"] = numbers.setdefault(node["__id__"], len(numbers) + 1)
        if isinstance(node.get("file"), str):
            node["file"] = files.setdefault(node["file"], f"{len(files) + 1:04d}{Path(node['file']).suffix}")
    parts = {new: source.read(old) for old, new in files.items()}
    return _zip({**parts, "schema.json": json.dumps(schema, indent=1).encode()})


def _nodes(tree: Any) -> Iterable[dict[str, Any]]:  # noqa: ANN401
    """Yield every mapping of a JSON tree, outer ones first."""
    if isinstance(tree, dict):
        yield tree
    for item in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from _nodes(item)


def _zip(parts: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        for name in sorted(parts):
            file.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), parts[name])
    return packed.getvalue()


def check_order(options: Options, manifest: Path) -> None:
    """Raise ValueError when the contract and the training do not name the same inputs in the same order."""
    declared = tuple(feature["name"] for feature in yaml.safe_load(manifest.read_text(encoding="utf-8"))["features"])
    if declared != options.columns:
        raise ValueError(f"training.yaml takes {options.columns}, {manifest.name} declares {declared}")


def main() -> None:
    """Train and write the model folder."""
    options = read_options(HERE / "training.yaml")
    check_order(options, HERE / "shipworthy.yaml")
    model, tables = fit(read_rows(HERE / "data" / "claims.csv.gz", "train"), options)
    folder = HERE / "model"
    folder.mkdir(exist_ok=True)
    (folder / "model.skops").write_bytes(archive(model))
    (folder / "encoding.json").write_text(json.dumps(tables, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
