from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import model_signing
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.artifact.digests import root_of, sha256_hex
from shipworthy.artifact.dsse import IN_TOTO, sign
from shipworthy.artifact.files.folder import hash_folder
from shipworthy.artifact.keys import private_pem, public_pem
from shipworthy.artifact.signature import first_difference, sign_folder_digests, verify_bundle
from shipworthy.errors import CannotDecide

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER = ec.generate_private_key(ec.SECP256R1())
PAIRS = (("a/b", sha256_hex(b"1")), ("a.txt", sha256_hex(b"2")), ("z", sha256_hex(b"3")))
BUNDLE = sign_folder_digests("m", PAIRS, KEY)


def payload_of(bundle: bytes) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(base64.b64decode(json.loads(bundle)["dsseEnvelope"]["payload"]))
    return read


def resigned(change: Callable[[dict[str, Any]], None]) -> bytes:
    """The bundle with a changed payload and a signature that holds over it."""
    payload = payload_of(BUNDLE)
    change(payload)
    whole = json.loads(BUNDLE)
    whole["dsseEnvelope"] = json.loads(sign(IN_TOTO, json.dumps(payload).encode(), KEY, keyid=""))
    return json.dumps(whole).encode()


def refused(bundle: bytes, because: str, pairs: tuple[tuple[str, str], ...] = PAIRS) -> None:
    with pytest.raises(CannotDecide, match=because):
        verify_bundle(bundle, pairs, KEY.public_key())


def test_what_was_signed_verifies() -> None:
    verify_bundle(BUNDLE, PAIRS, KEY.public_key())
    verify_bundle(BUNDLE, tuple(reversed(PAIRS)), KEY.public_key())


hashes = st.sampled_from([sha256_hex(bytes([one])) for one in range(4)])
folders = st.dictionaries(st.sampled_from(["a", "b", "a/c", ".git/x"]), hashes, min_size=1)


@settings(max_examples=40, deadline=None)
@given(folders, folders)
def test_a_signature_covers_one_folder_and_no_other(signed: dict[str, str], found: dict[str, str]) -> None:
    bundle = sign_folder_digests("m", signed.items(), KEY)
    if signed == found:
        verify_bundle(bundle, found.items(), KEY.public_key())
    else:
        with pytest.raises(CannotDecide):
            verify_bundle(bundle, found.items(), KEY.public_key())
    assert (first_difference(signed, found) == "") == (signed == found)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(BUNDLE) - 1), st.integers(1, 255))
def test_no_changed_byte_of_a_bundle_changes_what_it_says(place: int, flip: int) -> None:
    """Most changes break it. The hint, the type and the key id are read too."""
    changed = bytearray(BUNDLE)
    changed[place] ^= flip
    with pytest.raises(CannotDecide):
        verify_bundle(bytes(changed), PAIRS, KEY.public_key())


def test_the_first_difference_is_named() -> None:
    one, two, three = PAIRS
    refused(BUNDLE, "new was added", (*PAIRS, ("new", sha256_hex(b"9"))))
    refused(BUNDLE, r"a\.txt was removed", (one, three))
    refused(BUNDLE, "z was changed", (one, two, ("z", sha256_hex(b"9"))))
    refused(BUNDLE, "z was renamed to y", (one, two, ("y", three[1])))


def test_another_key_is_refused_by_hint_and_by_signature() -> None:
    with pytest.raises(CannotDecide, match="another key"):
        verify_bundle(BUNDLE, PAIRS, OTHER.public_key())
    with pytest.raises(CannotDecide, match="another key"):
        verify_bundle(BUNDLE, PAIRS, Ed25519PrivateKey.generate().public_key())
    forged = json.loads(sign_folder_digests("m", PAIRS, OTHER))
    forged["verificationMaterial"] = json.loads(BUNDLE)["verificationMaterial"]
    refused(json.dumps(forged).encode(), "none of the expected keys")


def test_a_signed_statement_that_contradicts_itself_is_refused() -> None:
    def set_root(payload: dict[str, Any]) -> None:
        payload["subject"][0]["digest"]["sha256"] = sha256_hex(b"other")

    def drop_file(payload: dict[str, Any]) -> None:
        payload["predicate"]["resources"].pop()

    def repeat_file(payload: dict[str, Any]) -> None:
        payload["predicate"]["resources"].append(payload["predicate"]["resources"][0])

    def two_subjects(payload: dict[str, Any]) -> None:
        payload["subject"].append(payload["subject"][0])

    def follow_links(payload: dict[str, Any]) -> None:
        payload["predicate"]["serialization"]["allow_symlinks"] = True

    def other_hash(payload: dict[str, Any]) -> None:
        payload["predicate"]["resources"][0]["algorithm"] = "md5"

    refused(resigned(set_root), "root digest")
    refused(resigned(drop_file), "root digest")
    refused(resigned(repeat_file), "repeats")
    refused(resigned(two_subjects), "subjects")
    refused(resigned(follow_links), "links")
    refused(resigned(other_hash), "sha256 is expected")


def test_an_unknown_predicate_or_field_is_refused() -> None:
    refused(
        resigned(lambda payload: payload.update(predicateType="https://model_signing/Digests/v0.1")), "predicate type"
    )
    refused(resigned(lambda payload: payload.update(_type="https://in-toto.io/Statement/v0.1")), "type")
    refused(resigned(lambda payload: payload["predicate"].update(extra=1)), "'extra' is not known")
    refused(BUNDLE.replace(b"bundle.v0.3", b"bundle.v0.2"), "media type")


def test_two_signatures_none_and_duplicate_keys_are_refused() -> None:
    whole = json.loads(BUNDLE)
    one = whole["dsseEnvelope"]["signatures"][0]
    whole["dsseEnvelope"]["signatures"] = [one, one]
    refused(json.dumps(whole).encode(), "2 signatures")
    whole["dsseEnvelope"]["signatures"] = []
    refused(json.dumps(whole).encode(), "0 signatures")
    refused(BUNDLE.replace(b'{"', b'{"mediaType":"x","', 1), "twice")
    refused(BUNDLE + b"{}", "JSON")


PEER: Any = model_signing


class Folder:
    """A model folder with our key beside it, signed and verified by model-signing."""

    def __init__(self, tmp_path: Path) -> None:
        self.path = tmp_path / "m"
        self.signature = self.path / "model.sig"
        self.private, self.public = tmp_path / "private.pem", tmp_path / "public.pem"
        self.private.write_bytes(private_pem(KEY))
        self.public.write_bytes(public_pem(KEY.public_key()))
        for name in ("weights.npz", "a/b", "a.txt", "a-c/d"):
            (self.path / name).parent.mkdir(exist_ok=True, parents=True)
            (self.path / name).write_text(name)

    def signed_by_peer(self) -> bytes:
        hashing = PEER.hashing.Config().set_ignored_paths(paths=[self.signature])
        signer = PEER.signing.Config().set_hashing_config(hashing).use_elliptic_key_signer(private_key=self.private)
        signer.sign(self.path, self.signature)
        return self.signature.read_bytes()

    def verified_by_peer(self) -> None:
        PEER.verifying.Config().use_elliptic_key_verifier(public_key=self.public).verify(self.path, self.signature)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def test_model_signing_accepts_our_signature_and_rejects_a_changed_file(folder: Folder) -> None:
    folder.signature.write_bytes(sign_folder_digests("m", hash_folder(folder.path), KEY))
    folder.verified_by_peer()
    (folder.path / "a.txt").write_text("changed")
    with pytest.raises(ValueError, match="mismatch"):
        folder.verified_by_peer()


def test_we_accept_the_signature_of_model_signing_and_agree_on_the_root(folder: Folder) -> None:
    bundle, pairs = folder.signed_by_peer(), hash_folder(folder.path)
    verify_bundle(bundle, pairs, KEY.public_key())
    assert "sha256:" + payload_of(bundle)["subject"][0]["digest"]["sha256"] == root_of(pairs)
    (folder.path / "a" / "b").unlink()
    with pytest.raises(CannotDecide, match="a/b was removed"):
        verify_bundle(bundle, hash_folder(folder.path), KEY.public_key())


def test_a_file_hidden_under_git_is_a_difference_here_though_model_signing_looks_away(folder: Folder) -> None:
    bundle = folder.signed_by_peer()
    (folder.path / ".git").mkdir()
    (folder.path / ".git" / "payload.pkl").write_bytes(b"cos\nsystem\n.")
    folder.verified_by_peer()
    with pytest.raises(CannotDecide, match=r"\.git/payload\.pkl was added"):
        verify_bundle(bundle, hash_folder(folder.path), KEY.public_key())


@pytest.mark.slow
def test_the_command_line_of_model_signing_accepts_our_signature(folder: Folder) -> None:
    folder.signature.write_bytes(sign_folder_digests("m", hash_folder(folder.path), KEY))
    command = [sys.executable, "-m", "model_signing", "verify", "key", str(folder.path)]
    options = ["--signature", str(folder.signature), "--public_key", str(folder.public)]
    ran = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
