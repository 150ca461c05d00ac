"""Bad models made of a real tiny repository are stopped by its real gate and runtime; what is the user's stays.

The model of `learning.py` is trained on its rows, so that what is done to them is done to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from shipworthy.errors import CannotDecide, UsageError
from shipworthy.evaluate.mutants.catalogue import ALL, BY_ID
from shipworthy.flows.strength import run
from shipworthy.flows.strength.record import read_strength
from shipworthy.flows.strength.run import chosen, strength
from shipworthy.flows.strength.trial import Found
from shipworthy.gate.strength import Strength, Tried
from tests.flows.learning import learn
from tests.flows.test_strength_record import SLO
from tests.flows.tiny import Tiny

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def learned(_written: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    return learn(_written.copy(tmp_path_factory.mktemp("strength") / "learned"))


@pytest.fixture(scope="module")
def tried(learned: Tiny) -> dict[str, Tried]:
    """Try some of each place, once for all tests of this file."""
    names = (
        *("healthy.fewer", "feature.stale", "labels.one_sided", "never.provoked", "machine.abstains"),
        *("artefact.swapped", "traffic.unseen", "scores.underconfident"),
    )
    record, _ = strength(learned.workspace, lambda text: None, names)
    return {one.id: one for one in record.tried}


def state(tiny: Tiny) -> dict[str, str]:
    """Return a digest of every file of repository and site, the cache of strength apart."""
    return {
        str(path.relative_to(tiny.at)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(tiny.at.rglob("*"))
        if path.is_file() and "cache/strength" not in str(path)
    }


def without_trials(tiny: Tiny) -> Tiny:
    """Forget what was tried, not what the release itself showed."""
    for path in (tiny.root / ".shipworthy/cache/strength").rglob("*.json"):
        if not path.name.startswith("release"):
            path.unlink()
    return tiny


def some(tiny: Tiny, *names: str, say: Callable[[str], None] = lambda text: None) -> Strength:
    return strength(tiny.workspace, say, names)[0]


def test_the_healthy_ship(tried: dict[str, Tried]) -> None:
    assert (tried["healthy.fewer"].healthy, tried["healthy.fewer"].stopped) == (True, "nowhere")


def test_a_model_trained_on_bad_rows_is_stopped_by_what_was_measured_of_it(tried: dict[str, Tried]) -> None:
    stale, poisoned = tried["feature.stale"], tried["labels.one_sided"]
    assert stale.stopped == "gate"
    assert {"error_rate", "error_rate vs baseline"} & set(stale.by)
    assert poisoned.stopped == "gate"
    assert "decision_ece_7d" in poisoned.by


def test_a_model_that_answers_badly_is_stopped_by_the_rule_it_broke(tried: dict[str, Tried]) -> None:
    assert "never_event_violations" in tried["never.provoked"].by
    assert tried["scores.underconfident"].by[0] == "decision_ece_7d"


def test_a_swapped_file_is_refused_by_the_gate_itself(tried: dict[str, Tried]) -> None:
    told = tried["artefact.swapped"]
    assert told.stopped == "gate"
    assert any(one.startswith("signature: ") for one in told.by)


def test_what_only_the_runtime_catches_says_how_many_requests_that_took(tried: dict[str, Tried]) -> None:
    told = tried["traffic.unseen"]
    assert told.stopped == "runtime"
    assert told.by == ("ood_repeats on supplier=__unseen__",)
    assert told.requests is not None
    assert 5 <= told.requests < 60
    assert told.sent == 450


def test_a_survivor_is_told_what_would_have_noticed_it(tried: dict[str, Tried]) -> None:
    told = tried["machine.abstains"]  # nothing in this policy minds delay
    assert told.stopped == "nowhere"
    assert told.told.startswith("would have noticed it: review_rate")


def test_nothing_of_the_users_is_touched_and_nothing_is_recorded_of_a_part(learned: Tiny) -> None:
    before = state(learned)
    record, path = strength(learned.workspace, lambda text: None, ("artefact",))
    assert state(learned) == before
    assert (record.whole, path) == (False, None)


def test_the_same_inputs_give_the_same_record_and_what_is_finished_is_kept(learned: Tiny, tmp_path: Path) -> None:
    tiny = without_trials(learned.copy(tmp_path / "again"))
    said: list[str] = []
    first = some(tiny, "artefact", "never", say=said.append)
    assert sum("s left" in one for one in said) == 2
    said.clear()
    assert some(tiny, "artefact", "never", say=said.append) == first
    assert said == ["the release itself", "2 of 2 were tried before and are kept"]
    without_trials(tiny)
    assert msgspec.json.encode(some(tiny, "artefact", "never")) == msgspec.json.encode(first)


def test_an_interrupted_run_goes_on(learned: Tiny, tmp_path: Path) -> None:
    tiny = without_trials(learned.copy(tmp_path / "cut"))

    def cut(text: str) -> None:
        if "1 of 2" in text:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        some(tiny, "artefact", "never", say=cut)
    said: list[str] = []
    record = some(tiny, "artefact", "never", say=said.append)
    assert said[1] == "1 of 2 were tried before and are kept"
    assert [one.stopped for one in record.tried] == ["gate", "gate"]


def test_a_policy_that_asks_for_less_is_another_run_and_lets_through_more(learned: Tiny, tmp_path: Path) -> None:
    tiny = learned.copy(tmp_path / "loose")
    tiny.edit("safety-slos.yaml", 'target: "<= 0.15"', 'target: "<= 0.95"')
    said: list[str] = []
    record = some(tiny, "scores.underconfident", say=said.append)
    assert "kept" not in said[1]
    assert record.tried[0].by == ("decision_ece_7d vs baseline",)  # the target no longer, the comparison still


def test_two_workers_tell_what_one_tells(learned: Tiny, tried: dict[str, Tried], tmp_path: Path) -> None:
    tiny = without_trials(learned.copy(tmp_path / "two"))
    record, _ = strength(tiny.workspace, lambda text: None, ("artefact", "never"), workers=2)
    assert list(record.tried) == [tried["never.provoked"], tried["artefact.swapped"]]


def test_what_the_release_does_not_pass_itself_stops_no_mutant(learned: Tiny, tmp_path: Path) -> None:
    tiny = learned.copy(tmp_path / "red")
    tiny.edit("safety-slos.yaml", "never_events:\n", SLO.replace("contract_strength", "rebuild_match"))
    tiny.edit("safety-slos.yaml", 'target: "<= 0.15"', 'target: "<= 0.0001"')
    tiny.prepare()
    record = some(tiny, "scores.underconfident", "artefact")
    assert {"rebuild_match", "decision_ece_7d"} <= set(record.not_exercised)
    under = next(one for one in record.tried if one.id == "scores.underconfident")
    assert under.by == ("decision_ece_7d vs baseline",)
    assert next(one for one in record.tried if one.id == "artefact.swapped").stopped == "gate"


def test_what_shipped_before_is_the_bar_and_its_lock_is_left_alone(learned: Tiny, tmp_path: Path) -> None:
    tiny = learned.copy(tmp_path / "second")
    tiny.ship()
    before = state(tiny)
    under = some(tiny, "scores.underconfident").tried[0]
    assert "decision_ece_7d vs baseline" in under.by
    assert not any(one.startswith(("lock", "loosened")) for one in under.by)
    assert state(tiny) == before


def test_a_model_that_cannot_be_trained_here_is_not_made_and_not_counted(prepared: Tiny) -> None:
    prepared.edit("shipworthy.yaml", "build: [python, build.py]\n", "")
    prepared.edit("shipworthy.yaml", "build.py, model.py", "model.py")
    record = some(prepared, "feature.stale", "healthy.fewer")
    assert {one.stopped for one in record.tried} == {"not made"}
    assert "no `build:` command" in record.tried[0].told
    assert record.mutants == ()


def test_without_an_artefact_nothing_can_be_told(written: Tiny) -> None:
    with pytest.raises(CannotDecide):
        some(written)


def test_names_choose_one_or_all_that_begin_so(learned: Tiny) -> None:
    assert chosen(()) == ALL
    assert [one.id for one in chosen(("traffic", "model.random"))] == [
        "model.random", "traffic.drifted", "traffic.unseen", "traffic.unit"
    ]  # fmt: skip
    with pytest.raises(UsageError, match=r"'trafic'"):
        some(learned, "trafic")


def test_a_whole_run_is_recorded(learned: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The trials are kept results here: what they show is tested above."""
    tiny = learned.copy(tmp_path / "whole")

    def at_once(box: object, base: object, mutant: str) -> Found:
        return Found(id=mutant, stopped="nowhere" if BY_ID[mutant].healthy else "gate", by=("rule",))

    monkeypatch.setattr(run, "try_one", at_once)
    record, path = strength(tiny.workspace, lambda text: None)
    assert path is not None
    assert read_strength(tiny.workspace, record.subject) == record
    assert len(record.mutants) == 20
