"""What an incident becomes: cases for any segment, with the least rows, out of files and out of sealed reviews."""

from __future__ import annotations

import csv
import gzip
import io
import os
import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shipworthy.deploy.http.wiring import ForReview
from shipworthy.errors import ContractError, PolicySaysNo, UsageError
from shipworthy.facts import Oracle, Scope, Severity, WindowSummary, canonical, digest
from shipworthy.flows import incident as incidents
from shipworthy.flows import ledger
from shipworthy.flows.incident_close import close
from shipworthy.flows.incident_promote import promote
from shipworthy.flows.review_queue import answer, take
from shipworthy.flows.site_state import open_site
from shipworthy.observe.minutes import minute_of
from shipworthy.respond.moments import moment, told
from shipworthy.respond.promotion import needs
from shipworthy.runtime.learned import incident_rows
from shipworthy.runtime.review import queue_item
from shipworthy.runtime.workspace import Workspace
from shipworthy.store.connection import Database
from shipworthy.store.failpoints import nothing
from shipworthy.store.sqlite import SqliteStore
from shipworthy.testing.failpoints import VARIABLE, failpoint_from
from tests.flows.incident_kit import FIRST, UNSEEN, led, mend, opened, rows_of
from tests.flows.tiny import MODEL, Tiny

COLUMNS = ["speed", "age", "supplier", "label", "visit"]


def rows_in(tiny: Tiny, name: str) -> list[dict[str, str]]:
    """Return the rows of a case."""
    text = gzip.decompress((tiny.root / "cases" / f"{name}.csv.gz").read_bytes()).decode()
    return list(csv.DictReader(io.StringIO(text)))


def table(tiny: Tiny, *rows: dict[str, Any]) -> Path:
    """Write labelled rows; what is not said is ordinary."""
    path = tiny.at / "table.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, ["visit", "tenant", "supplier", "speed", "age", "label", "phone"])
        writer.writeheader()
        for at, row in enumerate(rows):
            ordinary = {"visit": f"inc-{at}", "tenant": "acme", "supplier": "S1", "speed": 15, "age": 30 + at % 40}
            writer.writerow({**ordinary, "label": 1, "phone": "555-0100", **row})
    return path


def reviewed(tiny: Tiny, n: int, tenant: str = "acme", supplier: str = "S9", decision: str = "approve") -> None:
    """Have people answer n reviews of the incident's segment."""
    with open_site(tiny.workspace) as authority:
        for at in range(n):
            asked = ForReview(
                request=f"req-{tenant}-{supplier}-{decision}-{at:03}", at=told(tiny.clock()), version="1",
                arm="baseline", tenant=tenant, segments=(UNSEEN if supplier == "S9" else f"supplier={supplier}",),
                row={"visit": f"v-{tenant}-{at}", "tenant": tenant, "supplier": supplier, "speed": 15 + at % 5,
                     "age": 30 + at % 40, "phone": "555-0100"},
                review_word="review", suggestion="deny", score=0.1, uncertainty=None, why=("ood",), receipt=f"r{at}",
            )  # fmt: skip
            authority.store.enqueue(queue_item(asked, tiny.workspace.site_key(), {}))
    for _ in range(n):
        item = take(tiny.workspace, "ben")
        assert item is not None
        answer(tiny.workspace, item.item.id, "ben", decision)


def test_rows_keep_what_the_model_takes_label_and_hidden_unit_and_nothing_else(denying: Tiny) -> None:
    name = opened(denying)
    made = promote(denying.workspace, name, table(denying, *[{"supplier": "S9"}] * 70), "chidi")
    rows = rows_in(denying, "incident.unfamiliar-supplier")
    assert {frozenset(row) for row in rows} == {frozenset(COLUMNS)}
    assert all(row["visit"].startswith("#") and "inc-" not in row["visit"] for row in rows)
    assert len({row["visit"] for row in rows}) == len(rows) == made.rows == 70


@pytest.mark.parametrize(("segment", "id_"), [("supplier=S1", "incident.supplier-S1"), ("*", "incident.error_rate")])
def test_any_segment_becomes_a_case_of_the_rows_that_lie_in_it(denying: Tiny, segment: str, id_: str) -> None:
    name = opened(denying, segment, "error_rate")
    path = table(denying, *[{"supplier": "S1"}] * 40, *[{"supplier": "S2"}] * 30, {"label": ""})
    made = promote(denying.workspace, name, path, "chidi")
    (case,) = made.cases
    assert (case.id, case.kind, case.oracle.name, case.severity) == (id_, "regression", "wrong", "blocker")
    assert made.rows == (40 if segment == "supplier=S1" else 70)
    assert made.left_out[0] == "1 rows without a label"
    assert denying.workspace.contract().cases[-1] == case
    assert incident_rows(denying.root, denying.workspace.contract()) == []  # no detector is to flag ordinary rows


def test_a_never_event_becomes_a_case_that_allows_none(denying: Tiny) -> None:
    name = opened(denying, "*", "never_deny_fast")
    made = promote(denying.workspace, name, table(denying, *[{"speed": 15}] * 60), "chidi")
    (case,) = made.cases
    assert (case.id, case.kind, case.clause) == ("incident.never_deny_fast", "never_event", "alignment")
    assert (case.oracle.hits, case.oracle.op, case.oracle.target) == ("decision == 'deny' and speed >= 12", "==", 0)


def test_a_tenants_incident_takes_only_that_tenants_rows_and_never_its_name(denying: Tiny) -> None:
    with open_site(denying.workspace):
        pass
    scope = Scope(model=MODEL, version="1", tenant="birch")
    one = incidents.open_by_hand(denying.workspace, "birch is denied", Severity.SEV2, scope, "they called", "ana")
    path = table(denying, *[{"tenant": "birch"}] * 5, *[{"tenant": "acme"}] * 9)
    made = promote(denying.workspace, one.id, path, "chidi")
    assert made.rows == 5
    assert "birch" not in str(rows_in(denying, made.cases[0].id))


def test_sealed_reviews_become_a_case_of_the_least_rows_opened_on_record_before_they_are_read(denying: Tiny) -> None:
    name = opened(denying)
    wanted = least(0.5)
    reviewed(denying, wanted + 5)
    reviewed(denying, 3, decision="deny")
    reviewed(denying, 4, supplier="S1")
    made = promote(denying.workspace, name, None, "ben", 0.5)
    assert made.rows == wanted
    assert set(made.left_out) == {
        "3 items that the case asks nothing of", "5 items more than it needs, left sealed",
    }  # fmt: skip
    kinds = denying.kinds()
    at = kinds.index("respond.evidence_opened")
    assert kinds[at + 1] == "respond.incident_promoted"
    body = denying.entries()[at].body
    assert (denying.entries()[at].actor, len(body["items"])) == ("ben", wanted)
    rows = rows_in(denying, made.cases[0].id)
    assert {frozenset(row) for row in rows} == {frozenset(COLUMNS)}
    told_of = gzip.decompress((denying.root / "cases" / f"{made.cases[0].id}.csv.gz").read_bytes()).decode()
    for secret in ("acme", "req-", "555-0100", "v-acme"):
        assert secret not in told_of


def least(target: float) -> int:
    """Return how many rows a case of that target needs."""
    return needs(Oracle(name="x", hits="decision == 'deny'", among="label == 1", op="<=", target=target))


def test_who_may_not_open_sealed_inputs_opens_none(denying: Tiny) -> None:
    name = opened(denying)
    reviewed(denying, 2)
    with pytest.raises(PolicySaysNo, match="chidi may not open sealed inputs"):
        promote(denying.workspace, name, None, "chidi")
    assert "respond.evidence_opened" not in denying.kinds()


@pytest.mark.parametrize(
    ("person", "old", "new"),
    [
        ("chidi", "roles: [ml]", "roles: [ml, reviewer]"),
        ("eve", "  - {id: ben,", "  - {id: eve, name: Eve, roles: [operator], key: keys/signing.pub}\n  - {id: ben,"),
    ],
)
def test_a_role_that_only_the_working_copy_gives_opens_nothing(denying: Tiny, person: str, old: str, new: str) -> None:
    name = opened(denying)
    reviewed(denying, 2)
    denying.edit("shipworthy.yaml", old, new)
    with pytest.raises(PolicySaysNo, match=f"{person} may not open sealed inputs"):
        promote(denying.workspace, name, None, person, 0.5)
    assert "respond.evidence_opened" not in denying.kinds()


@pytest.mark.parametrize("led_first", [False, True])
def test_no_input_from_before_the_first_decision_is_opened_whoever_took_command_when(
    denying: Tiny, led_first: bool
) -> None:
    reviewed(denying, 30, tenant="birch")
    denying.clock.advance(7200)  # less than the day that holds when nothing tells
    with open_site(denying.workspace) as authority:
        minute = minute_of(denying.clock())
        first = WindowSummary(
            version="1", arm="baseline", tenant="*", segment=UNSEEN, minute=minute, reference=digest(b""), n=10
        )
        authority.store.add_windows([first], "s", 1)
    denying.clock.advance(300)
    reviewed(denying, 12)
    name = opened(denying)
    if led_first:
        incidents.command(denying.workspace, name, "ana")
    made = promote(denying.workspace, name, None, "ben", 0.5)
    (entry,) = [one for one in denying.entries() if one.kind == "respond.evidence_opened"]
    assert {item.split("-")[1] for item in entry.body["items"]} == {"acme"}
    assert made.rows == len(entry.body["items"]) == min(12, least(0.5))
    assert minute_of(moment(made.incident.began_at)) == minute


def test_an_old_input_stays_sealed_when_no_window_tells_the_first_decision(denying: Tiny) -> None:
    reviewed(denying, 30)
    denying.clock.advance(20 * 86400)
    name = opened(denying)
    with pytest.raises(UsageError, match="no item in scope"):
        promote(denying.workspace, name, None, "ben", 0.5)
    assert "respond.evidence_opened" not in denying.kinds()


def test_inputs_that_have_expired_are_gone_and_that_is_said(denying: Tiny) -> None:
    name = opened(denying)
    with pytest.raises(UsageError, match="no item in scope"):
        promote(denying.workspace, name, None, "ben")
    reviewed(denying, 2)
    database = Database(denying.at / "home" / "store.db", nothing)
    for (body,) in database.rows("SELECT body FROM queue"):
        bare = {**msgspec.json.decode(body), "sealed": ""}  # as retention leaves it
        with database.transaction():
            database.write("queue", "UPDATE queue SET body = ? WHERE id = ?", (canonical(bare), bare["id"]))
    database.close()
    with pytest.raises(UsageError, match="2 items whose input has expired"):
        promote(denying.workspace, name, None, "ben")
    assert "respond.evidence_opened" not in denying.kinds()


def test_rows_for_a_fix_share_no_unit_with_the_proof_and_training_on_them_closes(denying: Tiny) -> None:
    name = opened(denying)
    fix = denying.at / "fix.csv"
    rows = [{"supplier": "S9", "visit": f"inc-{at // 2}"} for at in range(300)]
    made = promote(denying.workspace, name, table(denying, *rows), "chidi", for_fix=fix)
    wanted = least(0.15)
    assert wanted <= made.rows <= wanted + 1
    assert made.for_fix == 300 - made.rows
    with fix.open() as file:
        given = list(csv.DictReader(file))
    assert {row["visit"] for row in given}.isdisjoint(row["visit"] for row in rows_in(denying, made.cases[0].id))
    led(denying, name)
    mend(denying, name)
    assert close(denying.workspace, name, "chidi").refused == ()


def test_too_few_rows_to_part_are_refused_and_nothing_is_written(denying: Tiny) -> None:
    name = opened(denying)
    before = (denying.root / "robustness-pack.yaml").read_bytes()
    with pytest.raises(UsageError, match="none is left for a fix"):
        promote(denying.workspace, name, rows_of(denying, n=10), "chidi", for_fix=denying.at / "fix.csv")
    assert (denying.root / "robustness-pack.yaml").read_bytes() == before
    assert not (denying.root / "cases").exists()


class Cut(Workspace, frozen=True, kw_only=True):
    """A workspace whose store ends the process at a failpoint."""

    point: str

    def store(self) -> SqliteStore:
        """Open the store."""
        return SqliteStore(self.home / "store.db", failpoint=failpoint_from({VARIABLE: self.point}))


def killed_at(point: str, tiny: Tiny, work: Any) -> bool:
    """Run `work(workspace)` in a process of its own; return whether the failpoint killed it."""
    pid = os.fork()
    if pid == 0:
        try:
            work(Cut(root=tiny.root, home=tiny.at / "home", clock=tiny.clock, point=point))
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status) == -signal.SIGKILL


@pytest.mark.parametrize("place", ["incidents", "entries", "commit"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_promotion_that_is_cut_off_is_repeated_or_was_made(denying: Tiny, place: str, when: str) -> None:
    name = opened(denying)
    path = rows_of(denying)
    assert killed_at(f"{place}.{when}:1", denying, lambda cut: promote(cut, name, path, "chidi"))
    assert ledger.replay(denying.workspace).problem == ""
    if (place, when) == ("commit", "after"):
        with pytest.raises(ContractError, match="already"):
            promote(denying.workspace, name, path, "chidi")
    else:
        assert "respond.incident_promoted" not in denying.kinds()
        promote(denying.workspace, name, path, "chidi")
    assert denying.kinds().count("respond.incident_promoted") == 1
    assert len(denying.workspace.contract().cases) == len({case.id for case in denying.workspace.contract().cases}) == 7


@pytest.mark.parametrize("point", ["incidents.before:1", "entries.after:1", "commit.before:1", "commit.after:1"])
def test_a_closing_that_is_cut_off_is_repeated_or_was_made(mended: Tiny, point: str) -> None:
    name, denying = FIRST, mended
    assert killed_at(point, denying, lambda cut: close(cut, name, "chidi"))
    assert ledger.replay(denying.workspace).problem == ""
    (one,) = incidents.listed(denying.workspace)
    assert (one.status == "closed") == (point == "commit.after:1") == ("respond.incident_closed" in denying.kinds())
    again = close(denying.workspace, name, "chidi")
    assert again.incident.status == "closed"
    assert denying.kinds().count("respond.incident_closed") == 1


@pytest.mark.parametrize("place", ["counters", "incidents", "entries", "commit"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_opening_by_hand_that_is_cut_off_was_made_or_never_was(denying: Tiny, place: str, when: str) -> None:
    def work(site: Workspace) -> None:
        incidents.open_by_hand(site, "denied", Severity.SEV3, denying.scope(), "seen", "ana")

    assert killed_at(f"{place}.{when}:1", denying, work)
    assert ledger.replay(denying.workspace).problem == ""
    assert len(incidents.listed(denying.workspace)) == ((place, when) == ("commit", "after"))
    work(denying.workspace)
    assert incidents.listed(denying.workspace)[0].id == "INC-2027-0001"  # no number is lost
