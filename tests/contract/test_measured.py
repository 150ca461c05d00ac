"""The answer on minority data sets names a group that something measures; a word of the manifest is not enough."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipworthy.contract import cross
from shipworthy.contract.files.reader import read_contract
from tests.contract.repository import files, stamp, whole, write

SAID = "Looked at by age: the bound for 75 and more is wide."
WHOLE = 'input: {rows: test, where: "age >= 75"}'


def words(root: Path, **changed: str) -> frozenset[str]:
    contract = whole(root, **changed)
    return cross.measured(contract.manifest, contract.policy, contract.cases)


def manifest_with(old: str, new: str) -> str:
    text = files("standard")["shipworthy.yaml"]
    assert isinstance(text, str)
    assert text.count(old) == 1
    return text.replace(old, new)


def test_protected_features_segments_of_cases_and_what_they_pick_rows_by_are_measured(tmp_path: Path) -> None:
    assert words(tmp_path) == {"age", "office", "P1", "P2"}


def test_a_segment_of_an_slo_is_measured(tmp_path: Path) -> None:
    slos = files("standard")["safety-slos.yaml"]
    assert isinstance(slos, str)
    marked = slos.replace('window: "7d"\n', 'window: "7d"\n    segments: ["*", "office=P9"]\n', 1)
    assert {"office", "P9"} <= words(tmp_path, slos=marked)


def test_a_limit_a_declared_value_and_a_feature_nobody_looks_at_are_not_measured(tmp_path: Path) -> None:
    contract = whole(tmp_path)
    assert cross.measured(contract.manifest, contract.policy, ()) == {"age"}  # P9 is a limit, P1 an accepted value


def test_a_feature_is_measured_by_a_case_that_picks_its_rows_by_it(tmp_path: Path) -> None:
    contract = whole(tmp_path, manifest=manifest_with(", protected: true", ""))
    assert "age" in cross.measured(contract.manifest, contract.policy, contract.cases)
    others = tuple(case for case in contract.cases if case.id != "tail.old")
    assert "age" not in cross.measured(contract.manifest, contract.policy, others)


def test_other_columns_in_a_filter_are_no_groups(tmp_path: Path) -> None:
    pack = files("standard")["robustness-pack.yaml"]
    assert isinstance(pack, str)
    pack = pack.replace("age >= 75", "office == 'P1' and split == 'test' and label == 1")
    assert words(tmp_path, pack=pack) == {"age", "office", "P1", "P2"}


@pytest.mark.parametrize(
    ("answer", "refused"),
    [
        (SAID, True),
        ("Looked at the offices: office P2 has few rows.", False),
        ("It does well everywhere.", True),
    ],
)
def test_an_answer_about_what_nobody_measures_is_refused_and_told_what_is_measured(
    tmp_path: Path, answer: str, refused: bool
) -> None:
    contents = files("standard")
    note, pack = contents["deliberation-note.md"], contents["robustness-pack.yaml"]
    assert isinstance(note, str)
    assert isinstance(pack, str)
    contents["deliberation-note.md"] = note.replace(SAID, answer)
    contents["robustness-pack.yaml"] = pack.replace(WHOLE, "input: {rows: test}")
    contents["shipworthy.yaml"] = manifest_with(", protected: true", "")
    write(tmp_path, contents)
    stamp(tmp_path)
    problems = [one for one in read_contract(tmp_path)[1] if "names no segment" in one.what]
    assert bool(problems) is refused
    assert all(one.fix == "look at one and name it: P1, P2, office" for one in problems)


def test_where_nothing_is_measured_the_fix_says_how_to_begin(tmp_path: Path) -> None:
    text = files("low")["shipworthy.yaml"]
    assert isinstance(text, str)
    write(tmp_path, files("low") | {"shipworthy.yaml": text.replace(", protected: true", "")})
    stamp(tmp_path)
    (problem,) = read_contract(tmp_path)[1]
    assert "mark a feature `protected: true`" in problem.fix
