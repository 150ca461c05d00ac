"""A rebuild says bits, behaviour or differs, names the file and the likely reason, and counts for one artefact only."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from shipworthy.artifact.difference import PATH, SEED, SUMS, TIME
from shipworthy.artifact.rebuilt import Rebuilt
from shipworthy.contract.stakes import UNPROVEN
from shipworthy.errors import CannotDecide
from shipworthy.evaluate.answered import Answered
from shipworthy.facts import Decision, Outcome
from shipworthy.flows.drilled import NAME as DRILL
from shipworthy.flows.gate import Judged
from shipworthy.flows.origin import REBUILD
from shipworthy.flows.provenance import REPRODUCED
from shipworthy.flows.report import report
from shipworthy.flows.reproduce import Compared, compare_answers, reproduce
from tests.flows.tiny import Tiny

SLO = """  - name: rebuild_match
    objective: "Anybody can make the same bits again."
    target: "== 1"
    window: "rolling"
    action_on_breach: "kill_switch"
never_events:
"""


def again(tiny: Tiny) -> Rebuilt:
    return reproduce(tiny.workspace, lambda _: None)[0]


def drifting(tiny: Tiny, code: str) -> None:
    """Let the build add something that is not the same each time, then build, sign and evaluate."""
    path = tiny.root / "build.py"
    path.write_text(path.read_text() + code)
    tiny.prepare()


def asks_for_bits(tiny: Tiny) -> None:
    """Let the policy ask for the same bits."""
    tiny.edit("safety-slos.yaml", "never_events:\n", SLO)
    tiny.prepare()


def test_the_same_inputs_give_the_same_bits(prepared: Tiny) -> None:
    rebuilt = again(prepared)
    assert (rebuilt.outcome, rebuilt.differences, rebuilt.environment) == ("bits", (), ())
    assert rebuilt.artefact == rebuilt.again == prepared.judge().verdict.subject.artefact


def test_a_rebuild_leaves_the_artefact_alone_and_holds_no_clock(prepared: Tiny) -> None:
    before = {path: path.read_bytes() for path in (prepared.root / "model").iterdir()}
    _, record = reproduce(prepared.workspace, lambda _: None)
    told = record.read_bytes()
    prepared.clock.advance(3600)
    assert reproduce(prepared.workspace, lambda _: None)[1].read_bytes() == told
    assert {path: path.read_bytes() for path in (prepared.root / "model").iterdir()} == before


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("import time\n(out / 'notes.json').write_text(json.dumps({'built': time.time()}))\n", TIME),
        ("(out / 'notes.json').write_text(str(out.resolve()) + '/')\n", PATH),
        ("import secrets\n(out / 'notes.json').write_text(str(secrets.randbelow(10**6) / 7))\n", SEED),
        (
            "import os\nnow = int.from_bytes(os.urandom(2), 'big')\n"
            "(out / 'notes.json').write_text(json.dumps({'mean': 0.25 + now * 2**-54 * 8}))\n",
            SUMS,
        ),
    ],
    ids=["time", "path", "seed", "sums"],
)
def test_what_changes_nothing_the_model_does_is_behaviour_with_the_file_and_the_reason(
    written: Tiny, code: str, why: str
) -> None:
    drifting(written, code)
    rebuilt = again(written)
    assert [(one.file, one.why) for one in rebuilt.differences] == [("notes.json", why)]
    assert (rebuilt.outcome, rebuilt.rows, rebuilt.worst) == ("behaviour", 900, 0.0)


def test_a_model_that_answers_otherwise_differs(written: Tiny) -> None:
    code = "import secrets\nweights['slope'] = 0.5 + secrets.randbelow(10**6) / 10**7\n"
    drifting(written, code + "(out / 'weights.json').write_text(json.dumps(weights))\n")
    rebuilt = again(written)
    assert rebuilt.outcome == "differs"
    assert "weights.json" in {one.file for one in rebuilt.differences}
    assert rebuilt.worst is not None
    assert rebuilt.worst > 1e-9


def row(score: float | None, decision: str = "deny", route: str = "machine") -> Answered:
    return Answered(
        row={}, label=1, score=score, decision=decision, route=route, uncertainty=None, bucket="*", ood=None
    )


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ((), (), Compared(rows=0, same=True, worst=None)),
        ((row(0.5),), (row(0.5),), Compared(rows=1, same=True, worst=0.0)),
        ((row(0.5), row(0.1)), (row(0.5), row(0.2)), Compared(rows=2, same=True, worst=0.1)),
        ((row(0.5),), (row(0.5, "approve"),), Compared(rows=1, same=False, worst=0.0)),
        ((row(0.5),), (row(0.5, route="person"),), Compared(rows=1, same=False, worst=0.0)),
        ((row(None),), (row(0.5),), Compared(rows=1, same=False, worst=None)),
        ((row(None),), (row(None),), Compared(rows=1, same=True, worst=None)),
    ],
)
def test_behaviour_is_compared_row_by_row(
    first: tuple[Answered, ...], second: tuple[Answered, ...], expected: Compared
) -> None:
    assert compare_answers(first, second) == expected


@pytest.mark.parametrize("file", ["model.py", "training.json", "data/rows.csv", "shipworthy.yaml"])
def test_other_materials_are_named_and_nothing_is_rebuilt(prepared: Tiny, file: str) -> None:
    path = prepared.root / file
    path.write_text(path.read_text() + "\n")
    if file == "data/rows.csv":
        from shipworthy.facts import digest

        text = (prepared.root / "shipworthy.yaml").read_text()
        old = text.partition("digest: ")[2].split("\n")[0]
        prepared.edit("shipworthy.yaml", old, digest(path.read_bytes()))
    with pytest.raises(CannotDecide, match=f"built from other files: .*{file} was changed"):
        again(prepared)
    assert not list((prepared.root / ".shipworthy").rglob(REPRODUCED))


def test_the_bar_may_change_between_build_and_rebuild(prepared: Tiny) -> None:
    prepared.edit("safety-slos.yaml", 'target: "<= 0.30"', 'target: "<= 0.29"')
    assert again(prepared).outcome == "bits"


def test_without_provenance_there_is_nothing_to_rebuild_from(prepared: Tiny) -> None:
    (prepared.workspace.evidence(prepared.judge().verdict.subject.artefact) / "provenance.json").unlink()
    with pytest.raises(CannotDecide, match="nothing says how") as told:
        again(prepared)
    assert told.value.fix == "run `shipworthy build`"
    prepared.edit("shipworthy.yaml", "build: [python, build.py]\n", "")
    with pytest.raises(CannotDecide, match="nothing says how") as told:
        again(prepared)
    assert "give the manifest a `build:` command" in told.value.fix


def test_a_training_in_place_is_not_repeated(written: Tiny) -> None:
    from shipworthy.flows.train import train

    written.edit("shipworthy.yaml", "build: [python, build.py]\n", "")
    train(written.workspace, ["python", "build.py"], lambda _: None)
    written.build()
    with pytest.raises(CannotDecide, match="trained in place"):
        again(written)


def outcome(judged: Judged) -> Outcome:
    return next(one.outcome for one in judged.verdict.judgements if one.slo == "rebuild_match")


def test_a_policy_that_asks_for_the_same_bits_has_no_data_until_they_are_shown(written: Tiny) -> None:
    asks_for_bits(written)
    judged = written.judge()
    assert outcome(judged) is Outcome.NO_DATA
    assert judged.verdict.decision is Decision.UNDECIDED
    assert f"no {REBUILD}: {UNPROVEN[REBUILD]}" in judged.verdict.warnings
    again(written)
    judged = written.judge()
    assert outcome(judged) is Outcome.MET
    assert judged.verdict.decision is Decision.SHIP
    assert not any(one.startswith(REBUILD) for one in judged.verdict.not_claimed)
    assert not any(REBUILD in one for one in judged.verdict.warnings)
    assert "rebuild_match" in report(judged, "text")
    written.ship()


def test_behaviour_is_not_the_same_bits(written: Tiny) -> None:
    asks_for_bits(written)
    drifting(written, "import time\n(out / 'notes.json').write_text(str(time.time()))\n")
    again(written)
    judged = written.judge()
    assert outcome(judged) is Outcome.BREACHED
    assert judged.verdict.decision is Decision.BLOCKED
    assert any(one.startswith(REBUILD) for one in judged.verdict.not_claimed)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("artefact", "sha256:" + "0" * 64),
        ("again", "sha256:" + "0" * 64),
        ("materials", "sha256:" + "0" * 64),
    ],
)
def test_a_record_of_something_else_shows_nothing(written: Tiny, field: str, value: str) -> None:
    asks_for_bits(written)
    rebuilt, record = reproduce(written.workspace, lambda _: None)
    record.write_bytes(msgspec.json.encode(msgspec.structs.replace(rebuilt, **{field: value})))
    assert outcome(written.judge()) is Outcome.NO_DATA


@pytest.mark.parametrize("raw", [b"", b"{}", b"bits", b'{"outcome": "bits"}', b'{"a": NaN}'])
def test_a_record_that_cannot_be_read_is_a_block(prepared: Tiny, raw: bytes) -> None:
    (prepared.workspace.evidence(prepared.judge().verdict.subject.artefact) / REPRODUCED).write_bytes(raw)
    verdict = prepared.judge().verdict
    assert [one.name for one in verdict.blocks] == ["rebuild"]
    assert verdict.decision is Decision.UNDECIDED


def test_the_same_bits_settle_what_high_stakes_ask(prepared: Tiny) -> None:
    def open_points() -> set[str]:
        judged = prepared.judge()
        stakes = msgspec.structs.replace(judged.contract.manifest, stakes="high")
        contract = msgspec.structs.replace(judged.contract, manifest=stakes)
        from shipworthy.flows.gate import _unproven

        return {block.name for block in _unproven(contract, judged.origins, judged.shared)}

    assert REBUILD in open_points()
    again(prepared)
    assert open_points() == set(UNPROVEN) - {REBUILD, DRILL}


def test_the_record_of_a_rebuild_is_an_input_of_the_verdict(prepared: Tiny) -> None:
    from tests.flows.test_admission import admitted

    _, record = reproduce(prepared.workspace, lambda _: None)
    prepared.ship()
    told = admitted(prepared)
    assert "shipworthy:file/reproduced.json" in dict(told.summary.inputs)
    assert "SHIPWORTHY_SAME_BITS" in told.properties
    assert Path(record).is_file()
