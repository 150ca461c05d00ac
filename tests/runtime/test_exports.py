"""What Prometheus reads and OTLP receivers are sent: complete, well formed, and never a value of a request."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.request import urlopen

import pytest

from shipworthy.errors import Unreachable, UsageError
from shipworthy.facts import Judgement, Outcome
from shipworthy.runtime.exports.families import Family, Histogram, Shown, families
from shipworthy.runtime.exports.otlp import body_of
from shipworthy.runtime.exports.prometheus import text_of
from shipworthy.runtime.exports.push import Push
from shipworthy.runtime.exports.totals import Totals
from tests.flows.tiny import Tiny
from tests.observe.made import event
from tests.runtime.served import Served

LINE = re.compile(r'^([a-z_]+)(?:\{((?:[a-z]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[0-9.e+-]+)$')


def shown(**more: Any) -> Shown:
    totals = Totals()
    totals.add_many(
        [
            event(route="person" if at < 2 else "machine", ood_flag=at == 0, took_ms=2.0**at, failed=at == 5)
            for at in range(6)
        ]
    )
    totals.add(event(took_ms=5000.0, arm="baseline"))
    totals.add(event(probe="unit"))
    judged = (
        Judgement(slo="ood_rate_24h", segment="*", outcome=Outcome.NO_DATA, because="thin"),
        Judgement(slo="membership_tpr", segment="*", outcome=Outcome.NO_DATA, because="offline", here=False),
    )
    given: dict[str, Any] = {
        "totals": totals.by, "judgements": {"2.0": judged}, "orders": (), "alarms": 1, "false_pages": 0.9, "labels": 4,
        "epoch": 7,        "broken": False, "stale_s": 12.5,
    }  # fmt: skip
    return Shown(**(given | more))


def samples(page: str) -> dict[str, float]:
    found = {}
    for line in page.splitlines():
        if not line.startswith("#"):
            match = LINE.match(line)
            assert match is not None, line
            found[line.rpartition(" ")[0]] = float(match[3])
    return found


def test_the_page_counts_what_happened_and_is_well_formed() -> None:
    page = text_of(families(shown()))
    found = samples(page)
    of = 'version="2.0",arm="candidate"'
    assert found[f'shipworthy_requests_total{{{of},route="person"}}'] == 2
    assert found[f'shipworthy_requests_total{{{of},route="machine"}}'] == 4
    assert found[f"shipworthy_flagged_total{{{of}}}"] == 1
    assert found[f"shipworthy_failed_total{{{of}}}"] == 1
    assert found["shipworthy_epoch"] == 7
    assert found["shipworthy_judged_age_seconds"] == 12.5
    assert page.count("# TYPE shipworthy_requests_total counter") == 1
    names = [line.split()[2] for line in page.splitlines() if line.startswith("# TYPE")]
    assert len(names) == len(set(names))


def test_times_are_a_cumulative_histogram_whose_last_bucket_holds_all() -> None:
    found = samples(text_of(families(shown())))
    of = 'version="2.0",arm="candidate"'
    name = "shipworthy_latency_milliseconds"
    assert found[f'{name}_bucket{{{of},le="8"}}'] == 3, "1, 2 and 4 ms"
    assert found[f'{name}_bucket{{{of},le="+Inf"}}'] == found[f"{name}_count{{{of}}}"] == 6
    assert found[f"{name}_sum{{{of}}}"] == 63
    slow = 'version="2.0",arm="baseline"'
    assert found[f'{name}_bucket{{{slow},le="3840"}}'] == 0, "what took longer than all bins does not look fast"
    assert found[f'{name}_bucket{{{slow},le="+Inf"}}'] == 1


def test_silence_is_an_outcome_of_its_own() -> None:
    found = samples(text_of(families(shown())))
    told = {key: value for key, value in found.items() if "slo_outcome" in key}
    assert len(told) == len(Outcome), "what is not judged here is not told"
    assert [key for key, value in told.items() if value] == [
        'shipworthy_slo_outcome{version="2.0",slo="ood_rate_24h",segment="*",outcome="no_data"}'
    ]
    assert "judged_age" not in text_of(families(shown(stale_s=None))), "never judged has no age"


def test_a_judgement_of_the_past_is_no_data() -> None:
    met = (Judgement(slo="ood_rate_24h", segment="*", outcome=Outcome.MET, because="met"),)
    for stale_s, said in ((12.0, "met"), (301.0, "no_data"), (None, "no_data")):
        found = samples(text_of(families(shown(judgements={"2.0": met}, stale_s=stale_s))))
        (told,) = [key for key, value in found.items() if "slo_outcome" in key and value]
        assert told.endswith(f'outcome="{said}"}}')


def test_labels_are_escaped() -> None:
    family = Family("n", "gauge", "1", "told", (((("segment", 'a"b\\c\nd'),), 1.0),))
    assert '{segment="a\\"b\\\\c\\nd"} 1' in text_of([family])


def test_otlp_tells_the_same_numbers() -> None:
    body = body_of(families(shown()), (("service.name", "shipworthy"),), 5, 9)
    (resource,) = body["resourceMetrics"]
    metrics = {one["name"]: one for one in resource["scopeMetrics"][0]["metrics"]}
    total = metrics["shipworthy_requests_total"]["sum"]
    assert (total["isMonotonic"], total["aggregationTemporality"]) == (True, 2)
    assert sum(point["asDouble"] for point in total["dataPoints"]) == 7
    times = metrics["shipworthy_latency_milliseconds"]["histogram"]["dataPoints"]
    for point in times:
        assert len(point["bucketCounts"]) == len(point["explicitBounds"]) + 1
        assert sum(map(int, point["bucketCounts"])) == int(point["count"])
        assert (point["startTimeUnixNano"], point["timeUnixNano"]) == ("5", "9")
    assert "aggregationTemporality" not in metrics["shipworthy_epoch"]["gauge"]
    assert json.loads(json.dumps(body)) == body


@contextmanager
def receiver(status: int) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    taken: list[tuple[str, bytes]] = []

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *given: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Takes)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", taken
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_push_reaches_its_receiver_again_and_again() -> None:
    with receiver(200) as (url, taken):
        push = Push(url + "/otlp/", every_s=0.01)

        async def until(times: int) -> None:
            task = asyncio.create_task(push.every(lambda: families(shown()), ()))
            while len(taken) < times:
                await asyncio.sleep(0.01)
            task.cancel()

        asyncio.run(asyncio.wait_for(until(2), 30))
    assert {path for path, _ in taken} == {"/otlp/v1/metrics"}
    assert json.loads(taken[0][1])["resourceMetrics"]


def test_a_receiver_that_refuses_or_is_gone_is_told_in_one_line() -> None:
    with receiver(503) as (url, _), pytest.raises(Unreachable, match="status 503"):
        Push(url).send(b"{}")
    with pytest.raises(Unreachable, match="not taken"):
        Push(url).send(b"{}")
    for wrong in ("", "ftp://x", "localhost:4318", "http://h:99999", "http://user:secret@h"):
        with pytest.raises(UsageError, match="not an address"):
            Push(wrong)


def test_pushing_goes_on_after_a_failure(caplog: pytest.LogCaptureFixture) -> None:
    failures = 0

    class Fails(Push):
        def send(self, body: bytes) -> None:
            nonlocal failures
            failures += 1
            raise Unreachable("gone", "here")

    async def until() -> None:
        task = asyncio.create_task(Fails("http://127.0.0.1:1", every_s=0.001).every(lambda: (), ()))
        while failures < 3:
            await asyncio.sleep(0.001)
        task.cancel()

    asyncio.run(asyncio.wait_for(until(), 30))
    assert "gone" in caplog.text


def test_a_histogram_of_nothing_is_all_zero() -> None:
    page = text_of([Family("h", "histogram", "ms", "told", (((), Histogram((1.0,), (0, 0), 0.0)),))])
    assert samples(page) == {'h_bucket{le="1"}': 0, 'h_bucket{le="+Inf"}': 0, "h_sum": 0, "h_count": 0}


def test_a_site_tells_its_requests_and_none_of_their_values(shipped: Tiny) -> None:
    with Served(shipped) as site:
        for at in range(5):
            site.decide(age=31 + at)
        site.keep_up(1)
        with urlopen(f"http://127.0.0.1:{site.port}/metrics") as answer:
            assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
            page = answer.read().decode()
    found = samples(page)
    assert sum(value for key, value in found.items() if key.startswith("shipworthy_requests_total")) == 5
    assert sum(value for key, value in found.items() if "latency_milliseconds_count" in key) == 5
    assert any("slo_outcome" in key for key in found)
    assert "acme" not in page, "a tenant is nobody's label"
