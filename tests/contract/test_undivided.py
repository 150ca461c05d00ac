"""A table that `init` copied to say which rows train is not shown to a build, which would train on the test rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipworthy.contract.files.reader import read_contract
from shipworthy.contract.problems import Problem
from tests.contract.repository import files, manifest, standard, write

COPY = b"age,office,label,shipworthy_split\n40,P1,0,train\n80,P2,1,test\n"
DATASETS = "datasets:\n  train: {path: data/all.split.csv, where: \"shipworthy_split == 'train'\"}\n"


def told(root: Path, table: bytes, code: str = "train.py", name: str = "data/all.csv") -> list[Problem]:
    text = manifest().replace("code: [train.py]", f"code: [{code}]").replace("datasets:\n", DATASETS)
    contents: dict[str, str | bytes] = {"shipworthy.yaml": text, "data/all.split.csv": COPY, name: table}
    return [one for one in read_contract(write(root, files("low") | contents))[1] if "nothing says" in one.what]


@pytest.mark.parametrize("code", ["train.py, data/all.csv", "train.py, data", "train.py, 'data/*.csv'"])
def test_code_that_shows_a_build_the_undivided_table_is_refused_at_its_place(tmp_path: Path, code: str) -> None:
    (problem,) = told(tmp_path, b"age,office,label\n40,P1,0\n", code)
    assert (problem.file, problem.exit_code) == ("shipworthy.yaml", 3)
    assert "shows the build data/all.csv" in problem.what
    assert "rows of data/all.split.csv with shipworthy_split == 'train'" in problem.fix


def test_a_packed_table_is_the_same_table(tmp_path: Path) -> None:
    import gzip

    packed = gzip.compress(b"age,office,label\n40,P1,0\n")
    assert told(tmp_path, packed, "train.py, data", "data/all.csv.gz")


def test_a_table_that_cannot_be_read_says_nothing_either(tmp_path: Path) -> None:
    assert told(tmp_path, b"\xff\xfe\n", "train.py, data/all.csv")


def test_a_table_that_says_itself_which_rows_train_may_be_read(tmp_path: Path) -> None:
    assert told(tmp_path, b"age,office,label,Split\n40,P1,0,train\n", "train.py, data/all.csv") == []


def test_what_no_build_is_shown_may_lie_there(tmp_path: Path) -> None:
    assert told(tmp_path, b"age,office,label\n40,P1,0\n") == []


def test_the_data_record_is_shown_to_a_build_as_well(tmp_path: Path) -> None:
    text = standard().replace("file: data/rows.csv", "file: data/all.csv").replace("datasets:\n", DATASETS)
    contents: dict[str, str | bytes] = {
        "shipworthy.yaml": text,
        "data/all.split.csv": COPY,
        "data/all.csv": b"age,office,label\n40,P1,0\n",
    }
    problems = read_contract(write(tmp_path, files("standard") | contents))[1]
    (line,) = (one.line for one in problems if "nothing says which rows test" in one.what)
    assert "file: data/all.csv" in text.splitlines()[line - 1]
