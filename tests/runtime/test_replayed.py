"""A replay decides as the gateway does, on a turned clock, and says which order came when."""

from __future__ import annotations

import math

import pytest

from shipworthy.evaluate.bench import Answers
from shipworthy.models.spec import Cell
from shipworthy.profile.rows import Value
from shipworthy.runtime.replayed import Claim, Ordered, replay, tenant_of
from tests.evaluate.benches import Given
from tests.flows.tiny import SUPPLIERS, Tiny

pytestmark = pytest.mark.slow


def model(rows: list[list[Value]]) -> Answers:
    """Score as version 1 does."""
    return Given([1.0 / (1.0 + math.exp(-_logit(*row))) for row in rows])


def _logit(speed: Value, age: Value, supplier: Value) -> float:
    return 0.5 * (float(str(speed)) - 10) + 0.04 * (float(str(age)) - 50) + SUPPLIERS.get(str(supplier), 0.0)


def claims(n: int, **more: Cell) -> list[Claim]:
    """Return claims that the machine approves, their labels 1."""
    row: dict[str, Cell] = {"tenant": "acme", "supplier": "S2", "speed": 16, "age": 50, **more}
    return [Claim(row={**row, "visit": f"v-{at}"}, tenant="acme", label=1) for at in range(n)]


def test_ordinary_traffic_gets_no_order_and_is_measured(prepared: Tiny) -> None:
    played = replay(prepared.workspace, model, claims(30))
    assert (played.orders, played.sent) == ((), 30)
    seen = {one.indicator: one for one in played.measured}
    assert (seen["review_rate"].hits, seen["review_rate"].n) == (0, 30)
    assert (seen["auto_error_rate"].hits, seen["auto_error_rate"].n) == (0, 30)


def test_the_fifth_unfamiliar_request_gets_the_order_the_gateway_would_give(prepared: Tiny) -> None:
    sent = [*claims(7), *claims(8, supplier="S9")]
    order = Ordered(rule="ood_repeats", segment="supplier=__unseen__", requests=12)
    played = replay(prepared.workspace, model, sent)
    assert (played.orders, played.sent) == ((order,), 15)


def test_a_replay_ends_at_the_first_order_that_is_not_known(prepared: Tiny) -> None:
    sent = claims(20, supplier="S9")
    assert replay(prepared.copy(prepared.at / "a").workspace, model, sent, ()).sent == 5
    known = {("ood_repeats", "supplier=__unseen__")}
    assert replay(prepared.copy(prepared.at.parent / "b").workspace, model, sent, known).sent == 20


def test_a_never_event_is_an_order_at_once(prepared: Tiny) -> None:
    def fault(rows: list[list[Value]]) -> Answers:
        scores = model(rows).scores
        return Given(scores, ["deny" if row[0] == 13 else None for row in rows])

    played = replay(prepared.workspace, fault, [*claims(3), *claims(1, speed=13), *claims(2)])
    assert played.orders == (Ordered(rule="never event never_deny_fast", segment="*", requests=4),)


def test_labels_come_when_they_have_matured_and_a_bad_model_is_stopped_by_them(prepared: Tiny) -> None:
    wrong = [Claim(row=one.row, tenant=one.tenant, label=0) for one in claims(700)]
    played = replay(prepared.workspace, model, wrong, ())
    (order,) = played.orders[:1]
    assert order.rule in ("error_rate", "decision_ece_7d")
    assert 300 <= order.requests < 400  # the least number of labels, matured after an hour, judged every two


def test_rows_without_labels_are_answered_and_measure_nothing_that_needs_them(prepared: Tiny) -> None:
    sent = [Claim(row=one.row, tenant=one.tenant, label=None) for one in claims(10)]
    measured = {one.indicator: one for one in replay(prepared.workspace, model, sent).measured}
    assert measured["auto_error_rate"].n == 0


def test_a_model_without_a_score_leaves_it_to_people(prepared: Tiny) -> None:
    def silent(rows: list[list[Value]]) -> Answers:
        """Say nothing of the replay's rows, which are all alike."""
        return Given([None] * len(rows)) if len({tuple(row) for row in rows}) == 1 else model(rows)

    measured = {one.indicator: one for one in replay(prepared.workspace, silent, claims(10, speed=3)).measured}
    assert measured["review_rate"].hits == 10


def test_a_row_tells_whose_it_is() -> None:
    assert tenant_of({"tenant": "acme"}, "tenant") == "acme"
    assert tenant_of({"tenant": 7}, "tenant") == "7"
    assert tenant_of({"tenant": ""}, "tenant") == tenant_of({}, None) == "default"
