"""A gate without a state directory: with the lock alone, and with a ledger that is shared over HTTP."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shipworthy.contract.stakes import UNPROVEN
from shipworthy.errors import Unreachable
from shipworthy.facts import Decision, Incident, Scope, canonical, digest
from shipworthy.facts.incident import RegressionCase
from shipworthy.flows.gate import Judged, judge
from shipworthy.flows.keys import make_token
from shipworthy.flows.ledger import verifier_key_of
from shipworthy.flows.note import stamp_note
from shipworthy.flows.report import report
from shipworthy.flows.ship import ship
from shipworthy.ledger.checkpoint import open_checkpoint
from shipworthy.ledger.note import parse_verifier_key, verifier_key
from shipworthy.runtime.ledger_client import ledger_client
from shipworthy.runtime.workspace import Environment, Workspace
from tests.contract.repository import THREATS
from tests.flows.overriding import approve, ask, worse
from tests.flows.tiny import MODEL, Tiny
from tests.runtime.served import Served, free_port
from tests.runtime.test_ledger_client import TOKEN, answering, call_facts, http_answer

SHARED_LEDGER = f"shared ledger: {UNPROVEN['shared ledger']}"


class Runner:
    """A CI runner: the repository as it was checked out, the gate's keys, and no state at all."""

    def __init__(self, tiny: Tiny, at: Path, url: str = "", token: str = TOKEN, key: str = "") -> None:
        shutil.copytree(tiny.root, at / "repo")
        (at / "home").mkdir(parents=True, mode=0o700)
        named = {"SHIPWORTHY_URL": url, "SHIPWORTHY_TOKEN": token, "SHIPWORTHY_LEDGER_KEY": key} if url else {}
        self.tiny = Tiny(at, tiny.clock)
        self.keys = tiny.workspace.keys
        self.workspace = Workspace(root=at / "repo", home=at / "home", clock=tiny.clock, environment=Environment(named))

    def judge(self) -> Judged:
        """Ask the gate, which leaves nothing behind."""
        told = judge(self.workspace)
        assert list(self.workspace.home.iterdir()) == []
        return told

    def ship(self) -> Judged:
        """Ship, with the gate's own keys at hand."""
        shutil.copytree(self.keys, self.workspace.keys)
        return ship(self.workspace)


@pytest.fixture(name="served")
def _served(shipped: Tiny) -> Iterator[Served]:
    with Served(shipped) as served:
        yield served


def runner(served: Served, at: Path, scope: str = "gate") -> Runner:
    """Return a runner with a token of the served site."""
    shown = make_token(served.tiny.workspace, scope, "1d")[0]
    return Runner(served.tiny, at, f"http://127.0.0.1:{served.port}", shown, verifier_key_of(served.tiny.workspace))


def raise_stakes(tiny: Tiny) -> None:
    """Write what high stakes ask of the contract's files; what no file can show goes on missing."""
    tiny.edit("shipworthy.yaml", "stakes: standard", "stakes: high")
    tiny.edit("shipworthy.yaml", "roles: [reviewer], key", "roles: [reviewer, committee], key")
    (tiny.root / "threat-model.yaml").write_text(THREATS.replace("demo", MODEL))
    for path in (tiny.root / "keys").iterdir():  # the same keys, not marked as made for development
        path.write_text("\n".join(line.removesuffix(" dev") for line in path.read_text().split("\n")[_marked(path) :]))
    stamp_note(tiny.root)


def _marked(path: Path) -> int:
    return int(path.read_text().startswith("Comment: "))


def test_the_gate_works_with_the_lock_alone(shipped: Tiny, tmp_path: Path) -> None:
    shipped.release("2", slope=0.51)
    judged = Runner(shipped, tmp_path / "ci").judge()
    assert judged.verdict.decision is Decision.SHIP
    assert not judged.verdict.first
    assert judged.verdict == shipped.judge().verdict


def test_with_a_shared_ledger_the_entry_is_there_before_the_answer(served: Served, tmp_path: Path) -> None:
    served.tiny.release("2", slope=0.51)
    judged = runner(served, tmp_path / "ci").judge()
    last = served.tiny.entries()[-1]
    assert last.kind == "gate.decided"
    assert last.body["decision"] == judged.verdict.decision.value == "ship"
    assert last.body["subject"]["version"] == "2"


def test_what_the_ledger_proves_is_not_asked_for_any_more(served: Served, tmp_path: Path) -> None:
    alone = Runner(served.tiny, tmp_path / "alone").judge().verdict
    told = runner(served, tmp_path / "ci").judge().verdict
    assert SHARED_LEDGER in alone.not_claimed
    assert SHARED_LEDGER not in told.not_claimed
    assert any("shared ledger" in warning for warning in alone.warnings)
    assert not any("shared ledger" in warning for warning in told.warnings)
    assert set(alone.not_claimed) - set(told.not_claimed) == {SHARED_LEDGER}


def test_at_high_stakes_an_appended_entry_proves_the_shared_ledger(served: Served, tmp_path: Path) -> None:
    raise_stakes(served.tiny)
    alone = {block.name for block in Runner(served.tiny, tmp_path / "alone").judge().verdict.blocks}
    told = {block.name for block in runner(served, tmp_path / "ci").judge().verdict.blocks}
    assert alone - told == {"shared ledger"}
    assert served.tiny.kinds()[-1] == "gate.decided"


@pytest.mark.parametrize("scope", ["unknown", "read"])
def test_a_token_that_may_not_append_is_as_good_as_no_ledger(served: Served, tmp_path: Path, scope: str) -> None:
    one = runner(served, tmp_path / "ci", "read")
    if scope == "unknown":
        one.workspace.environment["SHIPWORTHY_TOKEN"] = TOKEN
    before = served.tiny.kinds()
    warnings = one.judge().verdict.warnings
    assert any("the shared ledger cannot be used: it answers 40" in warning for warning in warnings)
    raise_stakes(one.tiny)
    with pytest.raises(Unreachable):
        one.judge()
    assert served.tiny.kinds() == before


def test_a_ledger_that_is_gone_is_a_warning_in_every_report_and_exit_5_at_high_stakes(
    shipped: Tiny, tmp_path: Path
) -> None:
    shipped.release("2", slope=0.51)
    one = Runner(shipped, tmp_path / "ci", f"http://127.0.0.1:{free_port()}", key=verifier_key_of(shipped.workspace))
    judged = one.judge()
    assert judged.verdict.decision is Decision.SHIP
    assert SHARED_LEDGER in judged.verdict.not_claimed
    for format_ in ("text", "json", "markdown"):
        assert "the shared ledger cannot be used" in report(judged, format_)
    raise_stakes(one.tiny)
    with pytest.raises(Unreachable) as gone:
        one.judge()
    assert gone.value.exit_code == 5


def test_a_ledger_of_another_key_is_no_ledger(served: Served, tmp_path: Path) -> None:
    one = runner(served, tmp_path / "ci")
    other = verifier_key("shipworthy/another", Ed25519PrivateKey.generate().public_key())
    one.workspace.environment["SHIPWORTHY_LEDGER_KEY"] = other
    before = served.tiny.kinds()
    judged = one.judge()
    assert any("signed with another key" in warning for warning in judged.verdict.warnings)
    assert SHARED_LEDGER in judged.verdict.not_claimed
    raise_stakes(one.tiny)
    with pytest.raises(Unreachable, match="another key"):
        one.judge()
    assert served.tiny.kinds() == before


def test_at_high_stakes_the_key_of_the_ledger_is_pinned(served: Served, tmp_path: Path) -> None:
    one = runner(served, tmp_path / "ci")
    del one.workspace.environment["SHIPWORTHY_LEDGER_KEY"]
    assert SHARED_LEDGER not in one.judge().verdict.not_claimed
    raise_stakes(one.tiny)
    with pytest.raises(Unreachable) as missing:
        one.judge()
    assert "shipworthy ledger key" in str(missing.value)


def test_a_server_that_dies_between_facts_and_entry(served: Served, tmp_path: Path) -> None:
    """The facts were read, the entry is not taken: that is a warning, and at high stakes no answer at all."""
    told = json.dumps(call_facts(served)).encode()

    def only_facts(head: bytes) -> bytes:
        return http_answer(told) if head.startswith(b"GET") else b""

    with answering(only_facts) as port:
        one = Runner(
            served.tiny, tmp_path / "ci", f"http://127.0.0.1:{port}", key=verifier_key_of(served.tiny.workspace)
        )
        assert any("cannot be used" in warning for warning in one.judge().verdict.warnings)
        raise_stakes(one.tiny)
        with pytest.raises(Unreachable):
            one.judge()


def test_the_same_entry_again_is_the_same_entry(served: Served, tmp_path: Path) -> None:
    one = runner(served, tmp_path / "ci")
    one.judge()
    size = len(served.tiny.entries())
    one.judge()
    assert len(served.tiny.entries()) == size


def test_a_lock_that_is_gone_though_something_shipped_stops_the_gate(served: Served, tmp_path: Path) -> None:
    one = runner(served, tmp_path / "ci")
    (one.workspace.root / "shipworthy.lock").unlink()
    assert "lock" in [block.name for block in one.judge().verdict.blocks]
    alone = Runner(served.tiny, tmp_path / "alone")
    (alone.workspace.root / "shipworthy.lock").unlink()
    assert "lock" not in [block.name for block in alone.judge().verdict.blocks]


def test_a_lock_of_an_earlier_release_is_warned_of(served: Served, tmp_path: Path) -> None:
    first = runner(served, tmp_path / "first")
    served.tiny.clock.advance(60)
    served.tiny.release("2", slope=0.51)
    served.tiny.ship()
    late = [one.because for one in first.judge().verdict.blocks if one.name == "lock"]
    assert late == ["it is of version 1, and version 2 shipped since"]
    assert "lock" not in {one.name for one in runner(served, tmp_path / "second").judge().verdict.blocks}


def test_ship_tells_the_shared_ledger_and_pins_it(served: Served, tmp_path: Path) -> None:
    served.tiny.release("2", slope=0.51)
    one = runner(served, tmp_path / "ci")
    assert one.ship().verdict.decision is Decision.SHIP
    assert [entry.kind for entry in served.tiny.entries()[-2:]] == ["gate.decided", "gate.shipped"]
    assert served.tiny.entries()[-1].body["subject"]["version"] == "2"
    lock = one.workspace.contract().lock
    assert lock is not None
    origin, key = parse_verifier_key(served.site.ledger.verifier_key)
    assert open_checkpoint(lock.checkpoint, origin, [key]).size > 0


def test_an_open_incident_is_shown(served: Served, tmp_path: Path) -> None:
    served.site.store.put_incident(
        Incident(id="INC-2027-0001", title="fast claims denied", severity="SEV1", owner="chidi", slo="error_rate",
                 scope=Scope(model=MODEL, version="1"), orders=("ORD-2027-0001",),
                 reported_at="2027-01-04T09:00:00.000000Z")
    )  # fmt: skip
    assert (
        "INC-2027-0001 is open (SEV1): fast claims denied" in runner(served, tmp_path / "ci").judge().verdict.warnings
    )


def test_an_override_that_was_approved_elsewhere_is_shown_and_ships_here(served: Served, tmp_path: Path) -> None:
    worse(served.tiny)
    name = ask(served.tiny).override.id
    one = runner(served, tmp_path / "ci")
    assert one.judge().verdict.overrides == ()
    approve(served.tiny, name)
    assert [name in line for line in one.judge().verdict.overrides] == [True]
    shutil.copytree(one.keys, one.workspace.keys)
    assert ship(one.workspace, name).released_under == name


def test_an_override_that_the_server_made_up_counts_for_nothing(served: Served, tmp_path: Path) -> None:
    worse(served.tiny)
    approve(served.tiny, ask(served.tiny).override.id)
    told = call_facts(served)
    told["overrides"][0]["override"]["tenants"] = ["*"]
    with answering(lambda head: http_answer(json.dumps(told).encode())) as port:
        one = Runner(
            served.tiny, tmp_path / "ci", f"http://127.0.0.1:{port}", key=verifier_key_of(served.tiny.workspace)
        )
        assert one.judge().held == ()


def test_a_case_of_an_open_incident_that_is_gone_here_is_red(served: Served, tmp_path: Path) -> None:
    case = RegressionCase(id="incident.fast", terms=digest(b"as promoted"))
    mild = Incident(
        id="INC-2027-0001", title="t", severity="SEV3", owner="chidi", scope=Scope(model=MODEL), cases=(case,),
        reported_at="2027-01-04T09:00:00.000000Z", description="what no gate needs to know",
    )  # fmt: skip
    bad = msgspec.structs.replace(mild, id="INC-2027-0002", severity="SEV2")
    for one in (mild, bad):
        served.site.store.put_incident(one)
    elsewhere = runner(served, tmp_path / "ci")
    red = [block for block in elsewhere.judge().verdict.blocks if block.name.startswith("incident:")]
    assert [(one.name, one.because, one.exit_code) for one in red] == [
        ("incident:INC-2027-0002", "incident.fast: not in the pack", 1)
    ]
    client = ledger_client(elsewhere.workspace.environment)
    assert client is not None
    assert b"no gate needs" not in canonical(client.facts(MODEL))
