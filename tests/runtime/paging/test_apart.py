"""Pages apart: what a receiver fails at, refuses or is silent about keeps no other page from it."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shipworthy.facts import Severity
from shipworthy.respond.pages.page import Page
from shipworthy.runtime.paging.listed import Pager
from shipworthy.runtime.paging.outbox import Outbox
from shipworthy.runtime.paging.post import Answer
from shipworthy.runtime.paging.receiver import Pace, Receiver
from shipworthy.runtime.paging.speech import speak_to
from tests.respond.pages.made import AT, page
from tests.runtime.paging.receivers import Does
from tests.runtime.paging.receivers import Receiver as Http
from tests.runtime.paging.test_receiver import QUICK, ROUTING, clock, key, owing, play

__all__ = ["key"]


def by_key(broken: str, does: Answer) -> tuple[Callable[[Page, Page | None], Any], list[str]]:
    """Return a speech that one page fails at, and what it was asked to say."""
    asked: list[str] = []

    async def speak(one: Page, heard: Page | None) -> Answer:
        asked.append(one.slo)
        await asyncio.sleep(0)
        return does if one.slo == broken else Answer(202, "it answered 202")

    return speak, asked


class Broken(Http):
    """Answers 202, but a page of the SLO `broken` gets what it is made with."""

    def answer(self, handler: Any) -> None:
        """Look at the body first."""
        raw = handler.rfile.peek(1 << 16)
        self.does = (self.bad,) if b"/broken" in raw else (202,)
        super().answer(handler)

    bad: Does = 500


@pytest.mark.parametrize("bad", [500, 401, 403, 404, 409, (503, {"retry-after": "9999"}), "close", "hang"])
def test_a_page_that_a_receiver_fails_at_keeps_no_other_from_it(bad: Does) -> None:
    others = [page("error_rate"), page("mild", severity=Severity.SEV4)]
    outbox = owing(page("broken", severity=Severity.SEV1), *others, name="bus")
    with Broken() as http:
        http.bad = bad
        pager = Pager(name="bus", kind="cloudevents", url=http.url)
        receiver = play(pager, outbox, lambda: len(outbox.owed("bus")) == 1)
        outbox.take([page("broken", severity=Severity.SEV1), *others, page("later", severity=Severity.SEV4)], AT)
        play(pager, outbox, lambda: len(outbox.owed("bus")) == 1)
    told = receiver.told()
    assert [one.slo for one in outbox.owed("bus")] == ["broken"]
    assert (told["ok"], bool(told["failing_since"]), bool(told["trouble"])) == (False, True, True)


def test_the_end_of_one_page_does_not_make_another_look_well() -> None:
    outbox = owing(page("broken"), page())
    speak, asked = by_key("broken", Answer(500, "it answered 500"))
    receiver = run_with(speak, outbox, lambda: len(outbox.owed("p")) == 1)
    assert "ood_repeats" in asked
    assert (receiver.told()["ok"], receiver.told()["trouble"], receiver.told()["owed"]) == (False, "it answered 500", 1)


def run_with(
    speak: Any, outbox: Outbox, until: Callable[[], bool], pace: Pace = QUICK, pager: Pager | None = None
) -> Receiver:
    receiver = Receiver(pager or Pager(name="p", kind="cloudevents", url="http://h"), outbox, speak, pace, clock)

    async def run() -> None:
        task = asyncio.create_task(receiver.run())
        end = time.monotonic() + 20
        while not until():
            assert time.monotonic() < end
            receiver.wake()
            await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    return receiver


SLOW = Pace(base_s=0.05, cap_s=3600.0, most_s=3600.0)


@pytest.mark.parametrize(
    ("answer", "severity", "cuts"),
    [
        (Answer(429, "quiet", 3600.0), Severity.SEV1, True),
        (Answer(429, "quiet", 3600.0), Severity.SEV4, False),
        (Answer(0, "nobody", 3600.0), Severity.SEV1, True),
        (Answer(0, "nobody", 3600.0), Severity.SEV4, True),
    ],
)
def test_a_receiver_left_alone_for_an_hour_hears_a_worse_page_within_moments(
    answer: Answer, severity: Severity, cuts: bool
) -> None:
    outbox = owing(page("mild", severity=Severity.SEV3))
    speak, asked = by_key("mild", answer)
    ends: list[float] = []

    def until() -> bool:
        if asked and not ends:
            outbox.take([page("mild", severity=Severity.SEV3), page("new", severity=severity)], AT)
            ends.append(time.monotonic() + 0.5)
        return "new" in asked or bool(ends and time.monotonic() > ends[0])

    run_with(speak, outbox, until, SLOW)
    assert ("new" in asked) is cuts
    assert asked[:1] == ["mild"]


def test_the_same_pages_at_a_silent_receiver_are_not_asked_of_it_at_once_and_all_get_their_turn() -> None:
    outbox = owing(*(page(f"p{at}") for at in range(4)))
    asked: list[str] = []

    async def speak(one: Page, heard: Page | None) -> Answer:
        asked.append(one.slo)
        return Answer(0, "nobody")

    run_with(speak, outbox, lambda: len(asked) >= 8)
    assert sorted(asked[:4]) == sorted(asked[4:8]) == ["p0", "p1", "p2", "p3"]


@pytest.mark.parametrize("mended", ["key_file", "listed_in"])
def test_what_was_refused_is_sent_again_when_a_file_of_the_pager_is_written(
    key: str, tmp_path: Path, mended: str
) -> None:
    listed = tmp_path / "pagers.yaml"
    listed.write_text("pagers: []\n")
    outbox = owing(page())
    with Http(400, 202) as http:
        pager = Pager(name="p", kind="pagerduty", url=http.url, key_file=key, listed_in=str(listed))
        speak, quiet = speak_to(pager, clock, QUICK.within_s), list[int]()

        def until() -> bool:
            if http.asked == 1 and len(quiet) < 20:
                quiet.append(http.asked)
                if len(quiet) == 20:
                    path = Path(getattr(pager, mended))
                    path.write_text(ROUTING[::-1] if mended == "key_file" else "pagers: [ ]\n")
            return not outbox.owed("p")

        assert run_with(speak, outbox, until, pager=pager).told()["ok"]
        assert (http.asked, len(quiet)) == (2, 20)


def test_what_was_refused_is_sent_again_after_its_time() -> None:
    outbox = owing(page())
    with Http(400, 400, 202) as http:
        pager = Pager(name="p", kind="cloudevents", url=http.url)
        assert play(pager, outbox, lambda: not outbox.owed("p"), QUICK._replace(refused_s=0.05)).told()["ok"]
        assert http.asked == 3


def test_a_fault_of_ours_at_one_page_stops_no_other() -> None:
    outbox = owing(page("broken"), page(), page("mild", severity=Severity.SEV4))

    async def speak(one: Page, heard: Page | None) -> Answer:
        if one.slo == "broken":
            raise ValueError("a fault of ours")
        return Answer(200, "")

    run_with(speak, outbox, lambda: len(outbox.owed("p")) == 1, SLOW)
    assert [one.slo for one in outbox.owed("p")] == ["broken"]


def test_files_are_read_beside_the_event_loop_and_authorities_once(
    key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []
    real = ssl.create_default_context

    def slow(*args: Any, **given: Any) -> ssl.SSLContext:
        threads.append(threading.current_thread().name)
        return real(*args, **given)

    monkeypatch.setattr(ssl, "create_default_context", slow)
    with Http(200) as http:
        pager = Pager(name="p", kind="cloudevents", url=http.url.replace("http:", "https:"), key_file=key)
        speak = speak_to(pager, clock, 1.0)
        for _ in range(3):
            assert not asyncio.run(speak(page(), None)).taken  # there is no TLS
    assert threads == ["shipworthy-page"]


def test_a_page_that_must_rest_for_an_hour_holds_up_none_that_has_failed_before() -> None:
    outbox = owing(page("good", severity=Severity.SEV1), page("broken"))
    asked: list[str] = []

    async def speak(one: Page, heard: Page | None) -> Answer:
        asked.append(one.slo)
        if one.slo == "broken":
            return Answer(500, "it answered 500", 3600.0)
        return Answer(503, "it answered 503") if asked.count("good") <= 6 else Answer(202, "")

    run_with(speak, outbox, lambda: len(outbox.owed("p")) == 1, Pace(base_s=0.02, cap_s=3600.0, most_s=3600.0))
    assert asked.count("broken") == 1
