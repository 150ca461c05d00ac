from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.contract.change import (
    build_files,
    build_terms,
    change_digest,
    change_files,
    data_files,
    matches,
)
from shipworthy.contract.manifest_reader import read_manifest
from shipworthy.contract.pack import read_pack
from tests.contract.repository import PACK, manifest, standard

NAMES = (
    "MODEL_CARD.md",
    "README.md",
    "cases/office.csv",
    "cases/sub/more.csv",
    "data/other.csv",
    "data/rows.csv",
    "deliberation-note.md",
    "model/model.skops",
    "requirements.lock",
    "robustness-pack.yaml",
    "safety-slos.yaml",
    "shipworthy.lock",
    "shipworthy.yaml",
    "train.py",
)
_DIGESTS = st.dictionaries(st.text(min_size=1, max_size=4), st.text(max_size=4), max_size=5)


def belonging(text: str) -> set[str]:
    read = read_manifest(text)[0]
    pack = read_pack(PACK)[0]
    assert read is not None
    assert pack is not None
    return set(change_files(read, NAMES, pack.cases))


def test_code_data_lock_file_policy_pack_and_manifest_belong_to_the_change() -> None:
    assert belonging(standard() + "lockfile: requirements.lock\n") == {
        "cases/office.csv",
        "cases/sub/more.csv",
        "data/rows.csv",
        "requirements.lock",
        "robustness-pack.yaml",
        "safety-slos.yaml",
        "shipworthy.yaml",
        "train.py",
    }


def test_weights_card_note_and_lock_never_belong_even_when_the_code_pattern_fits() -> None:
    all_of_it = belonging(manifest().replace("[train.py]", "['**']"))
    assert not all_of_it & {"model/model.skops", "MODEL_CARD.md", "deliberation-note.md", "shipworthy.lock"}
    assert "data/other.csv" in all_of_it


def test_data_files_are_those_of_datasets_and_of_the_data_record() -> None:
    read = read_manifest(standard())[0]
    assert read is not None
    assert data_files(read) == {"data/rows.csv"}


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("src", "src/a.py", True),
        ("src/", "src/a.py", True),
        ("src", "src2/a.py", False),
        ("*.py", "a.py", True),
        ("*.py", "src/a.py", False),
        ("**/*.py", "a.py", True),
        ("**/*.py", "x/y/a.py", True),
        ("src/**", "src/x/y", True),
        ("a?.py", "ab.py", True),
        ("a.py", "aXpy", False),
        ("(a|b)", "a", False),
    ],
)
def test_a_pattern_is_a_file_a_folder_or_a_glob(pattern: str, name: str, fits: bool) -> None:
    assert matches(pattern, name) is fits


@given(_DIGESTS, _DIGESTS)
def test_two_changes_have_one_digest_only_when_they_are_the_same(a: dict[str, str], b: dict[str, str]) -> None:
    assert (change_digest(a) == change_digest(b)) is (a == b)
    assert change_digest(dict(reversed(a.items()))) == change_digest(a)


def seen_by_a_build(text: str) -> set[str]:
    read = read_manifest(text)[0]
    assert read is not None
    return set(build_files(read, NAMES))


def test_a_build_sees_the_change_without_the_bar_it_will_be_judged_by() -> None:
    text = standard() + "lockfile: requirements.lock\n"
    bar = {name for name in NAMES if name.startswith("cases/")} | {"safety-slos.yaml", "robustness-pack.yaml"}
    assert bar <= belonging(text)
    assert seen_by_a_build(text) == belonging(text) - bar


def test_a_case_that_the_author_declares_as_code_is_seen() -> None:
    text = standard().replace("code: [", "code: [cases/office.csv, ")
    assert text != standard()
    assert seen_by_a_build(text) - seen_by_a_build(standard()) == {"cases/office.csv"}


def test_people_and_stages_are_not_told_to_a_build_and_features_are() -> None:
    def terms(text: str) -> str:
        read = read_manifest(text)[0]
        assert read is not None
        return build_terms(read)

    assert terms(standard()) == terms(standard().replace("owner: ", "owner:  "))
    assert terms(standard()) == terms(standard().replace('version: "', 'version: "9'))
    assert terms(standard()) != terms(standard() + "artefacts: out\n")
