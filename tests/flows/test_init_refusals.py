"""Where `init` would have to guess it stops: one line, exit code 2, nothing written."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from shipworthy.errors import CannotDecide, ContractError, UsageError
from shipworthy.flows.survey import Told
from tests.cli.calls import call
from tests.flows.project import CHURN, TABLE, files_of, started, write_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return write_project(tmp_path / "churn")


def _remove(*names: str) -> Callable[[Path], None]:
    def remove(root: Path) -> None:
        for name in names:
            (root / name).unlink()

    return remove


def _add(name: str, raw: bytes) -> Callable[[Path], None]:
    def add(root: Path) -> None:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(raw)

    return add


def _pickle_alone(root: Path) -> None:
    _remove("train.py")(root)
    _add("model/churn.joblib", b"cos\nsystem\n.")(root)


def _two_models(root: Path) -> None:
    _add("model/a.skops", b"x")(root)
    _add("model/b.skops", b"x")(root)


@pytest.mark.parametrize(
    ("spoil", "told", "what"),
    [
        (_remove(TABLE), CHURN, "no table of labelled rows"),
        (_remove("train.py"), CHURN, "no model file is here, and no training script"),
        (_pickle_alone, CHURN, "churn.joblib is a pickle: opening one runs whatever it holds"),
        (_two_models, CHURN, "several models"),
        (_add("m.skops", b"x"), CHURN, "has no folder of its own"),
        (_add("data/m.skops", b"x"), CHURN, "holds more than the model"),
        (_add(TABLE, b"a,churned\n"), CHURN, "has no rows"),
        (_add(TABLE, b"a,a\n1,2\n"), CHURN, "names a column twice"),
        (_add(TABLE, b"\xff\xfe\n1\n"), CHURN, "no header line can be read"),
        (_add(TABLE, b"a b,churned,split\n1,0,train\n2,1,test\n"), CHURN, "cannot be named in an expression"),
        (_add(TABLE, b"score,churned,split\n1,0,train\n2,1,test\n"), CHURN, "cannot be named in an expression"),
        (_add(TABLE, b"churned,split\n0,train\n1,test\n"), CHURN, "no column looks like an input"),
        (_add("train.py", b"def"), CHURN, "not Python that can be read"),
        (_add("data/customers.split.csv", b"old\n"), CHURN, "older copy with other rows"),
        (lambda root: None, Told(owner="m", stakes="low"), "which column holds the truth cannot be told"),
        (lambda root: None, Told(owner="m", stakes="low", label="chrned"), "no column 'chrned'"),
        (lambda root: None, Told(owner="m", stakes="low", label="age"), "is not 0/1"),
        (lambda root: None, Told(owner="m", stakes="low", label="churned", data="x.csv"), "no table 'x.csv'"),
        (lambda root: None, Told(owner="m", stakes="low", label="churned", model="x.skops"), "no skops archive"),
    ],
)
def test_where_going_on_would_be_a_guess_one_line_says_so_and_nothing_is_written(
    project: Path, spoil: Callable[[Path], None], told: Told, what: str
) -> None:
    spoil(project)
    before = files_of(project)
    with pytest.raises(UsageError) as refused:
        started(project, told)
    assert what in str(refused.value)
    assert refused.value.fix
    assert "\n" not in str(refused.value)
    assert files_of(project) == before


def test_a_file_that_only_looks_like_a_model_is_not_loaded(project: Path) -> None:
    _add("model/m.skops", b"cos\nsystem\n.")(project)
    with pytest.raises(CannotDecide, match="not a skops archive"):
        started(project)
    assert not (project / "shipworthy.yaml").exists()


def test_a_model_that_was_trained_on_who_knows_what_cannot_be_given_test_rows(tmp_path: Path) -> None:
    root = write_project(tmp_path / "churn", split=False)
    (root / "train.py").unlink()
    _add("model/m.skops", b"x")(root)
    for split, what in ((False, "no column says which rows the model was trained on"), (True, "none is here")):
        told = Told(owner="m", stakes="low", label="churned", split=split)
        with pytest.raises(UsageError, match=what) as refused:
            started(root, told)
        assert refused.value.fix == "add a column split: train, calibration, test"
        assert (refused.value.where == "--split") is split


def test_kinds_of_models_without_a_template_are_refused(project: Path) -> None:
    before = files_of(project)
    left = call("--root", str(project), "init", "--template", "llm", "--label", "churned")
    assert left.code == 2
    assert left.err.count("\n") == 1
    assert "no template for llm models yet" in left.err
    assert files_of(project) == before


def test_an_invalid_manifest_is_told_and_nothing_is_made_to_fit_it(project: Path) -> None:
    (project / "shipworthy.yaml").write_text("model: churn\nstakes: medium\n")
    before = files_of(project)
    with pytest.raises(ContractError, match="stakes"):
        started(project)
    assert files_of(project) == before


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["train.py", "features.py", TABLE, "model/churn.skops", ".gitignore"])
def test_a_pipe_in_the_project_holds_nobody_up(project: Path, name: str) -> None:
    (project / name).unlink(missing_ok=True)
    (project / name).parent.mkdir(exist_ok=True)
    os.mkfifo(project / name)
    if name in ("features.py", "model/churn.skops"):
        assert name not in "".join(started(project).written)  # made of what can be read
    else:
        with pytest.raises(UsageError) as refused:
            started(project)
        assert refused.value.fix
    assert stat.S_ISFIFO((project / name).stat().st_mode)
