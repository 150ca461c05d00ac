"""Signed notes and checkpoints against published vectors, and against whoever changes them."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from shipworthy.errors import CannotDecide, UsageError
from shipworthy.ledger.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from shipworthy.ledger.merkle import EMPTY
from shipworthy.ledger.note import key_id, open_note, parse_verifier_key, sign_note, verifier_key

# c2sp.org/signed-note, example verifier key
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
# pkg.go.dev/golang.org/x/mod/sumdb/note, the package's own example
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = (
    GO_TEXT
    + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
ORIGIN = "acme.example/ledger"
CHECKPOINT = Checkpoint(ORIGIN, 0, EMPTY)


def test_key_ids_are_the_published_ones() -> None:
    for text in (VKEY, GO_VKEY):
        name, key = parse_verifier_key(text)
        assert verifier_key(name, key) == text
        assert key_id(name, key).hex() == text.split("+")[1]


def test_a_note_signed_by_another_tool_opens() -> None:
    name, key = parse_verifier_key(GO_VKEY)
    assert open_note(GO_NOTE, name, [key]) == GO_TEXT


@pytest.mark.parametrize(
    "text",
    [
        VKEY.replace("530d903a", "530d903b"),
        VKEY.replace("+Aeky", "+Beky"),
        VKEY.replace("example.com/foo", "example.com/bar"),
        VKEY[:-4],
        "name",
        "",
        VKEY.replace("example.com/foo", "example com"),
    ],
)
def test_a_verifier_key_that_is_not_whole_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_verifier_key(text)


def test_a_checkpoint_is_three_lines_and_a_signature() -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 42, bytes(32)), KEY)
    lines = note.split("\n")
    assert lines[:4] == [ORIGIN, "42", base64.b64encode(bytes(32)).decode(), ""]
    assert lines[4].startswith(f"— {ORIGIN} ")
    assert lines[5:] == [""]
    assert open_checkpoint(note, ORIGIN, [KEY.public_key()]) == Checkpoint(ORIGIN, 42, bytes(32))


def test_signatures_of_others_are_passed_over_and_ours_must_be_among_them() -> None:
    text = CHECKPOINT.text()
    ours, theirs = (sign_note(text, name, key).split("\n\n")[1] for name, key in ((ORIGIN, KEY), ("witness", OTHER)))
    assert open_note(f"{text}\n{theirs}{ours}", ORIGIN, [OTHER.public_key(), KEY.public_key()]) == text
    for name, key in ((ORIGIN, OTHER), ("witness", KEY)):
        with pytest.raises(CannotDecide, match="no signature of a known key"):
            open_note(f"{text}\n{theirs if name == ORIGIN else ours}", name, [key.public_key()])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_checkpoint_with_any_byte_changed_is_refused(data: st.DataObject) -> None:
    note = sign_checkpoint(Checkpoint(ORIGIN, 42, bytes(range(32))), KEY)
    at = data.draw(st.integers(0, len(note) - 1))
    changed = note[:at] + data.draw(st.sampled_from(["", "A", "0", "\n", " ", "=", "—"])) + note[at + 1 :]
    if changed == note:
        return
    with pytest.raises(CannotDecide):
        open_checkpoint(changed, ORIGIN, [KEY.public_key()])


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n042\n{base64.b64encode(EMPTY).decode()}\n",
        f"{ORIGIN}\n-1\n{base64.b64encode(EMPTY).decode()}\n",
        f"{ORIGIN}\n1\n{base64.b64encode(b'short').decode()}\n",
        f"{ORIGIN}\n1\nnot base64!\n",
        f"{ORIGIN}\n1\n",
        f"another log\n1\n{base64.b64encode(EMPTY).decode()}\n",
    ],
)
def test_a_signed_note_that_is_no_checkpoint_of_ours_is_refused(text: str) -> None:
    with pytest.raises(CannotDecide):
        open_checkpoint(sign_note(text, ORIGIN, KEY), ORIGIN, [KEY.public_key()])


def test_extension_lines_are_signed_and_passed_over() -> None:
    note = sign_note(CHECKPOINT.text() + "extension\n", ORIGIN, KEY)
    assert open_checkpoint(note, ORIGIN, [KEY.public_key()]) == CHECKPOINT


@pytest.mark.parametrize(
    ("text", "name"), [("no newline", "name"), ("tab\t\n", "name"), ("ok\n", "a+b"), ("ok\n", "a b")]
)
def test_what_cannot_be_a_note_is_not_signed(text: str, name: str) -> None:
    with pytest.raises(UsageError):
        sign_note(text, name, KEY)
