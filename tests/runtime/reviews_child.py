"""Reviews and labels moved from start to end by one process, which a failpoint may kill anywhere on the way.

`python -m tests.runtime.reviews_child FOLDER REPOSITORY`: goes on from whatever it finds, and prints what it did.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shipworthy.artifact.sealing import seal
from shipworthy.contract.contract import Contract
from shipworthy.contract.files.reader import read_contract
from shipworthy.facts import Receipt, canonical
from shipworthy.ledger.files.log import Ledger
from shipworthy.runtime.desk import Desk, expire_reviews
from shipworthy.runtime.label_watch import LabelWatch
from shipworthy.store.failpoints import Failpoint, nothing
from shipworthy.store.instants import rfc3339
from shipworthy.store.review import QueueItem, QueueStatus, Room
from shipworthy.store.sqlite import SqliteStore
from shipworthy.store.suspect import BY_LABEL, RELEASED, LabelSource
from shipworthy.testing.clock import HandClock
from shipworthy.testing.failpoints import failpoint_from

KEY = bytes(range(32))
DEADLINES = {"r-1": "2027-01-04T12:00:00.000000Z", "r-2": "2027-01-04T09:30:00.000000Z"}
AFTER = "2027-01-04T10:00:00.000000Z"
SENDER = "key-bad"
KNOWN = (
    LabelSource(version="1", kind=BY_LABEL, source="key-good", hours=((0, 400, 20),), n=400, looks=4),
    LabelSource(version="1", kind=BY_LABEL, source=SENDER, hours=((0, 49, 45),), n=49),
)


class Site:
    """The store, the ledger over it, and the desk."""

    def __init__(self, folder: Path, contract: Contract, failpoint: Failpoint = nothing) -> None:
        self.store = SqliteStore(folder / "store.db", failpoint=failpoint)
        clock = HandClock()
        self.ledger = Ledger(self.store, Ed25519PrivateKey.from_private_bytes(KEY), "tests/reviews", clock)
        self.desk = Desk(self.store, self.ledger.append, lambda: contract, KEY, clock)
        self.watch = LabelWatch(self.ledger.append, clock, contract.manifest.decisions)
        self.now = rfc3339(clock())

    def item(self, name: str) -> QueueItem:
        """Return an item that is there."""
        found = self.store.item(name)
        assert found is not None
        return found


def item(name: str) -> QueueItem:
    """Return a new item: the same bytes each time."""
    content = canonical({"row": {"a": 1}, "suggestion": "deny", "score": 0.3, "why": []})
    return QueueItem(
        id=name,
        request=name,
        tenant="acme",
        version="1",
        segments=(),
        minute=0,
        receipt="r",
        sealed=seal(KEY, "acme", bytes(12), content, name.encode()),
        deadline=DEADLINES.get(name, DEADLINES["r-1"]),
        people=2 if name == "r-1" else 1,
    )


def receipt(name: str) -> Receipt:
    """Return the receipt of a decision that the machine made."""
    return Receipt(
        request=name, version="1", tenant="acme", segments=(), minute=0, score_bin=9, score_q=1, arm="baseline",
        route="machine", decision="deny",
    )  # fmt: skip


def run(site: Site, say: Callable[[str], None]) -> None:
    """Do what is still to do, each step once."""
    for name in ("r-1", "r-2"):
        if site.store.item(name) is None:
            site.store.enqueue(item(name), Room(capacity=2, quota=2))
        say(f"queued {name}")
    if not site.store.queue_depth(site.now).overflow:
        site.store.enqueue(item("r-3"), Room(capacity=2, quota=2))
    say("overflowed r-3")
    if not any(entry.kind == "respond.review_given_back" for entry in site.ledger.entries()):
        site.desk.take("ben", item_id="r-1")
        site.desk.give_back("r-1", "ben")
    say("given back r-1")
    for who, said in (("ben", "deny"), ("ana", "approve"), ("dana", "deny")):
        if all(one.person != who for one in site.item("r-1").answers):
            site.desk.take(who, item_id="r-1")
            site.desk.answer("r-1", who, said)
        say(f"answered by {who}")
    if site.item("r-2").status is not QueueStatus.EXPIRED:
        expire_reviews(site.store, site.ledger.append, AFTER)
    say("expired r-2")
    _label(site, say)


def _label(site: Site, say: Callable[[str], None]) -> None:
    if not site.store.label_sources():
        with site.store.transaction():
            for known in KNOWN:
                site.store.put_label_source(known)
    for name in ("d-1", "d-2", "d-3"):
        with site.store.transaction():
            watched = site.watch.label(receipt(name), 1, SENDER)
            if not watched.held(site.store) and site.store.add_label(name):
                watched.counted(site.store)
        say(f"labelled {name}")
    with site.store.transaction():
        if not site.store.quarantined(RELEASED):
            n = site.store.settle("1", SENDER, RELEASED)
            site.ledger.append("ana", "respond.labels_released", {"version": "1", "source": SENDER, "n": n})
    say("released")
    for one in site.store.quarantined(RELEASED):
        if one.receipt.request == "d-3":
            with site.store.transaction():
                site.store.add_label(one.receipt.request)
                site.store.let_go(one)
    say("counted d-3")


def contract_in(root: Path) -> Contract:
    """Return the contract of a repository."""
    contract, problems = read_contract(root)
    assert contract is not None, problems
    return contract


if __name__ == "__main__":
    made = Site(Path(sys.argv[1]), contract_in(Path(sys.argv[2])), failpoint_from(os.environ))
    run(made, lambda text: print(text, flush=True))
