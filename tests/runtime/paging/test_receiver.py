"""One receiver that fails in every way: what fires is told in the end, and what is hopeless is not said again."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shipworthy.facts import Severity
from shipworthy.respond.pages.page import Page, Phase
from shipworthy.runtime.paging.listed import Pager
from shipworthy.runtime.paging.outbox import Kept, Outbox
from shipworthy.runtime.paging.post import Answer, Post, posted, retry_after
from shipworthy.runtime.paging.receiver import Pace, Receiver
from shipworthy.runtime.paging.speech import speak_to
from tests.respond.pages.made import AT, page
from tests.respond.pages.test_formats import valid_event
from tests.runtime.paging.receivers import Does
from tests.runtime.paging.receivers import Receiver as Http

QUICK = Pace(base_s=0.01, cap_s=0.02, most_s=0.05, again_s=0.05, within_s=0.2, tries=3)
ROUTING = "0123456789abcdef0123456789abcdef"
ALL = tuple(Severity)


def clock() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def key(tmp_path: Path) -> str:
    path = tmp_path / "key"
    path.touch(0o600)
    path.write_text(ROUTING + "\n")
    return str(path)


def play(pager: Pager, outbox: Outbox, until: Callable[[], bool], pace: Pace = QUICK, rest_s: float = 0) -> Receiver:
    """Let one receiver be told until something holds, then a little longer. Raises TimeoutError."""
    receiver = Receiver(pager, outbox, speak_to(pager, clock, pace.within_s), pace, clock)

    async def run() -> None:
        task = asyncio.create_task(receiver.run())
        end = time.monotonic() + 20
        while not until():
            if time.monotonic() > end:
                raise TimeoutError
            receiver.wake()
            await asyncio.sleep(0.005)
        await asyncio.sleep(rest_s)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    return receiver


def owing(*pages: Page, name: str = "p") -> Outbox:
    outbox = Outbox(Kept(), {name: ALL})
    outbox.take(pages, AT)
    return outbox


FAILURES: list[Does] = [
    500, 503, (429, {"retry-after": "0"}), (429, {"retry-after": "99999"}), (429, {"retry-after": "soon"}), "hang",
    "close", "half", "drip", 404, 401, (302, {"location": "http://127.0.0.1:1/elsewhere"}), 301, 408,
]  # fmt: skip


def test_pagerduty_gets_a_valid_event_once_after_every_way_to_fail(key: str) -> None:
    outbox = owing(page())
    with Http(*FAILURES, 202) as http:
        pager = Pager(name="p", kind="pagerduty", url=http.url, key_file=key)
        receiver = play(pager, outbox, lambda: not outbox.owed("p"), rest_s=0.1)
        (took,) = http.took
        assert http.asked == len(FAILURES) + 1
    assert took.path == "/v2/enqueue"
    event = valid_event(took.body)
    assert (event.event_action, event.dedup_key, event.routing_key) == ("trigger", page().key, ROUTING)
    assert "authorization" not in took.headers
    told = receiver.told()
    assert (told["ok"], told["failing_since"], told["owed"], told["failed"]) == (True, "", 0, len(FAILURES))


def test_it_is_told_what_goes_on_and_how_it_ends_in_one_key(key: str) -> None:
    outbox = owing(page())
    with Http(202) as http:
        pager = Pager(name="p", kind="pagerduty", url=http.url, key_file=key)
        play(pager, outbox, lambda: not outbox.owed("p"))
        outbox.take([page(phase=Phase.ACKNOWLEDGED)], AT)
        play(pager, outbox, lambda: not outbox.owed("p"))
        outbox.take([], AT)
        play(pager, outbox, lambda: not outbox.owed("p"))
        events = [valid_event(one.body) for one in http.took]
    assert [one.event_action for one in events] == ["trigger", "acknowledge", "resolve"]
    assert {one.dedup_key for one in events} == {page().key}


def test_what_is_refused_for_good_is_sent_once_and_again_only_when_it_changes(key: str) -> None:
    outbox = owing(page(), page("error_rate"))
    with Http(400, 202, 202) as http:
        pager = Pager(name="p", kind="pagerduty", url=http.url, key_file=key)
        receiver = play(pager, outbox, lambda: http.asked >= 2, rest_s=0.2)
        assert http.asked == 2
        assert [valid_event(one.body).dedup_key for one in http.took] == [page().key] or len(http.took) == 1
        assert (receiver.told()["ok"], len(receiver.told()["refused"]), receiver.told()["owed"]) == (False, 1, 1)


def test_what_was_refused_is_sent_again_when_it_changes(key: str) -> None:
    outbox = owing(page())
    with Http(400, 202) as http:
        pager = Pager(name="p", kind="pagerduty", url=http.url, key_file=key)

        def changed() -> bool:
            if http.asked == 1:
                outbox.take([page(step=1)], AT)
            return not outbox.owed("p")

        assert play(pager, outbox, changed).told()["ok"]
        assert http.asked == 2


def test_a_firing_page_is_never_given_up_and_its_end_is_after_some_tries(key: str) -> None:
    outbox = owing(page())
    with Http(500) as http:
        pager = Pager(name="p", kind="pagerduty", url=http.url, key_file=key)
        receiver = play(pager, outbox, lambda: http.asked >= 3 * QUICK.tries)
        assert outbox.owed("p") == (page(),)
        told = receiver.told()
        assert (told["ok"], told["owed"], told["trouble"]) == (False, 1, "it answered 500")
        assert told["failing_since"]
        outbox.take([], AT)
        play(pager, outbox, lambda: not outbox.owed("p"))


def test_an_alertmanager_hears_what_fires_again_and_again_and_its_end_once() -> None:
    outbox = owing(page(), page("error_rate"), name="am")
    with Http(200) as http:
        pager = Pager(name="am", kind="alertmanager", url=http.url)
        play(pager, outbox, lambda: http.asked >= 6)
        assert {one.path for one in http.took} == {"/api/v2/alerts"}
        ends: dict[str, list[str]] = {}
        for one in http.took:
            for alert in one.json:
                ends.setdefault(alert["labels"]["slo"], []).append(alert["endsAt"])
        assert set(ends) == {"ood_repeats", "error_rate"}
        assert all(each == sorted(set(each)) and len(each) > 1 for each in ends.values())  # each word moves the end
        outbox.take([], clock())
        play(pager, outbox, lambda: not outbox.owed("am"))
        n = http.asked
        play(pager, outbox, lambda: True, rest_s=0.2)
        assert http.asked == n


def test_other_receivers_hear_each_word_once(key: str) -> None:
    outbox = owing(page(), name="bus")
    with Http(200) as http:
        pager = Pager(name="bus", kind="cloudevents", url=f"{http.url}/in?topic=a", key_file=key)
        play(pager, outbox, lambda: not outbox.owed("bus"), rest_s=0.3)
        (took,) = http.took
    assert took.path == "/in?topic=a"
    assert took.headers["content-type"].startswith("application/cloudevents+json")
    assert took.headers["authorization"] == f"Bearer {ROUTING}"
    assert took.json["type"] == "dev.shipworthy.segment.degraded.v1"


def test_a_key_that_was_opened_to_others_is_not_sent_and_the_reason_is_told(key: str) -> None:
    outbox = owing(page())
    Path(key).chmod(0o644)
    with Http(202) as http:
        pager = Pager(name="p", kind="pagerduty", url=http.url, key_file=key)
        told: list[Receiver] = []
        told.append(play(pager, outbox, lambda: True, rest_s=0.2))
        assert http.asked == 0
    assert "others can read" in told[0].told()["trouble"]
    assert ROUTING not in str(told[0].told())


def test_nothing_listens_is_a_failure_like_any_other() -> None:
    outbox = owing(page())
    pager = Pager(name="p", kind="cloudevents", url="http://127.0.0.1:9/")
    receiver = play(pager, outbox, lambda: True, rest_s=0.1)
    assert (receiver.told()["ok"], receiver.told()["trouble"]) == (False, "ConnectionRefusedError before an answer")


def send(url: str, within_s: float = 0.3, context: ssl.SSLContext | None = None) -> Answer:
    return asyncio.run(posted(Post(url, {}, b"{}", context, within_s), clock, within_s))


@pytest.mark.parametrize("does", ["hang", "drip", "half", "close"])
def test_no_receiver_holds_us_longer_than_we_wait_and_no_thread_stays(does: str) -> None:
    with Http(does) as http:
        assert not send(http.url).taken
        end = time.monotonic() + 10
        while any(one.name == "shipworthy-page" for one in threading.enumerate()):
            assert time.monotonic() < end
            time.sleep(0.01)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with Http(200) as other, Http((status, {"location": other.url})) as http:
        answer = send(http.url)
        assert (answer.status, answer.taken, other.asked) == (status, False, 0)
        assert "redirects are not followed" in answer.told


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with Http(200) as proxy, Http(200) as http:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert send(http.url).taken
        assert proxy.asked == 0


def test_an_answer_without_end_is_not_read_to_its_end() -> None:
    with Http((200, {"content-length": str(1 << 40)})) as http:
        answer = send(http.url)
        assert answer.status in (0, 200)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None), ("0", 0.0), ("120", 120.0), (" 7 ", 7.0), ("-1", None), ("1.5", None), ("soon", None),
        ("Mon, 04 Jan 2027 09:01:00 GMT", 60.0), ("Mon, 04 Jan 2027 08:00:00 GMT", 0.0), ("9" * 400, 999_999_999.0),
        ("\u0663", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date_or_nothing(text: str | None, seconds: float | None) -> None:
    assert retry_after(text, AT) == seconds


def test_the_delay_is_drawn_from_one_seed_doubles_its_limit_and_honours_what_is_asked() -> None:
    pager = Pager(name="p", kind="cloudevents", url="http://127.0.0.1:9/")

    def delays(asked: float | None = None) -> list[float]:
        one = Receiver(pager, owing(page()), speak_to(pager, clock, 1), Pace(), clock)
        return [one._fail(page(), Answer(429, "it answered 429", asked)) for _ in range(200)]

    assert delays() == delays()
    found = delays()
    assert all(wait_s <= min(300.0, 2.0**at) for at, wait_s in enumerate(found))
    tail = found[20:]
    assert 100 < sum(tail) / len(tail) < 200  # uniform up to five minutes
    assert min(delays(60.0)) == 60.0
    assert max(delays(10**9)) == 3600.0
