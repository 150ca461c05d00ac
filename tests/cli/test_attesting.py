"""The verbs that attest and admit: reproduce, train, verify by a bundle."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.calls import Left, call, verb
from tests.flows.test_admission import bundle_of, key_of
from tests.flows.tiny import Tiny


def by_bundle(tiny: Tiny, *more: str, folder: Path | None = None) -> Left:
    """Verify from a folder without a contract, by the bundle alone."""
    given = [str(folder or tiny.root / "model"), "--bundle", str(bundle_of(tiny)), "--public-key", str(key_of(tiny))]
    return call("--root", str(tiny.at), "verify", *given, *more, clock=tiny.clock)


def test_a_folder_is_admitted_by_its_bundle_without_a_contract(shipped: Tiny) -> None:
    left = by_bundle(shipped)
    assert left.code == 0, left.err
    assert left.out.startswith("the gate passed shipworthy:model/tiny-triage/1")
    told = by_bundle(shipped, "--json").json()
    assert told["verified"] is True
    assert told["policy"] == shipped.judge().verdict.subject.policy
    assert by_bundle(shipped, "--policy", told["policy"], "--max-age", "1h").code == 0


def test_what_is_not_admitted_is_one_line_and_4(shipped: Tiny) -> None:
    shipped.clock.advance(7200)
    old = by_bundle(shipped, "--max-age", "1h")
    other = by_bundle(shipped, "--policy", "sha256:" + "0" * 64)
    (shipped.root / "model/weights.json").write_text("{}")
    left = by_bundle(shipped, folder=shipped.workspace.releases / "1" / "model")
    assert left.code == 4, "the bundle of what lies there now is not there"
    for one in (old, other, left):
        assert one.code == 4
        assert one.out == ""
        assert len(one.err.splitlines()) == 1
        assert "Traceback" not in one.err


@pytest.mark.parametrize(
    "args",
    [
        ("--bundle", "b"),
        ("model", "--bundle", "b"),
        ("--bundle", "b", "--public-key", "k"),
        ("model",),
        ("--max-age", "30d"),
    ],
    ids=" ".join,
)
def test_half_a_question_is_a_usage_error(shipped: Tiny, args: tuple[str, ...]) -> None:
    left = verb(shipped, "verify", *args)
    assert left.code == 2
    assert left.out == ""


def test_reproduce_names_the_file_and_the_reason(written: Tiny) -> None:
    path = written.root / "build.py"
    path.write_text(path.read_text() + "import time\n(out / 'notes.json').write_text(str(time.time()))\n")
    written.build()
    left = verb(written, "reproduce")
    assert left.code == 0
    assert left.out.splitlines()[0].startswith("behaviour: not the same bits; the same decisions on 900 rows")
    assert "notes.json: the time of the build is written into it" in left.out
    assert verb(written, "reproduce", "--json").json()["outcome"] == "behaviour"


def test_reproduce_leaves_with_1_when_the_model_answers_otherwise_and_4_when_files_changed(written: Tiny) -> None:
    path = written.root / "build.py"
    path.write_text(
        path.read_text()
        + "import secrets\nweights['slope'] = 0.5 + secrets.randbelow(10**6) / 10**7\n"
        + "(out / 'weights.json').write_text(json.dumps(weights))\n"
    )
    written.build()
    assert verb(written, "reproduce").code == 1
    written.weigh(slope=0.6)
    left = verb(written, "reproduce")
    assert left.code == 4
    assert "training.json was changed" in left.err


def test_train_attests_a_command_with_options_of_its_own(written: Tiny) -> None:
    left = verb(written, "train", "--json", "--", "python", "-B", "build.py")
    assert left.code == 0, left.err
    assert set(left.json()["products"]) == {"model.py", "weights.json"}
    failed = verb(written, "train", "--", "python", "-c", "raise SystemExit(9)")
    assert failed.code == 4
    assert "left with 9" in failed.err
    assert verb(written, "train").code == 2
