"""The exit code says which of the seven things happened; what is wrong is told in plain lines, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from shipworthy.cli import VERBS
from tests.cli.calls import Left, call, verb
from tests.flows.tiny import Tiny


def plain(left: Left) -> str:
    """Return what was told on standard error; it must be no traceback and not our fault."""
    assert "Traceback" not in left.err
    assert left.code != 70
    assert left.err.strip()
    return left.err


def test_a_release_walks_through_every_verb_and_leaves_with_0(written: Tiny) -> None:
    for args in (("note",), ("check",), ("build",), ("scan",), ("sign",), ("verify",), ("evaluate",), ("gate",)):
        assert verb(written, *args).code == 0, args
    assert verb(written, "ship").code == 0
    assert verb(written, "verify", "--verdict").code == 0
    assert verb(written, "reproduce").out == "bits: every file is the same, byte for byte\n"
    assert verb(written, "status").out.startswith("epoch 1, baseline 1")
    assert verb(written, "keys", "new").out == "all keys were there\n"


def test_1_is_a_no(prepared: Tiny) -> None:
    prepared.release("1", slope=-0.5)
    assert verb(prepared, "gate").code == 1
    assert verb(prepared, "ship").code == 1


def test_1_is_a_case_that_fails(prepared: Tiny) -> None:
    prepared.edit("robustness-pack.yaml", "target: 0.25", "target: 0.001")
    left = verb(prepared, "evaluate", "--case", "bias.old")
    assert left.code == 1
    assert left.out.startswith("fail")


def test_1_is_an_unsafe_file(prepared: Tiny) -> None:
    (prepared.root / "model/notes.pkl").write_bytes(b"cos\nsystem\n.")
    left = verb(prepared, "scan")
    assert left.code == 1
    assert "notes.pkl" in left.out


def test_1_is_a_role_somebody_does_not_have(rolling: Tiny) -> None:
    left = verb(rolling, "rollout", "advance", "--as", "ben")
    assert left.code == 1
    assert "does not have the role" in plain(left)


@pytest.mark.parametrize(
    "args", [("review-queue", "take"), ("labels", "quarantine", "drop", "1", "x", "--because", "x")]
)
def test_1_is_a_reviewer_or_operator_that_somebody_is_not(shipped: Tiny, args: tuple[str, ...]) -> None:
    left = verb(shipped, *args, "--as", "chidi")
    assert left.code == 1
    plain(left)


def test_1_is_a_restore_that_waits_for_a_second_person(shipped: Tiny) -> None:
    assert verb(shipped, "kill", "--because", "bad", "--as", "ana").code == 0
    left = verb(shipped, "restore", "--as", "ana")
    assert left.code == 1
    assert "two different people" in left.out
    assert verb(shipped, "restore", "--as", "ben", "--role", "reviewer").code == 0


@pytest.mark.parametrize(
    "args",
    [
        ("gaet",),
        ("gate", "--formt", "json"),
        ("gate", "--format", "yaml"),
        ("kill",),
        ("kill", "--as", "ana"),
        ("kill", "--as", "mallory", "--because", "x"),
        ("rollout",),
        ("rollout", "begin"),
        ("rollout", "abort", "--as", "ana"),
        ("confirm", "ORD-2027-9999", "--as", "ana"),
        ("restore", "--as", "ana"),
        ("incident", "show", "INC-2027-0001"),
        ("incident", "open", "x", "--severity", "SEV9", "--because", "x", "--as", "ana"),
        ("incident", "open", "x", "--severity", "SEV1", "--because", "x", "--as", "mallory"),
        ("incident", "command", "INC-2027-0001", "--as", "ana"),
        ("incident", "update", "INC-2027-0001", "--group", "all", "--as", "ana"),
        ("incident", "update", "INC-2027-0001", "--factor", "weather: rain", "--as", "ana"),
        ("incident", "update", "INC-2027-0001", "--ref", "atlas", "--as", "ana"),
        ("incident", "promote", "INC-2027-0001", "--target", "0", "--as", "ana"),
        ("incident", "export", "INC-2027-0001"),
        ("evaluate", "--case", "no.such.case"),
        ("ledger", "verify", "--against", "/no/such/file"),
        ("labels", "/no/such/file"),
        ("import", "/no/such/file", "--format", "junit"),
        ("import", __file__, "--format", "tap"),
        ("serve", "--port", "99999"),
        ("serve", "--host", "0.0.0.0"),
        ("serve", "--tls-cert", "x.crt"),
        ("keys", "api", "--tenant", "acme"),
        ("keys", "revoke", "00"),
        ("keys", "token", "--scope", "trigger", "--expires", "1d"),
        ("keys", "token", "--scope", "trigger", "--expires", "1d", "--limit", "a=b;", "--actions", "kill"),
        ("pagers", "list", "--pagers", "/no/such/file"),
        ("pagers", "test"),
        ("serve", "--pagers", "/no/such/file"),
        ("drill",),
        ("drill", "kill"),
        ("drill", "kill", "--as", "mallory"),
        ("drill", "kill", "--as", "ana", "--trips", "0"),
        ("drill", "kill", "--as", "ana", "--url", "gateway"),
        ("drill", "gameday", "--as", "ana", "--fault", "rain"),
        ("drill", "show", "DRL-2027-0001"),
        ("keys", "token", "--scope", "review", "--expires", "30d"),
        ("review-queue", "show", "no-such-item"),
        ("review-queue", "take", "--as", "mallory"),
        ("review-queue", "take", "--as", "ana", "--item", "no-such-item"),
        ("review-queue", "give-back", "no-such-item", "--as", "ana"),
        ("review-queue", "answer", "no-such-item", "deny", "--as", "ana"),
        ("review-queue", "answer", "no-such-item", "perhaps", "--as", "ana"),
        ("labels", "quarantine", "release", "1", "nobody", "--as", "ana", "--because", "x"),
        ("labels", "quarantine", "drop", "1", "nobody", "--as", "ana"),
    ],
    ids=" ".join,
)
def test_2_is_a_call_that_makes_no_sense(shipped: Tiny, args: tuple[str, ...]) -> None:
    left = verb(shipped, *args)
    assert left.code == 2
    plain(left)
    assert left.out == ""


SITE_ALONE = {
    "status",
    "rollout",
    "confirm",
    "review-queue",
    "abuse",
    "drill",
}  # what has shipped, not what lies in the folder


@pytest.mark.parametrize("name", sorted(set(VERBS) - {"init", "keys", "serve", "labels", "ledger", "monitor"}))
def test_3_is_a_folder_without_a_contract(tmp_path: Path, name: str) -> None:
    more = {
        "decide": ("list",),
        "rollout": ("status",),
        "incident": ("close", "INC-1", "--as", "ana"),
        "review-queue": ("take", "--as", "ana"),
        "import": (__file__, "--format", "junit", "--slo", "x"),
        "kill": ("--because", "x", "--as", "ana"),
        "degrade": ("--because", "x", "--as", "ana"),
        "confirm": ("ORD-1", "--as", "ana"),
        "restore": ("--as", "ana"),
        "train": ("--", "true"),
        "override": ("approve", "OVR-1", "--as", "ben"),
        "abuse": ("--as", "ana", "--because", "x"),
        "pagers": ("test", "--pagers", "x"),
        "drill": ("kill", "--as", "ana"),
    }.get(name, ())
    left = call("--root", str(tmp_path), name, *more)
    plain(left)
    assert left.code == (4 if name in SITE_ALONE else 3)


def test_3_names_file_and_line_and_a_fix(prepared: Tiny) -> None:
    prepared.edit("safety-slos.yaml", "name: error_rate", "name: eror_rate")
    left = verb(prepared, "check")
    assert left.code == 3
    line = next(line for line in left.err.splitlines() if line.startswith("safety-slos.yaml:"))
    row = (prepared.root / "safety-slos.yaml").read_text().splitlines()[int(line.split(":")[1]) - 1]
    assert "eror_rate" in row
    assert "did you mean" in line or "error_rate" in line.replace("eror_rate", "")
    assert verb(prepared, "gate").code == 3


def test_4_is_what_cannot_be_decided(prepared: Tiny) -> None:
    prepared.edit("model.py", "30.0, sum_", "31.0, sum_")
    assert verb(prepared, "check").code == 4
    assert verb(prepared, "gate").code == 4
    (prepared.root / "model/model.sig").unlink()
    left = verb(prepared, "verify")
    assert left.code == 4
    assert "shipworthy sign" in plain(left)


def test_4_is_a_server_without_anything_to_serve(prepared: Tiny) -> None:
    left = verb(prepared, "serve", "--port", "0")
    assert left.code == 4
    assert "no version has shipped" in plain(left)


def test_5_is_a_gateway_that_does_not_answer(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("receipt,label\nabc,1\n")
    left = call("labels", str(path), "--url", "http://127.0.0.1:9")
    assert left.code == 5
    assert "is `shipworthy serve` running?" in plain(left)


def test_an_unknown_verb_is_answered_with_the_nearest(tmp_path: Path) -> None:
    assert "did you mean 'check'?" in call("chekc").err
    assert "did you mean" not in call("zzzzzz").err


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"model: [", b"- 1\n- 2\n", b"", b"a: 1\na: 2\n"])
def test_a_manifest_that_cannot_be_read_is_one_clear_line(prepared: Tiny, raw: bytes) -> None:
    (prepared.root / "shipworthy.yaml").write_bytes(raw)
    left = verb(prepared, "check")
    assert left.code == 3
    assert "shipworthy.yaml" in plain(left)


def test_the_clock_of_the_product_cannot_be_set_from_outside() -> None:
    told = call("--help").out
    assert "clock" not in told
    assert "--now" not in told
