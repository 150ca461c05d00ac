"""The webhook of Alertmanager attacked: what is forged, old, foreign, too much or unreadable orders nothing, and is
counted; what is right orders once."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from shipworthy.errors import CannotDecide, UsageError
from shipworthy.facts import AbuseKind, Held
from shipworthy.flows.keys import make_token
from shipworthy.flows.posture import restore
from shipworthy.respond.triggers import Trigger
from shipworthy.runtime.outside.alerts import MOST_BYTES, PATH
from shipworthy.runtime.outside.triggered import MOST_OVER, _Acting
from shipworthy.runtime.tokens import read_tokens
from shipworthy.store.instants import rfc3339
from tests.flows.tiny import Tiny
from tests.runtime.served import Served, wait_until

pytestmark = pytest.mark.slow
SEGMENT = "supplier=S2"


@pytest.fixture
def served(shipped: Tiny) -> Iterator[Served]:
    with Served(shipped) as served:
        yield served


@pytest.fixture(scope="module")
def standing(_shipped: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A site for all tests in which nothing is ordered."""
    with Served(_shipped.copy(tmp_path_factory.mktemp("standing") / "site")) as served:
        yield served


@pytest.fixture
def shown(standing: Served) -> str:
    """A token of its own, for each has a rate of its own."""
    return make_token(standing.tiny.workspace, "trigger", "1d", SEGMENT, ("degrade", "review"))[0]


@pytest.fixture
def token(shipped: Tiny) -> str:
    return make_token(shipped.workspace, "trigger", "1d", SEGMENT, ("degrade", "review"))[0]


def alert(tiny: Tiny, **given: Any) -> dict[str, Any]:
    labels = {"alertname": "A", "model": "tiny-triage", "segment": SEGMENT, "shipworthy_action": "degrade"}
    told: dict[str, Any] = {"status": "firing", "startsAt": tiny.workspace.now(), "endsAt": "0001-01-01T00:00:00Z"}
    told |= {"fingerprint": "1a30ba71cca2921f", "annotations": {}, "generatorURL": ""}
    told |= {key: text for key, text in given.items() if key in told}
    labels |= {key: text for key, text in given.items() if key not in told}
    return {"labels": labels, **told}


def hook(*alerts: dict[str, Any], **given: Any) -> dict[str, Any]:
    told = {"version": "4", "groupKey": "{}", "truncatedAlerts": 0, "status": "firing", "receiver": "shipworthy"}
    return {
        **told,
        "groupLabels": {},
        "externalURL": "http://am",
        "notification_reason": "x",
        "alerts": alerts,
        **given,
    }


def post(served: Served, body: object, token: str = "", method: str = "POST") -> tuple[int, dict[str, Any]]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    try:
        connection.request(method, PATH, raw, {"authorization": f"Bearer {token}"} if token else {})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    finally:
        connection.close()


def counted(served: Served, kind: str) -> int:
    """Return how many of a kind the abuse log has counted, when nothing is ordered."""
    assert served.orders() == []
    return served.site.abuse._events[AbuseKind(kind)]


def test_an_alert_degrades_its_segment_before_the_answer_leaves_and_is_on_record_with_its_incident(
    served: Served, token: str
) -> None:
    status, told = post(served, hook(alert(served.tiny), truncatedAlerts=3), token)
    assert (status, told["ordered"], told["truncated"]) == (200, 1, 3)
    assert served.decide(supplier="S2")["route"] != "machine"
    assert served.decide(supplier="S1")["route"] == "machine"
    wait_until(lambda: "respond.incident_opened" in served.tiny.kinds())
    (entry,) = [one for one in served.tiny.entries() if one.kind == "respond.ordered"]
    (kept,) = [one for one in read_tokens(served.tiny.workspace.home) if one.scope == "trigger"]
    assert kept.id in entry.body["held"]["because"]
    assert token not in str(served.tiny.entries())


def test_the_same_alert_again_and_its_end_loosen_nothing_and_the_end_is_noted_once(served: Served, token: str) -> None:
    first = alert(served.tiny)
    assert post(served, hook(first), token)[1]["ordered"] == 1
    for _ in range(3):
        assert post(served, hook(first, first), token)[1] == {"version": 1, "known": 2, "why": [], "truncated": 0}
    over = {**first, "status": "resolved"}
    for _ in range(2):
        assert post(served, hook(over), token)[1]["gone"] == 1
    wait_until(lambda: "respond.alert_ended" in served.tiny.kinds())
    assert len(served.orders()) == 1
    assert served.tiny.kinds().count("respond.ordered") == 1
    assert served.tiny.kinds().count("respond.alert_ended") == 1
    assert served.decide(supplier="S2")["route"] != "machine"


def test_after_people_restored_a_replay_orders_nothing_also_after_a_restart(shipped: Tiny, token: str) -> None:
    first = alert(shipped)
    with Served(shipped) as served:
        assert post(served, hook(first), token)[1]["ordered"] == 1
        shipped.clock.advance(60)
        assert restore(shipped.workspace, shipped.scope(segment=SEGMENT), "ana", "operator").done
        served.keep_up()
        assert post(served, hook(first), token)[1]["known"] == 1
        assert post(served, hook({**first, "status": "resolved"}), token)[1]["known"] == 1
    with Served(shipped) as served:
        assert post(served, hook(first), token)[1]["known"] == 1
        assert served.orders() == []
        shipped.clock.advance(1)
        assert post(served, hook(alert(shipped)), token)[1]["ordered"] == 1


def test_without_the_right_token_nothing_is_read(served: Served, token: str) -> None:
    tiny = served.tiny
    short = make_token(tiny.workspace, "trigger", "1m", SEGMENT, ("degrade",))[0]
    others = [make_token(tiny.workspace, scope, "1d")[0] for scope in ("gate", "read", "rollout")]
    flipped = token[:-1] + ("A" if token[-1] != "A" else "B")
    assert post(served, hook(alert(tiny)))[0] == 401
    for shown in ("swt_guessed", flipped, token.upper(), f"{token} "[:-2]):
        assert post(served, hook(alert(tiny)), shown)[0] == 401
    for shown in others:
        assert post(served, hook(alert(tiny)), shown)[0] == 403
    tiny.clock.advance(120)
    assert post(served, hook(alert(tiny)), short)[0] == 401
    assert post(served, b"\xff" * (2 << 20), "swt_guessed")[0] == 401
    assert post(served, b"", token, "GET")[0] == 405
    assert counted(served, "bad_token") == 10


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ({"model": "other"}, "foreign_tenant"),
        ({"segment": "supplier=S1"}, "foreign_tenant"),
        ({"segment": "*"}, "foreign_tenant"),
        ({"shipworthy_action": "kill"}, "foreign_tenant"),
        ({"version": "9"}, "foreign_tenant"),
        ({"shipworthy_action": "restore"}, "malformed"),
        ({"segment": "supplier==;;"}, "malformed"),
        ({"segment": "colour=red"}, "malformed"),
        ({"startsAt": "2026-01-01T00:00:00Z"}, "malformed"),
        ({"startsAt": "2028-01-01T00:00:00Z"}, "malformed"),
        ({"startsAt": "not a time"}, "malformed"),
        ({"fingerprint": ""}, "malformed"),
    ],
)
def test_an_alert_that_asks_for_what_it_may_not_is_refused_and_counted(
    standing: Served, shown: str, given: dict[str, str], kind: str
) -> None:
    before = counted(standing, kind)
    status, told = post(standing, hook(alert(standing.tiny, **given)), shown)
    assert (status, told["refused"], len(told["why"])) == (403, 1, 1)
    assert counted(standing, kind) == before + 1


def deep(tiny: Tiny) -> bytes:
    return b'{"version": "4", "alerts": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"


def twice(tiny: Tiny) -> bytes:
    told = json.dumps(hook(alert(tiny)))
    return told.replace('"alertname"', '"segment": "supplier=S1", "alertname"').encode()


BODIES: dict[str, Callable[[Tiny], bytes]] = {
    "deep": deep,
    "duplicate keys": twice,
    "no JSON": lambda _: b"{",
    "not UTF-8": lambda _: b"\xff\xfe",
    "a list": lambda _: b"[]",
    "another version": lambda tiny: json.dumps(hook(alert(tiny), version="5")).encode(),
    "NaN": lambda tiny: json.dumps(hook(alert(tiny), truncatedAlerts=float("nan"))).encode(),
    "fewer than none cut off": lambda tiny: json.dumps(hook(alert(tiny), truncatedAlerts=-1)).encode(),
    "labels that are no text": lambda tiny: json.dumps(hook(alert(tiny, alertname=7))).encode(),
    "alerts that are none": lambda _: json.dumps(hook(alerts={})).encode(),
    "ten thousand alerts": lambda tiny: json.dumps(hook(*[{"status": "firing", "labels": {}}] * 10_000)).encode(),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_is_no_webhook_is_refused_in_one_line_and_counted(standing: Served, shown: str, name: str) -> None:
    before = counted(standing, "malformed")
    status, told = post(standing, BODIES[name](standing.tiny), shown)
    assert status == 400
    assert "Traceback" not in told["error"]
    assert len(told["error"]) < 400
    assert counted(standing, "malformed") == before + 1


def test_a_body_that_is_too_large_is_refused_and_counted(standing: Served, shown: str) -> None:
    before = counted(standing, "malformed")
    assert post(standing, b" " * (MOST_BYTES + 1), shown)[0] == 413
    assert counted(standing, "malformed") == before + 1


def test_a_storm_is_bounded_in_alerts_in_orders_and_in_requests_and_decisions_go_on(
    served: Served, shipped: Tiny
) -> None:
    wide = make_token(shipped.workspace, "trigger", "1d", "*", ("degrade",))[0]
    storm = [alert(shipped, fingerprint=f"{at:016x}", segment=f"supplier=X{at}") for at in range(900)]
    status, told = post(served, hook(*storm), wide)
    assert (status, told["ordered"], told["refused"]) == (200, 100, 800)
    assert len(told["why"]) == 20
    assert len(served.orders()) == 100
    assert served.decide(supplier="S1")["route"] == "machine"
    answers = [post(served, hook(*storm[:5]), wide)[0] for _ in range(60)]
    assert 429 in answers
    assert set(answers) <= {200, 403, 429}
    assert set(served.status()["abuse"]["events"]) >= {"flood"}


def test_an_alert_without_our_label_is_none_of_our_business_and_counts_as_no_abuse(
    standing: Served, shown: str
) -> None:
    before = sum(standing.site.abuse._events.values())
    other = alert(standing.tiny)
    del other["labels"]["shipworthy_action"]
    status, told = post(standing, hook(other), shown)
    assert (status, told["other"]) == (200, 1)
    assert standing.orders() == []
    assert sum(standing.site.abuse._events.values()) == before


def test_a_site_that_only_observes_says_that_it_did_nothing(shipped: Tiny, token: str) -> None:
    with Served(shipped, observe_only=True) as served:
        assert post(served, hook(alert(shipped)), token)[1]["observed"] == 1
        assert served.orders() == []


@pytest.mark.parametrize(
    ("limit", "actions"),
    [("", ("degrade",)), ("*", ()), ("*", ("restore",)), ("*", ("kill", "kill")), ("supplier", ("kill",)),
     ("tenant=b,a", ("kill",))],
)  # fmt: skip
def test_a_trigger_without_bounds_that_can_be_read_is_not_made(
    shipped: Tiny, limit: str, actions: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError):
        make_token(shipped.workspace, "trigger", "1d", limit, actions)
    with pytest.raises(UsageError):
        make_token(shipped.workspace, "read", "1d", "*", ("kill",))
    assert read_tokens(shipped.workspace.home) == ()


def test_a_token_whose_bounds_were_edited_away_is_no_token(shipped: Tiny, token: str) -> None:
    (path,) = Path(shipped.workspace.home / "tokens").glob("*.json")
    path.write_text(path.read_text().replace('"limit":"supplier=S2"', '"limit":""'))
    with Served(shipped) as served:
        assert post(served, hook(alert(shipped)), token)[0] == 503
        assert served.orders() == []


def test_an_alert_that_began_ahead_of_our_clock_orders_once_and_keeps_no_other_from_its_order(
    served: Served, shipped: Tiny
) -> None:
    wide = make_token(shipped.workspace, "trigger", "1d", "*", ("degrade",))[0]
    ahead = alert(shipped, startsAt=rfc3339(shipped.clock() + timedelta(seconds=120)))
    assert post(served, hook(ahead), wide)[1]["ordered"] == 1
    shipped.clock.advance(10)
    served.keep_up()
    assert restore(shipped.workspace, shipped.scope(segment=SEGMENT), "ana", "operator").done
    for _ in range(2):
        shipped.clock.advance(20)
        served.keep_up()
        status, told = post(served, hook(ahead), wide)
        assert (status, told["known"], served.orders()) == (200, 1, [])
    other = alert(shipped, fingerprint="ffff", segment="supplier=S3")
    status, told = post(served, hook(ahead, other), wide)
    assert (status, told["known"], told["ordered"]) == (200, 1, 1)
    assert [one["scope"]["segment"] for one in served.orders()] == ["supplier=S3"]


@pytest.mark.parametrize("problem", [CannotDecide("the state", "here", "mend it"), OSError(28, "no space left")])
def test_an_alert_that_cannot_be_followed_is_asked_for_again_after_all_others_were(
    served: Served, shipped: Tiny, monkeypatch: pytest.MonkeyPatch, problem: Exception
) -> None:
    wide = make_token(shipped.workspace, "trigger", "1d", "*", ("degrade",))[0]
    authority = served.site.controller.authority
    real = authority.hold

    def hold(held: Held) -> None:
        if held.order.scope.segment == SEGMENT:
            raise problem
        real(held)

    monkeypatch.setattr(authority, "hold", hold)
    both = hook(alert(shipped), alert(shipped, fingerprint="ffff", segment="supplier=S3"))
    assert post(served, both, wide)[0] == 503
    assert [one["scope"]["segment"] for one in served.orders()] == ["supplier=S3"]
    monkeypatch.undo()
    status, told = post(served, both, wide)
    assert (status, told["known"], told["ordered"]) == (200, 1, 1)
    assert len(served.orders()) == 2


def test_the_end_of_an_alert_told_a_thousand_times_is_one_task_and_one_that_was_not_recorded_is_told_again(
    served: Served, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert post(served, hook(alert(served.tiny)), token)[1]["ordered"] == 1
    (held,) = served.site.controller.live.state.orders
    tasks: list[Callable[[], None]] = []
    acting = _Acting(served.site, tasks.append)
    over = Trigger("degrade", held.order.scope, "1a30ba71cca2921f", "A", held.at)
    for _ in range(1_000):
        acting.gone(held, over, "t")
    assert len(tasks) == 1

    def broken(*args: object) -> None:
        raise CannotDecide("the ledger", "here", "mend it")

    monkeypatch.setattr(served.site.controller.authority.ledger, "append_once", broken)
    tasks[0]()
    acting.gone(held, over, "t")
    assert len(tasks) == 2
    for number in range(3 * MOST_OVER):
        acting.gone(replace(held, order=replace(held.order, id=f"ORD-{number}")), over, "t")
    assert len(acting._over) == MOST_OVER
