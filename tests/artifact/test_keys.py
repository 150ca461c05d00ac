from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shipworthy.artifact.files import keys as files
from shipworthy.artifact.keys import (
    comment_of,
    holds,
    is_dev,
    key_id,
    load_private,
    load_public,
    private_openssh,
    private_pem,
    public_openssh,
    public_pem,
    sign_bytes,
)
from shipworthy.errors import CannotDecide

ED, EC = Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())


@pytest.mark.parametrize("comment", ["", "dev"])
def test_a_key_comes_back_from_its_text_with_its_comment(comment: str) -> None:
    for key in (ED, EC):
        again = load_private(private_pem(key, comment))
        public = load_public(public_pem(again.public_key(), comment))
        assert key_id(public) == key_id(key.public_key())
        assert comment_of(public_pem(again.public_key(), comment)) == comment
        assert holds(public, sign_bytes(key, b"x"), b"x")
        assert not holds(public, sign_bytes(key, b"x"), b"y")


def test_a_persons_key_travels_as_an_openssh_line() -> None:
    line = public_openssh(ED.public_key(), "ada dev")
    assert line.startswith("ssh-ed25519 AAAA")
    assert key_id(load_public(line)) == key_id(ED.public_key())
    assert key_id(load_private(private_openssh(ED)).public_key()) == key_id(ED.public_key())
    assert comment_of(line) == "ada dev"


@pytest.mark.parametrize(
    ("comment", "marked"),
    [("dev", True), ("ada-dev", True), ("Dev", True), ("", False), ("devon", False), ("ada@example", False)],
)
def test_a_development_key_says_so_as_a_word_of_its_comment(comment: str, marked: bool) -> None:
    assert is_dev(comment) is marked


def test_other_kinds_of_keys_and_other_texts_are_refused() -> None:
    pem, raw = serialization.Encoding.PEM, serialization.NoEncryption()
    weak = rsa.generate_private_key(65537, 2048)
    large = ec.generate_private_key(ec.SECP384R1())
    for key in (weak, large):
        with pytest.raises(CannotDecide, match="unknown kind"):
            load_private(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, raw))
        public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
        with pytest.raises(CannotDecide, match="unknown kind"):
            load_public(public)
    locked = ED.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x"))
    for text in (b"", b"-----BEGIN PRIVATE KEY-----", locked, b"ssh-ed25519 AAAA"):
        with pytest.raises(CannotDecide, match="not a readable"):
            load_private(text)
    for text in (b"", b"ssh-ed25519 AAAA", private_pem(ED)):
        with pytest.raises(CannotDecide, match="not a readable"):
            load_public(text)
    with pytest.raises(CannotDecide):
        private_pem(ED, "two\nlines")


def test_the_keys_of_a_site_are_made_once_and_kept_from_others(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    made = files.make_keys(folder)
    assert {path.name for path in made} == {
        *("signing.pem", "verdict.pem", "checkpoint.pem", "host.key", "site.key", "person"),
        *files.PUBLIC_OF.values(),
    }
    for name in ("signing.pem", "verdict.pem", "checkpoint.pem", "host.key", "site.key", "person"):
        assert (folder / name).stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o077 == 0
    before = {path: path.read_bytes() for path in folder.iterdir()}
    assert files.make_keys(folder) == ()
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_each_key_file_is_of_its_kind_and_marked(tmp_path: Path) -> None:
    files.make_keys(tmp_path)
    assert isinstance(load_private(files.read_key(tmp_path / files.SIGNING)), ec.EllipticCurvePrivateKey)
    for name in (files.VERDICT, files.CHECKPOINT, files.PERSON):
        assert isinstance(load_private(files.read_key(tmp_path / name)), Ed25519PrivateKey)
    for name in (files.HOST, files.SITE):
        assert len(files.read_key(tmp_path / name)) == 32
    for private, public in files.PUBLIC_OF.items():
        raw = files.read_key(tmp_path / public)
        assert is_dev(comment_of(raw))
        assert key_id(load_public(raw)) == key_id(load_private(files.read_key(tmp_path / private)).public_key())


def test_a_missing_public_half_is_written_again_and_a_foreign_one_refused(tmp_path: Path) -> None:
    files.make_keys(tmp_path, comment="")
    (tmp_path / "verdict.pub.pem").unlink()
    assert [path.name for path in files.make_keys(tmp_path, comment="")] == ["verdict.pub.pem"]
    (tmp_path / "verdict.pub.pem").write_bytes(public_pem(ED.public_key()))
    with pytest.raises(CannotDecide, match="not the public half"):
        files.make_keys(tmp_path, comment="")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610, 0o601])
def test_a_private_key_others_may_touch_is_not_read(tmp_path: Path, mode: int) -> None:
    files.make_keys(tmp_path)
    for name in ("signing.pem", "host.key", "person"):
        (tmp_path / name).chmod(mode)
        with pytest.raises(CannotDecide, match="others can read"):
            files.read_key(tmp_path / name)
    (tmp_path / "signing.pub.pem").chmod(0o644)
    assert files.read_key(tmp_path / "signing.pub.pem")


def test_a_link_an_empty_file_and_a_private_key_dressed_as_public_are_refused(tmp_path: Path) -> None:
    files.make_keys(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "signing.pem")
    (tmp_path / "empty").touch()
    dressed = tmp_path / "dressed"
    dressed.write_bytes(public_pem(ED.public_key()) + private_pem(ED))
    dressed.chmod(0o644)
    for name in ("link", "empty", "absent", "dressed"):
        with pytest.raises(CannotDecide):
            files.read_key(tmp_path / name)
