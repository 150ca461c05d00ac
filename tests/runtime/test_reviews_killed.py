"""Killed at any write of a review or of a label that is doubted, store and ledger tell the same, and the rest is done
once."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from shipworthy.store.review import QueueStatus
from shipworthy.store.suspect import HELD
from shipworthy.testing.failpoints import VARIABLE, Recorder
from tests.flows.tiny import Tiny
from tests.runtime.reviews_child import AFTER, SENDER, Site, contract_in, run
from tests.store.child import child_environ

pytestmark = pytest.mark.slow


def agree(site: Site) -> None:
    """Fold the ledger over the items by hand; what the store holds must be that."""
    holders: dict[str, str] = {}
    answers: Counter[str] = Counter()
    expired = released = 0
    doubted = set()
    for entry in site.ledger.entries():
        name = str(entry.body.get("item", ""))
        match entry.kind.removeprefix("respond."):
            case "review_opened":
                holders[name] = entry.actor
            case "review_given_back":
                holders.pop(name)
            case "review_answered":
                holders.pop(name)
                answers[name] += 1
            case "review_expired":
                expired += int(entry.body["n"])
            case "labels_quarantined":
                doubted.add(entry.body["source"])
            case "labels_released":
                released += int(entry.body["n"])
    items = site.store.items()
    assert {one.id: one.leased_by for one in items if one.leased_by} == holders
    assert {one.id: len(one.answers) for one in items if one.answers} == dict(answers)
    assert sum(one.status is QueueStatus.EXPIRED for one in items) == expired
    assert {one.source for one in site.store.label_sources() if one.flagged_at} == doubted
    apart = Counter(one.status for one in site.store.quarantined())
    assert not (released and apart[HELD])
    opened = Counter(one.tenant for one in items if one.status in (QueueStatus.WAITING, QueueStatus.LEASED))
    assert site.store.queue_depth(AFTER).open == dict(opened)
    assert site.store.integrity() == ()


def finished(site: Site) -> None:
    kinds = Counter(entry.kind.removeprefix("respond.") for entry in site.ledger.entries())
    assert kinds["review_answered"] == 3
    assert kinds["review_given_back"] == kinds["review_expired"] == kinds["labels_quarantined"] == 1
    assert kinds["labels_released"] == 1
    one = site.item("r-1")
    assert (one.answer, one.label, one.status) == ("deny", 0, QueueStatus.ANSWERED)
    assert site.store.queue_depth(AFTER).overflow == {"acme": 1}
    assert site.store.add_label("d-1") is site.store.add_label("d-3") is False, "each label is in the sums once"


def test_every_kind_of_write_is_on_the_way(shipped: Tiny, tmp_path: Path) -> None:
    seen = Recorder()
    site = Site(tmp_path, contract_in(shipped.root), seen)
    run(site, lambda text: None)
    finished(site)
    agree(site)
    site.store.close()
    assert {"queue.before", "quarantine.before", "entries.before", "labels.before", "commit.after"} <= set(seen.passed)


PLACES = [f"queue.{when}:{n}" for when in ("before", "after") for n in (2, 4, 5, 7)]
PLACES += [f"entries.{when}:{n}" for when in ("before", "after") for n in (1, 2, 4, 9)]
PLACES += [f"quarantine.{when}:{n}" for when in ("before", "after") for n in (2, 3, 4, 6)]
PLACES += [f"commit.{when}:{n}" for when in ("before", "after") for n in (3, 5, 9, 12, 14)]


@pytest.mark.parametrize("place", PLACES)
def test_killed_anywhere_store_and_ledger_tell_the_same(shipped: Tiny, tmp_path: Path, place: str) -> None:
    child = subprocess.run(
        [sys.executable, "-m", "tests.runtime.reviews_child", str(tmp_path), str(shipped.root)],
        env=child_environ(**{VARIABLE: place}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert child.returncode == -signal.SIGKILL, (place, child.returncode, child.stderr)
    contract = contract_in(shipped.root)
    site = Site(tmp_path, contract)
    agree(site)
    said: list[str] = []
    run(site, said.append)
    assert said[: len(child.stdout.splitlines())] == child.stdout.splitlines()
    finished(site)
    agree(site)
    assert SENDER in {one.source for one in site.store.label_sources()}
    site.store.close()
