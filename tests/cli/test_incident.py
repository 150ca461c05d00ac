"""An incident from the shell: what people type from the first call to the file that is kept."""

from __future__ import annotations

from tests.cli.calls import verb
from tests.flows.tiny import Tiny


def test_an_incident_is_led_from_the_shell(shipped: Tiny) -> None:
    given = ("--severity", "SEV2", "--because", "three callers", "--version", "1", "--segment", "supplier=S2")
    left = verb(shipped, "incident", "open", "S2 is denied", *given, "--detected-by", "user", "--as", "ben")
    assert left.out == "INC-2027-0001 SEV2 active: S2 is denied\n"
    name = "INC-2027-0001"
    assert "in command" in verb(shipped, "incident", "command", name, "--as", "ana").out
    harm = ("--harm", "rights", "--harm-severity", "major", "--group", "callers", "--task", "operator: call back")
    more = ("--factor", "model: S2 is rare in training", "--ref", "atlas:5.6.0:AML.T0015", "--stable")
    left = verb(shipped, "incident", "update", name, *harm, *more, "--as", "ana")
    assert (left.code, left.out) == (0, f"{name} SEV2 stable, revision 4\n")
    told = verb(shipped, "incident", "show", name).out
    assert "clock AIA-73.2: due 2027-01-19" in told
    assert "updated: contributing_factors, harm, refs, stable_at, status, tasks" in told
    assert f"{name} SEV2 stable owner chidi, command ana" in verb(shipped, "incident", "list").out
    assert verb(shipped, "incident", "export", name, "--check").code == 4
    assert verb(shipped, "incident", "export", name).code == 0
    assert verb(shipped, "incident", "export", name, "--check").code == 0
    assert verb(shipped, "ledger", "replay").code == 0


def test_what_blames_somebody_is_refused_with_one_line(shipped: Tiny) -> None:
    given = ("--severity", "SEV4", "--because", "x", "--as", "ben")
    verb(shipped, "incident", "open", "x", *given)
    left = verb(shipped, "incident", "update", "INC-2027-0001", "--factor", "procedure: chidi was late", "--as", "ana")
    assert left.code == 2
    assert len(left.err.strip().splitlines()) == 1
    assert "this names chidi" in left.err


def test_an_incident_closes_with_1_and_all_reasons(shipped: Tiny) -> None:
    given = ("--severity", "SEV2", "--because", "x", "--version", "1", "--as", "ben")
    verb(shipped, "incident", "open", "x", *given)
    left = verb(shipped, "incident", "close", "INC-2027-0001", "--as", "ana")
    assert left.code == 1
    for reason in ("same artefact", "promote it first", "nobody has taken command", "what harm was done"):
        assert reason in left.out
