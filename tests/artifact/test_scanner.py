from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from shipworthy.artifact.digests import root_of
from shipworthy.artifact.files.folder import hash_folder
from shipworthy.artifact.files.scanner import scan_folder
from shipworthy.artifact.scan import Declared, Limits
from shipworthy.errors import CannotDecide, ShipworthyError
from tests.artifact.fakes import call, zipped


def test_a_plain_folder_is_clean_and_its_digest_is_the_one_that_is_signed(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "model.pkl").write_bytes(pickle.dumps({"a": 1}))
    (tmp_path / "card.yaml").write_text("name: credit\n")
    (tmp_path / "model.sig").write_text("{}")
    report = scan_folder(tmp_path)
    assert report.clean
    assert report.canary_found
    assert report.files == ("card.yaml", "model.sig", "sub/model.pkl")
    assert report.digest == root_of(hash_folder(tmp_path))


def test_unsafe_and_unknown_are_counted_apart_and_neither_is_clean(tmp_path: Path) -> None:
    (tmp_path / "bad.bin").write_bytes(call("os", "system"))
    (tmp_path / "odd.bin").write_bytes(bytes(8))
    (tmp_path / "model.sig").write_bytes(call("os", "system"))
    report = scan_folder(tmp_path)
    assert (report.unsafe, report.unknown, report.clean) == (2, 1, False)
    assert {one.file for one in report.findings} == {"bad.bin", "odd.bin", "model.sig"}


def test_declared_code_is_taken_by_its_name_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "predict.py").write_text("x = 1\n")
    assert not scan_folder(tmp_path).clean
    assert scan_folder(tmp_path, Declared(code=frozenset({"src/predict.py"}))).clean


def test_a_scanner_that_misses_a_canary_says_so_and_scans_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a\n")
    with pytest.raises(ShipworthyError, match="missed") as error:
        scan_folder(tmp_path, limits=Limits(findings=0))
    assert error.value.exit_code == 70


def test_nothing_links_and_missing_folders_are_no_answer(tmp_path: Path) -> None:
    with pytest.raises(CannotDecide, match="nothing to scan"):
        scan_folder(tmp_path)
    (tmp_path / "model.sig").write_text("{}")
    with pytest.raises(CannotDecide, match="nothing to scan"):
        scan_folder(tmp_path)
    (tmp_path / "link").symlink_to("/etc/hostname")
    with pytest.raises(CannotDecide, match="link"):
        scan_folder(tmp_path)
    with pytest.raises(CannotDecide):
        scan_folder(tmp_path / "absent")


def test_a_file_over_the_limit_is_hashed_and_not_called_clean(tmp_path: Path) -> None:
    (tmp_path / "big.csv").write_bytes(os.urandom(0) + b"a" * 5000)
    report = scan_folder(tmp_path, limits=Limits(unpacked_bytes=4096))
    assert [one.kind.value for one in report.findings] == ["bomb"]
    assert report.digest == root_of(hash_folder(tmp_path))


def test_the_archive_level_is_part_of_the_name(tmp_path: Path) -> None:
    (tmp_path / "m.zip").write_bytes(zipped({"in/x.pkl": call("os", "system")}))
    assert [one.file for one in scan_folder(tmp_path).findings] == ["m.zip!in/x.pkl"]
