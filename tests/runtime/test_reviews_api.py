"""The review queue over real HTTP: a token is one person, and nobody else hears a word."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from shipworthy.errors import PolicySaysNo, UsageError
from shipworthy.flows.keys import make_token
from shipworthy.runtime.tokens import read_tokens
from tests.flows.tiny import Tiny
from tests.runtime.many import Many
from tests.runtime.served import Served, ask, claim
from tests.runtime.test_api import call

DOUBT = {"speed": 10, "age": 50}


@pytest.fixture(name="served")
def _served(shipped: Tiny) -> Iterator[Served]:
    with Served(shipped) as served:
        yield served


def person(tiny: Tiny, who: str = "ben") -> str:
    return make_token(tiny.workspace, "review", "30d", person=who)[0]


def asked(served: Served, n: int = 1) -> list[dict[str, Any]]:
    told = [served.post("/decide", {"row": claim(visit=f"v-{k}", **DOUBT)})[1] for k in range(n)]
    assert {one["route"] for one in told} == {"person"}
    return told


def test_an_item_is_listed_taken_answered_and_told_to_its_caller(served: Served) -> None:
    shown, (told,) = person(served.tiny), asked(served)
    status, listed = call(served, "GET", "/api/reviews", shown)
    assert (status, listed["n"]) == (200, 1)
    (item,) = listed["items"]
    assert (item["id"], item["status"]) == (told["request"], "waiting")
    assert "speed" not in json.dumps(listed)
    status, taken = call(served, "POST", "/api/reviews/take", shown)
    assert (status, taken["content"]["row"]["speed"], taken["item"]["held_by"]) == (200, 10, "ben")
    path = f"/api/reviews/{told['request']}/answer"
    body = json.dumps({"decision": "approve", "because": "papers"}).encode()
    first, again = (call(served, "POST", path, shown, body) for _ in range(2))
    assert first == again
    assert (first[0], first[1]["item"]["status"], first[1]["item"]["answer"]) == (200, "answered", "approve")
    assert [kind for kind in served.tiny.kinds() if "review" in kind] == [
        "respond.review_opened",
        "respond.review_answered",
    ]
    assert {one.actor for one in served.tiny.entries() if "review" in one.kind} == {"ben"}
    assert served.get(f"/reviews/{told['receipt']}")[1]["decision"] == "approve"
    assert call(served, "POST", "/api/reviews/take", shown)[1] == {"item": None}


def test_an_item_is_given_back_and_kept_from_others_until_then(served: Served) -> None:
    ben, ana, (told,) = person(served.tiny), person(served.tiny, "ana"), asked(served)
    path = f"/api/reviews/{told['request']}/give-back"
    assert call(served, "POST", path, ben)[0] == 409
    body = json.dumps({"item": told["request"]}).encode()
    assert call(served, "POST", "/api/reviews/take", ben, body)[0] == 200
    assert call(served, "POST", "/api/reviews/take", ana, body)[0] == 409
    assert call(served, "POST", f"/api/reviews/{told['request']}/answer", ana, b'{"decision": "deny"}')[0] == 409
    assert call(served, "POST", path, ben)[1]["item"]["status"] == "waiting"
    assert call(served, "POST", "/api/reviews/take", ana, body)[0] == 200


def test_without_the_right_token_nothing_is_told(served: Served) -> None:
    asked(served)
    before = len(served.tiny.entries())
    read = make_token(served.tiny.workspace, "read", "30d")[0]
    for path, method in (("/api/reviews", "GET"), ("/api/reviews/take", "POST"), ("/api/reviews/x/answer", "POST")):
        assert call(served, method, path) == (401, {"error": "unauthorised"})
        assert call(served, method, path, "swt_" + "A" * 43) == (401, {"error": "unauthorised"})
        assert call(served, method, path, read) == (403, {"error": "forbidden"})
    assert call(served, "GET", "/api/facts", person(served.tiny))[0] == 403
    assert len(served.tiny.entries()) == before + 2  # the two tokens


REFUSED = [
    ("POST", "/api/reviews", b"", 405),
    ("GET", "/api/reviews/take", b"", 405),
    ("GET", "/api/reviews/x/open", b"", 404),
    ("GET", "/api/reviewsx", b"", 404),
    ("POST", "/api/reviews/x/answer", b"", 400),
    ("POST", "/api/reviews/x/answer", b'{"decision": "deny", "decision": "approve"}', 400),
    ("POST", "/api/reviews/x/answer", b'{"decision": "deny", "person": "ana"}', 400),
    ("POST", "/api/reviews/x/answer", b'{"decision": 1}', 400),
    ("POST", "/api/reviews/x/answer", b'{"decision": "deny"}', 404),
    ("POST", "/api/reviews/x/answer", b'{"decision": "no"}', 400),
    ("POST", "/api/reviews/x/give-back", b'{"a": 1}', 400),
    ("POST", "/api/reviews/take", b'{"item": "x"}', 404),
    ("POST", "/api/reviews/take", b"[]", 400),
    ("POST", "/api/reviews/take", b'{"tenant": "' + b"a" * 20_000 + b'"}', 413),
]


def test_what_does_not_fit_is_refused_in_one_line(served: Served) -> None:
    shown = person(served.tiny)
    for method, path, body, status in REFUSED:
        got, told = call(served, method, path, shown, body)
        assert (got, set(told)) == (status, {"error"}), (method, path, body[:50])
        assert "\n" not in told["error"]


def test_a_token_of_somebody_who_left_opens_nothing(served: Served) -> None:
    shown, _ = person(served.tiny), asked(served)
    one = served.site.releases["1"]
    people = tuple(each for each in one.contract.people if each.id != "ben")
    served.site.releases["1"] = replace(one, contract=replace(one.contract, people=people))
    assert call(served, "POST", "/api/reviews/take", shown) == (403, {"error": "forbidden"})


def test_a_token_for_reviews_is_one_persons_and_others_are_nobodys(shipped: Tiny) -> None:
    with pytest.raises(UsageError, match="one person's"):
        make_token(shipped.workspace, "review", "30d")
    with pytest.raises(UsageError, match="one person's"):
        make_token(shipped.workspace, "read", "30d", person="ben")
    for nobody in ("chidi", "mallory"):
        with pytest.raises(PolicySaysNo):
            make_token(shipped.workspace, "review", "30d", person=nobody)
    person(shipped)
    assert [(one.scope, one.person) for one in read_tokens(shipped.workspace.home)] == [("review", "ben")]
    assert shipped.entries()[-1].body["person"] == "ben"


def test_status_and_metrics_tell_how_full_the_queue_is(served: Served) -> None:
    asked(served, 3)
    reviews = served.get("/status")[1]["reviews"]
    assert (reviews["open"], reviews["overflow"], reviews["statuses"]) == ({"acme": 3}, {}, {"waiting": 3})
    shown = [one for family in served.site.metrics() if "review_" in family.name for one in family.samples]
    names = {family.name.removeprefix("shipworthy_") for family in served.site.metrics()}
    assert {"review_open", "review_overflow_total", "review_expired_total", "review_disputed_total"} <= names
    assert 3.0 in [value for _, value in shown]


@pytest.mark.slow
def test_a_worker_passes_the_queue_on_to_the_control_process(shipped: Tiny) -> None:
    shown = person(shipped)
    with Many(shipped) as many:
        told = ask(many.port, "POST", "/decide", {"row": claim(**DOUBT)})[1]
        headers = {"authorization": f"Bearer {shown}"}
        assert ask(many.port, "GET", "/api/reviews")[0] == 401
        status, taken = ask(many.port, "POST", "/api/reviews/take", {}, **headers)
        assert (status, taken["item"]["id"]) == (200, told["request"])
        path = f"/api/reviews/{told['request']}/answer"
        assert ask(many.port, "POST", path, {"decision": "deny"}, **headers)[1]["item"]["answer"] == "deny"
