"""The file that is trained on changes in its training rows only, and the data record follows."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from shipworthy.evaluate.mutants.kind import NotMade
from shipworthy.evaluate.mutants.rows import Cells
from shipworthy.facts import digest
from shipworthy.flows.model import all_datasets
from shipworthy.flows.note import stamp_note
from shipworthy.flows.strength.table import rewrite_seed, rewrite_training
from tests.flows.learning import BUILD_PY
from tests.flows.tiny import Tiny


def halved(rows: list[Cells]) -> list[Cells]:
    """Keep every other row and turn its label."""
    return [{**row, "label": "0" if row["label"] == "1" else "1"} for row in rows[::2]]


def test_only_training_rows_change(written: Tiny) -> None:
    contract = written.workspace.contract()
    before = all_datasets(written.root, contract.manifest)
    rewrite_training(written.root, contract, halved)
    after = all_datasets(written.root, contract.manifest)
    assert after["test"] == before["test"]
    assert after["calibration"] == before["calibration"]
    assert after["train"] == [{**row, "label": 1 - int(str(row["label"]))} for row in before["train"][::2]]


def test_the_data_record_names_the_new_file(written: Tiny) -> None:
    rewrite_training(written.root, written.workspace.contract(), halved)
    now = digest((written.root / "data/rows.csv").read_bytes())
    contract, problems = written.workspace.read()
    assert contract is not None
    assert contract.manifest.data_sources[0].digest == now
    assert not [one for one in problems if "digest" in one.what]


def test_a_packed_file_stays_packed_and_the_same_rows_are_the_same_bytes(written: Tiny) -> None:
    path = written.root / "data/rows.csv"
    path.with_suffix(".csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    manifest = written.root / "shipworthy.yaml"
    text = manifest.read_text().replace("rows.csv", "rows.csv.gz")
    plain, packed = (digest(gzip.decompress(path.with_suffix(".csv.gz").read_bytes())), digest_file(written.root))
    manifest.write_text(text.replace(plain, packed))
    stamp_note(written.root)
    made = []
    for _ in range(2):
        rewrite_training(written.root, written.workspace.contract(), lambda rows: rows)
        stamp_note(written.root)
        made.append((written.root / "data/rows.csv.gz").read_bytes())
    assert made[0] == made[1]
    assert gzip.decompress(made[0]).startswith(b"split,visit,")


def test_a_seed_in_the_code_is_another_one(written: Tiny) -> None:
    (written.root / "build.py").write_text(BUILD_PY)
    (written.root / "training.json").write_text('{"random_seed": 5, "seeds": 3, "seeding": 1}')
    before = {path: path.read_bytes() for path in written.root.rglob("*") if path.is_file()}
    rewrite_seed(written.root, written.workspace.contract())
    changed = {path.name: path.read_text() for path, raw in before.items() if path.read_bytes() != raw}
    assert changed == {
        "build.py": BUILD_PY.replace("SEED = 11", "SEED = 12"),
        "training.json": '{"random_seed": 6, "seeds": 3, "seeding": 1}',
    }


def test_without_a_seed_nothing_is_changed(written: Tiny) -> None:
    before = digest_of(written.root)
    with pytest.raises(NotMade, match="no seed"):
        rewrite_seed(written.root, written.workspace.contract())
    assert digest_of(written.root) == before


def digest_file(root: Path) -> str:
    return digest((root / "data/rows.csv.gz").read_bytes())


def digest_of(root: Path) -> str:
    return digest([(str(path), digest(path.read_bytes())) for path in sorted(root.rglob("*")) if path.is_file()])
