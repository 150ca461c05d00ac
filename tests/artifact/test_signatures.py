"""Signatures without a contract: any path, any curve, both ways with the model_signing package, nothing passed over."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import model_signing
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shipworthy.artifact.files.signatures import sign_path, verify_path
from shipworthy.artifact.files.written import write_whole
from shipworthy.artifact.keys import private_pem, public_pem
from shipworthy.errors import CannotDecide, UsageError
from tests.cli.calls import call

PEER: Any = model_signing
CURVES = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}


class Signed:
    """A model folder with a key pair beside it."""

    def __init__(self, top: Path, curve: ec.EllipticCurve = CURVES["P-256"]) -> None:
        self.model = top / "m"
        self.key, self.public = top / "key.pem", top / "key.pub.pem"
        private = ec.generate_private_key(curve)
        self.model.mkdir(parents=True)
        write_whole(self.key, private_pem(private), 0o600)
        self.public.write_bytes(public_pem(private.public_key()))
        for name in ("weights.npz", "a/b", "a.txt", "a-c/d", "a b/é", "empty"):
            (self.model / name).parent.mkdir(parents=True, exist_ok=True)
            (self.model / name).write_text("" if name == "empty" else name)

    def verify(self, signature: Path) -> None:
        verify_path(self.model, signature, self.public)

    def refuses(self, signature: Path, because: str) -> None:
        with pytest.raises(CannotDecide, match=because):
            self.verify(signature)

    def peer_signs(self, path: Path, signature: Path, hashing: Any = None) -> None:
        config = PEER.signing.Config().use_elliptic_key_signer(private_key=self.key)
        ignored = (hashing or PEER.hashing.Config()).set_ignored_paths(paths=[signature])
        config.set_hashing_config(ignored).sign(path, signature)

    def peer_verifies(self, path: Path, signature: Path) -> None:
        PEER.verifying.Config().use_elliptic_key_verifier(public_key=self.public).verify(path, signature)


@pytest.fixture
def signed(tmp_path: Path) -> Signed:
    return Signed(tmp_path)


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("place", ["m/model.sig", "m/deep/er/our.bundle", "beside.sig"])
def test_model_signing_accepts_ours_and_we_accept_its_own_on_every_curve(
    tmp_path: Path, curve: str, place: str
) -> None:
    signed, signature = Signed(tmp_path, CURVES[curve]), tmp_path / place
    signature.parent.mkdir(parents=True, exist_ok=True)
    sign_path(signed.model, signed.key, signature)
    signed.peer_verifies(signed.model, signature)
    signed.verify(signature)
    signature.unlink()
    signed.peer_signs(signed.model, signature)
    signed.verify(signature)
    (signed.model / "a.txt").write_text("changed")
    signed.refuses(signature, "a.txt was changed")
    with pytest.raises(ValueError, match="mismatch"):
        signed.peer_verifies(signed.model, signature)


def test_a_single_file_is_a_model_too(signed: Signed) -> None:
    file, signature = signed.model / "weights.npz", signed.model.parent / "one.sig"
    sign_path(file, signed.key, signature)
    verify_path(file, signature, signed.public)
    signed.peer_verifies(file, signature)
    signature.unlink()
    signed.peer_signs(file, signature)
    verify_path(file, signature, signed.public)
    signed.refuses(signature, "single file")
    file.write_bytes(b"changed")
    with pytest.raises(CannotDecide, match="the file was changed"):
        verify_path(file, signature, signed.public)


def test_what_the_peer_passes_over_by_default_is_a_difference_here(signed: Signed) -> None:
    signature = signed.model / "model.sig"
    signed.peer_signs(signed.model, signature)
    (signed.model / ".git").mkdir()
    (signed.model / ".git" / "hook.pkl").write_bytes(b"cos\nsystem\n.")
    signed.peer_verifies(signed.model, signature)
    signed.refuses(signature, r"\.git/hook\.pkl was added")


@pytest.mark.parametrize("name", [".git/x", ".gitignore", "sub/model.sig", ".hidden", "model.sig", "__pycache__/a.pyc"])
def test_only_the_signature_file_itself_is_left_out(signed: Signed, name: str) -> None:
    """Under another name than model.sig, a file called model.sig is a file like any other."""
    signature = signed.model / "our.bundle"
    sign_path(signed.model, signed.key, signature)
    (signed.model / name).parent.mkdir(parents=True, exist_ok=True)
    (signed.model / name).write_text("new")
    signed.refuses(signature, "was added")
    signature.unlink()
    sign_path(signed.model, signed.key, signature)
    signed.verify(signature)
    (signed.model / name).write_text("newer")
    signed.refuses(signature, f"{name} was changed")


def test_a_signature_moved_elsewhere_leaves_nothing_behind_to_hide_in(signed: Signed) -> None:
    inside, outside = signed.model / "model.sig", signed.model.parent / "kept.sig"
    sign_path(signed.model, signed.key, inside)
    inside.rename(outside)
    signed.verify(outside)
    inside.write_text("a file where the signature was")
    signed.refuses(outside, r"model\.sig was added")


def test_the_path_may_be_a_link_or_relative_and_the_signature_is_still_found_inside(
    signed: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = signed.model.parent / "current"
    link.symlink_to(signed.model)
    sign_path(link, signed.key, signed.model / "model.sig")
    verify_path(link, link / "model.sig", signed.public)
    monkeypatch.chdir(signed.model)
    verify_path(Path(), Path("model.sig"), signed.public)
    verify_path(Path("../m"), Path("a/../model.sig"), signed.public)


@pytest.mark.parametrize("method", ["shards", "blake2", "blake3"])
def test_other_serializations_are_refused_in_one_clear_line(signed: Signed, method: str) -> None:
    signature, hashing = signed.model / "model.sig", PEER.hashing.Config()
    if method == "shards":
        hashing.use_shard_serialization(shard_size=4)
    else:
        hashing.use_file_serialization(hashing_algorithm=method)
    signed.peer_signs(signed.model, signature, hashing)
    signed.refuses(signature, f"signed (by|over) '{method}.*sign again with the `files` serialization")


def test_keys_that_cannot_sign_are_refused_without_showing_them(signed: Signed, tmp_path: Path) -> None:
    secret = ec.generate_private_key(ec.SECP256R1())
    locked = secret.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"word")
    )
    bad = {
        "encrypted": locked,
        "another kind": private_pem(Ed25519PrivateKey.generate()),
        "another kind ": private_pem(ec.generate_private_key(ec.SECP256K1())),
        "not a private key": signed.public.read_bytes(),
        "not a private": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    }
    for told, raw in bad.items():
        path = tmp_path / "bad.pem"
        write_whole(path, raw, 0o600)
        with pytest.raises(CannotDecide, match=told.strip()) as error:
            sign_path(signed.model, path)
        assert raw.splitlines()[1].decode() not in str(error.value)
        assert "\n" not in str(error.value)
    signed.key.chmod(0o644)
    with pytest.raises(CannotDecide, match="others can read"):
        sign_path(signed.model, signed.key)
    assert not (signed.model / "model.sig").exists()


def test_a_public_key_of_somebody_else_or_of_another_kind_verifies_nothing(signed: Signed, tmp_path: Path) -> None:
    signature = sign_path(signed.model, signed.key)
    other = tmp_path / "other.pem"
    for raw, told in (
        (public_pem(ec.generate_private_key(ec.SECP256R1()).public_key()), "another key"),
        (public_pem(Ed25519PrivateKey.generate().public_key()), "another kind"),
        (b"garbage", "not a public key"),
    ):
        other.write_bytes(raw)
        with pytest.raises(CannotDecide, match=told):
            verify_path(signed.model, signature, other)
    with pytest.raises(CannotDecide, match="private key where the public one belongs"):
        verify_path(signed.model, signature, signed.key)
    with pytest.raises(CannotDecide, match="another key"):
        verify_path(signed.model, signature, Signed(tmp_path / "p384", CURVES["P-384"]).public)


def test_a_file_that_is_no_signature_is_never_overwritten(signed: Signed) -> None:
    for taken in (signed.model / "weights.npz", signed.key, signed.model):
        before = taken.read_bytes() if taken.is_file() else b""
        with pytest.raises(UsageError):
            sign_path(signed.model, signed.key, taken)
        assert (taken.read_bytes() if taken.is_file() else b"") == before
    first = sign_path(signed.model, signed.key)
    assert sign_path(signed.model, signed.key) == first
    signed.verify(first)


def test_a_signature_that_cannot_be_written_changes_nothing(signed: Signed) -> None:
    signature = sign_path(signed.model, signed.key)
    before = signature.read_bytes()
    (signed.model / "link").symlink_to("/etc/hostname")
    with pytest.raises(CannotDecide, match="link"):
        sign_path(signed.model, signed.key)
    assert signature.read_bytes() == before
    with pytest.raises(CannotDecide, match="cannot be written"):
        sign_path(signed.model / "a", signed.key, signed.model / "absent" / "x.sig")


def test_writing_as_a_whole_leaves_one_file_and_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"old and longer")
    write_whole(path, b"new", 0o640)
    assert os.listdir(tmp_path) == ["f"]
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    (tmp_path / "d" / "x").mkdir(parents=True)
    with pytest.raises(CannotDecide):
        write_whole(tmp_path / "d", b"new")
    assert sorted(os.listdir(tmp_path)) == ["d", "f"]


def test_the_verbs_sign_and_verify_without_a_contract(signed: Signed) -> None:
    model, signature = str(signed.model), str(signed.model / "x.sig")
    left = call("sign", model, "--key", str(signed.key), "-o", signature, "--json")
    assert left.code == 0
    assert left.json()["signature"] == signature
    verify = ("verify", model, "--signature", signature, "--public-key", str(signed.public))
    assert call(*verify, "--json").json() == {"version": 1, "verified": True, "verdict": False}
    (signed.model / "a" / "b").unlink()
    left = call(*verify)
    assert left.code == 4
    assert left.out == ""
    assert left.err == "model.sig: a/b was removed — sign again if this change is meant\n"


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("sign", "M"), 2),
        (("sign", "--key", "K"), 2),
        (("sign", "-o", "x.sig"), 2),
        (("verify", "M"), 2),
        (("verify", "M", "--signature", "S"), 2),
        (("verify", "--public-key", "P"), 2),
        (("verify", "M", "--signature", "S", "--public-key", "P", "--verdict"), 2),
        (("verify", "M", "--signature", "absent", "--public-key", "P"), 4),
        (("verify", "absent", "--signature", "S", "--public-key", "P"), 4),
        (("verify", "M", "--signature", "S", "--public-key", "absent"), 4),
        (("sign", "absent", "--key", "K"), 4),
        (("sign", "M", "--key", "absent"), 4),
    ],
)
def test_a_call_that_makes_no_sense_is_2_and_one_that_cannot_be_decided_is_4(
    signed: Signed, args: tuple[str, ...], code: int
) -> None:
    signature = sign_path(signed.model, signed.key)
    paths = {"M": signed.model, "K": signed.key, "P": signed.public, "S": signature}
    left = call("--root", str(signed.model), *(str(paths.get(one, one)) for one in args))
    assert left.code == code
    assert "Traceback" not in left.err
    assert len(left.err.strip().splitlines()) == 1
