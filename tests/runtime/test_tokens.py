"""Tokens: 256 bits shown once; what is kept cannot be turned back; a wrong, old or edited one is nobody's."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import msgspec
import pytest

from shipworthy.errors import CannotDecide, UsageError
from shipworthy.runtime.tokens import FOLDER, holder, is_token, new_token, read_tokens

MADE, DURING, END = "2027-01-04T09:00:00.000000Z", "2027-01-20T09:00:00.000000Z", "2027-02-03T09:00:00.000000Z"


def make(home: Path, scope: str = "gate") -> str:
    """Make a token that lasts thirty days."""
    return new_token(home, scope, MADE, END)[0]


def test_a_token_is_its_holders_alone_and_has_its_own_scope(tmp_path: Path) -> None:
    first, second = make(tmp_path), make(tmp_path, "read")
    assert first != second
    for shown, scope in ((first, "gate"), (second, "read")):
        found = holder(shown, read_tokens(tmp_path), DURING)
        assert found is not None
        assert found.scope == scope


def test_what_is_kept_is_private_and_not_the_token(tmp_path: Path) -> None:
    shown = make(tmp_path)
    files = list((tmp_path / FOLDER).iterdir())
    assert [stat.S_IMODE(path.stat().st_mode) for path in files] == [0o600]
    assert stat.S_IMODE((tmp_path / FOLDER).stat().st_mode) == 0o700
    assert shown not in files[0].read_text()
    assert shown.removeprefix("swt_") not in files[0].read_text()
    assert len(shown.removeprefix("swt_")) == 43


@pytest.mark.parametrize(
    ("now", "expected"),
    [("2027-01-04T08:59:59.999999Z", False), (MADE, True), ("2027-02-03T08:59:59.999999Z", True), (END, False)],
)
def test_it_ends(tmp_path: Path, now: str, expected: bool) -> None:
    assert (holder(make(tmp_path), read_tokens(tmp_path), now) is not None) is expected


def test_any_other_text_is_nobodys(tmp_path: Path) -> None:
    shown = make(tmp_path)
    kept = read_tokens(tmp_path)
    flipped = shown[:-1] + ("A" if shown[-1] != "A" else "B")
    for other in ("", "swt_", flipped, shown + "A", shown[:-1], shown.upper(), f" {shown}", kept[0].sha256, kept[0].id):
        assert holder(other, kept, DURING) is None
    assert holder(shown, (), DURING) is None


def test_the_hash_alone_does_not_make_a_token_of_another_form(tmp_path: Path) -> None:
    make(tmp_path)
    kept = read_tokens(tmp_path)[0]
    from hashlib import sha256

    weak = msgspec.structs.replace(kept, sha256=sha256(b"password").hexdigest())
    assert holder("password", [weak], DURING) is None


def test_deleting_its_file_ends_it(tmp_path: Path) -> None:
    shown = make(tmp_path)
    next((tmp_path / FOLDER).iterdir()).unlink()
    assert holder(shown, read_tokens(tmp_path), DURING) is None


@pytest.mark.parametrize(
    "change",
    [
        {"scope": "admin"},
        {"sha256": "00"},
        {"id": "000000000000"},
        {"expires": "never"},
        {"expires": MADE},
        {"more": 1},
        {"sha256": None},
    ],
)
def test_a_file_that_is_no_token_is_refused_and_not_passed_over(tmp_path: Path, change: dict[str, object]) -> None:
    make(tmp_path)
    path = next((tmp_path / FOLDER).iterdir())
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CannotDecide):
        read_tokens(tmp_path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    make(tmp_path)
    path = next((tmp_path / FOLDER).iterdir())
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CannotDecide):
        read_tokens(tmp_path)


def test_no_folder_is_no_token(tmp_path: Path) -> None:
    assert read_tokens(tmp_path) == ()


def test_what_cannot_be_meant_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        new_token(tmp_path, "admin", MADE, END)
    with pytest.raises(UsageError):
        new_token(tmp_path, "gate", END, END)
    assert not (tmp_path / FOLDER).exists()


def test_the_form_of_a_token() -> None:
    assert is_token("swt_" + "a" * 43)
    assert not is_token("swt_" + "a" * 43 + "\n")
    assert not is_token("swt_" + "+" * 43)
