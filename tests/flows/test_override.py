"""Break glass, from the request to the release: two people, exactly this verdict, everything in the ledger."""

from __future__ import annotations

import base64
import json
import shutil

import msgspec
import pytest

from shipworthy.artifact.files.keys import PERSON, PUBLIC_OF
from shipworthy.artifact.vsa import VSA_PREDICATE
from shipworthy.errors import CannotDecide, PolicySaysNo, UsageError
from shipworthy.facts import Decision
from shipworthy.flows.override import holding, standing
from shipworthy.flows.report import report
from shipworthy.flows.ship import ship
from shipworthy.gate.verdict import exit_code
from shipworthy.govern.overrides import granted_in
from shipworthy.runtime.admission import LEVEL as PASSED
from shipworthy.runtime.overridden import FILE, LEVEL, Ended
from shipworthy.runtime.releases import load
from tests.flows.overriding import DAY, approve, ask, let_through, worse
from tests.flows.tiny import Tiny


def test_two_people_let_a_blocked_release_through_and_the_verdict_stays_what_it_is(blocked: Tiny) -> None:
    before = (blocked.root / "shipworthy.lock").read_bytes()
    name = let_through(blocked)
    judged = ship(blocked.workspace, name)
    assert judged.verdict.decision is Decision.BLOCKED
    assert exit_code(judged.verdict) == 1
    assert judged.released_under == name
    assert (blocked.root / "shipworthy.lock").read_bytes() == before
    assert load(blocked.workspace.releases / "2", blocked.workspace.now()).override is not None
    assert blocked.state().baseline == "1"


def test_every_step_stands_in_the_ledger(blocked: Tiny) -> None:
    name = let_through(blocked)
    asked, approved, decided, released = blocked.entries()[-4:]
    assert [one.kind for one in (asked, approved, decided, released)] == [
        "govern.override_requested", "govern.override_approved", "gate.decided", "gate.overridden",
    ]  # fmt: skip
    assert (asked.actor, approved.actor) == ("ana", "ben")
    assert decided.body["decision"] == "blocked"
    assert released.body["override"]["override"]["id"] == name
    assert "gate.shipped" not in [one.kind for one in blocked.entries()[3:]]


def test_where_nobody_could_approve_it_nothing_is_asked(written: Tiny) -> None:
    written.edit("shipworthy.yaml", "roles: [reviewer], key", "roles: [sre], key")
    written.prepare()
    written.ship()
    worse(written)
    with pytest.raises(PolicySaysNo, match="has no reviewer beside dana: nobody could approve this"):
        ask(written, "dana")
    assert not any(kind.startswith("govern.override") for kind in written.kinds())


def test_it_covers_all_that_is_red_by_name(blocked: Tiny) -> None:
    assert ask(blocked).override.covers == ("decision_ece_7d vs baseline on *",)


@pytest.mark.parametrize("format_", ["text", "json", "markdown", "github", "sarif", "junit"])
def test_every_report_shows_it_while_it_holds(blocked: Tiny, format_: str) -> None:
    name = ask(blocked).override.id
    assert name not in report(blocked.judge(), format_)
    approve(blocked, name)
    for part in (name, "ana and ben", "ben reads every denial", "acme"):
        assert part in report(blocked.judge(), format_)
    blocked.clock.advance(2 * DAY)
    assert name not in report(blocked.judge(), format_)


def test_the_report_of_another_version_shows_it_too(blocked: Tiny) -> None:
    name = let_through(blocked)
    blocked.release("3", slope=0.5)
    judged = blocked.judge()
    assert judged.verdict.decision is Decision.SHIP
    assert [name in line for line in judged.verdict.overrides] == [True]


def test_the_person_who_asked_cannot_approve(blocked: Tiny) -> None:
    name = ask(blocked, "dana").override.id
    with pytest.raises(PolicySaysNo, match="different people"):
        approve(blocked, name, "dana")
    assert blocked.kinds()[-1] == "govern.override_requested"
    approve(blocked, name, "ben")
    assert ship(blocked.workspace, name).released_under == name


def test_somebody_elses_key_does_not_sign(blocked: Tiny) -> None:
    name = ask(blocked).override.id
    people = blocked.workspace.keys / "people"
    for file in (PERSON, PUBLIC_OF[PERSON]):
        shutil.copyfile(people / "ana" / file, people / "ben" / file)
    with pytest.raises(PolicySaysNo, match="not the key of ben"):
        approve(blocked, name, "ben")


@pytest.mark.parametrize(("person", "error"), [("chidi", PolicySaysNo), ("ben", PolicySaysNo), ("eve", UsageError)])
def test_who_may_ask(blocked: Tiny, person: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        ask(blocked, person)
    assert "govern.override_requested" not in blocked.kinds()


def test_whoever_edits_the_working_copy_does_not_become_an_approver(blocked: Tiny) -> None:
    name = ask(blocked).override.id
    blocked.edit("shipworthy.yaml", "roles: [ml], key", "roles: [ml, reviewer], key")
    with pytest.raises(PolicySaysNo, match="does not have the role reviewer"):
        approve(blocked, name, "chidi")


def test_an_edited_lock_names_no_approver(blocked: Tiny) -> None:
    name = ask(blocked).override.id
    text = (blocked.root / "shipworthy.lock").read_text()
    edited = text.replace('"ml"', '"reviewer"')
    assert edited != text
    (blocked.root / "shipworthy.lock").write_text(edited)
    with pytest.raises(CannotDecide, match="not what was signed"):
        approve(blocked, name, "chidi")
    assert blocked.judge().held == ()


def test_it_brings_no_people_of_its_own(shipped: Tiny) -> None:
    shipped.edit("shipworthy.yaml", "roles: [operator, reviewer], key", "roles: [reviewer], key")  # no loosening, even
    worse(shipped)
    with pytest.raises(PolicySaysNo, match="other people"):
        ask(shipped)


def test_a_breach_of_a_never_event_is_never_let_through(shipped: Tiny) -> None:
    worse(shipped, slope=0.2)
    with pytest.raises(PolicySaysNo, match="never_event_violations is never overridden"):
        ask(shipped)
    assert "govern.override_requested" not in shipped.kinds()


def test_a_broken_signature_is_not_overridden(blocked: Tiny) -> None:
    (blocked.root / "model/model.sig").unlink()
    with pytest.raises(PolicySaysNo, match="cannot be overridden"):
        ask(blocked)


def test_a_lock_that_was_edited_is_not_overridden(blocked: Tiny) -> None:
    blocked.edit("shipworthy.lock", '"kill_fallback": "human_review"', '"kill_fallback": "nobody"')
    with pytest.raises(PolicySaysNo, match=r"lock: .*cannot be overridden"):
        ask(blocked)


def test_a_first_release_is_not_overridden(prepared: Tiny) -> None:
    prepared.release("1", slope=-0.5)
    with pytest.raises(PolicySaysNo, match="first release"):
        ask(prepared)


def test_another_verdict_needs_another_override(shipped: Tiny) -> None:
    worse(shipped)
    name = ask(shipped).override.id
    approve(shipped, name)
    shipped.release("2", slope=0.29)
    with pytest.raises(PolicySaysNo, match="another subject"):
        ship(shipped.workspace, name)
    assert not (shipped.workspace.releases / "2").exists()
    assert shipped.kinds()[-1] == "gate.decided"


@pytest.mark.parametrize("step", ["nobody approved", "it is over", "nobody asked"])
def test_an_override_that_does_not_hold_ships_nothing(blocked: Tiny, step: str) -> None:
    name = ask(blocked).override.id
    if step != "nobody approved":
        approve(blocked, name)
    if step == "it is over":
        blocked.clock.advance(2 * DAY)
    with pytest.raises(PolicySaysNo, match="no such override holds"):
        ship(blocked.workspace, "OVR-2027-0009" if step == "nobody asked" else name)
    assert not (blocked.workspace.releases / "2").exists()


def test_without_being_named_it_lets_nothing_through(blocked: Tiny) -> None:
    approve(blocked, ask(blocked).override.id)
    assert ship(blocked.workspace).released_under == ""
    assert not (blocked.workspace.releases / "2").exists()


def test_it_lasts_at_most_fourteen_days(blocked: Tiny) -> None:
    with pytest.raises(PolicySaysNo, match="within 14 days"):
        ask(blocked, lasts_s=14 * DAY + 1)
    ask(blocked, lasts_s=14 * DAY)


def test_a_request_that_waited_too_long_is_over(blocked: Tiny) -> None:
    name = ask(blocked).override.id
    blocked.clock.advance(2 * DAY)
    with pytest.raises(PolicySaysNo, match="ended at"):
        approve(blocked, name)


def test_approving_twice_is_approving_once(blocked: Tiny) -> None:
    name = ask(blocked).override.id
    assert approve(blocked, name) == approve(blocked, name)
    assert blocked.kinds().count("govern.override_approved") == 1


def test_a_version_that_passed_is_not_replaced_by_one_that_did_not(rolling: Tiny) -> None:
    worse(rolling)
    name = ask(rolling).override.id
    approve(rolling, name)
    with pytest.raises(PolicySaysNo, match="new version"):
        ship(rolling.workspace, name)
    assert load(rolling.workspace.releases / "2").override is None


def test_what_passes_later_is_a_release_like_any_other(blocked: Tiny) -> None:
    let_through(blocked)
    blocked.edit("safety-slos.yaml", "<= 0.30", "<= 0.29")  # nothing of the artefact: another bar
    blocked.release("3", slope=0.5)
    blocked.ship()
    one = load(blocked.workspace.releases / "3")
    assert one.override is None
    assert not (one.folder / FILE).exists()


def test_asking_for_a_passed_verdict_gets_none(blocked: Tiny) -> None:
    let_through(blocked)
    with pytest.raises(CannotDecide, match="not enough here"):
        load(blocked.workspace.releases / "2")
    kept = json.loads((blocked.workspace.releases / "2" / FILE).read_text())
    payload = json.loads(base64.b64decode(json.loads(kept["verdict"])["payload"]))
    assert payload["predicateType"] == VSA_PREDICATE
    assert payload["predicate"]["verifiedLevels"] == [LEVEL]
    assert PASSED not in json.dumps(payload)


def test_it_is_admitted_only_while_it_holds(blocked: Tiny) -> None:
    let_through(blocked)
    folder = blocked.workspace.releases / "2"
    with pytest.raises(CannotDecide, match="begins at"):
        load(folder, "2027-01-01T00:00:00.000000Z")
    blocked.clock.advance(2 * DAY)
    with pytest.raises(Ended):
        load(folder, blocked.workspace.now())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"tenants":["acme"]', '"tenants":["*"]'),
        ('"share_bp":10000', '"share_bp":9999'),
        ("ben reads every denial", "nobody reads any denial"),
        ('"person":"ben"', '"person":"dana"'),
        ('"until":"2027-01-06', '"until":"2027-01-07'),
        ('"version":"2"', '"version":"3"'),
    ],
)
def test_an_override_that_was_altered_admits_nothing(blocked: Tiny, old: str, new: str) -> None:
    let_through(blocked)
    path = blocked.workspace.releases / "2" / FILE
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(CannotDecide):
        load(path.parent, blocked.workspace.now())


@pytest.mark.parametrize("file", ["model/weights.json", "safety-slos.yaml", "shipworthy.lock", "shipworthy.yaml"])
def test_a_release_under_an_override_is_not_changed_either(blocked: Tiny, file: str) -> None:
    let_through(blocked)
    path = blocked.workspace.releases / "2" / file
    text = path.read_text()
    changed = {
        "safety-slos.yaml": text.replace("<= 0.30", "<= 0.90"),
        "shipworthy.lock": text.replace('"kill_fallback": "human_review"', '"kill_fallback": "nobody"'),
        "shipworthy.yaml": text.replace("roles: [ml], key", "roles: [ml, reviewer], key"),
    }.get(file, text + "\n")
    assert changed != text
    path.write_text(changed)
    with pytest.raises(CannotDecide):
        load(blocked.workspace.releases / "2", blocked.workspace.now())


def test_a_release_under_an_override_is_still_a_signed_one(blocked: Tiny) -> None:
    let_through(blocked)
    (blocked.workspace.releases / "2/model/model.sig").unlink()
    with pytest.raises(CannotDecide, match="not signed"):
        load(blocked.workspace.releases / "2", blocked.workspace.now())


def test_an_override_of_one_release_does_not_admit_another(blocked: Tiny) -> None:
    let_through(blocked)
    folder = blocked.workspace.releases
    shutil.copytree(folder / "1", folder / "9")
    shutil.copyfile(folder / "2" / FILE, folder / "9" / FILE)
    with pytest.raises(CannotDecide):
        load(folder / "9", blocked.workspace.now())


def test_the_gates_own_key_must_have_signed_it(blocked: Tiny) -> None:
    let_through(blocked)
    path = blocked.workspace.releases / "2" / FILE
    kept = json.loads(path.read_text())
    envelope = json.loads(kept["verdict"])
    envelope["signatures"][0]["sig"] = "A" * 86 + "=="
    path.write_text(json.dumps(kept | {"verdict": json.dumps(envelope)}))
    with pytest.raises(CannotDecide, match="none of the expected keys"):
        load(path.parent, blocked.workspace.now())


def test_the_list_says_where_each_one_stands(blocked: Tiny) -> None:
    name = let_through(blocked, lasts_s=DAY)
    ask(blocked)
    lock = blocked.workspace.contract().lock
    assert [one.status for one in standing(blocked.workspace, lock)] == ["holds", "asked"]
    blocked.clock.advance(DAY)
    found = standing(blocked.workspace, lock)
    assert [one.status for one in found] == ["over", "asked"]
    assert found[0].granted.override.id == name
    assert "ended" in found[0].waits


def test_a_signature_in_the_ledger_that_is_not_theirs_counts_for_nothing(blocked: Tiny) -> None:
    one = ask(blocked)
    lock = blocked.workspace.contract().lock
    ben = msgspec.structs.replace(one.approvals[0], person="ben", role="reviewer")
    forged = msgspec.structs.replace(one, approvals=(*one.approvals, ben))
    assert holding([forged], lock, "tiny-triage", blocked.workspace.now()) == ()
    assert holding([approve(blocked, one.override.id)], lock, "other", blocked.workspace.now()) == ()
    assert len(holding(granted_in(blocked.entries()), lock, "tiny-triage", blocked.workspace.now())) == 1
    assert holding(granted_in(blocked.entries()), None, "tiny-triage", blocked.workspace.now()) == ()
