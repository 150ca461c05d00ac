"""Twelve fitted scikit-learn models, in every form people save them in, are clean without a word in the manifest."""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import joblib  # type: ignore[import-untyped]
import numpy as np
import pytest
import skops.io
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from shipworthy.artifact.scan import Declared, Severity, scan_bytes
from shipworthy.artifact.scan.estimators import CLASSES, ESTIMATORS, FUNCTIONS
from shipworthy.artifact.scan.standard import is_forbidden
from tests.artifact.fakes import call, kinds, name, text

COMPRESSIONS: tuple[Any, ...] = (0, ("zlib", 3), ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3))


def _unfitted() -> dict[str, Any]:
    columns = ColumnTransformer(
        [
            ("scale", StandardScaler(), [0, 1]),
            ("log", FunctionTransformer(np.log1p), [2]),
            ("one hot", OneHotEncoder(handle_unknown="ignore"), [3]),
        ]
    )
    search = GridSearchCV(DecisionTreeClassifier(random_state=1), {"max_depth": [1, 2]}, cv=2)
    return {
        "linear": LogisticRegression(),
        "forest": RandomForestClassifier(3, random_state=1),
        "boosting": GradientBoostingClassifier(n_estimators=3, random_state=1),
        "histograms": HistGradientBoostingClassifier(max_iter=3, random_state=1),
        "support vectors": SVC(),
        "neighbours": KNeighborsClassifier(),
        "bayes": GaussianNB(),
        "network": MLPClassifier((4,), max_iter=500, tol=0.1, random_state=np.random.RandomState(1)),
        "tree": DecisionTreeClassifier(random_state=1),
        "pipeline": make_pipeline(StandardScaler(), search),
        "columns": make_pipeline(columns, LogisticRegression(random_state=np.random.RandomState(1))),
        "outliers": IsolationForest(n_estimators=3, random_state=1),
    }


@pytest.fixture(scope="module")
def models() -> dict[str, Any]:
    rng = np.random.default_rng(1)
    rows = np.abs(rng.normal(size=(120, 4)))
    rows[:, 3] = rng.integers(0, 3, size=120)
    labels = (rows[:, 0] > 0.6).astype(int)
    return {key: model.fit(rows, labels) for key, model in _unfitted().items()}


def saved(model: Any) -> Iterator[tuple[str, bytes]]:
    """(how, bytes) of a model in every form."""
    for protocol in range(2, 6):
        yield f"pickle {protocol}", pickle.dumps(model, protocol)
    for compress in COMPRESSIONS:
        out = io.BytesIO()
        joblib.dump(model, out, compress=compress)
        yield f"joblib {compress}", out.getvalue()
    yield "skops", skops.io.dumps(model)
    yield "packed skops", skops.io.dumps(model, compression=zipfile.ZIP_DEFLATED)


@pytest.mark.slow
@pytest.mark.parametrize("which", _unfitted())
def test_a_fitted_model_is_clean_in_every_form(models: dict[str, Any], which: str) -> None:
    assert len(models) == 12
    for how, blob in saved(models[which]):
        assert [str(one) for one in scan_bytes("model", blob)] == [], how


@pytest.mark.slow
def test_one_foreign_call_beside_a_fitted_model_is_found_in_every_form(models: dict[str, Any]) -> None:
    """What is clean is clean because it was read to its end, not because the scanner gave up."""

    class Payload:
        def __reduce__(self) -> tuple[Any, tuple[str]]:
            return print, ("it runs",)

    for how, blob in saved_pickles([models["forest"], Payload(), models["neighbours"]]):
        found = scan_bytes("model", blob)
        assert {one.severity for one in found} == {Severity.UNSAFE}, how
        assert any("builtins.print('it runs') would run" in one.what for one in found), how


def saved_pickles(value: Any) -> Iterator[tuple[str, bytes]]:
    yield from ((f"pickle {protocol}", pickle.dumps(value, protocol)) for protocol in range(2, 6))
    for compress in COMPRESSIONS:
        out = io.BytesIO()
        joblib.dump(value, out, compress=compress)
        yield f"joblib {compress}", out.getvalue()


@pytest.mark.slow
def test_the_scanner_loads_no_numerical_library(models: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "model.joblib"
    joblib.dump(models["columns"], path, compress=3)
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from shipworthy.artifact.files.scanner import scan_folder\n"
        f"assert scan_folder(Path({str(tmp_path)!r})).clean\n"
        "print(sorted({'sklearn', 'numpy', 'scipy', 'joblib', 'skops', 'pickle'} & set(sys.modules)))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "[]\n"


@pytest.mark.slow
def test_every_listed_name_is_defined_where_the_list_says() -> None:
    """A name that a module only imports from elsewhere would let that other thing in."""
    assert len(CLASSES) > 250
    for full in ESTIMATORS:
        module, _, attribute = full.rpartition(".")
        found = getattr(import_module(module), attribute)
        if full in CLASSES:
            assert isinstance(found, type), full
            assert found.__module__ == module or module.startswith("scipy."), full
        assert not is_forbidden(full)
        assert full.startswith(("sklearn.", "scipy."))


@pytest.mark.parametrize("full", sorted(FUNCTIONS))
def test_a_listed_function_may_be_carried_and_never_called(full: str) -> None:
    module, _, attribute = full.rpartition(".")
    assert kinds("x", b"\x80\x04" + name(module, attribute) + b".") == set()
    assert kinds("x", call(module, attribute)) == {"call"}


LINEAR = ("sklearn.linear_model._logistic", "LogisticRegression")


def test_a_listed_class_is_made_empty_and_never_called() -> None:
    assert kinds("x", b"\x80\x04" + name(*LINEAR) + b")\x81}b.") == set()
    old = call("copyreg", "_reconstructor", name(*LINEAR) + name("builtins", "object") + b"N\x87")
    assert kinds("x", old) == set()
    assert kinds("x", call(*LINEAR)) == {"call"}
    assert kinds("x", b"\x80\x04" + name(*LINEAR) + text("x") + b"\x85\x81.") == {"call"}
    assert kinds("x", b"\x80\x04" + name(*LINEAR) + b")}" + text("a") + b"K\x01s\x92.") == {"call"}
    assert kinds("x", b"\x80\x04" + name(*LINEAR) + b")\x81N}\x86b.") == {"call"}, "attributes one by one"
    assert kinds("x", b"\x80\x04" + name(*LINEAR) + b"}b.") == {"call"}, "state of the class itself"


def test_compiled_classes_are_made_as_scikit_learn_makes_them() -> None:
    trees, distances = "sklearn.neighbors._kd_tree", "sklearn.metrics._dist_metrics"
    assert kinds("x", call(trees, "newObj", name(trees, "KDTree") + b"\x85")) == set()
    assert kinds("x", call(trees, "newObj", name(distances, "EuclideanDistance64") + b"\x85")) == {"call"}
    assert kinds("x", call(trees, "newObj")) == {"call"}
    assert kinds("x", call(distances, "newObj", name(distances, "PyFuncDistance64") + b"\x85")) >= {"global", "call"}
    array = call("numpy._core.multiarray", "_reconstruct", name("numpy", "ndarray") + b"K\x00\x85C\x01b\x87")[2:-1]
    tree = ("sklearn.tree._tree", "Tree")
    assert kinds("x", call(*tree, b"K\x02" + array + b"K\x01\x87")) == set()
    assert kinds("x", call(*tree, b"K\x02N" + b"K\x01\x87")) == {"call"}
    assert kinds("x", call(*tree, b"K\x02" + array + b"\x8a\x05\x00\x00\x00\x00\x01\x87")) == {"call"}
    assert kinds("x", call("sklearn._loss._loss", "CyHalfBinomialLoss")) == set()
    assert kinds("x", call("sklearn._loss._loss", "CyPinballLoss", name(*LINEAR) + b"\x85")) == {"call"}


@pytest.mark.parametrize(
    "full",
    [
        "sklearn.linear_model._base.Parallel",
        "sklearn.tree._export.StringIO",
        "sklearn.preprocessing._data.np",
        "sklearn.datasets._base.load_files",
        "sklearn.utils._testing.Popen",
        "sklearn.externals.array_api_compat.common._helpers.sys",
        "sklearn.linear_model._logistic.LogisticRegression.fit",
        "sklearn.utils._bunch.Bunch.__init__",
    ],
)
def test_what_a_listed_module_imports_from_elsewhere_is_not_listed(full: str) -> None:
    module, _, attribute = full.rpartition(".")
    if attribute in ("fit", "__init__"):
        module, attribute = module.rpartition(".")[0], f"{module.rpartition('.')[2]}.{attribute}"
    assert "global" in kinds("x", b"\x80\x04" + name(module, attribute) + b".")


def test_a_class_of_the_users_own_is_clean_once_it_is_declared() -> None:
    blob = b"\x80\x04" + name("credit.model", "Scorecard") + b")\x81}b."
    assert [one.name for one in scan_bytes("m", blob)] == ["credit.model.Scorecard"]
    assert scan_bytes("m", blob, Declared(classes=frozenset({"credit.model.Scorecard"}))) == ()
