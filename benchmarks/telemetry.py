"""Claim: what a decision costs after its answer has left falls to a fraction when decisions are taken in by batches.

6,000 decisions with 30 features (20 numbers, 10 categories), four segment texts and a group, of two tenants and forty
callers, one in 200 out of distribution, go through each counter of a gateway one by one and in batches of 20, 200 and
2,000, in interleaved rounds; times are CPU seconds of this process, rows and events parsed from JSON just before, as a
gateway has them, medians. No peer keeps such counts: the row one by one stands beside. Below: what stands on the event
loop once a minute.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from statistics import median
from time import process_time

import msgspec
import numpy as np
from msgspec.structs import replace

from benchmarks.abuse import MINUTE, _log, _watch
from benchmarks.harness import lined, written
from benchmarks.windows import CATEGORIES, NUMBERS, REFERENCE, VERSION, _event, _inputs, thirty_features
from shipworthy.facts import Event, WindowSummary
from shipworthy.observe.collector import Collector
from shipworthy.observe.inputs import Inputs
from shipworthy.observe.probing import Probing
from shipworthy.observe.repeats import Repeats
from shipworthy.profile.rows import Row
from shipworthy.runtime.abuse import AbuseLog
from shipworthy.runtime.exports.totals import Totals
from shipworthy.runtime.probed import hashed_rows
from shipworthy.runtime.remembered import Remembered

DECISIONS, ROUNDS, BATCHES = 6000, 7, (1, 20, 200, 2000)
COLUMNS = (*((f"x{j}", "float") for j in range(NUMBERS)), *((f"c{j}", "category") for j in range(CATEGORIES)))
Decisions = tuple[Sequence[Event], Sequence[Row], Sequence[str]]
Counter = Callable[[Decisions], None]


def run() -> str:
    """Return the cost of a decision by counter and batch, and of the minute."""
    reference = thirty_features(np.random.default_rng(1), REFERENCE)
    inputs, sent = _inputs(reference), _decisions()
    log, commits = _log()
    watch = _watch(hashed_rows(reference[:1000], COLUMNS, log.salt), [False] * len(COLUMNS))
    made: dict[str, Callable[[], Counter]] = {
        "windows (Collector)": lambda: _collected(inputs),
        "abuse log": lambda: _looked(log, Probing(watch)),
        "alarms (Repeats)": _repeated,
        "totals": _totalled,
    }
    times: dict[tuple[str, int], list[float]] = {}
    for _ in range(ROUNDS):
        for name, make in made.items():
            for batch in BATCHES:
                times.setdefault((name, batch), []).append(_spent(make(), sent, batch))
    rows = [(name, *(written(median(times[name, batch])) for batch in BATCHES)) for name in made]
    sums = [written(sum(median(times[name, batch]) for name in made)) for batch in BATCHES]
    commits.close()
    header = ("CPU a decision", *("one by one" if batch == 1 else f"by {batch:,}" for batch in BATCHES))
    told = lined([header, *rows, ("all", *sums)], right=range(1, 1 + len(BATCHES)))
    return f"{told}\n\n{lined(_minute(inputs), right=(1,))}"


def _spent(count: Counter, sent: Sequence[tuple[bytes, bytes, str]], batch: int) -> float:
    total = 0.0
    for start in range(0, len(sent), batch):
        some = sent[start : start + batch]
        events = [msgspec.json.decode(one, type=Event) for one, _, _ in some]
        rows = [msgspec.json.decode(row) for _, row, _ in some]
        gc.disable()
        begin = process_time()
        count((events, rows, [peer for _, _, peer in some]))
        total += process_time() - begin
        gc.enable()
    return total / len(sent)


def _decisions() -> list[tuple[bytes, bytes, str]]:
    rng = np.random.default_rng(3)
    rows, flagged = thirty_features(rng, DECISIONS), rng.random(DECISIONS) < 0.005
    made = []
    for at, row in enumerate(rows):
        texts = (f"supplier={row['supplier']}", f"c1={row['c1']}", f"c2={row['c2']}")
        one = replace(
            _event(row, float(rng.beta(2, 5))), minute=MINUTE, tenant=("acme", "birch")[at % 2],
            ood_flag=bool(flagged[at]), segments=(*texts, f"c1={row['c1']};{texts[0]}"), groups=("sex=F",),
        )  # fmt: skip
        made.append((msgspec.json.encode(one), msgspec.json.encode(row), f"10.0.0.{at % 40}"))
    return made


def _collected(inputs: Inputs) -> Counter:
    one = Collector(MINUTE)
    one.watch(VERSION, inputs)
    return lambda some: one.add_many(some[0], some[1])


def _looked(log: AbuseLog, probing: Probing) -> Counter:
    log.watch(VERSION, COLUMNS, probing)
    return lambda some: log.answered_many(*some)


def _repeated() -> Counter:
    one = Repeats(1e-6)

    def count(some: Decisions) -> None:
        for _ in one.add_many(some[0]):
            pass

    return count


def _totalled() -> Counter:
    one = Totals()
    return lambda some: one.add_many(some[0])


def _minute(inputs: Inputs) -> list[tuple[str, str, str]]:
    rows = thirty_features(np.random.default_rng(5), 1000)
    event = msgspec.json.decode(_decisions()[0][0], type=Event)

    def closed() -> float:
        one = Collector(MINUTE)
        one.watch(VERSION, inputs)
        one.add_many([replace(event, tenant=f"t{at}", segments=()) for at in range(1000)], rows)
        return _timed(lambda: one.roll(MINUTE + 1))

    kept, place = Remembered(MINUTE - 7 * 24 * 60), (VERSION, "*", "*")
    counts = inputs.count(rows)
    week = [
        WindowSummary(
            version=VERSION, arm="candidate", tenant="*", segment="*", minute=MINUTE - MINUTE % 60 - 60 * hour, n=1000,
            reference=inputs.reference, cells=tuple(counts.cells.tolist()), joint=tuple(counts.joint.tolist()),
        )
        for hour in range(168)
    ]  # fmt: skip
    slim = [replace(one, segment=f"s=p{at}", cells=(), joint=()) for one in week for at in range(600)]
    begin = _timed(lambda: kept.replace(VERSION, [*week, *slim], [], []))
    since, until = MINUTE - 7 * 24 * 60, MINUTE
    first = _timed(lambda: kept.over(place, since, until))
    again = median(_timed(lambda: kept.over(place, since, until)) for _ in range(21))
    places = median(_timed(lambda: kept.places(VERSION)) for _ in range(21))
    return [
        ("a minute of 1,000 tenants closed", written(min(closed() for _ in range(3))), "full windows of each"),
        (f"{len(week) + len(slim):,} windows taken back", written(begin), "at a restart"),
        ("a week of full windows", written(first), "once an hour, and when late counts come"),
        ("the same a minute later", written(again), "the sums of hours that are over"),
        ("600 places of a version", written(places), ""),
    ]


def _timed(job: Callable[[], object]) -> float:
    begin = process_time()
    job()
    return process_time() - begin
