"""What is served, and what is not: the warm baseline, a candidate that the gate passed, and nothing else."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from shipworthy.errors import CannotDecide
from shipworthy.flows import review_queue, rollout
from shipworthy.flows.labels import send_labels
from tests.flows.tiny import FAULTY_AGE, Tiny
from tests.runtime.served import Served, claim, served_by, wait_until

pytestmark = pytest.mark.slow


def test_the_baseline_answers_by_its_thresholds(shipped: Tiny) -> None:
    with Served(shipped) as served:
        assert [served.decide(speed=speed)["decision"] for speed in (1, 10, 18)] == ["deny", "review", "approve"]
        assert served_by(served.decide()) == ("1", "machine")
        assert served.get("/v2/health/ready")[0] == 200
        told = served.status()
        assert told["versions"] == ["1"]
        assert told["refused"] == {}
        assert told["acting"] is True


@pytest.mark.parametrize(
    "body", [{}, {"row": {}}, {"row": {"speed": 1}}, {"row": claim(tenant="")}, {"row": claim(), "more": 1}, [1]]
)
def test_what_is_no_request_is_refused(shipped: Tiny, body: object) -> None:
    with Served(shipped) as served:
        status, told = served.post("/decide", body)
        assert status == 400
        assert told["error"]
        assert served.get("/nowhere")[0] == 404


def test_nothing_is_served_before_something_shipped(prepared: Tiny) -> None:
    with pytest.raises(CannotDecide, match="no version has shipped"), Served(prepared):
        pass


@pytest.mark.parametrize("file", ["model/weights.json", "model/model.sig", "safety-slos.yaml", "shipworthy.lock"])
def test_a_baseline_that_was_changed_is_not_served(shipped: Tiny, file: str) -> None:
    path = shipped.workspace.releases / "1" / file
    path.write_text(path.read_text().replace("1", "2"))
    with pytest.raises(CannotDecide), Served(shipped):
        pass


def test_a_candidate_is_loaded_when_its_rollout_starts_and_let_go_when_it_ends(shipped: Tiny) -> None:
    shipped.release("2", slope=0.51)
    shipped.ship()
    with Served(shipped) as served:
        served.keep_up()
        assert served_by(served.decide()) == ("1", "machine")
        shipped.start("2")
        served.until_served("2")
        assert served_by(served.decide()) == ("2", "machine")
        assert served_by(served.decide(tenant="birch")) == ("1", "machine")  # its stage names acme only
        rollout.abort(shipped.workspace, "ana")
        served.keep_up()
        assert served_by(served.decide()) == ("1", "machine")
        assert set(served.status()["pids"]) == {"1"}


def test_a_candidate_that_was_changed_after_it_shipped_is_refused_and_the_baseline_answers(rolling: Tiny) -> None:
    path = rolling.workspace.releases / "2/model/weights.json"
    path.write_text(path.read_text().replace("0.51", "0.52"))
    with Served(rolling) as served:
        told = served.status()
        assert "2" in told["refused"]
        assert set(told["pids"]) == {"1"}
        assert served_by(served.decide()) == ("1", "machine")


def test_a_model_process_that_dies_is_replaced_and_the_baseline_answers_meanwhile(rolling: Tiny) -> None:
    import os
    import signal

    with Served(rolling) as served:
        pid = served.status()["pids"]["2"]
        os.killpg(pid, signal.SIGKILL)
        told = served.decide()
        assert told["route"] == "machine"
        wait_until(lambda: served.status()["pids"].get("2") not in (None, pid))
        wait_until(lambda: served.decide()["version"] == "2")


def test_a_late_label_finds_its_decision_once(shipped: Tiny, tmp_path: Path) -> None:
    with Served(shipped) as served:
        receipts = [served.decide(visit=f"v-{i}")["receipt"] for i in range(5)]
        shipped.clock.advance(7200)
        path = tmp_path / "labels.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["receipt", "label"])
            writer.writerows([[one, 1] for one in receipts] + [["A" + receipts[0][1:-4] + "AAAA", 0]])
        url = f"http://127.0.0.1:{served.port}"
        sent = send_labels(path, url)
        assert (sent.accepted, sent.used, len(sent.refused)) == (5, 0, 1)
        assert sent.refused[0].startswith("line 7:")
        assert send_labels(path, url).used == 5
        assert served.status()["labels"] == 5


def test_what_goes_to_a_person_waits_for_one_sealed(shipped: Tiny) -> None:
    with Served(shipped) as served:
        told = served.decide(speed=10, remark="private words")
        assert told["route"] == "person"
        (item,) = review_queue.waiting(shipped.workspace)
        assert item.request == told["request"]
        taken = review_queue.take(shipped.workspace, "ben")
        assert taken is not None
        assert taken.content["row"]["remark"] == "private words"
    assert b"private words" not in (shipped.workspace.home / "store.db").read_bytes()


def test_observe_only_judges_and_never_orders(rolling: Tiny) -> None:
    with Served(rolling, observe_only=True) as served:
        for i in range(12):
            assert served.decide(supplier="S9", visit=f"v-{i}")["route"] == "machine"
        told = served.decide(age=FAULTY_AGE, speed=15)
        assert told["decision"] != "deny"  # a never event is withheld all the same
        served.keep_up(minutes=2)
        status = served.status()
        assert status["acting"] is False
        assert status["alarms"]
        assert status["judgements"]["2"]
        assert status["state"]["orders"] == []
    assert "respond.ordered" not in rolling.kinds()
