"""The same inputs give the same bytes; what was not signed exactly as it lies here is not what was signed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from shipworthy.artifact.files.keys import SIGNING
from shipworthy.errors import CannotDecide, ContractError
from shipworthy.flows.build import build, told_of
from shipworthy.flows.keys import new_keys
from shipworthy.profile.promise import told
from shipworthy.profile.shapes import Profile
from shipworthy.profile.thresholds import Bucket
from shipworthy.runtime.admission import verify_signature, verify_verdict
from tests.flows.tiny import Tiny


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of every file below."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def verified(tiny: Tiny) -> None:
    """Verify the signature."""
    verify_signature(tiny.root, tiny.workspace.contract())


def test_two_builds_give_the_same_bytes(prepared: Tiny) -> None:
    before = contents(prepared.root / "model")
    told = prepared.build()
    after = contents(prepared.root / "model")
    assert after == {name: raw for name, raw in before.items() if name != "model.sig"}
    assert {"profile.json", "release.json", "weights.json"} <= set(after)
    assert prepared.build()["artefact"] == told["artefact"]


def test_the_profile_knows_the_base_rates_and_the_build_says_what_its_promise_is_worth(written: Tiny) -> None:
    said: list[str] = []
    build(written.workspace, said.append)
    profile = msgspec.json.decode((written.root / "model" / "profile.json").read_bytes(), type=Profile)
    rates = {one.segment: one for one in profile.base_rates}
    assert list(rates) == ["*", "supplier=S1", "supplier=S2", "supplier=S3"]
    assert rates["*"].n == sum(one.n for segment, one in rates.items() if segment != "*") == 300
    assert profile.cross_fitted == 300
    assert told(profile) in said


def test_other_weights_give_another_artefact(prepared: Tiny) -> None:
    before = prepared.build()["artefact"]
    prepared.weigh(slope=0.6)
    assert prepared.build()["artefact"] != before


def test_thresholds_are_proven_inside_the_signed_bounds(prepared: Tiny) -> None:
    buckets = prepared.build()["thresholds"].buckets
    assert [bucket.feature for bucket in buckets] == ["*", "supplier"]
    for bucket in buckets:
        assert bucket.deny is not None
        assert bucket.approve is not None
        assert bucket.deny < bucket.approve
        assert bucket.upper_deny <= 0.08
        assert bucket.upper_approve <= 0.08


def test_what_the_thresholds_prove_is_said_in_words(written: Tiny) -> None:
    said: list[str] = []
    thresholds = build(written.workspace, said.append)["thresholds"]
    known = thresholds.buckets[0]
    assert f"the {known.n} calibration rows prove deny at or below {known.deny:.4g}, with at most 8% wrong" in said
    review = written.workspace.contract().manifest.review
    nothing = Bucket(feature="supplier", n=396, deny=None, approve=None)
    (deny, approve) = told_of(msgspec.structs.replace(thresholds, buckets=(nothing,)), review)
    assert deny == "supplier unknown: the 396 calibration rows prove no threshold for deny, with at most 8% wrong"
    assert "no threshold for approve" in approve
    assert told_of(thresholds, None) == ["no `review:`: every answer goes to a person"]


def test_without_review_bounds_people_answer_all_at_low_stakes_and_nothing_is_built_above(written: Tiny) -> None:
    path = written.root / "shipworthy.yaml"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("review:")]
    path.write_text("\n".join([*lines, ""]))
    with pytest.raises(ContractError, match="no review bounds"):
        written.build()
    written.edit("shipworthy.yaml", "stakes: standard", "stakes: low")
    (bucket,) = written.build()["thresholds"].buckets
    assert (bucket.deny, bucket.approve) == (None, None)
    written.prepare()
    review = next(one for one in written.evaluate().measurements if one.indicator == "review_rate" and one.part is None)
    assert review.value == 1.0


def test_a_build_takes_the_old_signature_away(prepared: Tiny) -> None:
    prepared.build()
    with pytest.raises(CannotDecide, match="not signed"):
        verified(prepared)


def test_a_failing_build_says_its_last_words(prepared: Tiny) -> None:
    (prepared.root / "build.py").write_text("raise SystemExit('no disk left')")
    with pytest.raises(CannotDecide, match="the build left with 1: no disk left"):
        build(prepared.workspace, lambda _: None)


def test_a_build_sees_nothing_of_our_environment(prepared: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPWORTHY_TOKEN", "secret")
    path = prepared.root / "build.py"
    path.write_text(path.read_text() + "import os\n(out / 'seen.json').write_text(json.dumps(dict(os.environ)))\n")
    build(prepared.workspace, lambda _: None)
    seen = (prepared.root / "model/seen.json").read_text()
    assert "secret" not in seen
    assert str(prepared.at) not in seen
    assert os.environ["SHIPWORTHY_TOKEN"] == "secret"


def test_thresholds_need_signed_review_bounds(prepared: Tiny) -> None:
    text = (prepared.root / "shipworthy.yaml").read_text()
    kept = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("review:"))
    (prepared.root / "shipworthy.yaml").write_text(kept)
    with pytest.raises(ContractError, match="review"):
        build(prepared.workspace, lambda _: None)


def test_a_signed_artefact_verifies(prepared: Tiny) -> None:
    verified(prepared)


def test_there_must_be_something_to_sign(written: Tiny) -> None:
    with pytest.raises(CannotDecide, match="no artefact"):
        written.sign()


def _append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


@pytest.mark.parametrize(
    "meddle",
    [
        lambda folder: _append(folder / "weights.json"),
        lambda folder: _append(folder / "release.json"),
        lambda folder: (folder / "extra.json").write_text("{}"),
        lambda folder: (folder / "profile.json").unlink(),
        lambda folder: (folder / "weights.json").rename(folder / "weight.json"),
        lambda folder: (folder / "model.sig").unlink(),
        lambda folder: (folder / "model.sig").write_bytes(b"{}"),
    ],
    ids=["altered", "thresholds", "added", "removed", "renamed", "unsigned", "empty-signature"],
)
def test_what_was_meddled_with_does_not_verify(prepared: Tiny, meddle: Callable[[Path], object]) -> None:
    meddle(prepared.root / "model")
    with pytest.raises(CannotDecide):
        verified(prepared)


def test_a_signature_by_another_key_is_none(prepared: Tiny) -> None:
    (prepared.workspace.keys / SIGNING).unlink()
    (prepared.workspace.keys / "signing.pub.pem").unlink()
    new_keys(prepared.workspace, prepared.workspace.contract().manifest)
    prepared.sign()
    with pytest.raises(CannotDecide):
        verified(prepared)


def test_a_signature_of_one_build_does_not_fit_the_next(prepared: Tiny) -> None:
    kept = (prepared.root / "model/model.sig").read_bytes()
    prepared.weigh(slope=0.6)
    prepared.build()
    (prepared.root / "model/model.sig").write_bytes(kept)
    with pytest.raises(CannotDecide):
        verified(prepared)


def test_keys_are_made_once_and_never_overwritten(prepared: Tiny) -> None:
    before = contents(prepared.workspace.keys) | contents(prepared.root / "keys")
    assert new_keys(prepared.workspace, prepared.workspace.contract().manifest) == ()
    assert contents(prepared.workspace.keys) | contents(prepared.root / "keys") == before


def test_no_private_key_lies_in_the_repository(prepared: Tiny) -> None:
    assert not any(b"PRIVATE KEY" in raw for raw in contents(prepared.root).values())


def test_a_public_key_cannot_be_published_outside_the_repository(written: Tiny) -> None:
    written.edit("shipworthy.yaml", "key: keys/ben.pub", "key: ../ben.pub")
    from shipworthy.contract.files.reader import read_manifest

    with pytest.raises(ContractError):
        new_keys(written.workspace, read_manifest(written.root))
    assert not (written.at / "ben.pub").exists()


def test_admission_asks_for_a_verdict_about_exactly_this(shipped: Tiny) -> None:
    verify_verdict(shipped.root, shipped.workspace.contract())
    shipped.release("2", slope=0.51)
    with pytest.raises(CannotDecide, match="another subject"):
        verify_verdict(shipped.root, shipped.workspace.contract())


def test_admission_asks_for_a_verdict_at_all(prepared: Tiny) -> None:
    with pytest.raises(CannotDecide, match="has not passed"):
        verify_verdict(prepared.root, prepared.workspace.contract())


def test_a_lock_moved_to_another_subject_by_hand_has_no_verdict_for_it(shipped: Tiny) -> None:
    lock = (shipped.root / "shipworthy.lock").read_text()
    old = shipped.workspace.contract().lock
    shipped.release("2", slope=0.51)
    new = shipped.judge().verdict.subject
    assert old is not None
    for field in ("version", "artefact", "change", "profile"):
        lock = lock.replace(f'"{field}": "{getattr(old.subject, field)}"', f'"{field}": "{getattr(new, field)}"')
    (shipped.root / "shipworthy.lock").write_text(lock)
    contract = shipped.workspace.contract()
    assert contract.lock is not None
    assert contract.lock.subject == new
    with pytest.raises(CannotDecide):
        verify_verdict(shipped.root, contract)
