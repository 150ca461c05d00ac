from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipworthy.artifact.digests import digest, hex_of, in_path_order, root_of, sha256_hex
from shipworthy.artifact.files.folder import hash_folder
from shipworthy.errors import CannotDecide

names = st.lists(st.sampled_from(["a", "b", "a.txt", "c-d"]), min_size=1, max_size=3).map("/".join)
folders = st.dictionaries(names, st.binary(max_size=8), min_size=1, max_size=6)


@given(folders)
def test_the_root_does_not_depend_on_the_order_of_the_listing(files: dict[str, bytes]) -> None:
    pairs = [(name, sha256_hex(raw)) for name, raw in files.items()]
    assert root_of(pairs) == root_of(reversed(pairs))


@given(folders, st.binary(max_size=8))
def test_a_changed_file_changes_the_root(files: dict[str, bytes], raw: bytes) -> None:
    name = sorted(files)[0]
    pairs = {one: sha256_hex(content) for one, content in files.items()}
    same = root_of(pairs.items()) == root_of({**pairs, name: sha256_hex(raw)}.items())
    assert same == (raw == files[name])


def test_the_root_is_the_hash_of_the_raw_digests_folder_by_folder() -> None:
    first, second = sha256_hex(b"1"), sha256_hex(b"2")
    expected = hashlib.sha256(bytes.fromhex(first) + bytes.fromhex(second)).hexdigest()
    assert root_of([("a.txt", second), ("a/b", first)]) == f"sha256:{expected}"
    assert [name for name, _ in in_path_order([("a.txt", second), ("a/b", first)])] == ["a/b", "a.txt"]


@pytest.mark.parametrize(
    "text", ["", "sha256:", "sha256:" + "A" * 64, "md5:" + "a" * 64, "a" * 64, "sha256:" + "a" * 65]
)
def test_only_sha256_and_64_lower_case_digits_are_a_digest(text: str) -> None:
    with pytest.raises(CannotDecide):
        hex_of(text)
    assert hex_of(digest(b"")) == sha256_hex(b"")


def test_an_empty_folder_and_a_repeated_name_have_no_root() -> None:
    with pytest.raises(CannotDecide):
        root_of([])
    with pytest.raises(CannotDecide):
        root_of([("a", sha256_hex(b"")), ("a", sha256_hex(b"1"))])


def test_every_file_counts_but_the_signature_at_the_top(tmp_path: Path) -> None:
    for name in ("model.sig", "model.skops", ".git/config", ".hidden", "sub/model.sig"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    found = hash_folder(tmp_path)
    assert [name for name, _ in found] == [".git/config", ".hidden", "model.skops", "sub/model.sig"]
    assert dict(found)["sub/model.sig"] == sha256_hex(b"sub/model.sig")


def test_links_and_special_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(CannotDecide, match="link"):
        hash_folder(tmp_path)
    (tmp_path / "link").unlink()
    (tmp_path / "folder").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(CannotDecide, match="link"):
        hash_folder(tmp_path)
    (tmp_path / "folder").unlink()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CannotDecide, match="special"):
        hash_folder(tmp_path)


def test_a_link_in_place_of_the_signature_file_is_refused_too(tmp_path: Path) -> None:
    (tmp_path / "model.sig").symlink_to("/etc/hostname")
    with pytest.raises(CannotDecide, match="link"):
        hash_folder(tmp_path)


def test_a_missing_folder_and_a_name_that_is_not_utf8_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotDecide):
        hash_folder(tmp_path / "absent")
    with open(os.path.join(os.fsencode(tmp_path), b"\xff"), "wb") as file:
        file.write(b"x")
    with pytest.raises(CannotDecide, match="UTF-8"):
        hash_folder(tmp_path)
