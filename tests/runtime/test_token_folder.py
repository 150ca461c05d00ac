"""Tokens in memory: files are read once, and what was made, deleted or edited counts all the same."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest

from shipworthy.errors import CannotDecide
from shipworthy.runtime import token_folder
from shipworthy.runtime.token_folder import TokenFolder
from shipworthy.runtime.tokens import FOLDER, Token, new_token, read_tokens

MADE, DURING, END = "2027-01-04T09:00:00.000000Z", "2027-01-20T09:00:00.000000Z", "2027-02-03T09:00:00.000000Z"


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that were read whole."""
    seen: list[Path] = []

    def read(home: Path) -> tuple[Token, ...]:
        seen.append(home)
        return read_tokens(home)

    monkeypatch.setattr(token_folder, "read_tokens", read)
    return seen


def make(home: Path, scope: str = "gate") -> bytes:
    return b"Bearer " + new_token(home, scope, MADE, END)[0].encode()


def test_a_flood_of_invented_tokens_reads_no_file_and_one_of_their_form_reads_them_once(
    tmp_path: Path, reads: list[Path]
) -> None:
    shown = make(tmp_path)
    folder = TokenFolder(tmp_path)
    wrong = (
        None,
        b"",
        b"Bearer",
        b"Bearer x",
        b"Bearer swt_x",
        b"Basic " + shown[7:],
        shown + b"A",
        b"Bearer  x",
        b"\xff",
    )
    for text in wrong:
        assert folder.holder(text, DURING) is None
    assert reads == []
    for at in range(300):
        assert folder.holder(f"Bearer swt_{at:043}".encode(), DURING) is None
    assert folder.holder(shown, DURING) is not None
    assert len(reads) <= 2  # another second may have begun meanwhile


def test_a_token_counts_once_it_is_made_and_ends_once_its_file_is_deleted_or_its_time_is_over(tmp_path: Path) -> None:
    folder = TokenFolder(tmp_path)
    assert folder.tokens() == ()
    first = make(tmp_path)
    assert folder.holder(first, DURING) is not None
    assert folder.holder(first, END) is None
    time.sleep(0.05)  # more than a tick of the file system's clock
    second = make(tmp_path, "read")
    assert folder.holder(second, DURING) is not None
    time.sleep(0.05)
    for path in (tmp_path / FOLDER).glob("*.json"):
        path.unlink()
    assert folder.holder(first, DURING) is folder.holder(second, DURING) is None


def test_a_file_that_was_edited_is_noticed_and_a_damaged_one_refused_every_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_folder, "LOOK_S", 0.0)
    shown = make(tmp_path)
    folder = TokenFolder(tmp_path)
    assert folder.holder(shown, DURING) is not None
    (path,) = (tmp_path / FOLDER).glob("*.json")
    whole = path.read_text()
    path.write_text(whole.replace('"gate"', '"read"'))
    found = folder.holder(shown, DURING)
    assert found is not None
    assert found.scope == "read"
    path.write_text("{")
    for _ in range(2):
        with pytest.raises(CannotDecide):
            folder.holder(shown, DURING)
    path.write_text(whole)
    assert folder.holder(shown, DURING) is not None
    (tmp_path / FOLDER).chmod(0o755)
    assert folder.holder(shown, DURING) is not None
    assert stat.S_IMODE((tmp_path / FOLDER).stat().st_mode) == 0o700  # it is closed again


def test_files_that_are_the_same_are_looked_at_and_not_read_again(
    tmp_path: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_folder, "LOOK_S", 0.0)
    shown, folder = make(tmp_path), TokenFolder(tmp_path)
    for _ in range(20):
        assert folder.holder(shown, DURING) is not None
    assert len(reads) == 1
