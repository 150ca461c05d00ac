"""Shipping writes the lock, keeps the release and says so in the ledger; a no writes nothing but that it was a no."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from shipworthy.contract.files.reader import read_contract
from shipworthy.errors import CannotDecide
from shipworthy.facts import Decision, digest
from shipworthy.flows.ship import keep_release, ship
from shipworthy.runtime.releases import load
from tests.flows.tiny import Tiny


def test_the_first_release_becomes_the_warm_baseline(shipped: Tiny) -> None:
    assert shipped.kinds() == ["gate.decided", "gate.shipped", "deploy.baselined"]
    assert shipped.state().baseline == "1"
    one = load(shipped.workspace.releases / "1")
    assert one.version == "1"
    lock = one.contract.lock
    assert lock is not None
    assert lock.subject == shipped.judge().verdict.subject
    assert lock.paired is not None
    assert lock.checkpoint
    assert set(lock.bits) == {"tail.fast", "ood.months", "bias.old"}


def test_the_ledger_tells_the_digest_of_the_verdict(prepared: Tiny) -> None:
    verdict = ship(prepared.workspace).verdict
    told = prepared.entries()[0].body
    assert told["verdict"] == digest(verdict)
    assert told["decision"] == "ship"


def test_a_no_writes_nothing_but_that_it_was_one(prepared: Tiny) -> None:
    prepared.release("1", slope=-0.5)
    assert ship(prepared.workspace).verdict.decision is Decision.BLOCKED
    assert prepared.kinds() == ["gate.decided"]
    assert not (prepared.root / "shipworthy.lock").exists()
    assert not prepared.workspace.releases.exists()
    assert prepared.state().baseline == ""


def test_a_second_version_is_judged_against_the_first_and_waits_for_its_rollout(shipped: Tiny) -> None:
    shipped.release("2", slope=0.51)
    judged = ship(shipped.workspace)
    assert judged.verdict.decision is Decision.SHIP
    assert not judged.verdict.first
    assert any(one.slo == "error_rate vs baseline" for one in judged.verdict.judgements)
    assert shipped.state().baseline == "1"
    assert shipped.state().rollout is None
    assert load(shipped.workspace.releases / "2").version == "2"
    assert load(shipped.workspace.releases / "1").version == "1"
    assert shipped.kinds()[-1] == "gate.shipped"


def test_a_release_is_kept_without_state_and_keys(shipped: Tiny) -> None:
    kept = shipped.workspace.releases / "1"
    assert not (kept / ".shipworthy").exists()
    assert not any(b"PRIVATE" in path.read_bytes() for path in kept.rglob("*") if path.is_file())
    contract, problems = read_contract(kept)
    assert contract is not None
    assert not problems


@pytest.mark.parametrize(
    "file", ["model/weights.json", "model/release.json", "safety-slos.yaml", "shipworthy.lock", "model.py"]
)
def test_a_kept_release_that_was_changed_is_not_admitted(shipped: Tiny, file: str) -> None:
    path = shipped.workspace.releases / "1" / file
    text = path.read_text()
    changed = {
        "safety-slos.yaml": text.replace("<= 0.30", "<= 0.90"),
        "shipworthy.lock": text.replace('"kill_fallback": "human_review"', '"kill_fallback": "nobody"'),
    }.get(file, text + "\n")
    assert changed != text
    path.write_text(changed)
    with pytest.raises(CannotDecide):
        load(shipped.workspace.releases / "1")


def test_what_the_gate_never_saw_is_not_admitted(prepared: Tiny) -> None:
    with pytest.raises(CannotDecide, match="has not passed"):
        load(prepared.root)


def test_shipping_the_same_again_is_the_same_release(shipped: Tiny) -> None:
    before = shipped.judge().verdict.subject
    shipped.evaluate()  # now against itself
    shipped.ship()
    assert load(shipped.workspace.releases / "1").contract.lock is not None
    assert shipped.judge().verdict.subject == before
    assert shipped.state().baseline == "1"


@pytest.mark.parametrize("step", range(1, 9))
def test_a_crash_while_a_release_is_replaced_leaves_a_whole_one(shipped: Tiny, step: int) -> None:
    """A child of this process ends at the n-th call that moves or removes a file or folder of the releases."""
    kept = shipped.workspace.releases / "1"
    whole = files_below(kept)
    (shipped.root / "more.txt").write_text("new\n")
    child = os.fork()
    if child == 0:
        _end_at(step)
        keep_release(shipped.workspace, "1")
        os._exit(0)
    os.waitpid(child, 0)
    there = kept if kept.is_dir() else kept.with_name(".1.old")
    assert files_below(there) in (whole, whole | {"more.txt": b"new\n"})
    keep_release(shipped.workspace, "1")
    assert files_below(kept) == whole | {"more.txt": b"new\n"}
    assert [path.name for path in shipped.workspace.releases.iterdir()] == ["1"]


def test_a_release_that_was_put_aside_comes_back_though_the_next_one_cannot_be_copied(shipped: Tiny) -> None:
    kept = shipped.workspace.releases / "1"
    whole = files_below(kept)
    kept.rename(kept.with_name(".1.old"))
    (shipped.root / "gone").symlink_to("nowhere")
    with pytest.raises(shutil.Error):
        keep_release(shipped.workspace, "1")
    assert files_below(kept) == whole


def _end_at(step: int) -> None:
    calls = iter(range(1, 1_000))

    def look(event: str, args: tuple[object, ...]) -> None:
        if event in ("os.rename", "os.rmdir", "shutil.copytree", "shutil.rmtree") and next(calls) == step:
            os._exit(9)

    sys.addaudithook(look)


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
