"""Claim: from counts alone a breach is pinned to the part that was planted, in 95 of 100 worlds, and on real claims.

Three tables. *Worlds*: 200 seeds of each kind (`WORLDS`), 8,000 requests, three keys, every pair, four tenants; one
value, two values of one key, a pair, a tenant made bad, or everything; how often exactly that is found, and how often
anything is found where everything is bad alike. Beside it all pairs by brute force (the slice with the largest excess
of hits, from the rows) and sliceline, when it is installed (largest score at its default weight, slices of up to two
keys). *Time* of each on one world, and of one look of the runtime at 1,000 segments over 7 days of hourly windows.
*Claims*: version 2 of the example, which does not know seven offices, replayed by the gateway's own code with one SLO
at a time; then a model that knew vehicles up to 1999 only, in whose traffic newer model years grow.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from itertools import combinations
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import yaml
from numpy.typing import NDArray

from benchmarks.harness import compare, lined, show, written
from shipworthy.contract.files.reader import read_manifest
from shipworthy.contract.manifest import Feature, Label, Manifest, SegmentKey, Segments
from shipworthy.facts import (
    Action,
    Clause,
    Digest,
    Judgement,
    Outcome,
    RuntimeState,
    Slo,
    Target,
    WindowSummary,
    canonical_segment,
)
from shipworthy.flows.build import build
from shipworthy.flows.keys import new_keys
from shipworthy.flows.model import all_datasets, open_model
from shipworthy.flows.note import stamp_note
from shipworthy.flows.sign import sign
from shipworthy.observe.localise import Asked, Spot, Tally, localise, shown_bad
from shipworthy.observe.minutes import minute_of
from shipworthy.runtime.localised import Localiser
from shipworthy.runtime.remembered import Remembered
from shipworthy.runtime.replayed import Claim, Replayed, replay, tenant_of
from shipworthy.runtime.workspace import Workspace

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "claims-triage"
WORLDS = int(os.environ.get("WORLDS", "200"))
KEYS = {"kind": 6, "office": 12, "region": 5}
TENANTS = (0.4, 0.3, 0.2, 0.1)
ROWS = 8000
ASKED = Asked("<=", 0.05, 0.95)
Rows = list[dict[str, Any]]
Datasets = dict[str, Rows]
Cells = dict[str, NDArray[np.int64]]
Finder = Callable[["World"], Spot | None]


class World(NamedTuple):
    """Rows by key, hits, and the part that was made bad (None: all alike)."""

    cells: Cells
    hit: NDArray[np.bool_]
    planted: Spot | None


def run() -> str:
    """Return the three tables."""
    told = ["one kind of world a row: exactly found (something found that was not planted)", _worlds()]
    told += ["", "time", _times(), "", "claims", *_claims()]
    return "\n".join(told)


def world(seed: int, kind: str, base: float = 0.03, whole: float = 0.075) -> World:
    """Return a world in which `whole` of all requests are hits, `base` of those outside the planted part.

    What is planted holds 5 to 45 % of the requests. A tenant's world has a base of .008, so that it has four fifths of
    the hits, which an order for one tenant asks for. Healthy parts differ a little: by up to a fifth of the base.
    """
    rng = np.random.default_rng([seed, len(kind), *map(ord, kind)])
    base = 0.008 if kind == "tenant" else base
    cells: Cells = {}
    for key, size in KEYS.items():
        weights = np.arange(1, size + 1) ** -0.7
        cells[key] = rng.choice(size, ROWS, p=weights / weights.sum())
    cells["tenant"] = rng.choice(len(TENANTS), ROWS, p=TENANTS)
    if kind == "everything":
        return World(cells, rng.random(ROWS) < whole, None)
    planted, mask = _plant(rng, cells, kind)
    rate = base * (0.8 + 0.4 * rng.random(KEYS["office"]))[cells["office"]]
    rate[mask] = min(0.95, base + (whole - base) / mask.mean())
    return World(cells, rng.random(ROWS) < rate, planted)


def _plant(rng: np.random.Generator, cells: Cells, kind: str) -> tuple[Spot, NDArray[np.bool_]]:
    while True:
        if kind == "tenant":
            terms = {"tenant": [int(rng.integers(len(TENANTS)))]}
        elif kind == "two values":
            key = str(rng.choice(["kind", "office"]))
            terms = {key: sorted(int(one) for one in rng.choice(KEYS[key], 2, replace=False))}
        else:
            keys = rng.choice(list(KEYS), 2 if kind == "pair" else 1, replace=False)
            terms = {str(key): [int(rng.integers(KEYS[str(key)]))] for key in keys}
        mask = np.all([np.isin(cells[key], values) for key, values in terms.items()], axis=0)
        if 0.05 <= mask.mean() <= 0.45:
            return _spot(terms), mask


def _spot(terms: dict[str, list[int]]) -> Spot:
    tenant = f"v{terms['tenant'][0]:02d}" if "tenant" in terms else "*"
    return Spot(tenant, canonical_segment({k: [f"v{v:02d}" for v in terms[k]] for k in terms if k != "tenant"}))


def table(one: World) -> tuple[Tally, dict[Spot, Tally]]:
    """Return what windows would hold: the whole, each value, each pair, each tenant."""
    parts: dict[Spot, Tally] = {}
    for keys in [*((key,) for key in (*KEYS, "tenant")), *combinations(KEYS, 2)]:
        sizes = [KEYS.get(key, len(TENANTS)) for key in keys]
        codes = np.ravel_multi_index([one.cells[key] for key in keys], sizes)
        n = np.bincount(codes, minlength=int(np.prod(sizes)))
        hits = np.bincount(codes[one.hit], minlength=n.size)
        for code in range(n.size):
            values = np.unravel_index(code, sizes)
            spot = _spot({key: [int(value)] for key, value in zip(keys, values, strict=True)})
            parts[spot] = Tally(int(hits[code]), int(n[code]))
    return Tally(int(one.hit.sum()), one.hit.size), parts


def ours(one: World) -> Spot | None:
    """Return what is located."""
    found = localise(ASKED, *table(one))
    return Spot(found.tenant, found.segment) if found else None


def brute_force(one: World) -> Spot | None:
    """Return the slice of one or two keys with the largest excess of hits over the target, from the rows."""
    best, found = 0.0, None
    for size in (1, 2):
        for keys in combinations([*KEYS, "tenant"], size):
            sizes = [KEYS.get(key, len(TENANTS)) for key in keys]
            codes = np.ravel_multi_index([one.cells[key] for key in keys], sizes)
            n = np.bincount(codes, minlength=int(np.prod(sizes)))
            excess = np.bincount(codes[one.hit], minlength=n.size) - ASKED.target * n
            code = int(excess.argmax())
            if excess[code] > best:
                values = np.unravel_index(code, sizes)
                best = float(excess[code])
                found = _spot({key: [int(value)] for key, value in zip(keys, values, strict=True)})
    return found


def sliceline() -> Finder | None:
    """Return sliceline's own search, None when it is not installed."""
    try:
        Slicefinder = import_module("sliceline.slicefinder").Slicefinder
    except ImportError:
        return None
    names = [*KEYS, "tenant"]

    def find(one: World) -> Spot | None:
        rows = np.column_stack([one.cells[key] + 1 for key in names])
        finder = Slicefinder(alpha=0.95, k=1, max_l=2, min_sup=100, verbose=False)
        finder.fit(rows, one.hit.astype(float))
        if not len(finder.top_slices_):
            return None
        top = finder.top_slices_[0]
        return _spot({name: [int(v) - 1] for name, v in zip(names, top, strict=True) if v is not None})

    return find


def _worlds() -> str:
    finders: dict[str, Finder | None] = {"ours": ours, "all pairs": brute_force, "sliceline": sliceline()}
    lines = [("planted", *(name if finders[name] else f"{name} (not installed)" for name in finders))]
    for kind in ("one value", "two values", "pair", "tenant", "everything"):
        made = [one for seed in range(WORLDS) if shown_bad(ASKED, table(one := world(seed, kind))[0])]
        lines.append((f"{kind} ({len(made)} breached)", *(_hits(made, finders[name]) for name in finders)))
    return lined(lines, right=(1, 2, 3))


def _hits(made: Sequence[World], find: Finder | None) -> str:
    if find is None:
        return "-"
    found = Counter(_verdict(one.planted, find(one)) for one in made)
    return f"{found['exact']} ({found['other']})"


def _verdict(planted: Spot | None, found: Spot | None) -> str:
    return "exact" if found == planted else "none" if found is None else "other"


def _times() -> str:
    one = world(0, "pair")
    whole, parts = table(one)
    theirs = partial(brute_force, one)
    told = [compare("from counts", "all pairs", lambda: localise(ASKED, whole, parts), theirs)]
    told += [compare("from rows", "all pairs", lambda: ours(one), theirs)]
    peer = sliceline()
    if peer is not None:
        told.append(compare("from rows", "sliceline", lambda: ours(one), lambda: peer(one), rounds=5))
    kept, judgement, localiser = _week()
    start = perf_counter()
    found = localiser().lies(judgement, RuntimeState())
    seconds = perf_counter() - start
    where = found.located.segment if found.located else "nowhere"
    places = len(kept.places("1"))
    return f"{show(told)}\none look at {places:,} segments, 168 hours each: {written(seconds)}, located {where}"


def _week() -> tuple[Remembered, Judgement, Callable[[], Localiser]]:
    """1,000 offices with hourly windows of a week; one of them is bad."""
    now = datetime(2027, 1, 11, tzinfo=UTC)
    end = minute_of(now)
    kept, rng = Remembered(end - 7 * 24 * 60), np.random.default_rng(0)
    total: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for office in range(1000):
        n = rng.poisson(5, 168)
        hits = rng.binomial(n, 0.9 if office == 7 else 0.0495)
        windows = []
        for hour in range(168):
            minute = end - (168 - hour) * 60
            windows.append(_window(f"office=v{office:03d}", minute, int(n[hour]), int(hits[hour])))
            total[minute][0] += int(n[hour])
            total[minute][1] += int(hits[hour])
        kept.take_windows(windows)
    kept.take_windows(_window("*", minute, *counts) for minute, counts in total.items())
    slo = _slo("ood_rate", 0.05)
    manifest = Manifest(
        model="m",
        stakes="standard",
        owner="o",
        features=(Feature(name="office", type="category"),),
        label=Label(column="y"),
        segments=Segments(keys=(SegmentKey(key="office", public=True),)),
    )
    judgement = Judgement(slo="ood_rate", segment="*", outcome=Outcome.BREACHED, because="")
    return kept, judgement, lambda: Localiser(slo, "1", manifest, kept, (end - 7 * 24 * 60, end), now)


def _window(segment: str, minute: int, n: int, hits: int) -> WindowSummary:
    return WindowSummary(
        version="1", arm="candidate", tenant="*", segment=segment, minute=minute, reference=Digest("r"), n=n, n_ood=hits
    )


def _slo(indicator: str, target: float) -> Slo:
    return Slo(
        name=indicator,
        indicator=indicator,
        objective="",
        target=Target(op="<=", value=target),
        window="7d",
        action_on_breach=Action.ROUTE_TO_HUMAN_REVIEW,
        clause=Clause.MONITORING,
        min_samples=100,
    )


def _claims() -> list[str]:
    lines = [("SLO on everything", "ood_repeats", "orders of the week")]
    for name, target, alarms in (
        ("ood_rate", "<= 0.05", False),
        ("ood_rate", "<= 0.05", True),
        ("auto_error_rate", "<= 0.15", False),
        ("error_rate", "<= 0.28", False),
    ):
        with tempfile.TemporaryDirectory(prefix="localise-") as at:
            workspace = _example(Path(at), {"ood_repeats": (not alarms, None), name: (False, target)})
            played = _replayed(workspace, _arriving)
        lines.append((f"{name} {target}", "orders" if alarms else "only shown", _orders(played)))
    return [lined(lines), "", *_new_years()]


def _arriving(data: Datasets) -> Rows:
    return sorted(data["traffic"], key=lambda row: int(row["arrival"]))


def _orders(played: Replayed) -> str:
    told = [f"{one.rule} on {one.segment} after {one.requests}" for one in played.orders]
    return "; ".join(told) or f"none, {played.sent} requests"


def _new_years() -> list[str]:
    """What was known ends with 1999; later claims of known offices are replayed year by year."""
    with tempfile.TemporaryDirectory(prefix="localise-") as at:
        workspace = _example(Path(at), {"ood_rate": (False, "<= 0.05")}, until=1999)
        data = all_datasets(workspace.root, workspace.contract().manifest)
        newest = max(_model_year(row) for row in data["train"] if row["vehicle_age"] is not None)
        known = {row["supplier"] for row in data["train"]}

        def later(data: Datasets) -> Rows:
            rows = [*data["later"], *(row for row in data["traffic"] if row["supplier"] in known)]
            return sorted((row for row in rows if row["vehicle_age"] is not None), key=lambda row: int(row["year"]))

        lines = [("year", "claims", "newer than any known", "flagged", "orders")]
        rows = later(data)
        for year in sorted({int(row["year"]) for row in rows}):
            mine = [row for row in rows if int(row["year"]) == year]
            new = sum(_model_year(row) > newest for row in mine) / len(mine)
            played = _replayed(workspace, lambda _, mine=mine: mine)  # type: ignore[misc]
            flagged = next(one for one in played.measured if one.indicator == "ood_rate")
            lines.append((str(year), str(len(mine)), f"{new:.1%}", f"{flagged.hits} of {flagged.n}", _orders(played)))
    return [f"model years: what was known ends with {newest}", lined(lines, right=(1, 2, 3))]


def _model_year(row: dict[str, Any]) -> int:
    return int(row["year"]) - int(float(row["vehicle_age"]))


def _example(at: Path, changed: dict[str, tuple[bool, str | None]], until: int | None = None) -> Workspace:
    """Return version 2 of the example, built. `changed`: SLO -> (trial, target), and no other rate decides."""
    root = at / "repo"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns("story", ".shipworthy", "model", "__pycache__"))
    shutil.copytree(EXAMPLE / "story" / "v2", root, dirs_exist_ok=True)
    _edit(root / "safety-slos.yaml", lambda policy: _only(policy, changed))
    if until is not None:
        _edit(root / "shipworthy.yaml", lambda manifest: _known_until(manifest, until))
    workspace = Workspace(root=root, home=at / "home")
    new_keys(workspace, read_manifest(root))
    stamp_note(root)
    build(workspace, lambda text: None)
    sign(workspace, workspace.contract())
    return workspace


def _edit(path: Path, change: Callable[[Any], None]) -> None:
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(loaded)
    path.write_text(yaml.safe_dump(loaded, sort_keys=False), encoding="utf-8")


def _only(policy: dict[str, Any], changed: dict[str, tuple[bool, str | None]]) -> None:
    rates = ("ood_rate", "auto_error_rate", "error_rate", "review_rate")
    slos = policy["slos"]
    for slo in slos:
        slo["trial"] = slo.get("trial", False) or slo["name"] in rates or slo["name"].startswith("decision_ece")
    for name, (trial, target) in changed.items():
        slo = next((slo for slo in slos if slo["name"] == name), None)
        if slo is None:
            slo = {"name": name, "objective": "o", "window": "rolling", "action_on_breach": "route_to_human_review"}
            slos.append(slo)
        slo.update({"target": target} if target else {}, trial=trial)


def _known_until(manifest: dict[str, Any], year: int) -> None:
    sets = manifest["datasets"]
    sets["later"] = {**sets["test"], "where": f"split == 'test' and year > {year}"}
    for name in ("train", "calibration"):
        sets[name]["where"] += f" and year <= {year}"


def _replayed(workspace: Workspace, rows: Callable[[Datasets], Rows]) -> Replayed:
    manifest = workspace.contract().manifest
    label = manifest.label.column
    sent = [
        Claim(
            row={name: cell for name, cell in row.items() if name != label},
            tenant=tenant_of(row, manifest.tenant),
            label=int(float(row[label])),
        )
        for row in rows(all_datasets(workspace.root, manifest))
    ]
    with tempfile.TemporaryDirectory(prefix="replay-") as home:
        here = Path(home) / "home"
        shutil.copytree(workspace.home, here)
        with open_model(workspace.root, manifest) as model:
            return replay(Workspace(root=workspace.root, home=here), model.values, sent)
