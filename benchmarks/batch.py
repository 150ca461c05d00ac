"""Claim: a million rows of 30 columns are decided, checked and counted in 3 µs each, with a model that costs nothing.

20 numbers (2 % empty) and 10 categories, two tenants, a segment key of 20 values, a never event; everything that a
single request passes: out-of-distribution score, posture, thresholds, uncertainty, never event, windows with every
input, the watch for repeats, the abuse log. Peers: what a notebook does instead (a score, two comparisons, nothing
else), and the same decider asked row by row. Times are CPU seconds of this process. Receipts are told apart: kept to be
sealed when they are asked for, or all sealed at once, which is one HMAC-SHA256 a row.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from time import process_time
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from benchmarks.harness import lined, written
from benchmarks.windows import thirty_features
from shipworthy.contract.manifest import Decisions, Feature
from shipworthy.deploy.batch.table import Numbers, Stored, Table
from shipworthy.deploy.http.client import Scored
from shipworthy.deploy.http.gateway import Gateway
from shipworthy.deploy.http.places import Keys
from shipworthy.deploy.http.wiring import Wiring
from shipworthy.deploy.neverevents import compile_never
from shipworthy.deploy.release import Release
from shipworthy.deploy.routing import Routes
from shipworthy.facts import NORMAL, LiveThresholds, NeverEvent
from shipworthy.models.spec import Cell, columns_of
from shipworthy.observe.inputs import inputs_of
from shipworthy.observe.repeats import Repeats
from shipworthy.profile.columns import Coded
from shipworthy.profile.reference import fit_profile
from shipworthy.profile.score import Scorer
from shipworthy.runtime.abuse import AbuseLog
from shipworthy.runtime.batch.decider import BatchDecider
from shipworthy.runtime.batch.lens import Lens
from shipworthy.runtime.releases import Loaded
from shipworthy.runtime.site import Site
from shipworthy.runtime.telemetry import Telemetry
from shipworthy.stats.uncertainty import UncertaintyTable, look_up
from shipworthy.store.group import GroupCommit
from shipworthy.store.review import Admission
from shipworthy.store.sqlite import SqliteStore

ROWS, ALONE, ROUNDS = 1_000_000, 4_000, 3
NUMBERS, CATEGORIES = 20, 10
KEY = bytes(range(32))
NOW = 1_800_000_000.5
UNSURE = UncertaintyTable((0.1, 0.5, 0.9), (0.05, 0.2, 0.6, 0.9))


def run() -> str:
    """Return the times of a row, by part, and the peers."""
    with tempfile.TemporaryDirectory() as folder:
        one = Bench(Path(folder))
        try:
            return one.table()
        finally:
            one.close()


class Bench:
    """A site of real parts, without a contract or a model process."""

    def __init__(self, folder: Path) -> None:
        features = [Feature(name=f"x{at}", type="float") for at in range(NUMBERS)]
        features += [Feature(name=f"c{at}", type="category") for at in range(CATEGORIES)]
        reference = thirty_features(np.random.default_rng(1), 4000)
        profile = fit_profile(features, reference[:2000], reference[2000:])
        self.scorer = Scorer(profile)
        never = compile_never(
            [NeverEvent(name="absurd", never="decision == 'auto_deny' and x0 > 1000 and score < 0.1")]
        )
        self.release = Release(
            version="1",
            words=Decisions(),
            columns=columns_of(features),
            scorer=self.scorer,
            never=never,
            uncertainty=lambda score, bucket: look_up(UNSURE, score),
            max_uncertainty=0.95,
        )
        self.store = SqliteStore(folder / "store.db")
        self.commits = GroupCommit(self.store)
        minute = int(NOW // 60)
        self.abuse = AbuseLog(self.store, self.commits, KEY, minute, lambda: 60)
        self.abuse.watch("1", self.release.columns, None)
        self.telemetry = Telemetry(minute, Decisions(), self.commits, lambda tenant, at: lambda name, value: 0, "bench")
        inputs = inputs_of(profile)
        if inputs is not None:
            self.telemetry.watch("1", inputs)
        self.repeats = Repeats(1e-9)
        self.scores = np.random.default_rng(5).random(ROWS)
        self.asked = 0
        self.gateway = Gateway(self._wiring())
        loaded = SimpleNamespace(
            scorer=self.scorer,
            release=self.release,
            thresholds=SimpleNamespace(uncertainty=UNSURE),
            contract=SimpleNamespace(manifest=SimpleNamespace(retention={})),
        )
        site = SimpleNamespace(
            gateway=self.gateway,
            models=self,
            releases={"1": cast(Loaded, loaded)},
            controller=SimpleNamespace(repeats=self.repeats, act_on=self.repeats.add),
            telemetry=self.telemetry,
            abuse=self.abuse,
            commits=self.commits,
            workspace=SimpleNamespace(site_key=lambda: KEY),
        )
        self.batch = BatchDecider(cast(Site, site))
        self.whole = _million(reference)

    def close(self) -> None:
        self.commits.close()
        self.store.close()

    def ask_columns(self, version: str, columns: Mapping[str, Any]) -> Any:  # noqa: ANN401
        """The model that costs nothing: the scores are there already."""
        n = len(columns["x0"])
        start = self.asked % (ROWS - n + 1)
        self.asked += n
        return self.scores[start : start + n]

    def table(self) -> str:
        parts: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            for name, seconds in self._round().items():
                parts.setdefault(name, []).append(seconds)
        rows = [(name, written(median(told)), "") for name, told in parts.items()]
        return lined([("one row of a million, CPU", "", ""), *rows], right=(1,))

    def _round(self) -> dict[str, float]:
        told: dict[str, float] = {}
        look = _timed(Lens, "score", told, "  out-of-distribution score")
        count = _timed(Telemetry, "add_decided", told, "  windows, with every input")
        begin = process_time()
        made = asyncio.run(self.batch.decide(self.whole))
        told = {"all, receipts sealed when asked for": process_time() - begin, **told}
        look(), count()
        told["  arms, postures, answers, never event, repeats, abuse, ids"] = 2 * told[next(iter(told))] - sum(
            told.values()
        )
        begin = process_time()
        made.receipts.all()
        told["receipts of all rows sealed at once, beside"] = process_time() - begin
        begin = process_time()
        self._notebook()
        told["peer: a plain numpy pass (a linear score, two comparisons), no check"] = process_time() - begin
        made_of = {name: seconds / ROWS for name, seconds in told.items()}
        begin = process_time()
        asyncio.run(self._one_by_one())
        made_of["peer: the loop of decide, with receipts"] = (process_time() - begin) / ALONE
        return made_of

    def _notebook(self) -> object:
        columns = [np.nan_to_num(self.whole.floats(f"x{at}")) for at in range(NUMBERS)]
        score = 1.0 / (1.0 + np.exp(-sum(0.1 * column for column in columns)))
        return np.where(score <= 0.5, "auto_deny", np.where(score >= 0.6, "auto_approve", "review"))

    async def _one_by_one(self) -> None:
        for at in range(ALONE):
            row = self.whole.row(at)
            outcome = await self.gateway.decider.decide(row, str(row["tenant"]), NOW)
            self.abuse.answered(outcome.event, row, "")

    def _wiring(self) -> Wiring:
        cut = LiveThresholds(version="1", bucket="*", deny=0.5, approve=0.5000001, at="", n=0)

        def seen(event: Any, row: Any, peer: str) -> None:  # noqa: ANN401
            self.telemetry.add(event, row)
            self.repeats.add(event)

        async def enqueue(asked: object) -> Admission:
            raise RuntimeError("nobody is asked here")

        return Wiring(
            model="bench",
            mac_key=KEY,
            routes=lambda: Routes(baseline="1"),
            releases={"1": self.release},
            upstreams={"1": _Free()},
            posture=lambda version, tenant, keys: NORMAL,
            closed=lambda version: False,
            epoch=lambda: 1,
            thresholds=lambda version, bucket: cut,
            sink=seen,
            enqueue=enqueue,
            keys=Keys(tenant="tenant", unit="visit", segments=("c0",)),
            clock=lambda: NOW,
        )


class _Free:
    async def score(self, row: list[Cell], deadline: float) -> Scored:
        return Scored(0.75)

    async def healthy(self, deadline: float) -> bool:
        return True


def _million(reference: list[Any]) -> Table:
    """A million rows drawn column by column from those of the reference's kind."""
    rng = np.random.default_rng(7)
    columns: dict[str, Stored] = {}
    for name in (f"x{at}" for at in range(NUMBERS)):
        drawn = np.array([np.nan if row[name] is None else row[name] for row in reference], dtype=np.float64)
        columns[name] = Numbers(drawn[rng.integers(0, len(drawn), ROWS)])
    for name in (f"c{at}" for at in range(CATEGORIES)):
        words = sorted({row[name] for row in reference})
        places = np.array([words.index(row[name]) for row in reference], dtype=np.intp)
        columns[name] = Coded(words, places[rng.integers(0, len(places), ROWS)])
    columns["tenant"] = Coded(["acme", "birch"], rng.integers(0, 2, ROWS))
    return Table(ROWS, columns)


def _timed(owner: type, name: str, told: dict[str, float], what: str) -> Callable[[], None]:
    """Add up the CPU seconds of a method until the returned function is called."""
    plain = getattr(owner, name)

    def timed(*given: Any) -> Any:  # noqa: ANN401
        begin = process_time()
        try:
            return plain(*given)
        finally:
            told[what] = told.get(what, 0.0) + process_time() - begin

    setattr(owner, name, timed)
    return lambda: setattr(owner, name, plain)
