"""Abuse log: what it costs a request, what a flood costs, and how often the watch for probing is right.

Cost: one answered request of 30 mixed features against the out-of-distribution score of the same row, which every
request pays as well (no other tool keeps such a log); a refused one with its body; the memory of a million refusals
from a million addresses. Right: alarms on honest requests at the level that ships (one in 100,000 is promised), on
tables drawn here and on the claims of the example, whose rows repeat a lot; and how many of its queries each attack of
ours gets to ask before it is named, alone and among honest requests from the same address.
"""

from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.harness import compare, lined, show
from shipworthy.contract.files.reader import read_manifest
from shipworthy.contract.manifest import Feature
from shipworthy.evaluate.attacks.attack import Target
from shipworthy.evaluate.attacks.donors import Donors
from shipworthy.evaluate.attacks.ensemble import ATTACKS, attack_all
from shipworthy.evaluate.bench import Answers, Bench
from shipworthy.evaluate.feasible import Space
from shipworthy.facts import AbuseKind, Event, Subject
from shipworthy.models.spec import columns_of
from shipworthy.models.table import read_rows
from shipworthy.observe.probing import LEVEL, Hashes, Probing, Watch, watch_of
from shipworthy.profile.reference import fit_profile
from shipworthy.profile.rows import Row, Value
from shipworthy.profile.score import Scorer
from shipworthy.runtime.abuse import AbuseLog
from shipworthy.runtime.probed import Salt, hashed
from shipworthy.store.group import GroupCommit
from shipworthy.testing.memory import MemoryStore

CLAIMS = Path(__file__).parent.parent / "examples" / "claims-triage"
MINUTE = 29_998_200
SALT = Salt.new()
HONEST = 200_000
BETWEEN = (0, 3, 10)
TABLES = {"rich, 4 of 12 may change": ((0,) * 4 + (2, 3, 5, 50, 10, 7, 2, 2), 4), "poor": ((2, 3, 4, 5, 3, 2, 6, 4), 0)}


@dataclass(frozen=True)
class _Given:
    scores: Sequence[float | None]
    decisions: Sequence[str | None] | None = None


def run() -> str:
    """Return the three tables."""
    return "\n\n".join([_cost(), _alarms(), _found()])


def _cost() -> str:
    rng = np.random.default_rng(7)
    features = [Feature(name=f"x{i}", type="float") for i in range(20)]
    features += [Feature(name=f"c{i}", type="category") for i in range(10)]
    rows = [_mixed(features, rng) for _ in range(4000)]
    scorer = Scorer(fit_profile(features, rows[:2000], rows[2000:]))
    columns = columns_of(features)
    log, commits = _log()
    table = np.array([hashed(row, columns, log.salt) for row in rows[:1000]], np.uint32)
    log.watch("1", columns, Probing(_watch(table, [False] * 30)))
    asked, answered, callers = cycle(rows), cycle(rows), cycle([f"10.0.0.{i}" for i in range(40)])
    event = _event()
    body = b'{"row": {' + b" " * 300
    results = [
        compare(
            "look at one answered request, 30 features", "the OOD score of its row",
            lambda: log.answered(event, next(answered), next(callers)), lambda: scorer.score(next(asked)),
            calls=2000, rounds=9,
        ),
        compare(
            "count one refused request", "the OOD score of a row",
            lambda: log.refused(AbuseKind.FLOOD, "acme", next(callers), MINUTE, body),
            lambda: scorer.score(next(asked)), calls=2000, rounds=9,
        ),
    ]  # fmt: skip
    commits.close()
    return f"{show(results)}\n{_memory()}"


def _memory() -> str:
    log, commits = _log()
    tracemalloc.start()
    for i in range(1_000_000):
        log.refused(AbuseKind.FLOOD, f"tenant-{i % 5000}", f"{i >> 16}.{i >> 8 & 255}.{i & 255}", MINUTE, b"x")
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    commits.close()
    told = log.told()
    return (
        f"1,000,000 refusals from as many addresses: {most / 1e6:.1f} MB at most, {told['events']['flood']:,} counted"
    )


def _alarms() -> str:
    lines: list[tuple[str, ...]] = [
        ("honest traffic", "rows held", "null rate", "requests", "alarms", f"promised at most ({LEVEL:g})")
    ]
    for name, (values, mutable) in TABLES.items():
        flags = [True] * mutable + [False] * (len(values) - mutable)
        watch, rows = _watch(_table(1000, values, 1), flags), _table(HONEST, values, 2)
        lines.append(_counted(name, watch, rows, np.random.default_rng(3).integers(0, 40, HONEST).tolist()))
    manifest = read_manifest(CLAIMS)
    columns = columns_of(manifest.features)
    known, traffic = (_claims(name) for name in ("calibration", "traffic"))
    flags = [feature.mutable != "no" for feature in manifest.features]
    watch = _watch(np.array([hashed(row, columns, SALT) for row in known[:1000]], np.uint32), flags)
    rows = np.array([hashed(row, columns, SALT) for row in traffic], np.uint32)
    lines.append(_counted("claims, by tenant", watch, rows, [str(row["tenant"]) for row in traffic]))
    lines.append(_counted("claims, one address", watch, rows, [""] * len(rows)))
    return lined(lines, right=(1, 2, 3, 4, 5))


def _counted(name: str, watch: Watch, rows: Hashes, callers: Sequence[object]) -> tuple[str, ...]:
    probing = Probing(watch)
    alarms = sum(probing.add(str(caller), row) > 0 for caller, row in zip(callers, rows.tolist(), strict=True))
    n = len(rows)
    return name, str(watch.memory), f"{watch.null_rate:.3f}", f"{n:,}", str(alarms), f"{n * LEVEL:.2f}"


def _found() -> str:
    lines = [("attack on 9 features, 6 may change", *(f"{n} honest between" for n in BETWEEN))]
    for attack in ATTACKS:
        asked = [_queries(attack, seed) for seed in range(20)]
        lines.append((attack, *(f"{median(_until(each, n) for each in asked):g}" for n in BETWEEN)))
    return f"queries until the caller is named, median of 20\n{lined(lines, right=(1, 2, 3))}"


def _until(queries: Hashes, between: int) -> float:
    probing = Probing(Watch(64, 0.01, (False,) * 3 + (True,) * 6))
    honest = iter(_table(10_000, (50, 50, 50, 0, 0, 0, 0, 0, 0), 3).tolist())
    for n, query in enumerate(queries.tolist(), 1):
        if probing.add("", query):
            return n
        for _ in range(between):
            probing.add("", next(honest))
    return float("inf")


def _queries(attack: str, seed: int) -> Hashes:
    """What an attack asks about one row of a linear model, as hashes, after three features that stay."""
    rng = np.random.default_rng(seed)
    features = tuple(Feature(name=f"x{i}", type="float", min=0, max=1, mutable="yes") for i in range(6))
    rows: list[Row] = [{one.name: float(rng.random()) for one in features} for _ in range(101)]
    weight, asked = np.array([3.0, -2.0, 1.0, 0.5, -0.25, 2.0]), list[list[Value]]()

    def model(batch: list[list[Value]]) -> Answers:
        asked.extend(batch)
        return _Given((1 / (1 + np.exp(-(np.array(batch, dtype=float) - 0.5) @ weight))).tolist())

    zero = "sha256:" + "0" * 64
    names = ("artefact", "change", "policy", "pack", "data", "profile")
    subject = Subject(model="m", version="1", **dict.fromkeys(names, zero))
    bench = Bench(subject=subject, features=features, label="label", datasets={}, model=model, seed=seed)
    space = Space(features, (), rows[1:], "l2")
    scores = [score or 0.0 for score in model([[rows[0][one.name] for one in features]]).scores]
    target, donors = Target(bench, space, rows[:1], scores), Donors(bench, space, rows[1:])
    asked.clear()
    attack_all(target, donors, [attack], 400, seed, 4)
    columns = columns_of(features)
    made = [hashed(dict(zip([one.name for one in features], row, strict=True)), columns, SALT) for row in asked]
    return np.array([[7, 8, 9, *row.tolist()] for row in made], np.uint32)


def _claims(name: str) -> list[Row]:
    declared = read_manifest(CLAIMS).datasets[name]
    return list(read_rows(CLAIMS / declared.path, declared.where, frozenset()))


def _table(n: int, values: Sequence[int], seed: int) -> Hashes:
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.integers(0, size or 2**32, n) for size in values]).astype(np.uint32)


def _watch(rows: Hashes, mutable: Sequence[bool]) -> Watch:
    watch = watch_of(rows, mutable, np.random.default_rng(4))
    assert watch is not None
    return watch


def _mixed(features: Sequence[Feature], rng: np.random.Generator) -> Row:
    return {one.name: float(rng.normal()) if one.type == "float" else f"v{int(rng.integers(0, 8))}" for one in features}


def _log() -> tuple[AbuseLog, GroupCommit]:
    store = MemoryStore()
    commits = GroupCommit(store)
    return AbuseLog(store, commits, bytes(32), MINUTE, lambda: 43_200), commits


def _event() -> Event:
    return Event(
        request="r", at="", minute=MINUTE, version="1", arm="baseline", tenant="acme", segments=("a=b", "c=d"),
        score=0.5, decision="approve", route="machine", ood_p=0.5, ood_view="marginal", ood_flag=False,
    )  # fmt: skip
