"""Every indicator with an online source is judged from live traffic as it should be: met, breached, no data.

One site of the tiny model with an SLO on each. It only observes, so that no order changes the traffic half-way.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest

from shipworthy.facts import Named
from shipworthy.flows import posture, review_queue
from shipworthy.store.review import QueueStatus
from tests.flows.tiny import Tiny, rows_csv
from tests.runtime.served import Served, claim

pytestmark = pytest.mark.slow

SLO = """  - name: {name}
    objective: o
    target: "{target}"
    window: 24h
    action_on_breach: route_to_human_review
    min_samples: {least}
    segments: {segments}
"""
ASKED = {
    "drift_excess_24h": ("<= 0.4", 100, '["*", "tenant=acme"]'),
    "prediction_drift_24h": ("<= 0.3", 100, '["*", "supplier=S1"]'),
    "latency_ms_p95_24h": ("<= 3000", 200, '["*"]'),
    "latency_ms_p50_24h": ("<= 0.01", 200, '["*"]'),
    "estimated_error_rate_24h": ("<= 0.3", 200, '["*"]'),
    "subgroup_gap_24h": ("<= 0.5", 100, '["*"]'),
    "overturn_rate_24h": ("<= 0.05", 5, '["*"]'),
    "label_coverage_24h": (">= 0.8", 50, '["*"]'),
    "error_rate_24h": ("<= 0.35", 200, '["*"]'),
}


@pytest.fixture(scope="module")
def asking(_written: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """A shipped version whose contract asks for every indicator."""
    tiny = _written.copy(tmp_path_factory.mktemp("asking") / "site")
    written = "".join(
        SLO.format(name=name, target=target, least=least, segments=segments)
        for name, (target, least, segments) in ASKED.items()
    )
    tiny.edit("safety-slos.yaml", "never_events:\n", f"{written}never_events:\n")
    tiny.edit("shipworthy.yaml", "supplier, type: category}", "supplier, type: category, protected: true}")
    manifest = tiny.workspace.root / "shipworthy.yaml"
    manifest.write_text(f"{manifest.read_text()}alarms: {{false_pages_per_week: 100000}}\n")  # one look is enough here
    tiny.prepare()
    tiny.ship()
    return tiny


@pytest.fixture
def served(asking: Tiny, tmp_path: Any) -> Iterator[Served]:
    with Served(asking.copy(tmp_path / "site"), observe_only=True) as one:
        yield one


def rows() -> list[dict[str, Any]]:
    """Return the held-out rows: what live traffic without drift looks like."""
    given = [row for row in csv.DictReader(io.StringIO(rows_csv())) if row["split"] == "test"]
    return [{**row, "speed": int(row["speed"]), "age": int(row["age"]), "label": int(row["label"])} for row in given]


def asked(row: dict[str, Any]) -> dict[str, Any]:
    return claim(**{name: row[name] for name in ("visit", "tenant", "supplier", "speed", "age")})


def outcomes(one: Served) -> dict[tuple[str, str], tuple[str, str]]:
    told = one.status()["judgements"]["1"]
    return {(each["slo"], each["segment"]): (each["outcome"], each["because"]) for each in told if each["slo"] in ASKED}


def send(one: Served, given: list[dict[str, Any]]) -> list[str]:
    told = [one.post("/decide", {"row": asked(row)}) for row in given]
    assert {status for status, _ in told} == {200}
    return [str(body["receipt"]) for _, body in told]


def test_before_any_traffic_nothing_is_met(served: Served) -> None:
    served.keep_up(minutes=61)
    served.keep_up()
    told = outcomes(served)
    assert len(told) == len(ASKED) + 2
    assert {outcome for outcome, _ in told.values()} == {"no_data"}


def test_traffic_like_the_reference_is_met_and_its_labels_are_judged_when_they_mature(served: Served) -> None:
    given = rows()
    receipts = send(served, given)
    served.keep_up(minutes=2)
    served.keep_up()
    told = {key: outcome for key, (outcome, _) in outcomes(served).items()}
    assert told["drift_excess_24h", "*"] == "met"
    assert told["drift_excess_24h", "tenant=acme"] == "met"
    assert told["prediction_drift_24h", "*"] == "met"
    assert told["prediction_drift_24h", "supplier=S1"] in ("met", "undecided")  # few rows of one supplier
    assert told["latency_ms_p95_24h", "*"] == "met"
    assert told["latency_ms_p50_24h", "*"] == "breached"
    assert told["estimated_error_rate_24h", "*"] == "met"
    assert {told[name, "*"] for name in ("subgroup_gap_24h", "overturn_rate_24h", "error_rate_24h")} == {"no_data"}
    labels = [{"receipt": receipt, "label": row["label"]} for receipt, row in zip(receipts, given, strict=True)]
    for at in range(0, len(labels), 200):
        assert served.post("/labels", labels[at : at + 200])[0] == 200
    served.keep_up(minutes=70)
    served.keep_up()
    told = {key: outcome for key, (outcome, _) in outcomes(served).items()}
    assert told["subgroup_gap_24h", "*"] == "met"
    assert told["label_coverage_24h", "*"] == "met"
    assert told["error_rate_24h", "*"] == "met"


def test_other_traffic_is_breached_before_a_label_comes(served: Served) -> None:
    send(served, [{**row, "speed": 12, "age": 20} for row in rows()])
    served.keep_up(minutes=2)
    served.keep_up()
    told = outcomes(served)
    for slo in ("drift_excess_24h", "prediction_drift_24h", "estimated_error_rate_24h"):
        assert told[slo, "*"][0] == "breached", told[slo, "*"]
    assert told["drift_excess_24h", "tenant=acme"][0] == "breached"


def test_an_answer_from_the_queue_is_a_review_and_a_label_once(served: Served) -> None:
    tiny = served.tiny
    posture.tighten(tiny.workspace, tiny.scope(version="1"), Named.HUMAN_REVIEW, "a look", "ben")
    receipts = send(served, [{**row, "speed": 18, "age": 60} for row in rows()[:10]])
    labelled_before = [{"receipt": receipts[0], "label": 1}]
    assert served.post("/labels", labelled_before)[1]["results"][0]["status"] == "accepted"
    for at in range(10):
        taken = review_queue.take(tiny.workspace, "ben")
        assert taken is not None
        assert taken.content["suggestion"] == "approve"
        review_queue.answer(tiny.workspace, taken.item.id, "ben", "deny" if at < 4 else "approve")
    assert served.status()["labels"] == 1
    served.keep_up(minutes=1)
    served.keep_up()
    assert served.status()["labels"] == 10  # nine of the answers were the first to say
    assert served.site.store.items(QueueStatus.ANSWERED) == ()
    results = served.post("/labels", [{"receipt": receipt, "label": 1} for receipt in receipts])[1]["results"]
    said = [one["status"] for one in results]
    assert (said.count("used"), said.count("quarantined")) == (6, 4)  # four are against what a person decided
    served.keep_up(minutes=1)
    served.keep_up()
    assert served.status()["labels"] == 10
    served.keep_up(minutes=70)
    served.keep_up()
    outcome, because = outcomes(served)["overturn_rate_24h", "*"]
    assert (outcome, "0.4 [" in because, "n=10" in because) == ("breached", True, True)
